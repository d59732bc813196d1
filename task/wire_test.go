package task_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/offloadhq/offload/task"
)

// TestTheExamplesOfThePage parses every JSON example in docs/wire.md; the word after "json" says what must come of it.
func TestTheExamplesOfThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```json *(\\w*)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	kinds := map[string]int{}
	for _, example := range examples {
		kinds[example[1]]++
		e, err := task.Parse([]byte(example[2]))
		want := map[string]error{"": nil, "newer": task.ErrNewerEnvelope, "malformed": task.ErrMalformed}[example[1]]
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", example[2], err, want)
		}
		if example[1] != "" {
			continue
		}
		args, err := task.Define[struct{ To string }]("email.welcome").Decode(e)
		if err != nil || args.To != "ada@example.com" || e.Name() != "email.welcome" {
			t.Errorf("%s: %v, %v", example[2], args, err)
		}
	}
	if kinds[""] < 2 || kinds["newer"] != 1 || kinds["malformed"] != 1 || len(kinds) != 3 {
		t.Errorf("examples found: %v", kinds)
	}
	// Every attribute that the encoder writes has its row.
	for _, m := range regexp.MustCompile(`"([a-z]+)":`).FindAllStringSubmatch(string(readGolden(t, "all.json"))+string(readGolden(t, "attempts.json")), -1) {
		if key := m[1]; key != "tenant" && key != "to" && key != "text" && !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("attribute %s has no row", key)
		}
	}
}
