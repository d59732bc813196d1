package infra

import (
	"slices"
	"strings"
)

// A Place is what an action is allowed on, by what it is to the function or to the host.
type Place string

// The places.
const (
	OnQueue          Place = "queue"             // the queue that the mapping of the function reads; for a host, every such queue
	OnLetters        Place = "dead-letter queue" // the one of that queue, and the OnFailure destination
	OnLogGroup       Place = "log group"
	OnBucket         Place = "bucket"          // objects below a prefix of the one that the output ResultsBucket names
	OnPayloads       Place = "payloads"        // objects below the prefix payloads/ of the bucket that the output PayloadsBucket names
	OnPayloadsBucket Place = "payloads bucket" // that bucket itself
	OnKey            Place = "key"             // of a queue or a bucket
	OnFunction       Place = "function"        // that a host invokes, with its qualifier

	namedKeys Place = "keys by other names" // paths of resources whose key is no ARN
)

const (
	pageRole    = pageSQSMapping
	pageLambda  = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"
	pageSQSKeys = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"
	pageS3Parts = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html"
	pageGet     = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"
	pagePut     = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"
	pageInvoke  = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"
	pageSend    = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"
	pageVisible = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html"
)

// A Need is an action that a role must allow, and why.
type Need struct {
	Action string
	On     Place
	By     string // ByCode, or the part of AWS that acts with the role
	Page   string
}

// ByCode is what Need.By says of an action that the project's own code calls: a test derives these from the code.
const ByCode = "the code"

// WorkerNeeds are the actions that the role of a function needs: these on these places, and no others.
func WorkerNeeds() []Need {
	return []Need{
		{"sqs:ReceiveMessage", OnQueue, "the event source mapping", pageRole},
		{"sqs:DeleteMessage", OnQueue, "the event source mapping", pageRole},
		{"sqs:GetQueueAttributes", OnQueue, "the event source mapping", pageRole},
		{"sqs:ChangeMessageVisibility", OnQueue, ByCode, pageVisible}, // backoff
		{"sqs:SendMessage", OnQueue, ByCode, pageSend},                // a failed event of the direct lane
		{"sqs:SendMessage", OnLetters, ByCode, pageSend},              // dead letters; Lambda's OnFailure needs it, too
		{"s3:PutObject", OnBucket, ByCode, pageS3Parts},               // results, and their parts
		{"s3:AbortMultipartUpload", OnBucket, ByCode, pageS3Parts},    // a result that broke off
		{"s3:GetObject", OnPayloads, ByCode, pageGet},                 // payloads that were too large for a message
		{"s3:ListBucket", OnPayloadsBucket, "S3 (to tell a payload that is gone)", pageGet},
		{"logs:CreateLogStream", OnLogGroup, "Lambda's logs", pageLambda},
		{"logs:PutLogEvents", OnLogGroup, "Lambda's logs", pageLambda},
		{"kms:Decrypt", OnKey, "SQS (to receive) and S3 (to read, and for parts)", pageSQSKeys},
		{"kms:GenerateDataKey", OnKey, "SQS (to send) and S3 (to write)", pageSQSKeys},
	}
}

// ProducerNeeds are the actions that the policy for a web host needs: these on these places, and no others.
func ProducerNeeds() []Need {
	return []Need{
		{"sqs:SendMessage", OnQueue, ByCode, pageSend},
		{"lambda:InvokeFunction", OnFunction, ByCode, pageInvoke},
		{"s3:PutObject", OnPayloads, ByCode, pagePut}, // payloads that are too large for a message
		{"kms:GenerateDataKey", OnKey, "SQS (to send) and S3 (to write)", pageSQSKeys},
	}
}

// places gives the resources that a place stands for, for one role.
type places map[Place][]string

func (p places) add(on Place, resource string) {
	if resource != "" && !slices.Contains(p[on], resource) {
		p[on] = append(p[on], resource)
	}
}

// addKey adds the key of the resource at path, unless AWS manages it: those let in the whole account by way of their service.
func (p places) addKey(key, path string) {
	switch {
	case key == "" || ofAWS(key):
	case isKeyARN(key):
		p.add(OnKey, key)
	default:
		p.add(namedKeys, path+".KMSKeyID")
	}
}

func ofAWS(key string) bool { return strings.Contains(key, "alias/aws/") }

// isKeyARN says whether a key is named as policies name it. Source: KMS Developer Guide, "Specifying KMS keys in IAM policy statements".
func isKeyARN(key string) bool {
	return strings.HasPrefix(key, "arn:") && strings.Contains(key, ":key/")
}

// otherNames says whether two names may be those of one key.
func otherNames(a, b string) bool {
	return a != "" && b != "" && !ofAWS(a) && !ofAWS(b) && !(isKeyARN(a) && isKeyARN(b))
}

const whyNamedKey = "the key is named by an alias or an id, and nobody knows its ARN: set KmsMasterKeyId to the ARN of the key"

