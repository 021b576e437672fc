package dataset

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/internal/random"
)

// The labels of the random streams. They never change: runs on disc depend on
// them.
var (
	epochLabel   = random.Label("dataset epoch")
	pairLabel    = random.Label("dataset pair")
	augmentLabel = random.Label("dataset augment")
)

// LoaderParams say how batches are made of a data set.
type LoaderParams struct {
	// Seed of the run.
	Seed int64
	// BatchSize is the number of pairs in a batch. At least 1.
	BatchSize int
	// NumRepeats is how often each item comes in an epoch. At least 1.
	NumRepeats int
	// Parts and Part, where several processes share every batch: this loader makes
	// the pairs of part Part, 0 <= Part < Parts, and reads nothing for the others.
	// Parts divides BatchSize; 0 is one process by itself.
	Parts, Part int
	// Groups, where a batch is taken in so many micro-batches: each part is made of
	// equal pieces of all of them, one after the other. Groups times Parts divides
	// BatchSize; 0 is one.
	Groups int
}

// size is the number of pairs of the part.
func (p LoaderParams) size() int { return p.BatchSize / max(p.Parts, 1) }

// place is where pair i of the part stands in the batch.
func (p LoaderParams) place(i int) int {
	piece := p.size() / max(p.Groups, 1)
	return (i/piece*max(p.Parts, 1)+p.Part)*piece + i%piece
}

// maxBatchBytes bounds the pictures of one batch (source and driving).
const maxBatchBytes = 1 << 33

// Loader makes the batches of a training run. Its methods may be called by
// several goroutines at once.
type Loader struct {
	set     *Dataset
	params  LoaderParams
	batches int           // in an epoch
	tokens  chan struct{} // one for each sample that may be in the making

	mu     sync.Mutex
	orders map[int64][]int // of the epochs in use
}

// Loader checks that an epoch holds at least one batch: an incomplete last
// batch is dropped.
func (d *Dataset) Loader(p LoaderParams) (*Loader, error) {
	if p.BatchSize < 1 || p.NumRepeats < 1 {
		return nil, fmt.Errorf("batch_size is %d and num_repeats %d: both must be at least 1", p.BatchSize, p.NumRepeats)
	}
	if p.Parts < 0 || p.Part < 0 || p.Part >= max(p.Parts, 1) || p.Groups < 0 || p.BatchSize%(max(p.Parts, 1)*max(p.Groups, 1)) != 0 {
		return nil, fmt.Errorf("part %d of %d of a batch of %d pairs in %d micro-batches: the parts must be equal",
			p.Part, p.Parts, p.BatchSize, max(p.Groups, 1))
	}
	if int64(p.BatchSize) > maxBatchBytes/(6*int64(d.W())*int64(d.H())) {
		return nil, fmt.Errorf("batch_size is %d: its pictures alone would take more than %d GiB", p.BatchSize, maxBatchBytes>>30)
	}
	if err := d.CanTrain(); err != nil {
		return nil, err
	}
	const mostItems = 1 << 28
	if p.NumRepeats > mostItems/len(d.items) {
		return nil, fmt.Errorf("num_repeats is %d: %d items make an epoch of more than %d", p.NumRepeats, len(d.items), mostItems)
	}
	batches := len(d.items) * p.NumRepeats / p.BatchSize
	if batches == 0 {
		return nil, fmt.Errorf("an epoch of %d items (%d repeats) does not fill a batch of %d: lower batch_size or raise num_repeats",
			len(d.items)*p.NumRepeats, p.NumRepeats, p.BatchSize)
	}
	return &Loader{set: d, params: p, batches: batches,
		tokens: make(chan struct{}, d.params.workers()), orders: map[int64][]int{}}, nil
}

// BatchesPerEpoch is the number of batches in which every item has come
// NumRepeats times, but for those of the dropped last batch.
func (l *Loader) BatchesPerEpoch() int { return l.batches }

// Batch makes batch `attempt`, counted from 0 over all epochs: a pure function
// of (seed, attempt) and the files.
func (l *Loader) Batch(attempt int64) (*Batch, error) {
	return l.batch(context.Background(), attempt)
}

func (l *Loader) batch(ctx context.Context, attempt int64) (*Batch, error) {
	if attempt < 0 {
		return nil, fmt.Errorf("there is no batch %d", attempt)
	}
	d, n := l.set, l.params.size()
	picture := 3 * d.W() * d.H()
	b := &Batch{Attempt: attempt, N: n, H: d.H(), W: d.W(),
		Source: make([]byte, n*picture), Driving: make([]byte, n*picture), Items: make([]Item, n)}
	order := l.order(attempt / int64(l.batches))
	first := int(attempt%int64(l.batches)) * l.params.BatchSize
	pool, ctx := errgroup.WithContext(ctx)
	for i := range b.Items {
		pool.Go(func() error {
			select {
			case l.tokens <- struct{}{}:
				defer func() { <-l.tokens }()
			case <-ctx.Done():
				return ctx.Err()
			}
			place := l.params.place(i)
			item := order[first+place] % len(d.items)
			return l.sample(ctx, attempt, place, item, &b.Items[i],
				b.Source[i*picture:(i+1)*picture], b.Driving[i*picture:(i+1)*picture])
		})
	}
	if err := pool.Wait(); err != nil {
		return nil, err
	}
	return b, nil
}

