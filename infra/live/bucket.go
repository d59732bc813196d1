package live

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/offloadhq/offload/infra"
)

func (r *reader) readBucket(ctx context.Context, res Resource) {
	name, path := res.PhysicalID, "Buckets."+res.ID
	b := infra.Bucket{
		Resource:   infra.Resource{ID: res.ID, Type: res.Type, Name: name, ARN: "arn:" + r.deployment.Partition + ":s3:::" + name},
		Encryption: "AES256", // "Setting default server-side encryption behavior for Amazon S3 buckets"
	}
	encryption, err := r.S3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &name})
	switch {
	case codeOf(err) == "NoSuchBucket":
		return
	case kindOf(err) == absent: // none is set
	case err != nil:
		r.note(path+".Encryption", "s3:GetEncryptionConfiguration", err)
		r.note(path+".KMSKeyID", "s3:GetEncryptionConfiguration", err)
	case encryption.ServerSideEncryptionConfiguration != nil:
		for _, rule := range encryption.ServerSideEncryptionConfiguration.Rules {
			if by := rule.ApplyServerSideEncryptionByDefault; by != nil {
				b.Encryption, b.KMSKeyID = string(by.SSEAlgorithm), aws.ToString(by.KMSMasterKeyID)
			}
		}
	}
	block, err := r.S3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &name})
	switch {
	case kindOf(err) == absent: // none is set
	case err != nil:
		r.note(path+".PublicBlock", "s3:GetBucketPublicAccessBlock", err)
	case block.PublicAccessBlockConfiguration != nil:
		c := block.PublicAccessBlockConfiguration
		b.PublicBlock = infra.PublicBlock{
			BlockPublicACLs: aws.ToBool(c.BlockPublicAcls), BlockPublicPolicy: aws.ToBool(c.BlockPublicPolicy),
			IgnorePublicACLs: aws.ToBool(c.IgnorePublicAcls), RestrictPublicBuckets: aws.ToBool(c.RestrictPublicBuckets),
		}
	}
	policy, err := r.S3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name})
	switch {
	case kindOf(err) == absent:
	case err != nil:
		r.note(path+".Policy", "s3:GetBucketPolicy", err)
	default:
		b.Policy = r.policy(path+".Policy", "s3:GetBucketPolicy", aws.ToString(policy.Policy))
	}
	lifecycle, err := r.S3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &name})
	switch {
	case kindOf(err) == absent:
	case err != nil:
		r.note(path+".Expirations", "s3:GetLifecycleConfiguration", err)
	default:
		b.Expirations = expirations(lifecycle.Rules)
	}
	r.add(func(s *infra.Stack) { s.Buckets = append(s.Buckets, b) })
}

// expirations gives the lifecycle rules that are enabled and remove objects.
func expirations(rules []types.LifecycleRule) (out []infra.Expiration) {
	for _, rule := range rules {
		if rule.Status != types.ExpirationStatusEnabled || rule.Expiration == nil || rule.Expiration.Days == nil && rule.Expiration.Date == nil {
			continue
		}
		//lint:ignore SA1019 the older form, which may be there still
		e := infra.Expiration{Prefix: aws.ToString(rule.Prefix), Days: int(aws.ToInt32(rule.Expiration.Days))} //nolint:staticcheck // see above
		if f := rule.Filter; f != nil {
			e.Prefix = cmp.Or(e.Prefix, aws.ToString(f.Prefix))
			e.Some = f.Tag != nil || f.ObjectSizeGreaterThan != nil || f.ObjectSizeLessThan != nil
			if f.And != nil {
				e.Prefix = cmp.Or(e.Prefix, aws.ToString(f.And.Prefix))
				e.Some = e.Some || len(f.And.Tags) > 0 || f.And.ObjectSizeGreaterThan != nil || f.And.ObjectSizeLessThan != nil
			}
		}
		out = append(out, e)
	}
	infra.SortExpirations(out)
	return out
}

// readLogGroup finds a log group among those whose name begins like it.
func (r *reader) readLogGroup(ctx context.Context, res Resource) {
	g := infra.LogGroup{Resource: infra.Resource{
		ID: res.ID, Type: res.Type, Name: res.PhysicalID,
		ARN: r.deployment.arn("logs", "log-group:"+res.PhysicalID+":*"),
	}}
	for next := (*string)(nil); ; {
		page, err := r.Logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &g.Name, NextToken: next})
		if err != nil {
			r.note("LogGroups."+res.ID, "logs:DescribeLogGroups", err)
			break
		}
		for _, found := range page.LogGroups {
			if aws.ToString(found.LogGroupName) == g.Name {
				g.ARN, g.RetentionDays, g.KMSKeyARN = aws.ToString(found.Arn), int(aws.ToInt32(found.RetentionInDays)), aws.ToString(found.KmsKeyId)
				r.add(func(s *infra.Stack) { s.LogGroups = append(s.LogGroups, g) })
				return
			}
		}
		if next = page.NextToken; aws.ToString(next) == "" {
			return // it is gone
		}
	}
	r.add(func(s *infra.Stack) { s.LogGroups = append(s.LogGroups, g) })
}
