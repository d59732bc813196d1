package sqstransport_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// One client serves the senders to all queues. On AWS the configuration comes from config.LoadDefaultConfig; here it names
// an emulator in this process.
func ExampleNewClient() {
	emulator, err := sqs.New(nil)
	if err != nil {
		panic(err)
	}
	defer func() { _ = emulator.Close() }()
	server := httptest.NewServer(emulator)
	defer server.Close()
	for _, name := range []string{"work", "bulk"} {
		if _, err := emulator.CreateQueue(name, nil, nil); err != nil {
			panic(err)
		}
	}
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}

	queues := sqstransport.NewClient(cfg)
	work, err := sqstransport.New(queues, server.URL+"/000000000000/work", nil)
	if err != nil {
		panic(err)
	}
	bulk, err := sqstransport.New(queues, server.URL+"/000000000000/bulk", nil)
	if err != nil {
		panic(err)
	}
	c, err := client.New(work, &client.Options{Routes: map[string]transport.Sender{"bulk": bulk}})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	greet := task.Define[string]("greet")
	for _, fired := range []task.Task{greet.With("ann"), task.Define[int]("report", task.Queue("bulk")).With(1)} {
		_, err := c.Fire(ctx, fired)
		fmt.Println(err)
	}
	fmt.Println(c.Close(ctx))
	// Output:
	// <nil>
	// <nil>
	// <nil>
}

// A function's main passes os.Getenv.
func ExampleLambdaConfig() {
	getenv := func(name string) string {
		return map[string]string{
			"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_SESSION_TOKEN": "TOKEN",
		}[name]
	}
	cfg, err := sqstransport.LambdaConfig(getenv)
	if err != nil {
		panic(err)
	}
	settler, err := sqstransport.NewSettler(sqstransport.NewClient(cfg), sqstransport.Queue{
		URL:           "https://sqs.eu-west-1.amazonaws.com/123456789012/work",
		DeadLetterURL: "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
	})
	fmt.Println(settler != nil, err)

	_, err = sqstransport.LambdaConfig(func(string) string { return "" })
	fmt.Println(err)
	// Output:
	// true <nil>
	// configuration of the function: AWS_REGION is not set: Lambda sets it; elsewhere use config.LoadDefaultConfig
	// AWS_ACCESS_KEY_ID is not set: Lambda sets it; elsewhere use config.LoadDefaultConfig
	// AWS_SECRET_ACCESS_KEY is not set: Lambda sets it; elsewhere use config.LoadDefaultConfig
}
