package pack_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/offloadhq/offload/internal/pack"
)

func id(n int) int { return n }

func TestC2_AnyMixPacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOf(rapid.IntRange(1, 1<<20+100)).Draw(t, "sizes")
		maxItems := rapid.IntRange(0, 12).Draw(t, "maxItems")
		maxBytes := rapid.SampledFrom([]int{0, 1, 1000, 1 << 20}).Draw(t, "maxBytes")
		var got []int
		previous := 0
		for at, request := range pack.Requests(sizes, id, maxItems, maxBytes) {
			if at != len(got) {
				t.Fatalf("request starts at %d, want %d", at, len(got))
			}
			total := 0
			for _, n := range request {
				total += n
			}
			if len(request) == 0 || maxItems > 0 && len(request) > maxItems || len(request) > 1 && maxBytes > 0 && total > maxBytes {
				t.Fatalf("request %v breaks the limits of %d items and %d bytes", request, maxItems, maxBytes)
			}
			full := maxItems > 0 && previous >= maxItems
			if at > 0 && !full && (maxBytes == 0 || sum(got[at-previous:])+request[0] <= maxBytes) {
				t.Fatalf("item %d had room in the request before", at)
			}
			previous = len(request)
			got = append(got, request...)
		}
		if !slices.Equal(got, sizes) {
			t.Fatalf("packed %v, want %v", got, sizes)
		}
	})
}

func sum(ns []int) (total int) {
	for _, n := range ns {
		total += n
	}
	return total
}

func TestC2_SingleItemIsAlwaysSent(t *testing.T) {
	if n := pack.Prefix([]int{5 << 20, 1}, id, 10, 1<<20); n != 1 {
		t.Fatalf("Prefix = %d, want 1", n)
	}
	if n := pack.Prefix(nil, id, 10, 1<<20); n != 0 {
		t.Fatalf("Prefix of nothing = %d", n)
	}
}
