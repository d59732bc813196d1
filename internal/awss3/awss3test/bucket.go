// Package awss3test speaks the part of the Amazon S3 protocol that the stores need, and fails as a test asks.
package awss3test

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
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is what becomes of a request that a test picks.
type Fault int

// The faults.
const (
	None       Fault = iota
	LoseAnswer       // it is carried out, and the connection is cut before the answer
	SlowDown         // 503 SlowDown
	Conflict         // 409 ConditionalRequestConflict
	Exists           // 412 PreconditionFailed
	Forbidden        // 403 AccessDenied
	NoBucket         // 404 NoSuchBucket
	BreakOff         // the connection is cut in the middle of the answer
)

var refusals = map[Fault]struct {
	status int
	code   string
}{
	SlowDown:  {503, "SlowDown"},
	Conflict:  {409, "ConditionalRequestConflict"},
	Exists:    {412, "PreconditionFailed"},
	Forbidden: {403, "AccessDenied"},
	NoBucket:  {404, "NoSuchBucket"},
}

// Name is that of the bucket.
const Name = "a-bucket"

// Bucket is the server of one bucket: whole objects, multipart uploads, and checksums, in the header or behind a body in
// pieces. Make one with [New]. Source: Amazon S3 API Reference.
type Bucket struct {
	mu       sync.Mutex
	objects  map[string]string  // guarded by mu
	uploads  map[string]*upload // guarded by mu
	requests []string           // guarded by mu: each request, as OPERATION or OPERATION NUMBER
	faults   map[string][]Fault // guarded by mu: by operation, of the next requests
	framing  map[string]bool    // guarded by mu: where checksums came: "header", "trailer" or "none"
	ids      int                // guarded by mu
}

type upload struct {
	key       string
	algorithm string
	parts     map[int]string
}

// New returns an empty bucket.
func New() *Bucket {
	return &Bucket{
		objects: map[string]string{}, uploads: map[string]*upload{}, faults: map[string][]Fault{}, framing: map[string]bool{},
	}
}

// Fail gives the next requests of an operation ("put", "get", "create", "part", "complete", "abort") their faults.
func (b *Bucket) Fail(operation string, faults ...Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[operation] = faults
}

// Add stores an object.
func (b *Bucket) Add(key, object string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = object
}

// Objects is what readers see.
func (b *Bucket) Objects() (map[string]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.objects), nil
}

// Framings tells where the checksums of uploads came: "header", "trailer" or "none".
func (b *Bucket) Framings() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.framing))
}

// Seen returns the requests so far, and how many uploads are unfinished.
func (b *Bucket) Seen() (requests string, unfinished int) {
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
	case r.Method == http.MethodGet:
		return "get"
	case r.Method == http.MethodPost && q.Has("uploads"):
		return "create"
	case r.Method == http.MethodPost:
		return "complete"
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		return "abort"
	}
	return r.Method
}

// ServeHTTP answers a request.
func (b *Bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, framing, err := content(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadDigest", err.Error())
		return
	}
	f, status, code, answer := b.answer(r, body, framing, w.Header())
	if refusal, ok := refusals[f]; ok {
		refuse(w, refusal.status, refusal.code, "as the test asked")
		return
	}
	switch {
	case f == LoseAnswer:
		panic(http.ErrAbortHandler)
	case f == BreakOff:
		w.WriteHeader(status)
		_, _ = w.Write(answer[:len(answer)/2])
		panic(http.ErrAbortHandler)
	case code != "":
		refuse(w, status, code, operation(r))
	default:
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}
}

// answer notes a request and does what it asks for, unless its fault is a refusal.
func (b *Bucket) answer(r *http.Request, body []byte, framing string, header http.Header) (f Fault, status int, code string, answer []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	op := operation(r)
	b.requests = append(b.requests, op)
	if len(body) > 0 && (op == "put" || op == "part") { // with nothing to send there is nothing to send behind
		b.framing[framing] = true
	}
	if queue := b.faults[op]; len(queue) > 0 {
		f, b.faults[op] = queue[0], queue[1:]
	}
	if _, refused := refusals[f]; refused {
		return f, 0, "", nil
	}
	var text bytes.Buffer
	status, code = b.do(op, r, body, framing, &text, header)
	return f, status, code, text.Bytes()
}

func (b *Bucket) do(op string, r *http.Request, body []byte, framing string, answer io.Writer, header http.Header) (status int, code string) {
	bucketName, key, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok || bucketName != Name {
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
	case "get":
		object, ok := b.objects[key]
		if !ok {
			return http.StatusNotFound, "NoSuchKey"
		}
		header.Set("Content-Length", strconv.Itoa(len(object)))
		if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
			header.Set("X-Amz-Checksum-Crc32", sum([]byte(object)))
		}
		_, _ = io.WriteString(answer, object)
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

func (b *Bucket) complete(id string, body []byte, answer io.Writer) (status int, code string) {
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
