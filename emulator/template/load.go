package template

import (
	"slices"

	"github.com/offloadhq/offload/internal/cfn"
)

// Load reads the template in file and resolves it. It reads that file, and looks whether the directories that functions name are
// there; it changes nothing, and may be called concurrently.
//
// A nil opts means the defaults. When anything is wrong the template is nil and the error joins every problem found, each a
// [*Problem]; see there for the form of the text. A file that cannot be read gives an error that wraps the cause.
func Load(file string, opts *Options) (*Template, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	data, dir, err := cfn.Open(file)
	if err != nil {
		return nil, err
	}
	return load(file, dir, data, &o)
}

func load(file, dir string, data []byte, o *cfn.Options) (*Template, error) {
	r := cfn.NewReport(file)
	root := cfn.Parse(r, data)
	if root == nil || len(r.Problems) > 0 {
		return nil, r.Err()
	}
	res := cfn.Resolve(r, root, o, slices.Concat(functionUsed, serverlessUsed, functionIgnored, serverlessIgnored, functionWarned, serverlessWarned)...)
	b := newBuilder(res, file, dir)
	b.build(root)
	if err := r.Err(); err != nil {
		return nil, err
	}
	b.template.Warnings = r.SortedWarnings()
	return b.template, nil
}
