package localstack_test

import (
	"testing"

	_ "github.com/offloadhq/offload/task" // the module whose template it is

	"github.com/offloadhq/offload/localstack"
)

func TestProjectIsDeployed(t *testing.T) {
	s := localstack.Project(t)
	if s.Name == "offload" {
		t.Error("the stack has the name that make deploy gives: this run takes and deletes what the user has deployed")
	}
	t.Logf("sam build and sam deploy took %v", s.Took)
	for _, name := range []string{"QueueUrl", "DeadLetterQueueUrl", "WorkerFunction"} {
		if s.Output(t, name) == "" {
			t.Errorf("output %s is empty", name)
		}
	}
	if again := localstack.Project(t); again != s {
		t.Error("the project was deployed twice in one run")
	}
}
