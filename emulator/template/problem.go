package template

import "github.com/offloadhq/offload/internal/cfn"

// ErrUncomputable marks a [*Problem] about a value that only AWS can know and that something that runs here needs.
// Test for it with errors.Is; Problem.Needs names the value, and Options.Values can give it.
var ErrUncomputable = cfn.ErrUncomputable

// A Problem is one mistake in a template, at one place: its File, Line (0 when it is about the file as a whole), Key (the path of the
// key, such as Resources.Work.Properties.VisibilityTimeout; may be ""), the Text (what is wrong, and what to do), and
// Needs, the name of a value that cannot be computed, as Options.Values takes it. Its error reads "template.yaml:12: Key: text".
type Problem = cfn.Problem

// A Warning tells of something in the template that is not as on AWS: File, Line, Key and Text as in a [Problem]. It never
// stops the emulator. Its String reads "template.yaml:12: Key: text".
type Warning = cfn.Warning
