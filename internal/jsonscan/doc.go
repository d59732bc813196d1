// Package jsonscan reads JSON of a known shape in one pass, without building what it does not need.
//
// The worker reads events with it, and the driver of Amazon SQS answers: both are small texts on a hot path, where
// encoding/json takes several times as long.
package jsonscan
