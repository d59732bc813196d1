// Package cfn evaluates CloudFormation templates: values with their lines, parameters, mappings, conditions, intrinsic functions and
// physical names.
//
// [Open] reads a file, [Parse] turns YAML or JSON into a [Value], [Resolve] reads its sections into a [Resolver], and
// a [Reader] reads the properties of one resource. Evaluation is lazy: a value that only AWS can know is of kind [Unknown], and
// whoever needs it decides what that means. What is wrong is collected in a [Report].
//
// Nothing here may be used by more than one goroutine at a time.
//
// Sources: the AWS CloudFormation User Guide ("Template anatomy", "Intrinsic function reference") and the AWS SAM Developer
// Guide ("Globals section of the AWS SAM template", "Generated CloudFormation resources").
package cfn
