package task_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

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
		want := map[string]error{"": nil, "payload": nil, "newer": task.ErrNewerEnvelope, "malformed": task.ErrMalformed}[example[1]]
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", example[2], err, want)
		}
		if _, elsewhere := e.Payload(); elsewhere != (example[1] == "payload") {
			t.Errorf("%s: the data stands elsewhere: %v", example[2], elsewhere)
		}
		if example[1] != "" {
			continue
		}
		args, err := task.Define[struct{ To string }]("email.welcome").Decode(e)
		if err != nil || args.To != "ada@example.com" || e.Name() != "email.welcome" {
			t.Errorf("%s: %v, %v", example[2], args, err)
		}
	}
	if kinds[""] < 2 || kinds["newer"] != 1 || kinds["malformed"] != 1 || kinds["payload"] != 2 || len(kinds) != 4 {
		t.Errorf("examples found: %v", kinds)
	}
	// Every attribute that the encoder writes has its row.
	var written string
	for _, file := range []string{"all.json", "attempts.json", "v2/stored-gzip.json", "v2/inline-gzip.json"} {
		written += string(readGolden(t, file))
	}
	for _, m := range regexp.MustCompile(`"([a-z0-9_]+)":`).FindAllStringSubmatch(written, -1) {
		if key := m[1]; key != "tenant" && key != "to" && key != "text" && !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("attribute %s has no row", key)
		}
	}
}

// TestTimesOfManySeconds encodes times in any order, because the encoder keeps the text of the last second.
func TestTimesOfManySeconds(t *testing.T) {
	ping := task.Define[int]("ping", task.Expires(time.Hour))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		now := time.Unix(rng.Int64N(3)-1+rng.Int64N(2)*rng.Int64N(1<<36), rng.Int64N(2)*rng.Int64N(1e9)).In(time.FixedZone("x", 3600))
		e, err := ping.With(1).Encode("1", "test", now)
		if err != nil {
			t.Fatal(err)
		}
		const layout = "2006-01-02T15:04:05.000000Z"
		want := fmt.Sprintf(`"time":"%s","datacontenttype":"application/json","expirytime":"%s"`,
			now.UTC().Format(layout), now.UTC().Add(time.Hour).Format(layout))
		if !strings.Contains(string(e.Body()), want) {
			t.Fatalf("%v: %s lacks %s", now, e.Body(), want)
		}
	}
}
