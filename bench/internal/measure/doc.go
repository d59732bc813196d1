// Package measure runs a call from many goroutines for a while, and tells what it took: rate, latency, CPU, allocations.
package measure
