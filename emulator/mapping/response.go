package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// failures reads the answer of a function under ReportBatchItemFailures and returns the message ids that it names.
// sent are the ids in the batch. An error means that the whole batch failed.
// (AWS Lambda Developer Guide, "Handling errors for an SQS event source": an empty or null list, an empty or null answer
// is full success; invalid JSON, an empty, null or unknown itemIdentifier or another key for it is full failure.) An
// answer that is JSON but no object is not in AWS's list; it fails, because the function meant something else.
func failures(response []byte, sent map[string]bool) (map[string]bool, error) {
	response = bytes.TrimSpace(response)
	if len(response) == 0 || bytes.Equal(response, []byte("null")) {
		return nil, nil
	}
	// Raw maps, not structs: encoding/json would let "BatchItemFailures" pass for "batchItemFailures".
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(response, &answer); err != nil {
		return nil, fmt.Errorf("answer is not a JSON object: %w", err)
	}
	list, ok := answer["batchItemFailures"]
	if !ok {
		return nil, nil
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, fmt.Errorf("batchItemFailures is not a list of objects: %w", err)
	}
	failed := make(map[string]bool, len(items))
	for _, item := range items {
		raw, ok := item["itemIdentifier"]
		if !ok {
			return nil, errors.New("batchItemFailures has an entry without itemIdentifier")
		}
		var id string
		if err := json.Unmarshal(raw, &id); err != nil {
			return nil, fmt.Errorf("itemIdentifier is not a string: %w", err)
		}
		if id == "" {
			return nil, errors.New("itemIdentifier is empty or null")
		}
		if !sent[id] {
			return nil, fmt.Errorf("itemIdentifier %q is no message of this batch (it is the messageId, not the receiptHandle)", id)
		}
		failed[id] = true
	}
	return failed, nil
}
