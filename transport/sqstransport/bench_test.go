package sqstransport_test

import (
	"bufio"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
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

// BenchmarkSender sends full batches of ordinary tasks by each client in turn, round by round, to one server in another
// process, and reports the CPU of this process, the median of the rounds. An iteration is a round of each. The SDK stands there twice: with the
// pool that awssdk gives it, and as it comes.
func BenchmarkSender(b *testing.B) {
	for _, c := range []struct {
		name, mode string
		senders    int
	}{
		{"plain/0ms/8senders", "http,0s", 8},
		{"TLS/10ms/64senders", "https,10ms", 64},
	} {
		b.Run(c.name, func(b *testing.B) {
			url := startBench(b, c.mode)
			batch := envelopes(b, 10)
			for i := range batch {
				batch[i] = sized(b, 300)
			}
			var kinds [3]struct {
				sender     *sqstransport.Sender
				used, took []float64 // of each round, in seconds
			}
			for i, client := range []func(aws.Config) *sqstransport.Client{
				sqstransport.NewClient,
				func(cfg aws.Config) *sqstransport.Client { return awssdk.NewClient(cfg) },
				func(cfg aws.Config) *sqstransport.Client { return awssdk.Wrap(awssqs.NewFromConfig(cfg)) },
			} {
				kinds[i].sender = newSender(b, client(config(benchCA(), url)), url+"/000000000000/work", nil)
				round(b, kinds[i].sender, batch, c.senders, 4*c.senders) // connects
			}
			requests := 40 * c.senders
			b.ResetTimer()
			for range b.N {
				for i := range kinds {
					k := &kinds[i]
					began, before := time.Now(), cpu()
					round(b, k.sender, batch, c.senders, requests)
					k.used = append(k.used, (cpu() - before).Seconds())
					k.took = append(k.took, time.Since(began).Seconds())
				}
			}
			tasks := float64(requests * len(batch))
			per := func(i int) float64 { return median(kinds[i].used) * 1e6 / tasks }
			for i, name := range []string{"lean", "SDK", "SDK-default-pool"} {
				b.ReportMetric(per(i), name+"-µs/task")
				b.ReportMetric(tasks/median(kinds[i].took), name+"-tasks/s")
			}
			b.ReportMetric(1e6/per(0), "lean-tasks/s/core")
			b.ReportMetric(per(0)/per(1), "lean/SDK")
			b.ReportMetric(per(0)/per(2), "lean/SDK-default-pool")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// round makes the requests, by so many senders at a time.
func round(b *testing.B, s *sqstransport.Sender, batch []task.Envelope, senders, requests int) {
	var left atomic.Int64
	left.Store(int64(requests))
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := s.Send(b.Context(), batch); err != nil {
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
	if own, sdk := count(lean), count(viaSDK); own > 150 || own > sdk/3 {
		t.Errorf("%v allocations for ten tasks, and %v by the SDK; want at most 150, and a third", own, sdk)
	} else {
		t.Logf("%v allocations for ten tasks, and %v by the SDK", own, sdk)
	}
}
