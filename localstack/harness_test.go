package localstack_test

import (
	"testing"

	"github.com/offloadhq/offload/localstack"
)

func TestMain(m *testing.M) { localstack.Main(m, judgedAll) }
