package lambda

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
)

// serveInvoke answers the Invoke operation (AWS Lambda API Reference, "Invoke"): RequestResponse, Event and DryRun, a
// qualifier, and X-Amz-Log-Type: Tail.
func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request) {
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
		Function: r.PathValue("function"), Qualifier: r.URL.Query().Get("Qualifier"), Payload: body,
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
