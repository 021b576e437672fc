package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// processStart is when this process began, near enough.
var processStart = time.Now()

// meter measures the repeats of one process.
type meter struct {
	job     Job
	laps    int
	last    time.Time
	setup   time.Duration
	cpu     time.Duration // at the end of the warm-up, then of all repeats
	seconds []float64
}

func newMeter(job Job) *meter { return &meter{job: job} }

// total is the number of laps to come, warm-up included.
func (m *meter) total() int { return m.job.Warmup + m.job.Repeats }

func (m *meter) done() bool { return m.laps >= m.total() }

// lap ends a repeat of so many units. Those of the warm-up are not counted.
func (m *meter) lap(units int) error {
	now := time.Now()
	m.laps++
	if m.laps > m.job.Warmup {
		m.seconds = append(m.seconds, now.Sub(m.last).Seconds()/float64(units))
	}
	if m.laps == m.job.Warmup || m.done() {
		used, err := cpuTime()
		if err != nil {
			return err
		}
		if m.laps == m.job.Warmup {
			m.setup, m.cpu = now.Sub(processStart), used
		} else {
			m.cpu = (used - m.cpu) / time.Duration(units*m.job.Repeats)
		}
	}
	m.last = time.Now()
	return nil
}

// result is what was measured, once it is done.
func (m *meter) result() (*Result, error) {
	peak, err := peakBytes()
	return &Result{
		Seconds: m.seconds, CPUSeconds: m.cpu.Seconds(), SetupSeconds: m.setup.Seconds(), PeakBytes: peak,
	}, err
}

// cpuTime is what this process has computed so far, on all cores.
func cpuTime() (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// peakBytes is the most memory that this process has had resident. Unlike
// getrusage's it counts from the program's start and knows nothing of the
// process that started it.
func peakBytes() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("peak memory: %w", err)
	}
	for _, line := range bytes.Split(status, []byte("\n")) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == "VmHWM:" {
			kb, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("peak memory: /proc/self/status has no VmHWM")
}
