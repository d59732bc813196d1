package plainjson_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/internal/plainjson"
)

// event is five fields of what tasks carry; sample is 300 bytes of JSON.
type event struct {
	ID    int64    `json:"id"`
	Email string   `json:"email"`
	Items []string `json:"items"`
	Total float64  `json:"total"`
	Text  string   `json:"text"`
}

// dated has what takes longer.
type dated struct {
	At   time.Time `json:"at"`
	Text *string   `json:"text"`
}

var (
	sample  = event{9007199254740993, "ada@example.com", []string{"tea", "pot", "cup"}, 12.5, strings.Repeat("all of <b>it</b> plain;  ", 8)}
	foreign = strings.Repeat("日本語の文章、", 8)
	lines   = strings.Repeat("a line of ordinary length\n", 6)
	day     = time.Date(2026, 3, 1, 12, 30, 45, 123456789, time.UTC)
)

func BenchmarkAppend(b *testing.B) {
	for name, args := range map[string]any{"sample": &sample, "foreign": dated{day, &foreign}, "lines": dated{day, &lines}} {
		e := plainjson.For(reflect.TypeOf(args))
		b.Run("plain/"+name, func(b *testing.B) {
			b.ReportAllocs()
			room := make([]byte, 0, 1024)
			for b.Loop() {
				out, ok := e.Append(room, reflect.ValueOf(args))
				if !ok {
					b.Fatal("not plain")
				}
				b.SetBytes(int64(len(out)))
			}
		})
		b.Run("encoding-json/"+name, func(b *testing.B) {
			b.ReportAllocs()
			var buf bytes.Buffer
			enc := json.NewEncoder(&buf)
			enc.SetEscapeHTML(false)
			for b.Loop() {
				buf.Reset()
				if err := enc.Encode(args); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(buf.Len()))
			}
		})
	}
}

func BenchmarkFor(b *testing.B) {
	for b.Loop() {
		plainjson.For(reflect.TypeFor[event]())
	}
}
