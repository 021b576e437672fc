package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/tf"
)

// measureWorkers compares processes that share each batch with a process that has
// all cores; measureReduce is how long their reductions take by themselves.
const (
	measureWorkers = "workers"
	measureReduce  = "reduce"
)

// mostWorkers bounds --workers.
const mostWorkers = 64

// shared is what was measured of processes that share a batch.
type shared struct {
	batchOf benchCase
	count   int
	// one are the rounds of one process with all cores, together those of all
	// with their parts of the batch, apart those that compute as much but tell each
	// other nothing.
	one, together, apart []*Result
}

// checkWorkers reports flags that do not go with --measure=workers.
func (p *program) checkWorkers() error {
	if len(p.measures) != 1 || p.full || p.quick || p.resume || len(p.peers) > 0 {
		return fmt.Errorf("--measure=%s goes alone, without --full, --quick, --resume and --peers", measureWorkers)
	}
	for _, n := range p.workers {
		if n < 2 || n > mostWorkers {
			return fmt.Errorf("--workers=%d: must be 2 to %d", n, mostWorkers)
		}
	}
	return nil
}

// measureShared runs --measure=workers and writes its report.
func (p *program) measureShared(ctx context.Context, b *bench) error {
	if b.load = loadAverage(); b.busy() {
		b.tell("the machine is busy (load average %.1f)", b.load)
	}
	for _, n := range p.workers {
		for _, batch := range p.batches {
			if batch%n != 0 {
				return cli.Usage(fmt.Errorf("--batch=%d cannot be shared by %d workers alike", batch, n))
			}
		}
	}
	line, err := loopback(ctx)
	if err != nil {
		return fmt.Errorf("the speed of the loopback: %w", err)
	}
	pair, err := b.reductions(ctx, p.presets[0], 2)
	if err != nil {
		return err
	}
	var all []*shared
	for _, preset := range p.presets {
		for _, batch := range p.batches {
			for _, n := range p.workers {
				s, err := b.share(ctx, stage{measure: measureStep, preset: preset, variant: p.variants[0], batch: batch, warmup: p.warmup, repeats: p.repeats}, n)
				if err != nil {
					return err
				}
				all = append(all, s)
			}
		}
	}
	var text bytes.Buffer
	b.writeShared(&text, all, pair, line)
	if p.report != "" {
		return durable.WriteFile(p.report, text.Bytes())
	}
	_, err = p.Out().Write(text.Bytes())
	return err
}

// share measures a batch in one process and in n, round by round.
func (b *bench) share(ctx context.Context, one stage, n int) (*shared, error) {
	c, err := b.options.newCase(one)
	if err != nil {
		return nil, err
	}
	if c.job.Pictures%n != 0 {
		return nil, fmt.Errorf("--batch=%d cannot be shared by %d workers alike", c.job.Pictures, n)
	}
	one.batch = c.job.Pictures / n
	small, err := b.options.newCase(one)
	if err != nil {
		return nil, err
	}
	s := &shared{batchOf: c, count: n}
	for round := 1; round <= b.options.rounds; round++ {
		for _, part := range []struct {
			to      *[]*Result
			job     Job
			n       int
			cluster bool
		}{{&s.one, c.job, 1, false}, {&s.together, c.job, n, true}, {&s.apart, small.job, n, false}} {
			r, err := b.crowd(ctx, part.job, part.n, part.cluster)
			if err != nil {
				return nil, fmt.Errorf("%s, %d processes: %w", c.name(), part.n, err)
			}
			*part.to = append(*part.to, r)
		}
		b.tell("round %d/%d, %s: one process %s, %d workers %s, without reductions %s", round, b.options.rounds, c.name(),
			seconds(median(s.one[round-1].Seconds)), n, seconds(median(s.together[round-1].Seconds)), seconds(median(s.apart[round-1].Seconds)))
	}
	return s, nil
}

// crowd runs a job in n processes at once, which divide the cores, and returns
// the result of the one whose median is longest. In a cluster they are workers of
// one run.
func (b *bench) crowd(ctx context.Context, job Job, n int, cluster bool) (*Result, error) {
	addresses, err := freeAddresses(n)
	if err != nil {
		return nil, err
	}
	results := make([]*Result, n)
	pool, ctx := errgroup.WithContext(ctx)
	for rank := range n {
		pool.Go(func() error {
			own := job
			own.Threads = max(b.options.threads/n, 1)
			own.FirstCore, own.Joined = rank*b.options.threads/n, cluster
			text, err := json.Marshal(map[string]any{
				"cluster": map[string]any{"worker": addresses}, "task": map[string]any{"type": "worker", "index": rank},
			})
			if err != nil {
				return err
			}
			results[rank], err = b.sides[ours].measure(ctx, own, []string{tf.ClusterVariable + "=" + string(text)})
			return err
		})
	}
	if err := pool.Wait(); err != nil {
		return nil, err
	}
	return slices.MaxFunc(results, func(a, b *Result) int {
		return int(1e9 * (median(a.Seconds) - median(b.Seconds)))
	}), nil
}

// freeAddresses are such as nobody listens at now.
func freeAddresses(n int) ([]string, error) {
	list := make([]string, n)
	for i := range list {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // when all are found, so that they differ
		list[i] = l.Addr().String()
	}
	return list, nil
}

