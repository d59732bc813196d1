// Package emulator is SQS, event source mappings and Lambda on one machine, driven by template.yaml. For development and tests.
//
// [Start] reads the SAM template that is deployed, builds its functions, creates its queues and mappings, and serves on
// one loopback port what any AWS SDK or the AWS CLI can talk to. The functions are the real binaries, run as child
// processes. The parts are in the folders below: sqs, lambda, mapping, template.
//
// In production the engine is AWS. The emulator checks no signatures and keeps its messages in memory.
package emulator
