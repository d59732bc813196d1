package sqstransport_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/internal/jsonscan"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/awssdk"
)

// benchServer makes the test binary serve instead of test: its CPU is not the sender's.
const benchServer = "SQSTRANSPORT_BENCH_SERVER"

// serveBench serves until its standard input ends: with TLS or without, each answer late by the given time.
func serveBench(mode string) {
	scheme, late, _ := strings.Cut(mode, ",")
	delay, err := time.ParseDuration(late)
	if err != nil {
		panic(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		time.Sleep(delay)
		_, _ = w.Write(acceptAll(body))
	}))
	if scheme == "https" {
		server.StartTLS()
	} else {
		server.Start()
	}
	fmt.Println(server.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// acceptAll answers a request of SendMessageBatch with as little work as it takes.
func acceptAll(request []byte) []byte {
	answer := []byte(`{"Successful":[`)
	c := jsonscan.New(request)
	i := 0
	err := c.Object(func(key []byte) error {
		if string(key) != "Entries" {
			return c.Skip()
		}
		return c.Array(func() error {
			return c.Object(func(key []byte) error {
				if string(key) != "MessageBody" {
					return c.Skip()
				}
				body, err := c.Text()
				sum := md5.Sum(body)
				if i > 0 {
					answer = append(answer, ',')
				}
				answer = fmt.Appendf(answer, `{"Id":"%d","MessageId":"5fea7756-0ea4-451a-a703-a558b933e274","MD5OfMessageBody":"%s"}`, i, hex.EncodeToString(sum[:]))
				i++
				return err
			})
		})
	})
	if err != nil {
		panic(err)
	}
	return append(answer, `],"Failed":[]}`...)
}

// startBench starts a server in a process of its own and returns its address.
func startBench(b *testing.B, mode string) string {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	child := exec.CommandContext(b.Context(), exe)
	child.Env = append(os.Environ(), benchServer+"="+mode)
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = child.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// benchCA trusts the certificate that httptest has for every server.
func benchCA() *awshttp.BuildableClient {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	ca := x509.NewCertPool()
	ca.AddCert(server.Certificate())
	return awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12}
	})
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// contender is a way to send a full batch, and what its rounds took.
type contender struct {
	name       string
	send       func(ctx context.Context) error
	used, took []float64 // of each round, in seconds: CPU of this process, and time
}

// contenders are the lean client; the SDK's with the pool that awssdk gives it, and as it comes; and net/http with a request
// that is ready, whose answer nobody looks at: what is under all of them.
func contenders(b *testing.B, url string) []*contender {
	batch := envelopes(b, maxEntries)
	for i := range batch {
		batch[i] = sized(b, 300)
	}
	all := []*contender{{name: "net/http", send: ready(b, url, batch)}}
	for _, c := range []struct {
		name   string
		client func(aws.Config) *sqstransport.Client
	}{
		{"lean", sqstransport.NewClient},
		{"SDK", func(cfg aws.Config) *sqstransport.Client { return awssdk.NewClient(cfg) }},
		{"SDK-default-pool", func(cfg aws.Config) *sqstransport.Client { return awssdk.Wrap(awssqs.NewFromConfig(cfg)) }},
	} {
		s := newSender(b, c.client(config(benchCA(), url)), url+"/000000000000/work", nil)
		all = append(all, &contender{name: c.name, send: func(ctx context.Context) error {
			_, err := s.Send(ctx, batch)
			return err
		}})
	}
	return all
}

// ready sends the same bytes again and again, as the lean client sent them once.
func ready(b *testing.B, url string, batch []task.Envelope) func(ctx context.Context) error {
	var body []byte
	var header http.Header
	s := newSender(b, lean.client(config(doFunc(func(r *http.Request) (*http.Response, error) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		return answer(200, "{}"), nil
	}), url)), url+"/000000000000/work", nil)
	_, _ = s.Send(b.Context(), batch) // of the answer it makes nothing
	client := awserr.Pooled(benchCA())
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header = header
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		return errors.Join(err, answer.Body.Close())
	}
}

const maxEntries = 10

// BenchmarkSender sends full batches of ordinary tasks by each contender in turn, round by round, to one server in another
// process, and reports the CPU of this process, the median of the rounds. An iteration is a round of each.
func BenchmarkSender(b *testing.B) {
	for _, c := range []struct {
		name, mode string
		senders    int
	}{
		{"plain/0ms/8senders", "http,0s", 8},
		{"TLS/0ms/8senders", "https,0s", 8},
		{"TLS/10ms/64senders", "https,10ms", 64},
	} {
		b.Run(c.name, func(b *testing.B) {
			all := contenders(b, startBench(b, c.mode))
			for _, k := range all {
				round(b, k.send, c.senders, 4*c.senders) // connects
			}
			requests := 40 * c.senders
			b.ResetTimer()
			for range b.N {
				for _, k := range all {
					began, before := time.Now(), cpu()
					round(b, k.send, c.senders, requests)
					k.used = append(k.used, (cpu() - before).Seconds())
					k.took = append(k.took, time.Since(began).Seconds())
				}
			}
			tasks := float64(requests * maxEntries)
			per := map[string]float64{}
			for _, k := range all {
				per[k.name] = median(k.used) * 1e6 / tasks
				b.ReportMetric(per[k.name], k.name+"-µs/task")
				b.ReportMetric(tasks/median(k.took), k.name+"-tasks/s")
			}
			b.ReportMetric(1e6/per["lean"], "lean-tasks/s/core")
			for _, other := range []string{"net/http", "SDK", "SDK-default-pool"} {
				b.ReportMetric(per["lean"]/per[other], "lean/"+other)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// round makes the requests, by so many senders at a time.
func round(b *testing.B, send func(context.Context) error, senders, requests int) {
	var left atomic.Int64
	left.Store(int64(requests))
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := send(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkSend is one request of ten tasks without a network.
func BenchmarkSend(b *testing.B) {
	for _, k := range []kind{lean, viaSDK} {
		b.Run(k.name, func(b *testing.B) {
			s, batch := withoutNetwork(b, k)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Send(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// withoutNetwork makes a sender whose answers are ready.
func withoutNetwork(tb testing.TB, k kind) (*sqstransport.Sender, []task.Envelope) {
	batch := envelopes(tb, 10)
	text := `{"Successful":[`
	for i, e := range batch {
		text += fmt.Sprintf(`,{"Id":"%d","MessageId":"5fea7756-0ea4-451a-a703-a558b933e274","MD5OfMessageBody":"%s"}`, i, md5Of(string(e.Body())))
	}
	text = strings.Replace(text, "[,", "[", 1) + `]}`
	return k.sender(tb, func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		return answer(200, text), nil
	}), batch
}

// TestAllocationsOfARequest is the part of the benchmarks that does not depend on the machine.
func TestAllocationsOfARequest(t *testing.T) {
	count := func(k kind) float64 {
		s, batch := withoutNetwork(t, k)
		return testing.AllocsPerRun(100, func() {
			if _, err := s.Send(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		})
	}
	if own, sdk := count(lean), count(viaSDK); own > 90 || own > sdk/4 {
		t.Errorf("%v allocations for ten tasks, and %v by the SDK; want at most 90, and a quarter", own, sdk)
	} else {
		t.Logf("%v allocations for ten tasks, and %v by the SDK", own, sdk)
	}
}
