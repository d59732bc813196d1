package template

import (
	"slices"
	"strconv"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/internal/cfn"
)

// readAlarm reads an alarm. Source of the defaults: CloudWatch API reference, PutMetricAlarm.
func (l *loader) readAlarm(p props) {
	a := infra.Alarm{
		Resource:          p.base(),
		Namespace:         p.text("Namespace", "Namespace", ""),
		Metric:            p.text("MetricName", "Metric", ""),
		Dimensions:        make(map[string]string),
		Statistic:         p.text("Statistic", "Statistic", p.text("ExtendedStatistic", "Statistic", "")),
		Period:            p.seconds("Period", "Period", 0),
		EvaluationPeriods: p.integer("EvaluationPeriods", "EvaluationPeriods", 0),
		Threshold:         p.number("Threshold", "Threshold"),
		Comparison:        p.text("ComparisonOperator", "Comparison", ""),
		MissingData:       p.text("TreatMissingData", "MissingData", "missing"),
		Actions:           p.texts("AlarmActions", "Actions"),
		ActionsEnabled:    p.boolean("ActionsEnabled", "ActionsEnabled", true),
	}
	a.DatapointsToAlarm = p.integer("DatapointsToAlarm", "DatapointsToAlarm", a.EvaluationPeriods)
	for _, d := range p.value("Dimensions", "Dimensions").Items {
		a.Dimensions[d.Get("Name").Text] = d.Get("Value").Text
	}
	for _, m := range p.value("Metrics", "Expressions").Items {
		if e := m.Get("Expression"); e.Kind != cfn.Absent {
			a.Expressions = append(a.Expressions, e.Text)
		}
	}
	l.stack.Alarms = append(l.stack.Alarms, a)
}

// readBucket reads a bucket. Source of the defaults: S3 User Guide, "Blocking public access to your Amazon S3 storage" (new
// buckets block it) and "Setting default server-side encryption behavior" (SSE-S3).
func (l *loader) readBucket(p props) {
	b := infra.Bucket{Resource: p.base(), Encryption: "AES256", PublicBlock: infra.PublicBlock{
		BlockPublicACLs: true, BlockPublicPolicy: true, IgnorePublicACLs: true, RestrictPublicBuckets: true,
	}}
	if block := p.sub("PublicAccessBlockConfiguration", "PublicBlock"); block.v.Kind == cfn.Map {
		b.PublicBlock = infra.PublicBlock{
			BlockPublicACLs:       block.boolean("BlockPublicAcls", "PublicBlock", false),
			BlockPublicPolicy:     block.boolean("BlockPublicPolicy", "PublicBlock", false),
			IgnorePublicACLs:      block.boolean("IgnorePublicAcls", "PublicBlock", false),
			RestrictPublicBuckets: block.boolean("RestrictPublicBuckets", "PublicBlock", false),
		}
	}
	for _, rule := range p.sub("BucketEncryption", "Encryption").value("ServerSideEncryptionConfiguration", "Encryption").Items {
		if by := rule.Get("ServerSideEncryptionByDefault"); by.Kind == cfn.Map {
			b.Encryption, b.KMSKeyID = by.Get("SSEAlgorithm").Text, by.Get("KMSMasterKeyID").Text
		}
	}
	for _, rule := range p.sub("LifecycleConfiguration", "Expirations").value("Rules", "Expirations").Items {
		if e, ok := p.expiration(rule); ok {
			b.Expirations = append(b.Expirations, e)
		}
	}
	infra.SortExpirations(b.Expirations)
	l.stack.Buckets = append(l.stack.Buckets, b)
}

// expiration reads a lifecycle rule, if it is enabled and removes objects. Source: CloudFormation, "AWS::S3::Bucket Rule".
func (p props) expiration(rule *cfn.Value) (e infra.Expiration, ok bool) {
	days, date := rule.Get("ExpirationInDays"), rule.Get("ExpirationDate")
	if rule.Get("Status").Text != "Enabled" || days.Kind == cfn.Absent && date.Kind == cfn.Absent {
		return infra.Expiration{}, false
	}
	e.Prefix = rule.Get("Prefix").Text
	if days.Kind != cfn.Absent {
		n, err := strconv.Atoi(days.Text)
		if err != nil {
			p.Fail(days.Line, cfn.Join(p.path, "LifecycleConfiguration.Rules"), "ExpirationInDays must be an integer, not %q", days.Text)
		}
		e.Days = n
	}
	for _, some := range []string{"TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"} {
		e.Some = e.Some || rule.Get(some).Kind != cfn.Absent
	}
	return e, true
}

func (l *loader) readBucketPolicy(p props) {
	names := p.texts("Bucket", "Policy")
	for i := range l.stack.Buckets {
		if b := &l.stack.Buckets[i]; slices.Contains(names, b.Name) {
			p.at = "Buckets." + b.ID
			b.Policy = append(b.Policy, p.document("PolicyDocument", "Policy")...)
		}
	}
}

func (l *loader) readLogGroup(p props) {
	l.stack.LogGroups = append(l.stack.LogGroups, infra.LogGroup{
		Resource:      p.base(),
		RetentionDays: p.integer("RetentionInDays", "RetentionDays", 0),
		KMSKeyARN:     p.text("KmsKeyId", "KMSKeyARN", ""),
	})
}
