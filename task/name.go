package task

// CheckName returns why [Define] would refuse the name, nil if it would not. It is for names that come from outside the
// program.
func CheckName(name string) error { return checkName(name) }
