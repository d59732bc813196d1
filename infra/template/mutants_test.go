package template_test

import "slices"

const (
	queue   = "Resources/TaskQueue/Properties/"
	letters = "Resources/DeadLetterQueue/Properties/"
	fn      = "Resources/WorkerFunction/Properties/"
	event   = fn + "Events/Tasks/Properties/"
	bucket  = "Resources/ResultsBucket/Properties/"
	aging   = "Resources/PayloadsBucket/Properties/LifecycleConfiguration"
	roleDoc = "Resources/WorkerRole/Properties/Policies/0/PolicyDocument/Statement/"
	host    = "Resources/ProducerPolicy/Properties/PolicyDocument/Statement/"
)

func mutants() []mutant {
	return slices.Concat(queueMutants, mappingMutants, laneMutants, alarmMutants, storageMutants, iamMutants, needMutants)
}

var queueMutants = []mutant{
	one("C7-visibility", "five times the timeout", "TaskQueue", queue+"VisibilityTimeout", "300"),
	one("C7-visibility", "not set", "TaskQueue", queue+"VisibilityTimeout", ""),
	one("C7-visibility", "timeout raised alone", "TaskQueue", fn+"Timeout", "61"),
	one("C7-visibility", "batch window forgotten", "TaskQueue", event+"MaximumBatchingWindowInSeconds", "1"),
	one("C10-attempts", "fewer than the worker assumes", "TaskQueue", queue+"RedrivePolicy/maxReceiveCount", "14"),
	one("C11-retention", "four days", "DeadLetterQueue", letters+"MessageRetentionPeriod", "345600"),
	one("C11-retention", "not set", "DeadLetterQueue", letters+"MessageRetentionPeriod", ""),
	{"C11-source", "as long as that of the dead letters", "TaskQueue", []edit{{queue + "MessageRetentionPeriod", "1209600"}, {aging + "/Rules/0/ExpirationInDays", "56"}}},
	one("C13-redrive", "none", "BulkQueue", "Resources/BulkQueue/Properties/RedrivePolicy", ""),
	one("C13-redrive", "to itself", "BulkQueue", "Resources/BulkQueue/Properties/RedrivePolicy/deadLetterTargetArn", "!Sub arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:BulkQueue"),
	{"C13-delay", "longer than the retention", "TaskQueue", []edit{{queue + "DelaySeconds", "900"}, {queue + "MessageRetentionPeriod", "600"}, {"Resources/TaskQueueAgeAlarm/Properties/Threshold", "60"}}},
	one("C13-kind", "a FIFO queue behind a standard one", "BulkQueue", "Resources/BulkQueue/Properties/FifoQueue", "true"),
	one("C13-allow", "nobody", "DeadLetterQueue", letters+"RedriveAllowPolicy", "{redrivePermission: denyAll}"),
	one("C13-allow", "another queue", "DeadLetterQueue", letters+"RedriveAllowPolicy", "{redrivePermission: byQueue, sourceQueueArns: [!GetAtt BulkQueue.Arn]}"),
	one("C13-size", "the old limit", "TaskQueue", queue+"MaximumMessageSize", "262144"),
	one("C13-size", "of dead letters", "DeadLetterQueue", letters+"MaximumMessageSize", "1024"),
}

var mappingMutants = []mutant{
	one("C13-mapping", "two", "TaskQueue", "Resources/Second", `
Type: AWS::Lambda::EventSourceMapping
Properties:
  EventSourceArn: !GetAtt TaskQueue.Arn
  FunctionName: !Ref WorkerFunction.Alias
  FunctionResponseTypes: [ReportBatchItemFailures]
  ScalingConfig: {MaximumConcurrency: 2}`),
	one("C13-enabled", "off", "WorkerFunctionTasks", event+"Enabled", "false"),
	one("C13-filter", "on the body", "WorkerFunctionTasks", event+"FilterCriteria", `{Filters: [{Pattern: '{"body":{"type":["a"]}}'}]}`),
	one("C13-settler", "another queue", "WorkerFunction", fn+"Environment/Variables/OFFLOAD_QUEUE_URL", "!Ref BulkQueue"),
	one("C13-settler", "dead letters of another queue", "WorkerFunction", fn+"Environment/Variables/OFFLOAD_DEAD_LETTER_QUEUE_URL", "!Ref BulkDeadLetterQueue"),
	one("C13-settler", "no URL", "WorkerFunction", fn+"Environment/Variables/OFFLOAD_QUEUE_URL", "!GetAtt TaskQueue.QueueName"),
	one("D1-concurrency", "none", "WorkerFunctionTasks", event+"ScalingConfig", ""),
	one("D1-concurrency", "one", "WorkerFunctionTasks", event+"ScalingConfig/MaximumConcurrency", "1"),
	one("D1-reserved", "less than the mappings", "WorkerFunction", fn+"ReservedConcurrentExecutions", "9"),
	one("D1-receives", "four", "TaskQueue", queue+"RedrivePolicy/maxReceiveCount", "4"),
	one("D3-report", "none", "WorkerFunctionTasks", event+"FunctionResponseTypes", ""),
	one("D6-recursion", "allowed", "BulkFunction", "Resources/BulkFunction/Properties/RecursiveLoop", "Allow"),
}

