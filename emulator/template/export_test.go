package template

// LoadBytes is Load for a template that is in memory already.
func LoadBytes(file, dir string, data []byte, opts *Options) (*Template, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	return load(file, dir, data, &o)
}
