// Package template reads a SAM or CloudFormation template, turns it into a plain model of what the emulator runs, and builds its functions.
//
// [Load] parses YAML or JSON, resolves parameters, conditions, mappings and intrinsic functions, applies the SAM
// transform as far as queues, functions and their event source mappings need it, and answers with a [Template]:
// queues, functions, mappings and outputs, every value computed. [BuildAll] then builds the functions for the host.
//
// # What is read
//
// The resource types that become part of the model are AWS::SQS::Queue, AWS::Serverless::Function (with its SQS
// events, EventInvokeConfig and AutoPublishAlias), AWS::Lambda::Function, AWS::Lambda::EventSourceMapping,
// AWS::Lambda::EventInvokeConfig, AWS::Lambda::Alias and AWS::Lambda::Version. All other types are left alone; those
// that a running function may miss are named in [Template.Warnings].
//
// Values are lazy. A value that only AWS can know (the id of a REST API, an SSM parameter, an import from another
// stack) is a problem only when a queue, a function, a mapping or a function's environment variable needs it. An
// output that needs it is left out with a warning.
//
// # Problems
//
// Load finds as many problems as it can in one pass and joins them. Each is a [*Problem] that knows its file and line.
// An unknown property of a queue, a function or a mapping is a problem, because AWS would refuse it too; properties
// that AWS knows and that change nothing on one machine (roles, tags, keys, tracing) are accepted in silence.
//
// Sources: the AWS CloudFormation User Guide ("Template anatomy", "Intrinsic function reference"), the AWS SAM
// Developer Guide ("Globals section of the AWS SAM template", "Generated CloudFormation resources"), and the Amazon SQS
// and AWS Lambda API references for the limits that are checked.
package template
