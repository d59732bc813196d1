package measure

import (
	"math"
	"time"
)

// Sample is what one run of one case took.
type Sample struct {
	Tasks     int           // handed over and acknowledged
	Failures  int           // calls that returned an error
	Problem   string        // the first of those errors, or why nothing was measured
	Wall      time.Duration // that Tasks took, see [Load.Run]
	CPU       time.Duration // user and system time of the process that fires
	ServerCPU time.Duration // of the processes that it fires at; negative: not known
	Allocs    uint64
	Bytes     uint64 // allocated
	P50, P99  time.Duration
	Beside    time.Duration // the median of what the call is compared with, taken in turn with it; 0: nothing
	Requests  int           // that the fake server answered
}

// Rate is in tasks a second.
func (s Sample) Rate() float64 { return ratio(float64(s.Tasks), s.Wall.Seconds()) }

// CPUPerTask is in microseconds.
func (s Sample) CPUPerTask() float64 { return s.perTask(float64(s.CPU) / 1e3) }

// ServerCPUPerTask is in microseconds.
func (s Sample) ServerCPUPerTask() float64 { return s.perTask(float64(s.ServerCPU) / 1e3) }

// AllocsPerTask is a count.
func (s Sample) AllocsPerTask() float64 { return s.perTask(float64(s.Allocs)) }

// BytesPerTask are the bytes allocated.
func (s Sample) BytesPerTask() float64 { return s.perTask(float64(s.Bytes)) }

// RequestsPerTask is a count.
func (s Sample) RequestsPerTask() float64 { return s.perTask(float64(s.Requests)) }

// P50Micros is the median of one call in microseconds.
func (s Sample) P50Micros() float64 { return float64(s.P50) / 1e3 }

// P99Micros is the 99th percentile of one call in microseconds.
func (s Sample) P99Micros() float64 { return float64(s.P99) / 1e3 }

// P50Beside is the median of one call as a multiple of what it is compared with; NaN if that is nothing.
func (s Sample) P50Beside() float64 {
	if s.Beside == 0 {
		return math.NaN()
	}
	return float64(s.P50) / float64(s.Beside)
}

func (s Sample) perTask(x float64) float64 { return ratio(x, float64(s.Tasks)) }

func ratio(x, y float64) float64 {
	if y == 0 {
		return 0
	}
	return x / y
}
