// Package awscall makes signed calls to one AWS service over net/http: the part of an SDK client that a driver needs
// which encodes its requests itself.
//
// Signatures (Signature Version 4), credentials and the connection pool are the SDK's own; the endpoint is found by the
// SDK's rules. There are no retries and no middleware. A call costs a fifth of the CPU of the SDK's, and a program that
// makes it links none of the SDK's service packages.
package awscall
