// Package mapping is the SQS event source mapping: it takes messages from a queue and gives them, in batches, to a function.
//
// A [Mapping] stands between two narrow interfaces, [Queue] and [Invoker], and knows neither SQS nor Lambda beyond them.
// It follows the AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and its pages on scaling and on errors:
//
//   - A batch ends when it is full, when its window has passed since its first message, or when one more message would
//     make the event larger than 6 MB. What was received and did not fit opens the next batch.
//   - A function that returns without an error has its messages deleted. With ReportBatchItemFailures the ones that its
//     answer names stay in the queue; without that setting the answer is not read at all.
//   - A function error leaves the whole batch to its visibility timeout, and the mapping polls less for a while.
//   - A throttled batch is tried again until its visibility timeout has passed, and then dropped. The messages have been
//     received once more, though no code ran: that is how throttling fills a dead-letter queue.
//   - Concurrency starts at 5 batches and grows by 5 a second while all of them are busy.
//
// What AWS does not publish is chosen here and said at its constant: the waits after throttles and after errors.
package mapping
