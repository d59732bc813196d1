package task

import "time"

// Firing is what a task and the options of its firing say together, before anything is encoded. It is for whoever has to
// know that at the start, such as traces; [Task.Firing] makes it.
type Firing struct {
	ID    string        // of the option [ID], else the one that Task.Firing was given
	Name  string        // of the task; "" for the zero Task
	Class string        // of the option [Queue], else of the definition
	Delay time.Duration // of the options [Delay] and [At]

	headers []header
}

// Header returns what the option [Header] says for the key, "" if there is none. What [Trace] says is no header yet.
func (f Firing) Header(key string) string {
	for _, h := range f.headers {
		if h.key == key {
			return h.value
		}
	}
	return ""
}

// Firing reads what the options say, and encodes nothing. id and now are those that [Task.Encode] will be given, and it is
// Encode that tells of options which are refused: here they are as if left out, or hold what was asked for.
func (t Task) Firing(id string, now time.Time, opts ...FireOption) Firing {
	f := firing{id: id, now: now, class: t.Class()}
	for _, o := range opts {
		if o != nil {
			_ = o.fire(&f)
		}
	}
	return Firing{ID: f.id, Name: t.Name(), Class: f.class, Delay: f.delay, headers: f.headers}
}
