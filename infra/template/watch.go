package template

import (
	"slices"

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
	l.stack.Buckets = append(l.stack.Buckets, b)
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
