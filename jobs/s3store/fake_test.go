package s3store_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// fault is what becomes of a request that a test picks.
type fault int

const (
	none       fault = iota
	loseAnswer       // it is carried out, and the connection is cut before the answer
	slowDown         // 503 SlowDown
	conflict         // 409 ConditionalRequestConflict
	exists           // 412 PreconditionFailed
	forbidden        // 403 AccessDenied
	noBucket         // 404 NoSuchBucket
)

var refusals = map[fault]struct {
	status int
	code   string
}{
	slowDown:  {503, "SlowDown"},
	conflict:  {409, "ConditionalRequestConflict"},
	exists:    {412, "PreconditionFailed"},
	forbidden: {403, "AccessDenied"},
	noBucket:  {404, "NoSuchBucket"},
}

// bucket speaks the part of the S3 protocol that a store needs: whole objects, multipart uploads, and checksums, in the
// header or behind a body in pieces. Source: Amazon S3 API Reference.
type bucket struct {
	mu       sync.Mutex
	objects  map[string]string  // guarded by mu
	uploads  map[string]*upload // guarded by mu
	requests []string           // guarded by mu: each request, as OPERATION or OPERATION NUMBER
	faults   map[string][]fault // guarded by mu: by operation, of the next requests
	hosts    map[string]bool    // guarded by mu: names that were called
	framing  map[string]bool    // guarded by mu: where checksums came: "header", "trailer" or "none"
	ids      int                // guarded by mu
}

type upload struct {
	key       string
	algorithm string
	parts     map[int]string
}

func newBucket() *bucket {
	return &bucket{
		objects: map[string]string{}, uploads: map[string]*upload{}, faults: map[string][]fault{}, hosts: map[string]bool{}, framing: map[string]bool{},
	}
}

func (b *bucket) fail(operation string, faults ...fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[operation] = faults
}

// Objects is what readers see.
func (b *bucket) Objects() (map[string]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.objects), nil
}

// seen returns the requests so far, and how many uploads are unfinished.
func (b *bucket) seen() (requests string, unfinished int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.requests, " "), len(b.uploads)
}

func operation(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPut && q.Has("partNumber"):
		return "part"
	case r.Method == http.MethodPut:
		return "put"
	case r.Method == http.MethodPost && q.Has("uploads"):
		return "create"
	case r.Method == http.MethodPost:
		return "complete"
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		return "abort"
	}
	return r.Method
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, framing, err := content(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadDigest", err.Error())
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	op := operation(r)
	b.requests = append(b.requests, op)
	b.hosts[r.Host] = true
	if len(body) > 0 && (op == "put" || op == "part") { // with nothing to send there is nothing to send behind
		b.framing[framing] = true
	}
	f := none
	if queue := b.faults[op]; len(queue) > 0 {
		f, b.faults[op] = queue[0], queue[1:]
	}
	if refusal, ok := refusals[f]; ok {
		refuse(w, refusal.status, refusal.code, "as the test asked")
		return
	}
	var answer bytes.Buffer
	status, code := b.do(op, r, body, framing, &answer, w.Header())
	switch {
	case f == loseAnswer:
		panic(http.ErrAbortHandler)
	case code != "":
		refuse(w, status, code, op)
	default:
		w.WriteHeader(status)
		_, _ = answer.WriteTo(w)
	}
}