var laneMutants = []mutant{
	one("D7-onfailure", "no configuration", "WorkerFunction", fn+"EventInvokeConfig", ""),
	one("D7-onfailure", "no destination", "WorkerFunction", fn+"EventInvokeConfig/DestinationConfig", ""),
	one("D7-onfailure", "a queue elsewhere", "WorkerFunction", fn+"EventInvokeConfig/DestinationConfig/OnFailure/Destination", "!Sub arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:other"),
	one("D7-qualifier", "output without the alias", "WorkerFunction", "Outputs/BulkFunction/Value", "!GetAtt WorkerFunction.Arn"),
	{"D7-qualifier", "mapping without the alias", "Mapped", []edit{{fn + "Events", ""}, {"Resources/Mapped", `
Type: AWS::Lambda::EventSourceMapping
Properties:
  EventSourceArn: !GetAtt TaskQueue.Arn
  FunctionName: !Ref WorkerFunction
  FunctionResponseTypes: [ReportBatchItemFailures]
  ScalingConfig: {MaximumConcurrency: 2}`}}},
}

func alarm(rule, what, resource, at, field, yaml string) mutant {
	return one(rule, what, at, "Resources/"+resource+"/Properties/"+field, yaml)
}

var alarmMutants = []mutant{
	one("C9-inflight", "none", "TaskQueue", "Resources/TaskQueueInFlightAlarm", ""),
	alarm("C9-inflight", "above what SQS gives", "BulkQueueInFlightAlarm", "BulkQueue", "Threshold", "120000"),
	one("D6-alarm", "none", "WorkerFunction", "Resources/WorkerRecursionAlarm", ""),
	one("H4-dead-letters", "none", "BulkDeadLetterQueue", "Resources/BulkDeadLetterQueueAlarm", ""),
	alarm("H4-dead-letters", "of another queue", "DeadLetterQueueAlarm", "DeadLetterQueue", "Dimensions/0/Value", "!GetAtt TaskQueue.QueueName"),
	alarm("H4-dead-letters", "at the second", "DeadLetterQueueAlarm", "DeadLetterQueue", "Threshold", "1"),
	alarm("H4-dead-letters", "the minimum", "DeadLetterQueueAlarm", "DeadLetterQueue", "Statistic", "Minimum"),
	alarm("H4-dead-letters", "when there are none", "DeadLetterQueueAlarm", "DeadLetterQueue", "ComparisonOperator", "LessThanThreshold"),
	alarm("H4-dead-letters", "missing data breaches", "DeadLetterQueueAlarm", "DeadLetterQueue", "TreatMissingData", "breaching"),
	alarm("H4-dead-letters", "missing data not set", "DeadLetterQueueAlarm", "DeadLetterQueue", "TreatMissingData", ""),
	alarm("H4-dead-letters", "always", "DeadLetterQueueAlarm", "DeadLetterQueue", "ComparisonOperator", "GreaterThanOrEqualToThreshold"),
	one("H4-age", "none", "TaskQueue", "Resources/TaskQueueAgeAlarm", ""),
	alarm("H4-age", "above the retention", "TaskQueueAgeAlarm", "TaskQueue", "Threshold", "345600"),
	alarm("H4-age", "after two hours", "TaskQueueAgeAlarm", "TaskQueue", "EvaluationPeriods", "120"),
	one("H4-errors", "none", "WorkerFunction", "Resources/WorkerErrorsAlarm", ""),
	alarm("H4-errors", "the average", "WorkerErrorsAlarm", "WorkerFunction", "Statistic", "Average"),
	one("H4-throttles", "none", "BulkFunction", "Resources/BulkThrottlesAlarm", ""),
	one("H4-dropped", "none", "WorkerFunction", "Resources/DirectDroppedAlarm", ""),
	one("H4-destination", "none", "WorkerFunction", "Resources/DirectDestinationAlarm", ""),
	alarm("H4-actions", "none", "TaskQueueAgeAlarm", "TaskQueueAgeAlarm", "AlarmActions", ""),
	alarm("H4-actions", "off", "TaskQueueAgeAlarm", "TaskQueueAgeAlarm", "ActionsEnabled", "false"),
	one("H4-logs", "kept for ever", "WorkerLogGroup", "Resources/WorkerLogGroup/Properties/RetentionInDays", ""),
	{"H4-logs", "in Lambda's own group", "WorkerFunction", []edit{
		{fn + "LoggingConfig/LogGroup", ""},
		{roleDoc + "5/Resource", "!Sub arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/WorkerFunction:*"},
	}},
}

