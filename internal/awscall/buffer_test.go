package awscall_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/offloadhq/offload/internal/awscall"
	"github.com/offloadhq/offload/internal/awserr"
)

// early is a connection whose other end answers as soon as the request begins, and takes no more of it until it is told to.
type early struct {
	begun, closed chan struct{}
	goOn          chan struct{} // the rest is taken when it is closed
	whole         chan struct{} // closed with as many bytes of the body as there should be
	want          int

	mu      sync.Mutex
	written []byte // guarded by mu
	once    sync.Once
	ended   sync.Once
	answer  *bytes.Reader
}

func newEarly(want int) *early {
	return &early{
		begun: make(chan struct{}), closed: make(chan struct{}), goOn: make(chan struct{}), whole: make(chan struct{}), want: want,
		answer: bytes.NewReader([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")),
	}
}

func (c *early) body() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, body, _ := bytes.Cut(c.written, []byte("\r\n\r\n"))
	return bytes.Clone(body)
}

// Write holds the writer up before it looks at what there is to write.
func (c *early) Write(b []byte) (int, error) {
	c.once.Do(func() { close(c.begun) })
	<-c.goOn
	c.mu.Lock()
	c.written = append(c.written, b...)
	c.mu.Unlock()
	if len(c.body()) == c.want {
		close(c.whole)
	}
	return len(b), nil
}

func (c *early) Read(b []byte) (int, error) {
	<-c.begun
	if c.answer.Len() > 0 {
		return c.answer.Read(b)
	}
	<-c.closed
	return 0, net.ErrClosed
}

func (c *early) Close() error {
	c.ended.Do(func() { close(c.closed) })
	return nil
}

func (c *early) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *early) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *early) SetDeadline(time.Time) error      { return nil }
func (c *early) SetReadDeadline(time.Time) error  { return nil }
func (c *early) SetWriteDeadline(time.Time) error { return nil }

// TestBodyThatIsStillWrittenIsNotUsedAgain answers a request in the middle. Another request must not write into what is left
// of the first.
func TestBodyThatIsStillWrittenIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 50 << 10 // more than net/http buffers
		first, second := newEarly(size), newEarly(size)
		close(second.goOn)
		conns := make(chan net.Conn, 2)
		conns <- first
		conns <- second
		c, err := awscall.New(aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String("https://localhost"), Credentials: aws.AnonymousCredentials{},
			HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
				tr.Proxy = nil
				tr.DialTLSContext = func(context.Context, string, string) (net.Conn, error) { return <-conns, nil }
			}),
		}, awscall.Service{Name: "sqs", ID: "SQS"})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"a", "b"} {
			encode := func(b []byte) []byte { return append(b, bytes.Repeat([]byte(text), size)...) }
			if err := c.Call(t.Context(), "T.Op", encode, func([]byte) error { return nil }, &awserr.Call{}); err != nil {
				t.Fatal(err)
			}
		}
		close(first.goOn)
		for text, conn := range map[string]*early{"a": first, "b": second} {
			select {
			case <-conn.whole:
			case <-time.After(10 * time.Second):
				t.Error("the rest of a request is missing")
			}
			if got := conn.body(); !bytes.Equal(got, bytes.Repeat([]byte(text), size)) {
				t.Errorf("the request of %d times %q had %d of them", size, text, bytes.Count(got, []byte(text)))
			}
			_ = conn.Close()
		}
	})
}
