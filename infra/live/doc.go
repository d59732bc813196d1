// Package live reads a stack from an account: what AWS would do now, whatever a template says.
//
// [Find] asks CloudFormation for a stack: its resources, its parameters and the template that was deployed. [Read] asks the
// services for the settings that are in force and gives an [infra.Stack] with the logical ids of the template, so that it
// can be held against the rules and compared with what was deployed. Both only read; [Actions] lists the permissions.
//
// # What is read
//
// Of a function with an alias, the settings of the version that the alias names: that is what runs, whatever $LATEST says.
// Mappings are found by their queue, so one that somebody has added by hand is found too; its UUID stands for its logical id. Alarms,
// roles, policies, buckets and log groups are those of the stack. The variables of functions are never kept.
//
// A resource that is gone is left out. What could not be read (access denied, an endpoint without that service, an answer
// that makes no sense) is noted in [infra.Stack.Unread] with the reason and the missing permission: it is not checked, and never
// counts as good. DeletionPolicy and UpdateReplacePolicy are no settings of a resource; they come from the template that
// was deployed.
//
// An endpoint without CloudFormation, such as the emulator of offload dev, is read by [FromTemplate]: the names of resources
// are then what the template says.
//
// Sources: the API references of CloudFormation, SQS, Lambda, CloudWatch, IAM, CloudWatch Logs and S3, and the Service
// Authorization Reference for the permissions.
package live
