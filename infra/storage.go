package infra

import (
	"slices"
	"strings"
)

const (
	pageDeletion   = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"
	pageSSE        = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html"
	pagePublic     = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
	pageTLS        = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html"
	pageConfused   = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
	pageURLs       = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
	secureTransfer = "aws:SecureTransport"
)

var storageRules = []Rule{
	{
		ID: "H2-retain", Severity: Error,
		Title: "queues and buckets outlive the stack and a replacement",
		Why:   "A stack that is deleted, or a change that replaces the queue (a new name is enough), deletes every task in it.",
		Fix:   "set DeletionPolicy and UpdateReplacePolicy of the resource to Retain",
		Page:  pageDeletion, check: checkRetain,
	},
	{
		ID: "J3-encryption", Severity: Error,
		Title: "queues and buckets are encrypted, a dead-letter queue as its source is",
		Why:   "Tasks and results lie in the clear on disks of AWS, or under a key with another set of readers.",
		Fix:   "leave SqsManagedSseEnabled on, or set the same KmsMasterKeyId for a queue and its dead-letter queue",
		Page:  pageSSE, check: checkEncryption,
	},
	{
		ID: "J3-public", Severity: Error,
		Title: "a bucket blocks public access",
		Why:   "One careless policy or ACL shows every result to the world.",
		Fix:   "set all four settings of PublicAccessBlockConfiguration to true",
		Page:  pagePublic, check: checkPublic,
	},
	{
		ID: "J3-tls", Severity: Error,
		Title: "queues and buckets refuse requests without TLS",
		Why:   "A host with a wrong endpoint sends tasks in the clear, and nobody notices.",
		Fix:   "deny every action to every principal where aws:SecureTransport is false, in the policy of the queue or the bucket",
		Page:  pageTLS, check: checkTLS,
	},
	{
		ID: "J3-policy", Severity: Error,
		Title: "policies of queues, buckets and functions let in nobody but named callers",
		Why:   "A principal of * lets in the world. A service principal without source acts for anybody's account.",
		Fix:   "name the role that may, or add aws:SourceArn or aws:SourceAccount to the conditions of the statement",
		Page:  pageConfused, check: checkResourcePolicies,
	},
	{
		ID: "J3-url", Severity: Error,
		Title: "a function has no URL",
		Why:   "Tasks come by queue and by Invoke. A URL is a second door: with AuthType NONE, anybody's.",
		Fix:   "remove FunctionUrlConfig and AWS::Lambda::Url",
		Page:  pageURLs, check: checkURLs,
	},
}

func checkRetain(r *run) {
	_ = r.known("Queues", "Buckets") // the one list is judged without the other
	check := func(list string, at interface{ base() Resource }) {
		b := at.base()
		retained := func(policy string) bool { return policy == "Retain" || policy == "RetainExceptOnCreate" }
		path := list + "." + b.ID + "."
		if r.known(path+"DeletionPolicy") && !retained(b.DeletionPolicy) {
			r.found(at, "DeletionPolicy", "%s, not Retain", b.DeletionPolicy)
		}
		if r.known(path+"UpdateReplacePolicy") && b.UpdateReplacePolicy != "Retain" {
			r.found(at, "UpdateReplacePolicy", "%s, not Retain", b.UpdateReplacePolicy)
		}
	}
	for i := range r.Queues {
		check("Queues", &r.Queues[i])
	}
	for i := range r.Buckets {
		check("Buckets", &r.Buckets[i])
	}
}

func checkEncryption(r *run) {
	_ = r.known("Queues", "Buckets") // the one list is judged without the other
	for i := range r.Queues {
		q := &r.Queues[i]
		if !r.knownFields("Queues."+q.ID, "ManagedSSE", "KMSKeyID", "DeadLetterARN") {
			continue
		}
		target := r.Queue(q.DeadLetterARN)
		switch {
		case !q.ManagedSSE && q.KMSKeyID == "":
			r.found(q, "ManagedSSE", "the queue is not encrypted")
		case target == nil || !target.ManagedSSE && target.KMSKeyID == "" || target.KMSKeyID == q.KMSKeyID || !r.known("Queues."+target.ID+".KMSKeyID"):
		case otherNames(q.KMSKeyID, target.KMSKeyID):
			r.skip("Queues."+target.ID+".KMSKeyID", whyNamedKey)
		default:
			r.found(target, "KMSKeyID", "the key is not that of %s", q.ID)
		}
	}
	for i := range r.Buckets {
		if b := &r.Buckets[i]; r.known("Buckets."+b.ID+".Encryption") && b.Encryption == "" {
			r.found(b, "Encryption", "the bucket is not encrypted")
		}
	}
}

