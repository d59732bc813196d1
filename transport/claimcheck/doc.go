// Package claimcheck is payloads too large for a message: the message travels without them, and they wait in a store.
//
// The host wraps its Sender, the worker gets a Resolver; both are given the same store:
//
//	store, err := s3store.New(s3store.NewClient(cfg), bucket, nil)   // or dirstore.Open(dir, nil), on one machine
//	sender, err := claimcheck.NewSender(queue, store, nil)           // on the host, for client.New or client.Options.Routes
//	payloads, err := claimcheck.NewResolver(store, nil)              // on the worker, for worker.Options.Payloads
//
// Definitions, Fire and handlers stay as they are. What fits the transport goes as it always did. What does not is
// compressed, and goes inside the message if that is enough; else it is stored, and the message says under which key, with
// which digest and of which length (docs/wire.md, "Large payloads").
//
// # What is promised
//
//   - A task whose Send was accepted has its payload in the store: it is stored before the message is sent.
//   - A payload that cannot be stored is the failure of its own task. The others of the batch go on, and the transport is not
//     blamed for it.
//   - A worker reads nothing but the payload of the very task: the key follows from the task id and the digest, and
//     whatever else a message names is a dead letter, unread. Where the store is, is said by configuration alone.
//   - Nothing is decoded before length and digest are right, and nothing is read beyond what the message declares, the
//     limits of the worker, and a hundred times the compressed size.
//   - A payload that is gone is a dead letter with the reason "payload-missing", after three attempts.
//   - Nobody deletes a payload because its task is done: a copy of the message may still be on its way, and a dead letter
//     may be replayed. The store forgets by age alone: see [MinRetention].
//
// # What it costs
//
// A stored payload is one write before the message and one read before the handler. Fire waits for the upload as it waits
// for the message: in the mode Confirmed at most for ConfirmTimeout, and a payload of many megabytes may take longer. A
// payload that was stored, and whose message was not accepted in the end, is not removed; it ages away.
//
// A payload is in memory as a whole: on the host among the client's pending bytes, and once more, compressed, while it is
// uploaded, up to Options.Uploads of them; on the worker within ResolverOptions.MaxMemory. A task that fits its message costs
// nothing but a look at its size.
package claimcheck
