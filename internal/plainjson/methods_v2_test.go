//go:build goexperiment.jsonv2

package plainjson_test

import (
	"encoding/json/jsontext"
	"reflect"
	"testing"

	"github.com/offloadhq/offload/internal/plainjson"
)

type streamer struct{}

func (*streamer) MarshalJSONTo(e *jsontext.Encoder) error { return e.WriteToken(jsontext.Null) }

func TestStreamersAreNotPlain(t *testing.T) {
	if plainjson.For(reflect.TypeFor[streamer]()) != nil {
		t.Error("a type with MarshalJSONTo is plain")
	}
}
