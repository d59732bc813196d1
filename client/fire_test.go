package client_test

import (
	"testing"

	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
)

func TestFireDelivers(t *testing.T) {
	def := task.Define[int]("test.number")
	c, rec := clienttest.New(t)
	receipt, err := c.Fire(t.Context(), def.With(7))
	if err != nil {
		t.Fatal(err)
	}
	n, envelope := clienttest.RequireFired(t, rec, def)
	if n != 7 || envelope.ID() != receipt.ID || receipt.MessageID == "" || receipt.Attempts != 1 {
		t.Errorf("args %d, envelope %s, receipt %+v", n, envelope.ID(), receipt)
	}
}