// reductions measures how long those of n processes take by themselves.
func (b *bench) reductions(ctx context.Context, preset string, n int) (*Result, error) {
	c, err := b.options.newCase(stage{measure: measureReduce, preset: preset, variant: b.options.variants[0], warmup: 2, repeats: 5})
	if err != nil {
		return nil, err
	}
	r, err := b.crowd(ctx, c.job, n, true)
	if err == nil && len(r.Parts) != 2 {
		err = errors.New("reductions: the process does not say how long they take")
	}
	return r, err
}

// line is what a connection to this machine itself gives.
type line struct{ bytesPerSecond, roundTrip float64 }

// loopback measures one: much is sent one way, then single bytes there and back.
func loopback(ctx context.Context) (l line, err error) {
	const much, piece, trips = 1 << 30, 1 << 20, 2000
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return l, err
	}
	defer listener.Close()
	other := make(chan error, 1)
	go func() { other <- answer(listener, much, piece, trips) }()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return l, err
	}
	defer c.Close()
	buffer := make([]byte, piece)
	begun := time.Now()
	for range much / piece {
		if _, err := c.Write(buffer); err != nil {
			return l, err
		}
	}
	if _, err := c.Read(buffer[:1]); err != nil { // all has come
		return l, err
	}
	l.bytesPerSecond = much / time.Since(begun).Seconds()
	begun = time.Now()
	for range trips {
		if _, err := c.Write(buffer[:1]); err != nil {
			return l, err
		}
		if _, err := c.Read(buffer[:1]); err != nil {
			return l, err
		}
	}
	l.roundTrip = time.Since(begun).Seconds() / trips
	return l, <-other
}

// answer is the other end.
func answer(listener net.Listener, much, piece, trips int) error {
	c, err := listener.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	buffer := make([]byte, piece)
	for got := 0; got < much; {
		n, err := c.Read(buffer)
		if err != nil {
			return err
		}
		got += n
	}
	for range trips {
		if _, err := c.Write(buffer[:1]); err != nil {
			return err
		}
		if _, err := c.Read(buffer[:1]); err != nil {
			return err
		}
	}
	_, err = c.Write(buffer[:1])
	return err
}

// writeShared writes the report of --measure=workers. The model is that of
// docs/machines.md, with the latency and the bandwidth that TensorFlow's reductions have
// between two idle processes, and the time that the processes take to compute
// without them.
func (b *bench) writeShared(text *bytes.Buffer, all []*shared, pair *Result, l line) {
	hop, wire := pair.Parts[0].Seconds/2, reduceLarge/pair.Parts[1].Seconds
	fmt.Fprintf(text, "%s: %s, cores used: %d; %s; rounds: %d, %d repeats in each behind %d.\n\n", time.Now().UTC().Format(time.DateOnly), processorName(),
		b.options.threads, all[0].one[0].Engine, b.options.rounds, b.options.repeats, b.options.warmup)
	if b.busy() {
		fmt.Fprintf(text, "**The machine was busy** (load average %.1f at the start): these times say little.\n\n", b.load)
	}
	fmt.Fprintf(text, "Loopback: %.2f GB/s, %.0f µs there and back. TensorFlow's reductions between two processes: %.2f GB/s, %.0f µs a hop.\n\n",
		l.bytesPerSecond/1e9, l.roundTrip*1e6, wire/1e9, hop*1e6)
	table(text, "preset, variant, pairs", "workers", "one process, min", "median", "workers, min", "median", "throughput, workers / one", "without reductions, median",
		"overhead", "reductions", "sent by each", "model", "measured / model")
	for _, s := range all {
		n := float64(s.count)
		one, together, apart := each(s.one, least), each(s.together, least), clock(s.apart)
		x := s.together[0].Exchange
		sent := 2 * (n - 1) / n * float64(x.Bytes)
		model := apart + sent/wire + float64(x.Reductions)*2*(n-1)*hop
		tableRow(text, fmt.Sprintf("%s %s, %d", s.batchOf.preset, s.batchOf.variant, s.batchOf.job.Pictures), strconv.Itoa(s.count),
			seconds(slices.Min(one)), seconds(clock(s.one)), seconds(slices.Min(together)), seconds(clock(s.together)),
			fmt.Sprintf("**%.2f**", clock(s.one)/clock(s.together)), seconds(apart), milliseconds(clock(s.together)-apart),
			strconv.Itoa(x.Reductions), megabytes(sent), seconds(model), fmt.Sprintf("%.2f", clock(s.together)/model))
	}
	fmt.Fprintf(text, "\n%s\n", strings.Join([]string{
		"The workers divide the cores; more workers than cores share them. `without reductions` are as many processes at once that each compute a part of the batch alone.",
		"`model` is that time + bytes sent / bandwidth + reductions * 2 (workers - 1) * a hop; nothing in it is overlapped."}, "\n"))
}

func least(r *Result) float64 { return slices.Min(r.Seconds) }

// milliseconds shows a difference of times, which may be below zero.
func milliseconds(s float64) string { return fmt.Sprintf("%.0f ms", s*1e3) }
