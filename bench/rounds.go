package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Names of the two sides.
const (
	ours = "ours"
	peer = "peer"
)

// outcome is all that was measured of one case.
type outcome struct {
	benchCase
	ours []*Result
	// peer has a list for each way.
	peer map[string][]*Result
	ways []string
}

// bench measures cases.
type bench struct {
	options options
	// ours and peer measure; peer is nil where there is none.
	ours side
	peer *side
	// scratch holds the models.
	scratch string
	// load is the machine's load average at the start.
	load float64
	tell func(format string, args ...any)
	rows []Row
}

// run measures all cases, round by round, and keeps every process's row. What
// was measured before an error or the end of ctx is returned beside it.
func (b *bench) run(ctx context.Context, cases []benchCase) ([]*outcome, error) {
	if b.load = loadAverage(); b.busy() {
		b.tell("the machine is busy (load average %.1f). %s", b.load, busyAdvice)
	}
	var all []*outcome
	for i, c := range cases {
		o := &outcome{benchCase: c, peer: map[string][]*Result{}}
		if b.peer != nil {
			o.ways = c.ways(b.options.ways)
		}
		if err := b.prepare(ctx, o, i); err != nil {
			return all, fmt.Errorf("%s: %w", c.name(), err)
		}
		all = append(all, o)
	}
	for round := 1; round <= b.options.rounds; round++ {
		for _, o := range all {
			if err := b.round(ctx, o, round); err != nil {
				return all, fmt.Errorf("%s: %w", o.name(), err)
			}
		}
	}
	return all, nil
}

// prepare makes the model that frames are measured with.
func (b *bench) prepare(ctx context.Context, o *outcome, i int) error {
	if o.job.Measure != measureFrame {
		return nil
	}
	o.job.Model = filepath.Join(b.scratch, strconv.Itoa(i))
	job := o.job
	job.Measure = writeModel
	_, err := b.ours.run(ctx, job)
	return err
}

// round measures a case once on each side. Every other round goes backwards, so
// that a machine that slows down or speeds up favours nobody.
func (b *bench) round(ctx context.Context, o *outcome, round int) error {
	turns := append([]string{ours}, o.ways...)
	if round%2 == 0 {
		for i, j := 0, len(turns)-1; i < j; i, j = i+1, j-1 {
			turns[i], turns[j] = turns[j], turns[i]
		}
	}
	var said []string
	for _, turn := range turns {
		r, err := b.turn(ctx, o, turn, round)
		if err != nil {
			return err
		}
		said = append(said, turn+" "+seconds(median(r.Seconds)))
	}
	if err := o.checkWork(); err != nil {
		return err
	}
	b.tell("round %d/%d, %s: %s", round, b.options.rounds, o.name(), strings.Join(said, ", "))
	return nil
}

// turn starts one process.
func (b *bench) turn(ctx context.Context, o *outcome, turn string, round int) (*Result, error) {
	row := o.row(b.options, round)
	row.Time, row.Load = time.Now().UTC().Format(time.RFC3339), loadAverage()
	job, by := o.job, b.ours
	row.Side = ours
	if turn != ours {
		by, row.Side, row.Way = *b.peer, peer, turn
		job.Reference, job.Way = b.options.reference, turn
	}
	r, err := by.measure(ctx, job)
	if err != nil {
		return nil, err
	}
	if turn == ours {
		o.ours = append(o.ours, r)
	} else {
		o.peer[turn] = append(o.peer[turn], r)
	}
	row.fill(r)
	b.rows = append(b.rows, row)
	return r, nil
}

// checkWork reports when the sides do not compute the same.
func (o *outcome) checkWork() error {
	for _, way := range o.ways {
		if err := sameWork(o.ours[len(o.ours)-1], o.peer[way][len(o.peer[way])-1]); err != nil {
			return err
		}
	}
	return nil
}

// loadAverage is what the machine had to do in the last minute; 0 if that is
// not known.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	v, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return v
}
