// Package archtest holds the module to its architecture: which package may import what, who may call what, what every package says of itself.
//
// The rules are tables (rules.go), the checks are pure functions over a [Tree] (check.go), and Load reads the tree that
// is there. A package that does not exist yet breaks no rule.
package archtest