var storageMutants = []mutant{
	one("H2-retain", "queue deleted with the stack", "TaskQueue", "Resources/TaskQueue/DeletionPolicy", ""),
	one("H2-retain", "queue deleted when it is replaced", "BulkDeadLetterQueue", "Resources/BulkDeadLetterQueue/UpdateReplacePolicy", "Delete"),
	one("H2-retain", "bucket", "ResultsBucket", "Resources/ResultsBucket/DeletionPolicy", "Delete"),
	one("J3-encryption", "off", "TaskQueue", queue+"SqsManagedSseEnabled", "false"),
	one("J3-encryption", "another key for dead letters", "DeadLetterQueue", letters+"KmsMasterKeyId", "alias/aws/sqs"),
	one("J3-public", "acls", "ResultsBucket", bucket+"PublicAccessBlockConfiguration/BlockPublicAcls", "false"),
	one("J3-public", "half said", "ResultsBucket", bucket+"PublicAccessBlockConfiguration", "{BlockPublicPolicy: true}"),
	one("H2-retain", "payloads", "PayloadsBucket", "Resources/PayloadsBucket/UpdateReplacePolicy", "Delete"),
	one("J3-public", "payloads", "PayloadsBucket", "Resources/PayloadsBucket/Properties/PublicAccessBlockConfiguration/RestrictPublicBuckets", "false"),
	one("J3-tls", "payloads", "PayloadsBucket", "Resources/PayloadsBucketPolicy", ""),
	one("G1-expiry", "no lifecycle", "PayloadsBucket", aging, ""),
	one("G1-expiry", "off", "PayloadsBucket", aging+"/Rules/0/Status", "Disabled"),
	one("G1-expiry", "of other objects", "PayloadsBucket", aging+"/Rules/0/Prefix", "results/"),
	one("G1-expiry", "of some", "PayloadsBucket", aging+"/Rules/0/TagFilters", "[{Key: a, Value: b}]"),
	one("G2-lifetime", "a day too short", "PayloadsBucket", aging+"/Rules/0/ExpirationInDays", "35"),
	one("G2-lifetime", "a second rule, of some payloads", "PayloadsBucket", aging+"/Rules/+", "{Id: b, Status: Enabled, Prefix: payloads/01, ExpirationInDays: 7}"),
	one("G2-lifetime", "a second rule, of large ones", "PayloadsBucket", aging+"/Rules/+", "{Id: b, Status: Enabled, ObjectSizeGreaterThan: '1000000', ExpirationInDays: 7}"),
	one("G2-lifetime", "at a date", "PayloadsBucket", aging+"/Rules/+", "{Id: b, Status: Enabled, ExpirationDate: '2030-01-01T00:00:00Z'}"),
	one("J3-tls", "no policy", "TaskQueue", "Resources/TaskQueuePolicy", ""),
	one("J3-tls", "denied with TLS", "TaskQueue", "Resources/TaskQueuePolicy/Properties/PolicyDocument/Statement/0/Condition/Bool", `{aws:SecureTransport: "true"}`),
	one("J3-tls", "for one action", "DeadLetterQueue", "Resources/DeadLetterQueuePolicy/Properties/PolicyDocument/Statement/0/Action", "sqs:SendMessage"),
	one("J3-tls", "the bucket but not its objects", "ResultsBucket", "Resources/ResultsBucketPolicy/Properties/PolicyDocument/Statement/0/Resource", "!GetAtt ResultsBucket.Arn"),
	one("J3-url", "public", "WorkerFunction", fn+"FunctionUrlConfig", "{AuthType: NONE}"),
	one("J3-url", "with IAM", "BulkFunction", "Resources/Url", "{Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !GetAtt BulkFunction.Arn, AuthType: AWS_IAM}}"),
}