// order is the shuffled epoch: a pure function of (seed, epoch).
func (l *Loader) order(epoch int64) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if order := l.orders[epoch]; order != nil {
		return order
	}
	// Batches are made ahead, so that the end of one epoch and the start of
	// the next are in use together.
	for old := range l.orders {
		if old < epoch-1 || old > epoch+1 {
			delete(l.orders, old)
		}
	}
	order := random.New(l.params.Seed, epochLabel, uint64(epoch)).Perm(len(l.set.items) * l.params.NumRepeats)
	l.orders[epoch] = order
	return order
}

// maxRedraws bounds the search for a readable video.
const maxRedraws = 1000

// sample draws a pair of an item's frames. If they cannot be read, any other
// item is drawn, by the numbers of this sample alone.
func (l *Loader) sample(ctx context.Context, attempt int64, i, item int, it *Item, source, driving []byte) error {
	d := l.set
	var last error
	for redraw := 0; redraw < maxRedraws; redraw++ {
		r := random.New(l.params.Seed, pairLabel, uint64(attempt), uint64(i), uint64(redraw))
		if redraw > 0 {
			item = r.IntN(len(d.items))
		}
		group := d.items[item]
		index := group[r.IntN(len(group))]
		c := d.train[index]
		*it = Item{Video: index, Name: c.name}
		err := l.pair(ctx, r, attempt, i, c, it, source, driving)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		last = err
		d.broken.note(d.trainName(c), err)
		if err := d.broken.verdict(); err != nil {
			return err
		}
	}
	return fmt.Errorf("data set: no video could be read in %d draws; the last: %w", maxRedraws, last)
}

// trainName tells a training video from a test video of the same name.
func (d *Dataset) trainName(c *clip) string {
	if c.drawn != nil || d.files.single {
		return c.name
	}
	return "train/" + c.name
}

func (l *Loader) pair(ctx context.Context, r *random.Rand, attempt int64, i int, c *clip, it *Item, source, driving []byte) error {
	d := l.set
	all, err := c.open(ctx)
	if err != nil {
		return err
	}
	a, b := r.IntN(all.length()), r.IntN(all.length())
	it.Source, it.Driving = min(a, b), max(a, b)
	d.params.AugmentationParams.draw(random.New(l.params.Seed, augmentLabel, uint64(attempt), uint64(i)), d.W(), d.H(), it)
	two, err := all.at(ctx, it.Source, it.Driving)
	if err != nil {
		return err
	}
	it.write(two[0], source)
	it.write(two[1], driving)
	return nil
}

// Prefetcher makes batches ahead, in order. Its methods are for one goroutine.
type Prefetcher struct {
	cancel context.CancelFunc
	queue  chan *future
	all    sync.WaitGroup
	err    error
	waited time.Duration
	// awaited was taken from the queue and is not made yet.
	awaited *future
}

// future is a batch in the making.
type future struct {
	done  chan struct{}
	batch *Batch
	err   error
}

// errClosed is what Next says after Close.
var errClosed = errors.New("data set: read after Close")

// Prefetch starts making batches from, from+1, ... and keeps at most
// params.Prefetch of them ahead. Close has to be called in the end.
func (l *Loader) Prefetch(ctx context.Context, from int64) *Prefetcher {
	ctx, cancel := context.WithCancel(ctx)
	p := &Prefetcher{cancel: cancel, queue: make(chan *future, max(l.set.params.Prefetch-1, 0))}
	p.all.Add(1)
	go func() {
		defer p.all.Done()
		defer close(p.queue)
		for attempt := from; ; attempt++ {
			f := &future{done: make(chan struct{})}
			p.all.Add(1)
			go func() {
				defer p.all.Done()
				defer close(f.done)
				f.batch, f.err = l.batch(ctx, attempt)
			}()
			select {
			case p.queue <- f:
			case <-ctx.Done():
				return
			}
		}
	}()
	return p
}

// Next returns the next batch, waiting for it if need be. After an error it
// returns the same error again.
func (p *Prefetcher) Next() (*Batch, error) { return p.NextUntil(context.Background()) }

// NextUntil is Next that waits no longer than ctx, whose error it returns then:
// a film may hang for minutes. The batch is returned by the next call.
func (p *Prefetcher) NextUntil(ctx context.Context) (*Batch, error) {
	if p.err != nil {
		return nil, p.err
	}
	begin := time.Now()
	defer func() { p.waited += time.Since(begin) }()
	if p.awaited == nil {
		select {
		case f, ok := <-p.queue:
			if !ok {
				p.err = context.Canceled
				return nil, p.err
			}
			p.awaited = f
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	select {
	case <-p.awaited.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f := p.awaited
	p.awaited, p.err = nil, f.err
	return f.batch, f.err
}

// Waited is the time spent in Next so far.
func (p *Prefetcher) Waited() time.Duration { return p.waited }

// Close stops all goroutines and waits for them.
func (p *Prefetcher) Close() error {
	p.cancel()
	p.all.Wait()
	if p.err == nil {
		p.err = errClosed
	}
	return nil
}
