package awss3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/offloadhq/offload/internal/awss3"
)

// On AWS hosts are named after buckets, and checksums are on, also when the configuration was made by hand.
func TestG6_ClientOnAWS(t *testing.T) {
	for asked, want := range map[aws.RequestChecksumCalculation]aws.RequestChecksumCalculation{
		aws.RequestChecksumCalculationUnset:         aws.RequestChecksumCalculationWhenSupported,
		aws.RequestChecksumCalculationWhenSupported: aws.RequestChecksumCalculationWhenSupported,
		aws.RequestChecksumCalculationWhenRequired:  aws.RequestChecksumCalculationWhenRequired,
	} {
		o := awss3.NewClient(aws.Config{Region: "us-east-1", RequestChecksumCalculation: asked}).Options()
		if o.UsePathStyle || o.RequestChecksumCalculation != want {
			t.Errorf("asked for %v: path style %v, checksums %v, want %v", asked, o.UsePathStyle, o.RequestChecksumCalculation, want)
		}
	}
}

// A store with an endpoint of its own may know neither hosts named after buckets nor checksums, unless somebody says so.
func TestG6_ClientOfAnotherStore(t *testing.T) {
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported}
	if o := awss3.NewClient(cfg).Options(); !o.UsePathStyle || o.RequestChecksumCalculation != aws.RequestChecksumCalculationWhenRequired {
		t.Errorf("path style %v, checksums %v", o.UsePathStyle, o.RequestChecksumCalculation)
	}
	o := awss3.NewClient(cfg, func(o *s3.Options) { o.UsePathStyle = false }).Options()
	if o.UsePathStyle {
		t.Error("what is asked for last does not hold")
	}
}

func TestCheck(t *testing.T) {
	far := awss3.NewClient(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://192.0.2.1")})
	for says, err := range map[string]error{
		"the API is nil":                 awss3.Check(nil, "b", false),
		"the bucket is empty":            awss3.Check(far, "", true),
		"unencrypted to another machine": awss3.Check(far, "b", false),
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("err = %v, want %q", err, says)
		}
	}
	if err := awss3.Check(far, "b", true); err != nil {
		t.Error(err)
	}
}