func checkPublic(r *run) {
	if !r.known("Buckets") {
		return
	}
	for i := range r.Buckets {
		b := &r.Buckets[i]
		if r.known("Buckets."+b.ID+".PublicBlock") && b.PublicBlock != (PublicBlock{true, true, true, true}) {
			r.found(b, "PublicBlock", "public access is not blocked: %+v", b.PublicBlock)
		}
	}
}

func checkTLS(r *run) {
	_ = r.known("Queues", "Buckets") // the one list is judged without the other
	for i := range r.Queues {
		q := &r.Queues[i]
		if r.known("Queues."+q.ID+".Policy") && !deniesPlain(q.Policy, "sqs", q.ARN) {
			r.found(q, "Policy", "requests without TLS are not denied")
		}
	}
	for i := range r.Buckets {
		b := &r.Buckets[i]
		if r.known("Buckets."+b.ID+".Policy") && !(deniesPlain(b.Policy, "s3", b.ARN) && deniesPlain(b.Policy, "s3", b.ARN+"/*")) {
			r.found(b, "Policy", "requests without TLS are not denied")
		}
	}
}

// deniesPlain says whether a policy denies all actions of a service on the resource to everybody who comes without TLS. Actions, keys of
// conditions and booleans have no case (IAM User Guide, "IAM JSON policy elements").
func deniesPlain(policy []Statement, service, arn string) bool {
	return slices.ContainsFunc(policy, func(s Statement) bool {
		only := len(s.Conditions) == 1 && s.Conditions[0].Operator == "Bool" && strings.EqualFold(s.Conditions[0].Key, secureTransfer) &&
			len(s.Conditions[0].Values) == 1 && strings.EqualFold(s.Conditions[0].Values[0], "false")
		return s.Effect == "Deny" && only && everybody(s.Principals) &&
			(containsFold(s.Actions, service+":*") || slices.Contains(s.Actions, "*")) &&
			(slices.Contains(s.Resources, arn) || slices.Contains(s.Resources, "*"))
	})
}

func everybody(principals []string) bool {
	return slices.Contains(principals, "*") || slices.Contains(principals, "AWS:*")
}

func checkResourcePolicies(r *run) {
	_ = r.known("Queues", "Buckets", "Functions") // the one list is judged without the other
	check := func(list string, at interface{ base() Resource }, policy []Statement) {
		if !r.known(list + "." + at.base().ID + ".Policy") {
			return
		}
		for _, s := range policy {
			if wrong := loose(s); wrong != "" {
				r.found(at, "Policy", "a statement %s", wrong)
			}
		}
	}
	for i := range r.Queues {
		check("Queues", &r.Queues[i], r.Queues[i].Policy)
	}
	for i := range r.Buckets {
		check("Buckets", &r.Buckets[i], r.Buckets[i].Policy)
	}
	for i := range r.Functions {
		check("Functions", &r.Functions[i], r.Functions[i].Policy)
	}
}

// fromWhere are the conditions that bind an anonymous or a service principal to one caller.
var fromWhere = []string{"aws:SourceArn", "aws:SourceAccount", "aws:PrincipalOrgID", "aws:PrincipalAccount", "aws:SourceOrgID"}

// byURL are the conditions of permissions to call a function by its URL.
var byURL = []string{"lambda:FunctionUrlAuthType", "lambda:InvokedViaFunctionUrl"}

// loose says what is wrong with a statement of a resource policy, or "".
func loose(s Statement) string {
	if s.Effect != "Allow" {
		return ""
	}
	if len(s.NotPrincipals) > 0 {
		return "allows everybody but a few (NotPrincipal)"
	}
	bound := slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		if containsFold(byURL, c.Key) { // the door itself has a rule of its own
			return true
		}
		return equalsOrLike(c.Operator) && containsFold(fromWhere, c.Key) && !slices.Contains(c.Values, "*")
	})
	if bound {
		return ""
	}
	if everybody(s.Principals) {
		return "allows everybody, with no condition on the source"
	}
	for _, p := range s.Principals {
		if hasPrefixFold(p, "Service:") {
			return "allows " + p[len("Service:"):] + " to act for any account: no aws:SourceArn and no aws:SourceAccount"
		}
	}
	return ""
}

func checkURLs(r *run) {
	if !r.known("Functions") {
		return
	}
	for i := range r.Functions {
		fn := &r.Functions[i]
		if !r.known("Functions." + fn.ID + ".URLs") {
			continue
		}
		for _, u := range fn.URLs {
			r.found(fn, "URLs", "there is a function URL, AuthType %s", u.AuthType)
		}
	}
}
