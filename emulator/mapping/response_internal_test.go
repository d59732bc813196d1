package mapping

import "testing"

// FuzzFailures: whatever a function returns, a message is done only if the answer is understood, and what is named as
// failed is in the batch.
func FuzzFailures(f *testing.F) {
	for _, s := range []string{
		``, `null`, `{}`, `{"batchItemFailures":[{"itemIdentifier":"a"}]}`, `{"batchItemFailures":[{"itemIdentifier":""}]}`,
		`{"batchItemFailures":[{"itemIdentifier":"x"}]}`, `[]`, `"ok"`, `{"batchItemFailures":[`, "\xff",
	} {
		f.Add([]byte(s))
	}
	sent := map[string]bool{"a": true, "b": true}
	f.Fuzz(func(t *testing.T, response []byte) {
		failed, err := failures(response, sent)
		if err != nil && failed != nil {
			t.Errorf("%q: both %v and %v", response, failed, err)
		}
		for id := range failed {
			if !sent[id] {
				t.Errorf("%q: names %q, which is not in the batch", response, id)
			}
		}
	})
}