const queuePolicy = "Resources/TaskQueuePolicy/Properties/PolicyDocument/Statement/+"

// iamMutants are the mutants of policies.
var iamMutants = []mutant{
	one("J3-wildcard", "every action of SQS", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 'sqs:*', Resource: !GetAtt TaskQueue.Arn}"),
	one("J3-wildcard", "every action", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: '*', Resource: !GetAtt TaskQueue.Arn}"),
	one("J3-wildcard", "half of an action", "ProducerPolicy", host+"+", "{Effect: Allow, Action: 'sqs:Send*', Resource: !GetAtt TaskQueue.Arn}"),
	one("J3-wildcard", "every resource", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 'sqs:SendMessage', Resource: '*'}"),
	one("J3-wildcard", "every queue of the account", "ProducerPolicy", host+"+", "{Effect: Allow, Action: 'sqs:SendMessage', Resource: !Sub 'arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:*'}"),
	one("J3-wildcard", "every version of a function", "ProducerPolicy", host+"+", "{Effect: Allow, Action: 'lambda:InvokeFunction', Resource: !Sub '${WorkerFunction.Arn}:*'}"),
	one("J3-wildcard", "the whole bucket", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 's3:PutObject', Resource: !Sub '${ResultsBucket.Arn}/*'}"),
	one("J3-wildcard", "every log group", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 'logs:PutLogEvents', Resource: !Sub 'arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:*:*'}"),
	one("J3-wildcard", "all but a few actions", "WorkerRole", roleDoc+"+", "{Effect: Allow, NotAction: 'iam:PassRole', Resource: !GetAtt TaskQueue.Arn}"),
	one("J3-wildcard", "all but a few resources", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 'sqs:SendMessage', NotResource: !GetAtt TaskQueue.Arn}"),
	one("J3-actions", "the worker may purge", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 'sqs:PurgeQueue', Resource: !GetAtt TaskQueue.Arn}"),
	one("J3-actions", "the worker may read the dead letters", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 'sqs:ReceiveMessage', Resource: !GetAtt DeadLetterQueue.Arn}"),
	one("J3-actions", "the worker may work on the other class", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 'sqs:DeleteMessage', Resource: !GetAtt BulkQueue.Arn}"),
	one("J3-actions", "the host may read tasks", "ProducerPolicy", host+"+", "{Effect: Allow, Action: 'sqs:ReceiveMessage', Resource: !GetAtt TaskQueue.Arn}"),
	one("J3-actions", "the host may read payloads", "ProducerPolicy", host+"+", "{Effect: Allow, Action: 's3:GetObject', Resource: !Sub '${PayloadsBucket.Arn}/payloads/*'}"),
	one("J3-actions", "the worker may write payloads", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 's3:PutObject', Resource: !Sub '${PayloadsBucket.Arn}/payloads/*'}"),
	one("J3-actions", "the worker may read beside the payloads", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 's3:GetObject', Resource: !Sub '${PayloadsBucket.Arn}/other/*'}"),
	one("J3-actions", "the worker may delete payloads", "BulkRole", "Resources/BulkRole/Properties/Policies/0/PolicyDocument/Statement/+", "{Effect: Allow, Action: 's3:DeleteObject', Resource: !Sub '${PayloadsBucket.Arn}/payloads/*'}"),
	one("J3-actions", "the host may replace the code", "ProducerPolicy", host+"+", "{Effect: Allow, Action: 'lambda:UpdateFunctionCode', Resource: !GetAtt WorkerFunction.Arn}"),
	one("J3-actions", "a policy beside the role", "WorkerRole", "Resources/More", `
Type: AWS::IAM::Policy
Properties:
  PolicyName: more
  Roles: [!Ref WorkerRole]
  PolicyDocument: {Statement: {Effect: Allow, Action: 'sqs:DeleteQueue', Resource: !GetAtt TaskQueue.Arn}}`),
	{"J3-actions", "a policy of the stack attached to the role", "WorkerRole", []edit{
		{"Resources/WorkerRole/Properties/ManagedPolicyArns", "[!Ref More]"},
		{"Resources/More", `
Type: AWS::IAM::ManagedPolicy
Properties:
  PolicyDocument: {Statement: {Effect: Allow, Action: 'sqs:PurgeQueue', Resource: !GetAtt TaskQueue.Arn}}`},
	}},
	one("J3-managed", "administrator", "WorkerRole", "Resources/WorkerRole/Properties/ManagedPolicyArns", "[arn:aws:iam::aws:policy/AdministratorAccess]"),
	one("J3-trust", "everybody", "WorkerRole", "Resources/WorkerRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal", "{AWS: '*'}"),
	one("J3-trust", "another account", "BulkRole", "Resources/BulkRole/Properties/AssumeRolePolicyDocument/Statement/+", "{Effect: Allow, Principal: {AWS: 'arn:aws:iam::111111111111:root'}, Action: 'sts:AssumeRole'}"),
	one("J3-kms", "a key from anywhere", "WorkerRole", roleDoc+"+", "{Effect: Allow, Action: 'kms:Decrypt', Resource: !Ref KmsKeyArn}"),
	one("J3-policy", "queue open to everybody", "TaskQueue", queuePolicy, "{Effect: Allow, Principal: '*', Action: 'sqs:SendMessage', Resource: !GetAtt TaskQueue.Arn}"),
	one("J3-policy", "queue open to a service of any account", "TaskQueue", queuePolicy, "{Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: 'sqs:SendMessage', Resource: !GetAtt TaskQueue.Arn}"),
	one("J3-policy", "queue open if the source is missing", "TaskQueue", queuePolicy, "{Effect: Allow, Principal: '*', Action: 'sqs:SendMessage', Resource: !GetAtt TaskQueue.Arn, Condition: {ArnEqualsIfExists: {aws:SourceArn: 'arn:aws:sns:us-east-1:000000000000:t'}}}"),
	one("J3-policy", "bucket open to everybody", "ResultsBucket", "Resources/ResultsBucketPolicy/Properties/PolicyDocument/Statement/+", "{Effect: Allow, Principal: {AWS: '*'}, Action: 's3:GetObject', Resource: !Sub '${ResultsBucket.Arn}/*'}"),
	one("J3-policy", "function open to everybody", "WorkerFunction", "Resources/Open", "{Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref WorkerFunction, Action: 'lambda:InvokeFunction', Principal: '*'}}"),
	one("J3-policy", "function open to a service of any account", "WorkerFunction", "Resources/Open", "{Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref WorkerFunction, Action: 'lambda:InvokeFunction', Principal: s3.amazonaws.com}}"),
}