func (b *bucket) do(op string, r *http.Request, body []byte, framing string, answer io.Writer, header http.Header) (status int, code string) {
	bucketName, key, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok || bucketName != "results" {
		return http.StatusNotFound, "NoSuchBucket"
	}
	id := r.URL.Query().Get("uploadId")
	if u := b.uploads[id]; id != "" && (u == nil || u.key != key) {
		return http.StatusNotFound, "NoSuchUpload"
	}
	switch op {
	case "put":
		b.objects[key] = string(body)
		header.Set("ETag", `"whole"`)
	case "create":
		b.ids++
		id := fmt.Sprintf("upload-%d", b.ids)
		b.uploads[id] = &upload{key: key, algorithm: r.Header.Get("X-Amz-Checksum-Algorithm"), parts: map[int]string{}}
		fmt.Fprintf(answer, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
	case "part":
		n, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
		if err != nil || n < 1 || n > 10_000 {
			return http.StatusBadRequest, "InvalidArgument"
		}
		if (framing != "none") != (b.uploads[id].algorithm != "") {
			return http.StatusBadRequest, "InvalidRequest" // checksum type mismatch between the upload and its part
		}
		b.uploads[id].parts[n] = string(body)
		header.Set("ETag", fmt.Sprintf(`"part-%d"`, n))
		if b.uploads[id].algorithm != "" {
			header.Set("X-Amz-Checksum-Crc32", sum(body))
		}
	case "complete":
		return b.complete(id, body, answer)
	case "abort":
		delete(b.uploads, id)
		return http.StatusNoContent, ""
	default:
		return http.StatusNotImplemented, "NotImplemented"
	}
	return http.StatusOK, ""
}

func (b *bucket) complete(id string, body []byte, answer io.Writer) (status int, code string) {
	var list struct {
		Part []struct {
			PartNumber    int
			ETag          string
			ChecksumCRC32 string
		}
	}
	if xml.Unmarshal(body, &list) != nil || len(list.Part) == 0 {
		return http.StatusBadRequest, "MalformedXML"
	}
	u := b.uploads[id]
	var whole strings.Builder
	for i, p := range list.Part {
		part, ok := u.parts[p.PartNumber]
		switch {
		case !ok || p.PartNumber != i+1 || p.ETag != fmt.Sprintf(`"part-%d"`, p.PartNumber):
			return http.StatusBadRequest, "InvalidPart"
		case i < len(list.Part)-1 && len(part) < 5<<20:
			return http.StatusBadRequest, "EntityTooSmall"
		case u.algorithm != "" && p.ChecksumCRC32 != sum([]byte(part)):
			return http.StatusBadRequest, "InvalidRequest" // the complete request must include the checksum for each part
		}
		whole.WriteString(part)
	}
	b.objects[u.key] = whole.String()
	delete(b.uploads, id)
	fmt.Fprintf(answer, "<CompleteMultipartUploadResult><ETag>&quot;whole&quot;</ETag></CompleteMultipartUploadResult>")
	return http.StatusOK, ""
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

func sum(b []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)))
}

// content reads a body, undoes the encoding aws-chunked, and checks the checksum that came with it.
func content(r *http.Request) (body []byte, framing string, err error) {
	given := r.Header.Get("X-Amz-Checksum-Crc32")
	framing = "none"
	if given != "" {
		framing = "header"
	}
	if r.Header.Get("Content-Encoding") == "aws-chunked" {
		framing = "trailer"
		body, given, err = chunks(bufio.NewReader(r.Body))
	} else {
		body, err = io.ReadAll(r.Body)
	}
	if err == nil && given != "" && given != sum(body) {
		err = fmt.Errorf("checksum is %s, want %s", given, sum(body))
	}
	return body, framing, err
}

// chunks reads SIZE CRLF DATA CRLF … 0 CRLF trailer. Source: Amazon S3 API Reference, "Signature calculations … including
// trailing headers (chunked upload)".
func chunks(r *bufio.Reader) (body []byte, checksum string, err error) {
	line := func() string {
		s, e := r.ReadString('\n')
		if e != nil && e != io.EOF && err == nil {
			err = e
		}
		return strings.TrimRight(s, "\r\n")
	}
	for err == nil {
		size, _, _ := strings.Cut(line(), ";")
		n, e := strconv.ParseInt(size, 16, 32)
		if e != nil {
			return nil, "", e
		}
		if n == 0 {
			break
		}
		piece := make([]byte, n)
		if _, e := io.ReadFull(r, piece); e != nil {
			return nil, "", e
		}
		body = append(body, piece...)
		line()
	}
	name, checksum, _ := strings.Cut(line(), ":")
	if err == nil && !strings.EqualFold(name, "x-amz-checksum-crc32") {
		err = fmt.Errorf("trailer %q: want the checksum", name)
	}
	return body, checksum, err
}
