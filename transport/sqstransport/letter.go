package sqstransport

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// letter is a dead letter, ready to send.
type letter struct {
	api.Message
	size int // as SQS counts: the body, and the name, type and value of each attribute
}

const attributeType = "String"

func newLetter(body []byte, attributes map[string]string) letter {
	l := letter{Message: api.Message{Body: body}, size: len(body)}
	kept := fit(attributes, maxBatchBytes-len(body))
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		l.Attributes = append(l.Attributes, api.Attribute{Name: name, Value: kept[name]})
		l.size += attributeSize(name, kept[name])
	}
	return l
}

func attributeSize(name, value string) int { return len(name) + len(attributeType) + len(value) }

// fit leaves attributes out, the longest first, until the rest has room.
func fit(attributes map[string]string, room int) map[string]string {
	kept := map[string]string{}
	total := 0
	for name, value := range attributes {
		kept[name] = value
		total += attributeSize(name, value)
	}
	for total > room && len(kept) > 0 {
		longest := ""
		for name, value := range kept {
			if longest == "" || len(value) > len(kept[longest]) || len(value) == len(kept[longest]) && name > longest {
				longest = name
			}
		}
		total -= attributeSize(longest, kept[longest])
		delete(kept, longest)
	}
	return kept
}

// checkLetter refuses what no queue would store as it is.
func checkLetter(body []byte) error {
	if len(body) == 0 {
		return errors.New("dead letter: an empty body, which Amazon SQS does not take")
	}
	if err := checkText(body); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	return nil
}
