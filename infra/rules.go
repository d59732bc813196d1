package infra

import (
	"cmp"
	"slices"
	"strconv"
)

// Rules gives every rule, in the order of the catalogue of failures. The slice is the caller's own.
func Rules() []Rule {
	all := slices.Concat(queueRules, mappingRules, functionRules, storageRules, payloadRules, permissionRules, alarmRules)
	slices.SortStableFunc(all, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(a.ID[:1], b.ID[:1]), cmp.Compare(a.number(), b.number()))
	})
	return all
}

// number is that of the row: 13 of C13-filter.
func (r Rule) number() int {
	n, err := strconv.Atoi(r.Row()[1:])
	if err != nil {
		panic(err) // a test reads every id
	}
	return n
}
