package sqs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/offloadhq/offload/emulator/sqs"
)

// BenchmarkHTTPCycle sends, receives and deletes messages of 300 bytes in
// batches of ten. One operation is one message through all three calls. The
// client is net/http without an SDK and shares the cores.
func BenchmarkHTTPCycle(b *testing.B) {
	for _, connections := range []int{1, 8} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) { benchmarkCycle(b, connections) })
	}
}

func benchmarkCycle(b *testing.B, connections int) {
	service, err := sqs.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer service.Close()
	server := httptest.NewServer(service)
	defer server.Close()
	if _, err := service.CreateQueue("bench", nil, nil); err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			send := batchBody()
			for left.Add(-10) > -10 {
				if err := cycle(client, server.URL, send); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func batchBody() []byte {
	type entry struct{ Id, MessageBody string }
	var entries []entry
	for i := range 10 {
		entries = append(entries, entry{fmt.Sprint(i), strings.Repeat(`{"k":"v"}!`, 30)})
	}
	body, _ := json.Marshal(map[string]any{"QueueUrl": "bench", "Entries": entries})
	return body
}

func cycle(client *http.Client, url string, send []byte) error {
	if _, err := post(client, url, "SendMessageBatch", send); err != nil {
		return err
	}
	answer, err := post(client, url, "ReceiveMessage", []byte(`{"QueueUrl":"bench","MaxNumberOfMessages":10}`))
	if err != nil {
		return err
	}
	// A scan instead of a JSON decoder: the server is what is measured.
	remove := []byte(`{"QueueUrl":"bench","Entries":[`)
	field := []byte(`"ReceiptHandle":"`)
	n := 0
	for i := bytes.Index(answer, field); i >= 0; i = bytes.Index(answer, field) {
		answer = answer[i+len(field):]
		handle := answer[:bytes.IndexByte(answer, '"')]
		if n > 0 {
			remove = append(remove, ',')
		}
		remove = fmt.Appendf(remove, `{"Id":"%d","ReceiptHandle":"%s"}`, n, handle)
		n++
	}
	if n == 0 {
		return nil
	}
	_, err = post(client, url, "DeleteMessageBatch", append(remove, "]}"...))
	return err
}

func post(client *http.Client, url, action string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", action, response.Status, answer)
	}
	return answer, err
}
