package cfn

import (
	"fmt"
	"os"
	"path/filepath"
)

// Open reads a template file and gives its absolute directory too.
func Open(file string) (data []byte, dir string, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, "", fmt.Errorf("template %q: %w", file, err)
	}
	if !info.Mode().IsRegular() {
		return nil, "", fmt.Errorf("template %q: not a file; name the template itself, such as %s", file, filepath.Join(file, "template.yaml"))
	}
	if info.Size() > maxFileBytes {
		return nil, "", fmt.Errorf("template %q: %d bytes; AWS takes at most %d", file, info.Size(), maxFileBytes)
	}
	data, err = os.ReadFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("template %q: %w", file, err)
	}
	dir, err = filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, "", fmt.Errorf("template %q: %w", file, err)
	}
	return data, dir, nil
}
