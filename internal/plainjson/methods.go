//go:build !goexperiment.jsonv2

package plainjson

import "reflect"

// streams reports what encoding/json calls only where it is built on encoding/json/v2.
func streams(reflect.Type) bool { return false }
