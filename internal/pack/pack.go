// Package pack cuts a sequence into requests that stay within a transport's limits of count and bytes.
package pack

import "iter"

// Prefix returns how many leading items fit one request: at most maxItems, and at most maxBytes by size. A limit of 0
// is none. It is at least 1 for a sequence that is not empty: a single item is always sent, and judged by the transport.
func Prefix[T any](items []T, size func(T) int, maxItems, maxBytes int) int {
	total := 0
	for i, item := range items {
		total += size(item)
		if i > 0 && (maxItems > 0 && i >= maxItems || maxBytes > 0 && total > maxBytes) {
			return i
		}
	}
	return len(items)
}

// Requests yields the index of each request's first item and the items, in order. Every item is in exactly one request.
func Requests[T any](items []T, size func(T) int, maxItems, maxBytes int) iter.Seq2[int, []T] {
	return func(yield func(int, []T) bool) {
		for at := 0; at < len(items); {
			n := Prefix(items[at:], size, maxItems, maxBytes)
			if !yield(at, items[at:at+n:at+n]) {
				return
			}
			at += n
		}
	}
}
