// Package idle is a function that only tells when it begins, and how to read what it tells.
package idle

import (
	"fmt"
	"time"
)

const format = "began %d fired %d"

// Line is what the function writes when a task begins.
func Line(fired, begun time.Time) string {
	return fmt.Sprintf(format, begun.UnixNano(), fired.UnixNano())
}

// Parse reads a [Line]; ok is false for any other.
func Parse(line string) (fired, begun time.Time, ok bool) {
	var began, was int64
	if _, err := fmt.Sscanf(line, format, &began, &was); err != nil {
		return time.Time{}, time.Time{}, false
	}
	return time.Unix(0, was), time.Unix(0, began), true
}
