package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outcome is all that was measured of one case.
type outcome struct {
	benchCase
	// turns are those of a round; results has a list for each.
	turns   []turn
	results map[turn][]*Result
	// failed says why a turn has no more results.
	failed map[turn]string
	// peerModel and savedModel are what peers read.
	peerModel  map[string]string
	savedModel string
}

func newOutcome(c benchCase) *outcome {
	return &outcome{benchCase: c, turns: c.turns(), results: map[turn][]*Result{}, failed: map[turn]string{}, peerModel: map[string]string{}}
}

// ours are the results of our side.
func (o *outcome) ours() []*Result { return o.results[turn{side: ours}] }

// bench measures cases.
type bench struct {
	options options
	// sides measure, by name; ours is always among them.
	sides map[string]side
	// peerSum tells the peers' programs from other versions of them.
	peerSum []byte
	// load is the machine's load average at the start.
	load float64
	tell func(format string, args ...any)
	// rows are those of the file, with those of earlier runs that go on; save
	// writes them.
	rows     []Row
	earlier  map[string]*Result
	save     func([]Row) error
	failures []error
}

// run measures all cases, group by group and round by round, and keeps every
// process's row. What was measured before an error or the end of ctx is
// returned beside it.
func (b *bench) run(ctx context.Context, groups [][]benchCase) ([]*outcome, error) {
	b.load = loadAverage()
	if b.options.reportOnly {
		b.load = 0
		if len(b.rows) > 0 {
			b.load = b.rows[0].Load
		}
	} else if b.busy() {
		b.tell("the machine is busy (load average %.1f). %s", b.load, busyAdvice)
	}
	var all []*outcome
	for _, cases := range groups {
		var group []*outcome
		for _, c := range cases {
			o := newOutcome(c)
			if b.options.reportOnly {
				group, all = append(group, o), append(all, o)
				continue
			}
			if err := b.prepare(ctx, o); err != nil {
				return all, fmt.Errorf("%s: %w", c.name(), err)
			}
			group = append(group, o)
			all = append(all, o)
		}
		for round := 1; round <= b.options.rounds; round++ {
			for _, o := range group {
				if err := b.round(ctx, o, round); err != nil {
					return all, fmt.Errorf("%s: %w", o.name(), err)
				}
			}
		}
	}
	return all, errors.Join(b.failures...)
}

// round measures a case once on each side. Every other round goes backwards, so
// that a machine that slows down or speeds up favours nobody.
func (b *bench) round(ctx context.Context, o *outcome, round int) error {
	turns := o.wanted(b.options.slower)
	if round%2 == 0 {
		slices.Reverse(turns)
	}
	var said []string
	for _, t := range turns {
		r, err := b.turn(ctx, o, t, round)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r == nil && err == nil {
			continue
		}
		if err != nil && t.side == ours {
			return err
		}
		if err != nil {
			b.fails(o, t, err)
			continue
		}
		said = append(said, t.String()+" "+o.show(r))
	}
	if len(said) > 0 && !b.options.reportOnly {
		b.tell("round %d/%d, %s: %s", round, b.options.rounds, o.name(), strings.Join(said, ", "))
	}
	return nil
}

// show is a result in a word.
func (o *outcome) show(r *Result) string {
	if o.job.Measure == measureFidelity {
		return fmt.Sprintf("%.1f dB", r.PSNR)
	}
	return seconds(median(r.Seconds))
}

// wanted are the turns of the next round: without those that failed, and
// without the ways that took more than slower times the quickest of their group,
// unless slower is 0.
func (o *outcome) wanted(slower float64) []turn {
	quickest := map[string]float64{}
	for t, results := range o.results {
		if least, ok := quickest[t.group()]; len(results) > 0 && (!ok || clock(results) < least) {
			quickest[t.group()] = clock(results)
		}
	}
	var list []turn
	for _, t := range o.turns {
		if o.failed[t] != "" {
			continue
		}
		if done := o.results[t]; slower == 0 || len(done) == 0 || clock(done) <= slower*quickest[t.group()] {
			list = append(list, t)
		}
	}
	return list
}

// fails leaves a peer's turn out from now on.
func (b *bench) fails(o *outcome, t turn, err error) {
	o.failed[t] = lastLine([]byte(err.Error()))
	b.failures = append(b.failures, fmt.Errorf("%s, %s: %w", o.name(), t, err))
	b.tell("%s, %s: %v", o.name(), t, err)
}

// turn starts one process, unless an earlier run has measured it. There is no
// result of one that is not to be started.
func (b *bench) turn(ctx context.Context, o *outcome, t turn, round int) (*Result, error) {
	row := o.row(b.options, t, round)
	if r, ok := b.earlier[row.key()]; ok {
		o.results[t] = append(o.results[t], r)
		return r, nil
	}
	if b.options.reportOnly {
		return nil, nil
	}
	row.Time, row.Load = time.Now().UTC().Format(time.RFC3339), loadAverage()
	r, err := b.measure(ctx, o, t)
	if err != nil {
		return nil, err
	}
	if first := o.ours(); t.side != ours && len(first) > 0 {
		if err := sameWork(first[len(first)-1], r); err != nil {
			return nil, err
		}
	}
	o.results[t] = append(o.results[t], r)
	b.rows = append(b.rows, row.filled(r)...)
	return r, b.save(b.rows)
}

// measure has a side measure the case's job. What a start reads is read once
// before, so that files lie in the page cache.
func (b *bench) measure(ctx context.Context, o *outcome, t turn) (*Result, error) {
	job := o.job
	if t.side != ours {
		job.Reference, job.Way, job.SavedModel = b.options.reference, t.way, o.savedModel
		if path, ok := o.peerModel[t.side]; ok {
			job.Model = path
		}
	}
	env, _ := environment(t.side, o.isa)
	if r, _ := rivalNamed(t.side); r.group == groupPyTorch {
		env = append(env, "TORCHINDUCTOR_FX_GRAPH_CACHE=1", "TORCHINDUCTOR_AUTOGRAD_CACHE=1",
			"TORCHINDUCTOR_CACHE_DIR="+b.options.cache+"/inductor-"+t.side+"-"+o.isa)
	}
	s := b.sides[t.side]
	if o.job.Measure == measureStart && len(o.results[t]) == 0 {
		if _, err := s.measure(ctx, job, env); err != nil {
			return nil, err
		}
	}
	return s.measure(ctx, job, env)
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
