package sqstransport_test

import (
	"crypto/fips140"
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/offloadhq/offload/transport"
)

func md5Of(s string) string {
	var sum [md5.Size]byte
	fips140.WithoutEnforcement(func() { sum = md5.Sum([]byte(s)) })
	return hex.EncodeToString(sum[:])
}

// TestB8_AnswersUnderFIPS140 runs this test binary where MD5 is not allowed.
func TestB8_AnswersUnderFIPS140(t *testing.T) {
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestB8_AnswersThatMakeNoSense$", "-test.v")
	child.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestB8_AnswersThatMakeNoSense") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestB8_AnswersThatMakeNoSense(t *testing.T) { each(t, testB8_AnswersThatMakeNoSense) }

func testB8_AnswersThatMakeNoSense(t *testing.T, k kind) {
	sent := envelopes(t, 2)
	good := `{"Id":"0","MessageId":"m","MD5OfMessageBody":"` + md5Of(string(sent[0].Body())) + `"}`
	const u, a, r = transport.Unknown, transport.Accepted, transport.Rejected
	for name, c := range map[string]struct {
		status int
		body   string
		want   [2]transport.Outcome
	}{
		"nothing":                {200, ``, [2]transport.Outcome{u, u}},
		"an empty object":        {200, `{}`, [2]transport.Outcome{u, u}},
		"null lists":             {200, `{"Successful":null,"Failed":null}`, [2]transport.Outcome{u, u}},
		"null entries":           {200, `{"Successful":[null],"Failed":[null]}`, [2]transport.Outcome{u, u}},
		"entries without ids":    {200, `{"Successful":[{}],"Failed":[{}]}`, [2]transport.Outcome{u, u}},
		"a page of a proxy":      {200, `<html>welcome</html>`, [2]transport.Outcome{u, u}},
		"an error page, 502":     {502, `<html>bad gateway</html>`, [2]transport.Outcome{u, u}},
		"an error page, 504":     {504, ``, [2]transport.Outcome{u, u}},
		"a login page, 302":      {302, `<html>log in</html>`, [2]transport.Outcome{r, r}},
		"a page, 404":            {404, `<html>not here</html>`, [2]transport.Outcome{r, r}},
		"a page, 429":            {429, `<html>later</html>`, [2]transport.Outcome{r, r}},
		"cut off":                {200, `{"Successful":[` + good + `,{"Id":"1"`, [2]transport.Outcome{u, u}},
		"a list":                 {200, `[]`, [2]transport.Outcome{u, u}},
		"wrong types":            {200, `{"Successful":"yes","Failed":7}`, [2]transport.Outcome{u, u}},
		"one missing":            {200, `{"Successful":[` + good + `]}`, [2]transport.Outcome{a, u}},
		"the same twice":         {200, `{"Successful":[` + good + `,` + good + `]}`, [2]transport.Outcome{a, u}},
		"ids that were not sent": {200, `{"Successful":[` + good + `,{"Id":"7"},{"Id":"-1"},{"Id":"+1"},{"Id":"01"},{"Id":"x"}]}`, [2]transport.Outcome{a, u}},
		"a contradiction":        {200, `{"Successful":[` + good + `],"Failed":[{"Id":"0","Code":"InternalError"}]}`, [2]transport.Outcome{u, u}},
		"failures, no words":     {200, `{"Successful":[` + good + `],"Failed":[{"Id":"1"}]}`, [2]transport.Outcome{a, r}},
	} {
		s := k.sender(t, func(*http.Request) (*http.Response, error) { return answer(c.status, c.body), nil })
		results, err := s.Send(t.Context(), sent)
		if err == nil || len(results) != 2 {
			t.Fatalf("%s: %d results and the error %v", name, len(results), err)
		}
		for i, result := range results {
			if result.Outcome != c.want[i] {
				t.Errorf("%s: result %d is %v (%v), want %v", name, i, result.Outcome, result.Err, c.want[i])
			}
			if result.Outcome != transport.Accepted && (result.Err == nil || !strings.Contains(result.Err.Error(), `queue "`+queueURL+`"`)) {
				t.Errorf("%s: result %d has the error %v", name, i, result.Err)
			}
		}
	}
}

// TestB8_AnswerThatBreaksTheRuleIsNone: of an answer that is not quite one, the lean client takes nothing.
func TestB8_AnswerThatBreaksTheRuleIsNone(t *testing.T) {
	sent := envelopes(t, 1)
	good := `{"Id":"0","MessageId":"m","MD5OfMessageBody":"` + md5Of(string(sent[0].Body())) + `"}`
	for name, body := range map[string]string{
		"something behind it":    `{"Successful":[` + good + `]}{}`,
		"cut off behind it":      `{"Successful":[` + good + `]}`,
		"two lists of one name":  `{"Successful":[],"Successful":[` + good + `]}`,
		"failures twice":         `{"Successful":[` + good + `],"Failed":[],"Failed":[]}`,
		"an id twice":            `{"Successful":[` + strings.Replace(good, `{"Id":"0"`, `{"Id":"1","Id":"0"`, 1) + `]}`,
		"an id twice, once null": `{"Successful":[` + strings.Replace(good, `{"Id":"0"`, `{"Id":null,"Id":"0"`, 1) + `]}`,
		"a number for an id":     `{"Successful":[` + strings.Replace(good, `"0"`, `0`, 1) + `]}`,
		"names in another case":  `{"successful":[` + good + `]}`,
		"a text for a flag":      `{"Successful":[` + good + `],"Failed":[{"Id":"1","SenderFault":"true"}]}`,
		"a list too many":        `[{"Successful":[` + good + `]}]`,
		"longer than any answer": `{"Successful":[` + good + `],"x":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		s := lean.sender(t, func(*http.Request) (*http.Response, error) {
			a := answer(200, body)
			if name == "cut off behind it" {
				a.Body = io.NopCloser(io.MultiReader(a.Body, iotest.ErrReader(io.ErrUnexpectedEOF)))
			}
			return a, nil
		})
		results, _ := s.Send(t.Context(), sent)
		if e := is(t, results[0], transport.Unknown, transport.Transient); e.Error() == "" {
			t.Errorf("%s: %v", name, e)
		}
	}
}

// FuzzB8_AnyAnswer answers with anything. Accepted may only be what the answer has the digest of.
func FuzzB8_AnyAnswer(f *testing.F) {
	f.Add(200, `{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"DIGEST"}],"Failed":[{"Id":"1","Code":"InternalError","SenderFault":false}]}`)
	f.Add(200, `{"Failed":[{"Id":"1","SenderFault":true,"Code":"InvalidMessageContents","Message":null}]}`)
	f.Add(200, `{"Successful":[null,{},{"Id":null}]}`)
	f.Add(400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`)
	f.Add(403, `{"__type":null}`)
	f.Add(503, `<html>`)
	f.Add(0, ``)
	sent := envelopes(f, 2)
	digest := md5Of(string(sent[0].Body()))
	f.Fuzz(func(t *testing.T, status int, body string) {
		body = strings.ReplaceAll(body, "DIGEST", digest)
		for _, k := range []kind{lean, viaSDK} {
			s := k.sender(t, func(*http.Request) (*http.Response, error) { return answer(100+abs(status)%500, body), nil })
			results, err := s.Send(t.Context(), sent)
			if len(results) != 2 || (err == nil) != (transport.FirstError(results, 2) == nil) {
				t.Fatalf("%s: %d results and the error %v", k.name, len(results), err)
			}
			for i, r := range results {
				if r.Outcome == transport.Accepted && (r.Err != nil || !strings.Contains(body, md5Of(string(sent[i].Body())))) {
					t.Errorf("%s: result %d is accepted by %q", k.name, i, body)
				}
				if r.Outcome != transport.Accepted && (r.Err == nil || r.Err.Error() == "") {
					t.Errorf("%s: result %d is %v without an error", k.name, i, r.Outcome)
				}
			}
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }
