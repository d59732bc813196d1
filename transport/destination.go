package transport

// Destination is where a Sender sends to, in words for traces, metrics and logs. What is not known is "".
type Destination struct {
	System string // as OpenTelemetry's messaging.system has it: "aws_sqs"; and what has no name there, "aws_lambda" and "memory"
	Name   string // of the queue or the function
	URL    string // of the queue
	Region string
	Server string // the host that requests go to, with the port if it has one of its own: "host" or "host:port"
}

// Addressed is a [Sender] that can name its destination. Those of this module are Addressed; nothing asks that others be.
type Addressed interface {
	// Destination is constant for the life of the Sender.
	Destination() Destination
}
