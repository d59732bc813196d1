package cfn

import (
	"bytes"
	"encoding/json"
	"errors"
	"sort"
	"strconv"
)

// parseJSON reads a template in JSON. JSON has a reader of its own because YAML takes neither its tabs nor its surrogate
// pairs.
func parseJSON(r *Report, data []byte) *Value {
	j := &jsonDecoder{decoder: decoder{report: r}, tokens: json.NewDecoder(bytes.NewReader(data))}
	j.tokens.UseNumber()
	for i, c := range data {
		if c == '\n' {
			j.newlines = append(j.newlines, i)
		}
	}
	// The whole is checked first, because the errors of single tokens do not tell their place reliably.
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, new(json.RawMessage)); errors.As(err, &syntax) {
		r.Fail(j.lineAt(syntax.Offset-1), "", "not valid JSON: %s", err)
		return nil
	}
	v, err := j.value("", 0)
	if err != nil {
		r.Fail(j.line(), "", "not valid JSON: %s", err)
		return nil
	}
	return v
}

type jsonDecoder struct {
	decoder
	tokens   *json.Decoder
	newlines []int // offsets of the line feeds
}

// line gives the line of the token that was read last.
func (j *jsonDecoder) line() int { return j.lineAt(j.tokens.InputOffset() - 1) }

func (j *jsonDecoder) lineAt(offset int64) int { return sort.SearchInts(j.newlines, int(offset)) + 1 }

func (j *jsonDecoder) value(path string, depth int) (*Value, error) {
	t, err := j.tokens.Token()
	if err != nil {
		return nil, err
	}
	line := j.line()
	if !j.enter(line, path, depth) {
		return Nothing, nil
	}
	switch t := t.(type) {
	case string:
		return textValue(line, t), nil
	case json.Number:
		return &Value{Kind: Number, Line: line, Text: t.String()}, nil
	case bool:
		return boolValue(line, t), nil
	case json.Delim:
		if t == '[' {
			return j.list(line, path, depth)
		}
		return j.object(line, path, depth)
	}
	return &Value{Line: line}, nil
}

func (j *jsonDecoder) list(line int, path string, depth int) (*Value, error) {
	v := &Value{Kind: List, Line: line}
	for j.tokens.More() && !j.broken {
		item, err := j.value(path+"["+strconv.Itoa(len(v.Items))+"]", depth+1)
		if err != nil {
			return nil, err
		}
		v.Items = append(v.Items, item)
	}
	return v, j.closing()
}

func (j *jsonDecoder) object(line int, path string, depth int) (*Value, error) {
	v := &Value{Kind: Map, Line: line}
	at := make(map[string]int)
	for j.tokens.More() && !j.broken {
		t, err := j.tokens.Token()
		if err != nil {
			return nil, err
		}
		name, _ := t.(string)
		key, keyLine := Join(path, name), j.line()
		item, err := j.value(key, depth+1)
		if err != nil {
			return nil, err
		}
		if first, dup := at[name]; dup {
			j.report.Fail(keyLine, key, "duplicate key; the first one is on line %d", first)
			continue
		}
		at[name] = keyLine
		v.Keys = append(v.Keys, Entry{name, keyLine, item})
	}
	return longForm(v), j.closing()
}

func (j *jsonDecoder) closing() error {
	if j.broken {
		return nil
	}
	_, err := j.tokens.Token()
	return err
}
