package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// missing is what a table shows for a figure that is not there.
const missing = "—"

// rate writes tasks a second, as 870, 8.7k or 87k.
func rate(v float64) string {
	switch {
	case math.IsNaN(v):
		return missing
	case v < 1000:
		return significant(v)
	case v < 1e6:
		return significant(v/1e3) + "k"
	}
	return significant(v/1e6) + "M"
}

// number writes two or three significant digits and no exponent.
func number(v float64) string {
	if math.IsNaN(v) {
		return missing
	}
	return significant(v)
}

// micros writes a time given in microseconds, in the unit that suits it.
func micros(v float64) string {
	switch d := time.Duration(v * 1e3); {
	case math.IsNaN(v):
		return missing
	case d < time.Microsecond:
		return strconv.Itoa(int(d)) + " ns"
	case d < time.Millisecond:
		return significant(v) + " µs"
	case d < time.Second:
		return significant(v/1e3) + " ms"
	}
	return significant(v/1e6) + " s"
}

// times writes a ratio: above 1 as 2.5×, below as 1/2.5.
func times(v float64) string {
	switch {
	case math.IsNaN(v):
		return missing
	case v > 0 && v < 0.95:
		return "1/" + significant(1/v)
	}
	return significant(v) + "×"
}

func significant(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || a == 0:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	case a >= 1:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 2, 64), ".00")
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// table writes a table of Markdown.
func table(header []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(header)
	b.WriteString(strings.Repeat("|---", len(header)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}
