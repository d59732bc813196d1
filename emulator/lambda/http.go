package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const (
	invokePrefix = "/2015-03-31/functions/"
	invokeSuffix = "/invocations"
)

// ServeHTTP answers the Invoke operation (AWS Lambda API Reference, "Invoke"): RequestResponse, Event and DryRun, a
// qualifier, and X-Amz-Log-Type: Tail. It checks no signature. Any other request gets UnknownOperationException.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newID()
	w.Header().Set("X-Amzn-Requestid", id)
	name, ok := invokeTarget(r)
	if !ok {
		writeError(w, &Error{
			Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "The emulator's Lambda serves POST " + invokePrefix + "NAME" + invokeSuffix + " and nothing else, so not " + r.Method + " " + r.URL.Path,
		})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSyncRequest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeError(w, errTooLarge(maxSyncRequest))
		return
	case err != nil:
		return // the client has gone
	}
	req := Request{
		Function: name, Qualifier: r.URL.Query().Get("Qualifier"), Payload: body,
		TraceHeader: r.Header.Get("X-Amzn-Trace-Id"), LogTail: r.Header.Get("X-Amz-Log-Type") == "Tail",
	}
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		s.serveSync(w, r, req)
	case "Event":
		id, err := s.InvokeAsync(r.Context(), req)
		if err != nil {
			writeError(w, err)
			return
		}
		w.Header().Set("X-Amzn-Requestid", id)
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		if _, err := s.find(req); err != nil {
			writeError(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		writeError(w, errInvalidParameter("X-Amz-Invocation-Type %q: must be RequestResponse, Event or DryRun", kind))
	}
}

func (s *Service) serveSync(w http.ResponseWriter, r *http.Request, req Request) {
	response, err := s.Invoke(r.Context(), req)
	if err != nil {
		writeError(w, err)
		return
	}
	h := w.Header()
	h.Set("X-Amzn-Requestid", response.RequestID)
	h.Set("X-Amz-Executed-Version", response.ExecutedVersion)
	h.Set("Content-Type", "application/json")
	if response.FunctionError != "" {
		h.Set("X-Amz-Function-Error", response.FunctionError)
	}
	if req.LogTail {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(response.LogTail))
	}
	_, _ = w.Write(response.Payload)
}

// invokeTarget returns the function that the path of an Invoke names.
func invokeTarget(r *http.Request) (string, bool) {
	name, ok := strings.CutPrefix(r.URL.EscapedPath(), invokePrefix)
	if !ok || r.Method != http.MethodPost {
		return "", false
	}
	name, ok = strings.CutSuffix(name, invokeSuffix)
	if !ok || name == "" || strings.Contains(name, "/") {
		return "", false
	}
	name, err := url.PathUnescape(name)
	return name, err == nil
}

// writeError writes an error as the REST protocol of AWS does: the code in a header, the rest in the body.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = errService(ErrService, err)
	}
	fault := "User"
	if e.Status >= http.StatusInternalServerError {
		fault = "Service"
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(struct {
		Reason  string `json:",omitempty"`
		Type    string
		Message string `json:"message"`
	}{e.Reason, fault, e.Message})
}
