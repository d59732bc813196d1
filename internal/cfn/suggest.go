package cfn

import (
	"slices"
	"strconv"
	"strings"
)

// MaxKnown bounds the names that are compared: for more of them a hint costs more than it is worth. AWS takes 500 resources
// in a template.
const MaxKnown = 1000

// Suggest gives "; did you mean X?" for the name in known that is nearest to what was written, or "" when none is near.
func Suggest(written string, known []string) string {
	if len(known) > MaxKnown || len(written) > 200 {
		return ""
	}
	best, least := "", min(max(1, len(written)/3), 4)
	part := ""
	for _, k := range known {
		if strings.EqualFold(k, written) {
			return "; did you mean " + k + "?"
		}
		if d := distance(strings.ToLower(written), strings.ToLower(k), least); d < least || d == least && best == "" {
			best, least = k, d
		}
		if part == "" && len(written) >= 3 && strings.Contains(strings.ToLower(k), strings.ToLower(written)) {
			part = k
		}
	}
	if best == "" {
		best = part // the start or the end of a name, such as Url for QueueUrl
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is the edit distance of a and b (insert, delete, replace, swap of neighbours), or more than limit when it is above that.
func distance(a, b string, limit int) int {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		if slices.Min(row) > limit {
			return limit + 1
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

// Few joins names and cuts a long list short.
func Few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most-1], ", ") + " and " + strconv.Itoa(len(names)-most+1) + " more"
}
