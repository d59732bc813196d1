// Package infra is the rules that a stack must keep, and their two readers: of the template, of a live stack.
//
// A [Stack] is a neutral model: plain data that says what AWS would do, whether it was read from a template (package
// infra/template) or from an account (package infra/live). [Rules] are values, each with an id, a severity, the reason, the
// fix and the AWS page that it rests on; [Check] holds a stack against them and gives a [Report]. [Diff] compares two stacks
// field by field.
//
// # Severities
//
// An [Error] loses or leaks work, or lets a stranger in. A [Warning] costs, or hides what happens. An [Info] is worth
// knowing. The package reads nothing and changes nothing: it imports neither the AWS SDK nor a parser, and everything in
// it may be used concurrently as long as nobody changes the Stack.
package infra
