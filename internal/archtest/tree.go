package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module is the path of the module under test.
const Module = "github.com/offloadhq/offload"

// Tree is what the checks look at.
type Tree struct {
	Folders  []string // at the top, without hidden ones
	Packages []Package
}

// Package is one folder of Go files, all build constraints included. Folders of nested modules and of test data are no
// part of the tree.
type Package struct {
	Path  string // below the module, as "transport/sqstransport"
	Name  string // of the package clause
	Doc   string // the package comment
	Files []File // without tests
	Tests []File
}

// File is one Go file.
type File struct {
	Name    string
	Lines   int
	Imports []string
	Calls   []string // functions of other packages that it names, as "os.Getenv": import path, dot, name
}

// Imports lists what the package's files import, each once.
func (p Package) Imports() []string {
	var all []string
	for _, f := range p.Files {
		all = append(all, f.Imports...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Load reads the tree below root.
func Load(root string) (Tree, error) {
	var t Tree
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if rel != "." {
			name := d.Name()
			if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || rel == "bin" {
				return filepath.SkipDir
			}
			if !strings.Contains(rel, "/") {
				t.Folders = append(t.Folders, rel)
			}
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return filepath.SkipDir
			}
		}
		p, err := loadPackage(dir, rel)
		if err != nil {
			return err
		}
		if len(p.Files)+len(p.Tests) > 0 {
			t.Packages = append(t.Packages, p)
		}
		return nil
	})
	return t, err
}

func loadPackage(dir, rel string) (Package, error) {
	p := Package{Path: rel}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return p, err
	}
	for _, file := range files {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return p, err
		}
		f := File{
			Name:    path.Join(rel, filepath.Base(file)),
			Lines:   set.File(parsed.FileStart).LineCount(),
			Imports: imports(parsed),
			Calls:   calls(parsed),
		}
		if strings.HasSuffix(file, "_test.go") {
			p.Tests = append(p.Tests, f)
			continue
		}
		p.Files = append(p.Files, f)
		p.Name = parsed.Name.Name
		if parsed.Doc != nil {
			p.Doc = parsed.Doc.Text()
		}
	}
	return p, nil
}

func imports(f *ast.File) []string {
	var all []string
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// calls finds selectors on imported packages. A function that is only named, to be called by others, counts too.
func calls(f *ast.File) []string {
	local := map[string]string{}
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		local[name] = p
	}
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && local[x.Name] != "" {
				all = append(all, local[x.Name]+"."+s.Sel.Name)
			}
		}
		return true
	})
	slices.Sort(all)
	return slices.Compact(all)
}
