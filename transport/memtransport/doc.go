// Package memtransport is a queue in the memory of one process: the reference for senders and settlers, and the shortest
// road from a client to a worker.
//
// A [Queue] behaves as a standard queue of Amazon SQS does: at least once, no order promised, a visibility timeout,
// delays, receive counts, and dead letters. It keeps everything in memory, without a bound, and loses it with the
// process: it is for tests, and for programs that accept that. Time is that of package time, so that it runs
// inside a testing/synctest bubble.
package memtransport
