package video

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// pace is how the pictures of a film follow each other.
type pace struct {
	mean     float64 // pictures a second, 0 if unknown
	exact    string  // the same, or the constant rate, as a fraction
	variable bool
	steady   string // Info.SteadyRate
	tail     time.Duration
}

// shownTimes are when the pictures of a film are shown, in order.
type shownTimes struct {
	at []time.Duration
	// last is how long the last one is shown, 0 if nothing tells.
	last time.Duration
}

const (
	// maxSteady bounds the rates that are asked of ffmpeg and given to results:
	// what is faster than screens is a clock's rate, not that of pictures.
	maxSteady = 60
	// offSlot is how far, as a share of the distance between two pictures, a
	// picture of a steady film may lie from its time: cameras and clocks of
	// milliseconds are not exact.
	offSlot = 0.25
	// enough is the share of pictures that a rate for an uneven film shows, if
	// one can that is no more than timesMean of the mean rate: what a recorder
	// that fell behind made good in a burst need not all be seen.
	enough, timesMean = 0.95, 2
	// sparse is the rate, a second, to which films of fewer pictures may go.
	sparse = 15
)

// usualRates are those that films have, for times that fit several.
var usualRates = []string{"25/1", "30/1", "30000/1001", "24/1", "24000/1001", "50/1", "60/1", "60000/1001", "15/1", "10/1", "12/1", "20/1", "5/1"}

// slowToFast are the rates that uneven films are shown at.
var slowToFast = []string{"5", "10", "12", "15", "20", "25", "30", "50", "60"}

// paceOf finds the pace of pictures; hints are rates that a header names.
func paceOf(shown shownTimes, hints ...string) pace {
	p := pace{tail: shown.last}
	n := len(shown.at)
	if n == 1 {
		return p.ofOne()
	}
	span := shown.at[n-1] - shown.at[0]
	if span <= 0 { // all at once: there is no time in them
		return p.ofOne()
	}
	if gap := median(shown.at); p.tail <= 0 || p.tail < gap/4 || p.tail > 4*gap+time.Second {
		p.tail = gap
	}
	if rate := shown.steadyRate(hints); rate != "" {
		p.mean, p.exact, p.steady = ratio(rate), rate, capped(rate)
		if shown.last <= 0 || float64(shown.last) < 1.5*float64(time.Second)/p.mean {
			p.tail = time.Duration(float64(time.Second) / p.mean)
		}
		return p
	}
	p.variable = true
	p.exact = fraction(n, span+p.tail)
	p.mean = ratio(p.exact)
	p.steady = shown.showing(p.mean, hints)
	return p
}

// ofOne is the pace of a single picture: it is shown once, for its time.
func (p pace) ofOne() pace {
	if p.tail > 0 {
		p.exact = fraction(1, p.tail)
		p.mean, p.steady = ratio(p.exact), capped(p.exact)
	}
	return p
}

// fraction is n pictures in a time, as a rate. Milliseconds are what containers
// count in.
func fraction(n int, in time.Duration) string {
	ms := max(1, int64(math.Round(float64(in)/float64(time.Millisecond))))
	return fmt.Sprintf("%d/%d", int64(n)*1000, ms)
}

// capped is a rate, or a whole part of it that is at most maxSteady.
func capped(rate string) string {
	value := ratio(rate)
	if value <= maxSteady+0.5 {
		return rate
	}
	return fmt.Sprintf("%.6g", value/math.Ceil(value/maxSteady))
}

// median is the middle distance of two pictures that are not shown at once.
func median(at []time.Duration) time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; gap > 0 {
			gaps = append(gaps, gap)
		}
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// steadyRate is the rate at which every picture lies at its time; empty if there
// is none. Of rates that fit about as well the first counts: those that the
// header names, then usual ones, then the mean.
func (s shownTimes) steadyRate(hints []string) string {
	n := len(s.at)
	candidates := append(slices.Clone(hints), usualRates...)
	candidates = append(candidates, fraction(n-1, s.at[n-1]-s.at[0]))
	const rounding = 1e-3 // of times in containers, in seconds
	best, least := "", math.Inf(1)
	for _, rate := range candidates {
		value := ratio(rate)
		if value == 0 {
			continue
		}
		off := s.off(value)
		if off <= max(offSlot/value, min(rounding, 0.45/value)) && off < least-rounding {
			best, least = rate, off
		}
	}
	return best
}

// off is how far, in seconds, the times are from those of a rate at most.
func (s shownTimes) off(rate float64) float64 {
	low, high := 0.0, 0.0
	for i, at := range s.at {
		d := (at - s.at[0]).Seconds() - float64(i)/rate
		low, high = min(low, d), max(high, d)
	}
	return (high - low) / 2
}

// showing is the rate that shows an uneven film of this mean rate best: one that
// the header names, if only pictures are missing from it; else the
// least at which enough pictures have a time of their own, else the one that
// shows most of them.
func (s shownTimes) showing(mean float64, hints []string) string {
	for _, rate := range hints {
		if value := ratio(rate); value <= max(timesMean*mean, sparse) && value <= maxSteady && s.onTicks(value) {
			return rate
		}
	}
	best, most := slowToFast[0], 0
	for _, rate := range slowToFast {
		value := ratio(rate)
		if value > max(timesMean*mean, sparse) {
			break
		}
		own, before := 0, int64(-1)
		for _, at := range s.at {
			if k := slot(at-s.at[0], value); k > before {
				own, before = own+1, k
			}
		}
		if float64(own) >= enough*float64(len(s.at)) {
			return rate
		}
		if own > most {
			best, most = rate, own
		}
	}
	return best
}

// onTicks tells whether a film only leaves pictures out of one of this rate.
func (s shownTimes) onTicks(rate float64) bool {
	const near = 0.1 // of a tick
	before := -1.0
	for _, at := range s.at {
		ticks := (at - s.at[0]).Seconds() * rate
		whole := math.Round(ticks)
		if math.Abs(ticks-whole) > max(near, 1e-3*rate) || whole <= before {
			return false
		}
		before = whole
	}
	return rate > 0
}

// slot is the number of the frame, at a constant rate, that is shown nearest to
// a time. Halves go up in spite of rounded times.
func slot(at time.Duration, rate float64) int64 {
	return int64(math.Floor(at.Seconds()*rate + 0.5 + 1e-6))
}
