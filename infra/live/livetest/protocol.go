package livetest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

// --- AWS JSON (SQS, CloudWatch Logs) and REST JSON (Lambda) ---

func readTarget(r *http.Request) (operation string, in object) {
	_, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return operation, decodeJSON(r.Body)
}

func decodeJSON(body io.Reader) object {
	in := object{}
	_ = json.NewDecoder(body).Decode(&in)
	return in
}

func writeJSON(w http.ResponseWriter, _ string, out object) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

func failJSON(w http.ResponseWriter, f *failure) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", f.code)
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(object{"__type": f.code, "message": f.message})
}

// lambdaPaths are the operations of Lambda by method and the pattern of their path.
var lambdaPaths = map[string]string{
	"GET /2015-03-31/functions/{FunctionName}/configuration":            "GetFunctionConfiguration",
	"GET /2015-03-31/functions/{FunctionName}/aliases":                  "ListAliases",
	"GET /2015-03-31/functions/{FunctionName}/policy":                   "GetPolicy",
	"POST /2015-03-31/functions/{FunctionName}/policy":                  "AddPermission",
	"DELETE /2015-03-31/functions/{FunctionName}/policy/{StatementId}":  "RemovePermission",
	"GET /2019-09-30/functions/{FunctionName}/concurrency":              "GetFunctionConcurrency",
	"PUT /2017-10-31/functions/{FunctionName}/concurrency":              "PutFunctionConcurrency",
	"DELETE /2017-10-31/functions/{FunctionName}/concurrency":           "DeleteFunctionConcurrency",
	"GET /2024-08-31/functions/{FunctionName}/recursion-config":         "GetFunctionRecursionConfig",
	"PUT /2024-08-31/functions/{FunctionName}/recursion-config":         "PutFunctionRecursionConfig",
	"GET /2019-09-25/functions/{FunctionName}/event-invoke-config/list": "ListFunctionEventInvokeConfigs",
	"PUT /2019-09-25/functions/{FunctionName}/event-invoke-config":      "PutFunctionEventInvokeConfig",
	"DELETE /2019-09-25/functions/{FunctionName}/event-invoke-config":   "DeleteFunctionEventInvokeConfig",
	"GET /2021-10-31/functions/{FunctionName}/urls":                     "ListFunctionUrlConfigs",
	"POST /2021-10-31/functions/{FunctionName}/url":                     "CreateFunctionUrlConfig",
	"DELETE /2021-10-31/functions/{FunctionName}/url":                   "DeleteFunctionUrlConfig",
	"GET /2015-03-31/event-source-mappings":                             "ListEventSourceMappings",
	"POST /2015-03-31/event-source-mappings":                            "CreateEventSourceMapping",
	"GET /2015-03-31/event-source-mappings/{UUID}":                      "GetEventSourceMapping",
	"PUT /2015-03-31/event-source-mappings/{UUID}":                      "UpdateEventSourceMapping",
	"DELETE /2015-03-31/event-source-mappings/{UUID}":                   "DeleteEventSourceMapping",
}

// readLambda finds the operation of a path. Its labels and the query are part of the input.
func readLambda(r *http.Request) (operation string, in object) {
	in = decodeJSON(r.Body)
	for key, values := range r.URL.Query() {
		in[key] = values[0]
	}
	have := strings.Split(strings.TrimRight(r.URL.EscapedPath(), "/"), "/")
	for pattern, name := range lambdaPaths {
		method, path, _ := strings.Cut(pattern, " ")
		want := strings.Split(path, "/")
		if method != r.Method || len(want) != len(have) {
			continue
		}
		labels := object{}
		for i, part := range want {
			if strings.HasPrefix(part, "{") {
				labels[strings.Trim(part, "{}")], _ = url.PathUnescape(have[i])
			} else if part != have[i] {
				labels = nil
				break
			}
		}
		if labels != nil {
			maps.Copy(in, labels)
			return name, in
		}
	}
	return r.Method + " " + r.URL.Path, in
}

