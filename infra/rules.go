package infra

import "slices"

// Rules gives every rule, in the order of the catalogue of failures. The slice is the caller's own.
func Rules() []Rule {
	return slices.Concat(queueRules, mappingRules, functionRules, storageRules, permissionRules, alarmRules)
}
