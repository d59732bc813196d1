// Package template reads a stack from a template: the file that is deployed, or what AWS makes of it.
//
// [Load] reads a SAM or CloudFormation template in YAML or JSON and gives the [infra.Stack] that it would make. SAM resources
// are expanded as the SAM transform does it, as far as the rules need it (alias, event source mapping and event invoke
// configuration of a function, and its role), so a template and its transformed form (GetTemplate with TemplateStage
// Processed) give the same stack. The SAM transform itself is not needed.
//
// A value that only AWS can know, and a SAM policy template, are noted in [infra.Stack.Unread]: rules that need them are
// reported as not checked. A template that CloudFormation would not take is an error; the reader does not look for every
// mistake that cfn-lint finds.
//
// Sources: the CloudFormation Template Reference, the AWS SAM Developer Guide ("Generated CloudFormation resources"), and the
// SQS, Lambda, CloudWatch and S3 API references for the defaults.
package template
