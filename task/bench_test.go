package task_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
)

type order struct {
	ID    int64    `json:"id"`
	Email string   `json:"email"`
	Items []string `json:"items"`
	Total float64  `json:"total"`
	Gift  bool     `json:"gift"`
}

var sampleOrder = order{
	ID: 9007199254740993, Email: "ada@example.com", Items: []string{"tea", "pot", "cup"}, Total: 12.5, Gift: true,
}

// plainEvent is the same event for encoding/json alone: the baseline of the benchmarks.
type plainEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            order     `json:"data"`
}

type plainRawEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
}

func BenchmarkEncode(b *testing.B) {
	definition := task.Define[order]("order.ship")
	now := time.Now()
	id := task.NewID(now)
	bound := definition.With(sampleOrder)
	b.Run("offload", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bound.Encode(id, "/shop/api", now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e := plainEvent{"1.0", id, "/shop/api", "order.ship", now, "application/json", sampleOrder}
			if _, err := json.Marshal(&e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkFire is what a firing costs before any transport: binding, minting an id, encoding.
func BenchmarkFire(b *testing.B) {
	definition := task.Define[order]("order.ship")
	b.ReportAllocs()
	for b.Loop() {
		now := time.Now()
		if _, err := definition.With(sampleOrder).Encode(task.NewID(now), "/shop/api", now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	definition := task.Define[order]("order.ship")
	now := time.Now()
	e, err := definition.With(sampleOrder).Encode(task.NewID(now), "/shop/api", now)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("offload", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := task.Parse(e.Body()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p plainRawEvent
			if err := json.Unmarshal(e.Body(), &p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
