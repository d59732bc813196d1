package localstack_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
)

// deviations are where a target is not AWS: by target and check, with what it does instead. A target must deviate as it says
// here: one that does as AWS all of a sudden fails the test too, so that the line is removed.
var deviations = map[string]map[string]string{
	"emulator": {},
	"localstack": {
		"async/alias-configuration":            "looks up the configuration of asynchronous invocations by version number, and so ignores that of an alias",
		"on-failure/function-arn":              "names the version where the alias was invoked",
		"on-failure/payload-bytes":             "writes the payload of the record anew: 1.50 becomes 1.5",
		"mapping/json-number-bytes":            "writes a body that is JSON anew: 1.50 becomes 1.5",
		"mapping/json-space-bytes":             "writes a body that is JSON anew, with other spaces",
		"mapping/json-escape-bytes":            "writes a body that is JSON anew, with other spaces",
		"mapping/json-ordered-bytes":           "writes a body that is JSON anew, with other spaces",
		"cloudformation/retains-queues":        "deletes what has DeletionPolicy: Retain, with the engine that environment chooses",
		"cloudformation/retains-bucket":        "deletes what has DeletionPolicy: Retain, if the bucket is empty",
		"cloudformation/update-keeps-the-rest": "sets what a template does not name, sizes of queues among it, when a stack is updated, and disables mappings",
		"cloudformation/lifecycle":             "makes buckets without the lifecycle rules of the template",
		"logs/group":                           "writes logs to the group /aws/lambda/NAME, whatever LoggingConfig says",
		"mapping/concurrency":                  "runs the batches of a mapping one after the other",
	},
	"moto": {
		"redrive/source": "does not tell DeadLetterQueueSourceArn",
	},
}

var judged struct {
	mu  sync.Mutex
	all map[string]bool // target and check; guarded by mu
}

// judge asks that the target does as AWS, unless it is known that it does not.
func (x target) judge(t *testing.T, check string, ok bool, format string, args ...any) {
	t.Helper()
	judged.mu.Lock()
	if judged.all == nil {
		judged.all = map[string]bool{}
	}
	judged.all[x.name+" "+check] = true
	judged.mu.Unlock()
	how, known := deviations[x.name][check]
	switch {
	case ok && known:
		t.Errorf("%s: %s: does as AWS, although the table of deviations says that it %s: remove that line", x.name, check, how)
	case !ok && known:
		t.Logf("DEVIATION %s: %s: %s", x.name, check, how)
	case !ok:
		t.Errorf("%s: %s: %s", x.name, check, fmt.Sprintf(format, args...))
	}
}

// judgedAll asks, after all tests, that each line of the table was looked at, if its target was there.
func judgedAll() error {
	if flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" || testing.Short() {
		return nil
	}
	judged.mu.Lock()
	defer judged.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(deviations)) {
		seen := false
		for key := range judged.all {
			seen = seen || len(key) > len(name) && key[:len(name)+1] == name+" "
		}
		for _, check := range slices.Sorted(maps.Keys(deviations[name])) {
			if seen && !judged.all[name+" "+check] {
				return fmt.Errorf("deviation %q of %s: no test looks at it: remove the line", check, name)
			}
		}
	}
	return nil
}
