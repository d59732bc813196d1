package localstack_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/localstack"
)

// notMade are the types of template.yaml that LocalStack passes over: their resources are part of the stack and exist
// nowhere. Nothing about them is proved by a deployment there.
var notMade = []string{"AWS::CloudWatch::Dashboard"}

// notMadeElsewhere are such types too, of GradualDeployment=true. With that the template cannot be deployed on LocalStack: the
// alias refers to a deployment group that was not made.
var notMadeElsewhere = []string{"AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"}

// What LocalStack passes over is what the lists say: a type that is made one day can be tested then.
func TestTypesThatLocalStackDoesNotMake(t *testing.T) {
	s := localstack.Project(t)
	if kinds := unmade(t, s); !slices.Equal(kinds, notMade) {
		t.Errorf("of template.yaml LocalStack did not make %v, and the list says %v", kinds, notMade)
	}
	t.Logf("NOT MADE by LocalStack: %v", notMade)

	api, name := cloudformation.NewFromConfig(s.Config), localstack.UniqueName("not-made")
	const template = `{"Resources": {
		"Made": {"Type": "AWS::SQS::Queue"},
		"Application": {"Type": "AWS::CodeDeploy::Application"},
		"Group": {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": {"ApplicationName": "a", "ServiceRoleArn": "b"}}}}`
	made, err := api.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: aws.String(template)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := api.DeleteStack(context.WithoutCancel(t.Context()), &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
			t.Error(err)
		}
	})
	if err := cloudformation.NewStackCreateCompleteWaiter(api, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second/5, time.Second
	}).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, patience); err != nil {
		t.Fatal(err)
	}
	if kinds := unmade(t, &localstack.Stack{ID: *made.StackId, Config: s.Config}); !slices.Equal(kinds, notMadeElsewhere) {
		t.Errorf("LocalStack did not make %v, and the list says %v", kinds, notMadeElsewhere)
	}
	t.Logf("NOT MADE by LocalStack: %v", notMadeElsewhere)
}

// unmade are the types of a stack's resources that LocalStack passed over: it calls each "unknown". (Those whose condition
// does not hold it lists too, without a name.)
func unmade(t *testing.T, s *localstack.Stack) (kinds []string) {
	t.Helper()
	for _, r := range resources(t, s) {
		if r.id == "unknown" {
			kinds = append(kinds, r.kind)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// The template, deployed and deleted again by SAM CLI. What holds tasks or results stays; all else is gone.
func TestH2_TeardownLeavesWhatIsRetained(t *testing.T) {
	d, err := localstack.ProjectDeployment(localstack.UniqueName("teardown"))
	if err != nil {
		t.Fatal(err)
	}
	s, remove := localstack.DeployUntil(t, d)
	x := target{"localstack", s.Config}
	buckets := []string{s.Output(t, "ResultsBucket"), s.Output(t, "PayloadsBucket")}
	remove(t)

	queues := namesOf(t, x, s.Name+"-")
	for _, name := range []string{"TaskQueue", "DeadLetterQueue", "BulkQueue", "BulkDeadLetterQueue"} {
		kept := slices.ContainsFunc(queues, func(url string) bool { return strings.Contains(url, "/"+s.Name+"-"+name+"-") })
		x.judge(t, "cloudformation/retains-queues", kept, "queue %s went with the stack", name)
	}
	if len(queues) > 4 {
		t.Errorf("the queues %v are there", queues)
	}
	objects := s3.NewFromConfig(s.Config, func(o *s3.Options) { o.UsePathStyle = true })
	for _, bucket := range buckets {
		_, err := objects.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &bucket})
		x.judge(t, "cloudformation/retains-bucket", err == nil, "bucket %s went with the stack: %v", bucket, err)
	}
	functions, err := lambda.NewFromConfig(s.Config).ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range functions.Functions {
		if strings.HasPrefix(*f.FunctionName, s.Name+"-") {
			t.Errorf("function %s outlived the stack", *f.FunctionName)
		}
	}
	for _, url := range queues {
		if _, err := sqsOf(x).DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
			t.Error(err)
		}
	}
}

type resource struct{ kind, logical, id string }

func resources(t *testing.T, s *localstack.Stack) (all []resource) {
	t.Helper()
	pages := cloudformation.NewListStackResourcesPaginator(cloudformation.NewFromConfig(s.Config), &cloudformation.ListStackResourcesInput{StackName: &s.ID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.StackResourceSummaries {
			all = append(all, resource{aws.ToString(r.ResourceType), aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId)})
		}
	}
	return all
}

func namesOf(t *testing.T, x target, prefix string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := sqsOf(x).ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrls
}
