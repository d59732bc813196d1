// Package webhook is the handler of jobs.Webhook: it posts a payload to a URL, signed, and judges the answer.
//
// # The request
//
// An HTTP/1.1 POST with the payload as body and the headers
//
//	Content-Type: application/json
//	User-Agent: Offload-Webhook/1
//	Offload-Task-Id: 01K0…          the same in every attempt: a receiver drops what it has seen
//	Offload-Attempt: 1              1 is the first
//	Offload-Signature: t=1783857600,v1=5257a8…
//
// The signature is HMAC-SHA256, with the secret as key, over the decimal Unix time t, a dot, and the body. While secrets
// change there is one v1 for each. Receivers written in Go check it with [Verify].
//
// # The answer
//
//	2xx                    done
//	408, 425, 429, 5xx     tried again, after Retry-After if the answer has one, at most an hour
//	no answer              tried again
//	3xx                    permanent: redirects are not followed
//	4xx otherwise          permanent
//
// Delivery is at least once: a receiver that worked and whose answer was lost gets the same task id again.
//
// # Where it connects
//
// URLs come from users, so the address is judged when the connection is made, after the name was resolved; a name that
// resolves to something else the second time does not help. Only public addresses pass. See [Options] for the two
// exceptions. Proxies from the environment are not used: they would connect where this process may not.
package webhook