// covers says whether a need is about the action on the resource.
func (p places) covers(need Need, action, resource string) bool {
	if !strings.EqualFold(need.Action, action) {
		return false
	}
	if need.On == OnKey && len(p[namedKeys]) > 0 {
		return true
	}
	return slices.ContainsFunc(p[need.On], func(place string) bool {
		switch need.On {
		case OnBucket:
			return strings.HasPrefix(resource, place+"/")
		case OnPayloads:
			return resource == place || strings.HasPrefix(resource, strings.TrimSuffix(place, "*"))
		case OnLogGroup:
			group := strings.TrimSuffix(place, ":*")
			return resource == place || resource == group || strings.HasPrefix(resource, group+":log-stream:")
		}
		return resource == place
	})
}

// allowed says whether statements allow the need on a resource of its place.
func (n Need) allowed(statements []Statement, resource string) bool {
	switch n.On {
	case OnBucket:
		return allowsBelow(statements, n.Action, resource)
	case OnPayloads:
		return allows(statements, n.Action, strings.TrimSuffix(resource, "*")+"x")
	case OnLogGroup: // its ARN ends in ":*", and what is written to is a stream of it
		group := strings.TrimSuffix(resource, ":*")
		return allows(statements, n.Action, group+":log-stream:x") || n.Action == "logs:CreateLogStream" && allows(statements, n.Action, group)
	}
	return allows(statements, n.Action, resource)
}

// workerPlaces gives the places of the functions that have a role.
func (s *Stack) workerPlaces(role *Role) places {
	p := make(places)
	for _, fn := range s.workers() {
		if fn.RoleARN != role.ARN {
			continue
		}
		for i := range s.Mappings {
			if of, _ := s.Function(s.Mappings[i].FunctionARN); of == fn {
				if q := s.Queue(s.Mappings[i].QueueARN); q != nil {
					p.add(OnQueue, q.ARN)
					p.addKey(q.KMSKeyID, "Queues."+q.ID)
					p.add(OnLetters, q.DeadLetterARN)
				}
			}
		}
		for _, a := range fn.Async {
			if s.Queue(a.OnFailure) != nil {
				p.add(OnLetters, a.OnFailure)
			}
		}
		for _, arn := range p[OnLetters] {
			if q := s.Queue(arn); q != nil {
				p.addKey(q.KMSKeyID, "Queues."+q.ID)
			}
		}
		p.add(OnLogGroup, s.logGroupARN(fn))
		if b := find(s.Buckets, func(b *Bucket) bool { return b.Name != "" && b.Name == s.Outputs[resultsBucket] }); b != nil {
			p.add(OnBucket, b.ARN)
			p.addKey(b.KMSKeyID, "Buckets."+b.ID)
		}
		if b := s.payloadsBucket(); b != nil {
			p.add(OnPayloadsBucket, b.ARN)
			p.addPayloads(b)
		}
	}
	return p
}

// addPayloads adds the place of payloads in their bucket.
func (p places) addPayloads(b *Bucket) {
	p.add(OnPayloads, b.ARN+"/"+PayloadsPrefix+"*")
	p.addKey(b.KMSKeyID, "Buckets."+b.ID)
}

// payloadsBucket gives the bucket that the output names, or nil.
func (s *Stack) payloadsBucket() *Bucket {
	return find(s.Buckets, func(b *Bucket) bool { return b.Name != "" && b.Name == s.Outputs[payloadsOutput] })
}

// logGroupARN gives the ARN of the log group of a function, which need not be part of the stack.
func (s *Stack) logGroupARN(fn *Function) string {
	if g := find(s.LogGroups, func(g *LogGroup) bool { return g.Name == fn.LogGroup }); g != nil {
		return g.ARN
	}
	parts := strings.Split(fn.ARN, ":") // arn:partition:lambda:region:account:function:name
	if len(parts) < 5 {
		return ""
	}
	return strings.Join([]string{"arn", parts[1], "logs", parts[3], parts[4], "log-group", fn.LogGroup, "*"}, ":")
}

// Outputs by which the rules know what a resource is for.
const (
	directLane     = "WorkerFunction"    // the function that hosts invoke
	resultsBucket  = "ResultsBucket"     // the bucket that functions write results to
	payloadsOutput = "PayloadsBucket"    // the bucket that hosts write payloads to which are too large for a message
	hostPolicy     = "ProducerPolicyArn" // the policy for the roles of hosts
)

// producerPlaces gives the places of a web host: every queue that holds tasks, the function that it invokes, and the place of
// large payloads.
func (s *Stack) producerPlaces() places {
	p := make(places)
	for i := range s.Queues {
		if q := &s.Queues[i]; !s.IsDeadLetterQueue(q) {
			p.add(OnQueue, q.ARN)
			p.addKey(q.KMSKeyID, "Queues."+q.ID)
		}
	}
	if fn, _ := s.Function(s.Outputs[directLane]); fn != nil {
		p.add(OnFunction, s.Outputs[directLane])
	}
	if b := s.payloadsBucket(); b != nil {
		p.addPayloads(b)
	}
	return p
}
