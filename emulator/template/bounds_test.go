package template_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/emulator/template"
)

// bombs are small templates that would use up the machine if nothing bounded them.
func bombs() map[string]string {
	laughs, sub := "A0: &a0 [x, x]\n", "x"
	for i := 1; i < 40; i++ {
		laughs += fmt.Sprintf("  A%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	for range 30 {
		sub = fmt.Sprintf("{'Fn::Sub': ['${a}${a}', {a: %s}]}", sub)
	}
	values, conditions := "", ""
	for i := range 60 {
		values += fmt.Sprintf("  P%d: {Type: AWS::SSM::Parameter, Properties: {Value: !Sub '${P%d.Value}${P%d.Value}'}}\n", i, i+1, i+1)
		conditions += fmt.Sprintf("  C%d: !And [!Condition C%d, !Condition C%d]\n", i, i+1, i+1)
	}
	const queue = "Resources:\n  Work: {Type: AWS::SQS::Queue, Properties: {QueueName: %s}}\n"
	return map[string]string{
		"anchors that multiply":     "Metadata:\n  " + laughs + fmt.Sprintf(queue, "x"),
		"Sub that doubles":          fmt.Sprintf(queue, sub),
		"deep nesting":              fmt.Sprintf(queue, strings.Repeat("[", 5000)+strings.Repeat("]", 5000)),
		"deep nesting in JSON":      strings.Repeat("{\"a\":", 5000) + "1" + strings.Repeat("}", 5000),
		"Split of much":             fmt.Sprintf(queue, "!Join ['', ["+strings.Repeat("!Split [a, "+strings.Repeat("a", 2000)+"],", 100)+"]]"),
		"attributes that multiply":  fmt.Sprintf(queue, "!GetAtt P0.Value") + values + "  P60: {Type: AWS::SSM::Parameter, Properties: {Value: ''}}\n",
		"conditions that multiply":  "Conditions:\n" + conditions + "  C60: !Equals [a, b]\n" + fmt.Sprintf(queue, "!If [C0, a, b]") + "    Condition: C0\n",
		"references to nothing":     fmt.Sprintf(queue, "!Join ['', ["+strings.Repeat("!Ref Nothing,", 20000)+"]]"),
		"many names and misspelt":   "Resources:\n" + many(),
		"merge of many into many":   "Resources:\n  A: &a\n" + keys(8000) + "  B:\n    <<: *a\n" + keys(8000),
		"long chain of references":  chain(2000),
		"a name in a very long key": fmt.Sprintf(queue, "!Ref "+strings.Repeat("a", 100_000)),
	}
}

func many() string {
	var b strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&b, "  Queue%d: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:Nothing%d', maxReceiveCount: 1}}}\n", i, i)
	}
	return b.String()
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "    k%d: 1\n", i)
	}
	return b.String()
}

func chain(n int) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	for i := range n {
		fmt.Fprintf(&b, "  Q%d: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt Q%d.QueueName}}\n", i, i+1)
	}
	fmt.Fprintf(&b, "  Q%d: {Type: AWS::SQS::Queue}\n", n)
	return b.String()
}

// TestLoad_IsBounded: each bomb ends soon. Without its bound each takes many minutes, or all memory.
func TestLoad_IsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range bombs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan error, 1)
			go func() {
				_, err := template.LoadBytes("template.yaml", t.TempDir(), []byte(text), nil)
				done <- err
			}()
			select {
			case err := <-done:
				if err != nil && len(err.Error()) > 1<<20 {
					t.Errorf("the error has %d bytes", len(err.Error()))
				}
			case <-time.After(2 * time.Minute):
				t.Fatal("still not loaded")
			}
		})
	}
}

func TestLoad_SaysWhichBoundWasPassed(t *testing.T) {
	t.Parallel()
	all := bombs()
	for name, want := range map[string]string{
		"anchors that multiply": "more than 200000 values once its anchors are expanded",
		"Sub that doubles":      "Sub makes a string of more than 1048576 bytes",
		"deep nesting":          "nested more than 100 levels deep",
		"deep nesting in JSON":  "nested more than 100 levels deep",
	} {
		_, err := template.LoadBytes("template.yaml", t.TempDir(), []byte(all[name]), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %.300v, want one that says %q", name, err, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.template.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, c := range mistakes {
		f.Add([]byte(strings.Replace(c.text, "+", start, 1)))
	}
	for _, text := range bombs() {
		if len(text) < 10_000 {
			f.Add([]byte(text))
		}
	}
	dir := f.TempDir()
	write(f, dir, map[string]string{"fn/main.go": "package main\n", "functions/worker/main.go": "package main\n", "functions/made/Makefile": ""})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := template.LoadBytes("template.yaml", dir, data, nil)
		if (got == nil) == (err == nil) {
			t.Fatalf("template %v, error %v", got, err)
		}
		if err != nil {
			return
		}
		for _, q := range got.Queues {
			if q.Name == "" || q.ARN == "" || q.URL == "" {
				t.Errorf("queue %+v", q)
			}
		}
		for _, m := range got.Mappings {
			if m.FunctionName == "" || m.BatchSize < 1 || m.BatchSize > 10_000 || m.MaximumConcurrency == 1 {
				t.Errorf("mapping %+v", m)
			}
		}
		again, err := template.LoadBytes("template.yaml", dir, data, nil)
		if err != nil || fmt.Sprint(again.Warnings) != fmt.Sprint(got.Warnings) || fmt.Sprint(again.Queues) != fmt.Sprint(got.Queues) {
			t.Errorf("a second reading differs: %v", err)
		}
	})
}