var needMutants = []mutant{
	{"C13-target", "in another stack", "TaskQueue", []edit{
		{queue + "RedrivePolicy/deadLetterTargetArn", "!Sub arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:other"},
		{roleDoc + "1/Resource", "[!GetAtt DeadLetterQueue.Arn, !Sub 'arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:other']"},
	}},
	one("H3-worker", "cannot receive", "WorkerRole", roleDoc+"0/Action", "[sqs:DeleteMessage, sqs:GetQueueAttributes, sqs:ChangeMessageVisibility, sqs:SendMessage]"),
	one("H3-worker", "cannot set a backoff", "BulkRole", "Resources/BulkRole/Properties/Policies/0/PolicyDocument/Statement/0/Action", "[sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes, sqs:SendMessage]"),
	one("H3-worker", "cannot keep dead letters", "WorkerRole", roleDoc+"1", ""),
	one("H3-worker", "cannot write results", "WorkerRole", roleDoc+"2/Action", "s3:AbortMultipartUpload"),
	one("H3-worker", "cannot read payloads", "WorkerRole", roleDoc+"3", ""),
	one("H3-worker", "cannot tell that a payload is gone", "BulkRole", "Resources/BulkRole/Properties/Policies/0/PolicyDocument/Statement/4", ""),
	one("H3-worker", "cannot log", "WorkerRole", roleDoc+"5", ""),
	one("H3-worker", "cannot use the key", "WorkerRole", roleDoc+"6", ""),
	one("H3-worker", "denied", "WorkerRole", roleDoc+"+", "{Effect: Deny, Action: 'sqs:Delete*', Resource: '*'}"),
	one("H3-producer", "cannot send to the bulk queue", "ProducerPolicy", host+"0/Resource", "!GetAtt TaskQueue.Arn"),
	one("H3-producer", "cannot invoke", "ProducerPolicy", host+"1", ""),
	one("H3-producer", "cannot store payloads", "ProducerPolicy", host+"2", ""),
	one("H3-producer", "cannot use the key", "ProducerPolicy", host+"3", ""),
}
