package livetest

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/offloadhq/offload/infra"
)

func queueURL(a *account, name string) string {
	return "https://sqs." + a.stack.Region + ".amazonaws.com/" + a.stack.Account + "/" + name
}

// queueAttributes are the texts of GetQueueAttributes.
func queueAttributes(q *infra.Queue) map[string]string {
	attributes := map[string]string{
		"QueueArn":               q.ARN,
		"VisibilityTimeout":      seconds(int64(q.VisibilityTimeout.Seconds())),
		"MessageRetentionPeriod": seconds(int64(q.Retention.Seconds())),
		"DelaySeconds":           seconds(int64(q.Delay.Seconds())),
		"MaximumMessageSize":     strconv.Itoa(q.MaximumMessageSize),
		"SqsManagedSseEnabled":   strconv.FormatBool(q.ManagedSSE),
	}
	if q.KMSKeyID != "" {
		attributes["KmsMasterKeyId"] = q.KMSKeyID
	}
	if q.FIFO {
		attributes["FifoQueue"] = "true"
	}
	if q.DeadLetterARN != "" {
		attributes["RedrivePolicy"] = redrive(q.DeadLetterARN, q.MaxReceiveCount)
	}
	if q.RedriveAllow.Permission != "allowAll" {
		text, _ := json.Marshal(object{"redrivePermission": q.RedriveAllow.Permission, "sourceQueueArns": q.RedriveAllow.Sources})
		attributes["RedriveAllowPolicy"] = string(text)
	}
	if len(q.Policy) > 0 {
		attributes["Policy"] = document(q.Policy)
	}
	return attributes
}

func redrive(arn string, receives int) string {
	text, _ := json.Marshal(object{"deadLetterTargetArn": arn, "maxReceiveCount": receives})
	return string(text)
}

func (a *account) queue(in object) (attributes map[string]string, failed *failure) {
	url := str(in["QueueUrl"])
	attributes, ok := a.queues[url[strings.LastIndexByte(url, '/')+1:]]
	if !ok {
		return nil, &failure{http.StatusBadRequest, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."}
	}
	return attributes, nil
}

var queueOperations = map[string]operation{
	"GetQueueUrl": func(a *account, in object) (object, *failure) {
		if _, failed := a.queue(object{"QueueUrl": in["QueueName"]}); failed != nil {
			return nil, failed
		}
		return object{"QueueUrl": queueURL(a, str(in["QueueName"]))}, nil
	},
	"GetQueueAttributes": func(a *account, in object) (object, *failure) {
		attributes, failed := a.queue(in)
		return object{"Attributes": maps.Clone(attributes)}, failed
	},
	"CreateQueue": func(a *account, in object) (object, *failure) {
		name := str(in["QueueName"])
		a.queues[name] = map[string]string{"QueueArn": "arn:aws:sqs:" + a.stack.Region + ":" + a.stack.Account + ":" + name}
		return object{"QueueUrl": queueURL(a, name)}, nil
	},
	"DeleteQueue": func(a *account, in object) (object, *failure) {
		url := str(in["QueueUrl"])
		delete(a.queues, url[strings.LastIndexByte(url, '/')+1:])
		return object{}, nil
	},
	"SetQueueAttributes": func(a *account, in object) (object, *failure) {
		attributes, failed := a.queue(in)
		if failed != nil {
			return nil, failed
		}
		for name, value := range in["Attributes"].(object) {
			if attributes[name] = str(value); attributes[name] == "" { // as SQS takes a policy away
				delete(attributes, name)
			}
		}
		return object{}, nil
	},
}
