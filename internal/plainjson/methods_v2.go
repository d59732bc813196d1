//go:build goexperiment.jsonv2

package plainjson

import (
	"encoding/json/v2"
	"reflect"
)

var streamType = reflect.TypeFor[json.MarshalerTo]()

// streams reports whether t has the method that writes into a stream, which encoding/json on encoding/json/v2 calls first.
func streams(t reflect.Type) bool { return implements(t, streamType) }
