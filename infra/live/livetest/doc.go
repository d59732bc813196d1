// Package livetest is an AWS for tests of readers of live stacks, and the misconfigurations that they must find.
//
// [New] gives a server that speaks the protocols of CloudFormation, SQS, Lambda, CloudWatch, IAM, CloudWatch Logs and S3 to
// the real SDK, with one stack in it, seeded from a model. It knows the calls that a reader makes and those that
// [Misconfigurations] make, and no others; answers come in small pages. It can be told to deny a call or to lack a service.
//
// A [Misconfiguration] changes a stack by calls of the SDK and can be undone, so the same table holds for this server and
// for a stack that was deployed to LocalStack or to AWS.
package livetest
