package livetest

import (
	"fmt"

	"github.com/offloadhq/offload/infra"
)

type bucket struct{ encryption, block, policy, lifecycle string }

func newBucket(b *infra.Bucket) *bucket {
	out := &bucket{
		encryption: fmt.Sprintf("<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>%s</SSEAlgorithm>"+
			"<KMSMasterKeyID>%s</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>", b.Encryption, b.KMSKeyID),
		block: fmt.Sprintf("<PublicAccessBlockConfiguration><BlockPublicAcls>%t</BlockPublicAcls><BlockPublicPolicy>%t</BlockPublicPolicy>"+
			"<IgnorePublicAcls>%t</IgnorePublicAcls><RestrictPublicBuckets>%t</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
			b.PublicBlock.BlockPublicACLs, b.PublicBlock.BlockPublicPolicy, b.PublicBlock.IgnorePublicACLs, b.PublicBlock.RestrictPublicBuckets),
	}
	if len(b.Policy) > 0 {
		out.policy = document(b.Policy)
	}
	for i, e := range b.Expirations {
		out.lifecycle += fmt.Sprintf("<Rule><ID>%d</ID><Status>Enabled</Status><Filter><Prefix>%s</Prefix></Filter><Expiration><Days>%d</Days></Expiration></Rule>", i, e.Prefix, e.Days)
	}
	if out.lifecycle != "" {
		out.lifecycle = "<LifecycleConfiguration>" + out.lifecycle + "</LifecycleConfiguration>"
	}
	return out
}

// part makes the operation that tells a part of a bucket.
func part(of func(*bucket) *string, absent string) operation {
	return func(a *account, in object) (object, *failure) {
		b := a.buckets[str(in["Bucket"])]
		switch {
		case b == nil:
			return nil, missing("NoSuchBucket")
		case *of(b) == "":
			return nil, missing(absent)
		}
		return object{"Body": *of(b)}, nil
	}
}

// change makes the operation that sets a part of a bucket.
func change(of func(*bucket) *string) operation {
	return func(a *account, in object) (object, *failure) {
		b := a.buckets[str(in["Bucket"])]
		if b == nil {
			return nil, missing("NoSuchBucket")
		}
		*of(b) = str(in["Body"])
		return object{"Body": ""}, nil
	}
}

func block(b *bucket) *string        { return &b.block }
func bucketPolicy(b *bucket) *string { return &b.policy }
func lifecycle(b *bucket) *string    { return &b.lifecycle }

var bucketOperations = map[string]operation{
	"GetBucketEncryption":  part(func(b *bucket) *string { return &b.encryption }, "ServerSideEncryptionConfigurationNotFoundError"),
	"GetPublicAccessBlock": part(block, "NoSuchPublicAccessBlockConfiguration"),
	"PutPublicAccessBlock": change(block),
	"GetBucketPolicy":      part(bucketPolicy, "NoSuchBucketPolicy"),

	"GetBucketLifecycleConfiguration":    part(lifecycle, "NoSuchLifecycleConfiguration"),
	"PutBucketLifecycleConfiguration":    change(lifecycle),
	"DeleteBucketLifecycleConfiguration": change(lifecycle),
}