// --- query (CloudFormation, IAM) ---

func readQuery(r *http.Request) (operation string, in object) {
	_ = r.ParseForm()
	in = object{}
	for key := range r.PostForm {
		in[key] = r.PostForm.Get(key)
	}
	return r.PostForm.Get("Action"), in
}

func writeQuery(w http.ResponseWriter, operation string, out object) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", operation, toXML(out))
}

func failQuery(w http.ResponseWriter, f *failure) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(f.status)
	fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", f.code, f.message)
}

// toXML writes a value: an object as elements, a list as members.
func toXML(v any) string {
	var out strings.Builder
	switch v := v.(type) {
	case object:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			fmt.Fprintf(&out, "<%[1]s>%[2]s</%[1]s>", key, toXML(v[key]))
		}
	case []any:
		for _, item := range v {
			out.WriteString("<member>" + toXML(item) + "</member>")
		}
	default:
		_ = xml.EscapeText(&out, []byte(fmt.Sprint(v)))
	}
	return out.String()
}

// --- Smithy RPC v2 CBOR (CloudWatch) ---

func readCBOR(r *http.Request) (operation string, in object) {
	body, _ := io.ReadAll(r.Body)
	in = object{}
	if v, err := cbor.Decode(body); err == nil {
		if decoded, ok := fromCBOR(v).(object); ok {
			in = decoded
		}
	}
	return r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], in
}

func writeCBOR(w http.ResponseWriter, _ string, out object) {
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	_, _ = w.Write(cbor.Encode(toCBOR(out)))
}

func failCBOR(w http.ResponseWriter, f *failure) {
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.WriteHeader(f.status)
	_, _ = w.Write(cbor.Encode(toCBOR(object{"__type": f.code, "message": f.message})))
}

func toCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case object:
		out := cbor.Map{}
		for key, item := range v {
			out[key] = toCBOR(item)
		}
		return out
	case []any:
		out := cbor.List{}
		for _, item := range v {
			out = append(out, toCBOR(item))
		}
		return out
	case bool:
		return cbor.Bool(v)
	case int:
		return cbor.Uint(v) //nolint:gosec // none is negative
	case float64:
		return cbor.Float64(v)
	}
	return cbor.String(fmt.Sprint(v))
}

func fromCBOR(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		out := object{}
		for key, item := range v {
			out[key] = fromCBOR(item)
		}
		return out
	case cbor.List:
		out := []any{}
		for _, item := range v {
			out = append(out, fromCBOR(item))
		}
		return out
	case cbor.Bool:
		return bool(v)
	case cbor.Uint:
		return int(v) //nolint:gosec // small
	case cbor.Float64:
		return float64(v)
	case cbor.Float32:
		return float64(v)
	case cbor.String:
		return string(v)
	}
	return nil
}

// --- REST XML (S3), for four sub-resources of a bucket ---

var bucketResources = map[string]string{
	"encryption": "BucketEncryption", "publicAccessBlock": "PublicAccessBlock", "policy": "BucketPolicy", "lifecycle": "BucketLifecycleConfiguration",
}

func readS3(r *http.Request) (operation string, in object) {
	body, _ := io.ReadAll(r.Body)
	in = object{"Bucket": strings.Trim(r.URL.Path, "/"), "Body": string(body)}
	verb := map[string]string{http.MethodGet: "Get", http.MethodPut: "Put", http.MethodDelete: "Delete"}[r.Method]
	for key, name := range bucketResources {
		if r.URL.Query().Has(key) {
			return verb + name, in
		}
	}
	return r.Method + " " + r.URL.String(), in
}

func writeS3(w http.ResponseWriter, _ string, out object) {
	_, _ = io.WriteString(w, out["Body"].(string))
}

func failS3(w http.ResponseWriter, f *failure) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", f.code, f.message)
}
