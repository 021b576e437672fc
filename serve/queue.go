package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/golang/glog"
)

// queue runs jobs, a few at a time, in the order in which they came.
type queue struct {
	options  Options
	animator Animator
	metrics  *metrics
	now      func() time.Time
	base     context.Context // of all jobs
	stop     context.CancelCauseFunc
	workers  sync.WaitGroup

	mu       sync.Mutex
	jobs     map[string]*job
	waiting  []*job
	ended    []*job // oldest first
	running  int
	uploads  map[*place]*patientBody
	stopping bool
}

func newQueue(a Animator, o Options, now func() time.Time) *queue {
	q := &queue{options: o, animator: a, now: now, jobs: make(map[string]*job), uploads: make(map[*place]*patientBody)}
	q.base, q.stop = context.WithCancelCause(context.Background())
	return q
}

// Why jobs end early.
var (
	errCancelled = errors.New("cancelled by the client")
	errAbandoned = errors.New("cancelled, because nobody asked about it any more")
	errStopping  = errors.New("cancelled, because the server stops")
	errJobTime   = errors.New("took too long")
)

// place is room for one job, held while its files are received. Another upload
// may take it away from one that comes too slowly.
type place struct{ q *queue }

// open says whether an upload that begins now may find room: it is told before
// anything is read from the client.
func (q *queue) open() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.room(func(*place, *patientBody) {})
}

// reserve finds room for an upload whose bytes come, if need be that of one
// whose do not.
func (q *queue) reserve(body *patientBody) (*place, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.room(func(p *place, b *patientBody) {
		delete(q.uploads, p)
		b.evict()
	})
	if err != nil {
		return nil, err
	}
	p := &place{q}
	q.uploads[p] = body
	return p, nil
}

// room looks for a place that is free or can be made so. The lock is held.
func (q *queue) room(makeRoom func(*place, *patientBody)) error {
	if q.stopping {
		q.metrics.refused.WithLabelValues("stopping").Inc()
		return errStops()
	}
	room := q.options.Jobs + q.options.Queue
	if q.running+len(q.waiting)+len(q.uploads) < room {
		return nil
	}
	if p, ok := slowest(q.uploads); ok {
		makeRoom(p, q.uploads[p])
		return nil
	}
	q.metrics.refused.WithLabelValues("queue").Inc()
	return busy(http.StatusTooManyRequests, 10*time.Second, "all %d places for jobs are taken: try again later", room)
}

// release gives an unused place back.
func (p *place) release() {
	if p == nil {
		return
	}
	p.q.mu.Lock()
	defer p.q.mu.Unlock()
	delete(p.q.uploads, p)
}

// admit turns the place into a job, whose folder the queue then owns.
func (p *place) admit(id, dir string, a Animation) (Status, error) {
	q := p.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopping {
		return Status{}, errStops()
	}
	if _, held := q.uploads[p]; !held {
		return Status{}, errEvicted()
	}
	delete(q.uploads, p)
	now := q.now()
	j := &job{id: id, dir: dir, work: a, created: now, seen: now, state: Queued, changed: make(chan struct{})}
	q.jobs[id] = j
	q.waiting = append(q.waiting, j)
	q.next()
	return j.status(q.before(j), q.options.Keep), nil
}

// next starts jobs while there is room. The lock is held.
func (q *queue) next() {
	for q.running < q.options.Jobs && len(q.waiting) > 0 {
		j := q.waiting[0]
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.running++
		ctx, cancel := context.WithCancelCause(q.base)
		j.state, j.working, j.cancel = Running, true, cancel
		j.touch()
		q.workers.Add(1)
		go q.run(ctx, j)
	}
}

func (q *queue) run(ctx context.Context, j *job) {
	defer q.workers.Done()
	ctx, cancel := context.WithTimeoutCause(ctx, q.options.JobTimeout, errJobTime)
	defer cancel()
	begun := time.Now()
	bytes, err := q.animate(ctx, j)
	q.metrics.jobSeconds.Observe(time.Since(begun).Seconds())
	q.finish(j, bytes, err, context.Cause(ctx))
}

// animate returns the size of the result.
func (q *queue) animate(ctx context.Context, j *job) (bytes int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			glog.Errorf("serve: job %s: panic: %v", j.id, p)
			err = errors.New("internal error; the server's log says more")
		}
	}()
	report := Report{
		Progress: func(done, total int) {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.metrics.frames.Add(float64(j.progress(q.now(), done, total)))
			j.touch()
		},
		Warn: func(text string) {
			q.mu.Lock()
			defer q.mu.Unlock()
			j.warn(text)
			j.touch()
		},
	}
	if err := q.animator.Animate(ctx, j.work, report); err != nil {
		return 0, err
	}
	info, err := os.Stat(j.work.Result)
	if err != nil {
		return 0, fmt.Errorf("there is no result: %w", err)
	}
	return info.Size(), nil
}

// finish ends a job whose animator has returned. Its files go before its place
// is free, and its place is free when its end is told: a client that hears of
// it may send the next job at once.
func (q *queue) finish(j *job, bytes int64, err, cause error) {
	state, reason := q.outcome(j, err, cause)
	if state == Done {
		remove(j.work.Source, j.work.Driving)
	} else {
		remove(j.dir)
	}
	viewed := state == Done && j.work.viewed()
	q.mu.Lock()
	j.bytes, j.viewed, j.working = bytes, viewed, false
	j.cancel(nil)
	if !j.state.Ended() {
		q.end(j, state, reason)
	}
	late := j.state != Done // cancelled although it was done
	q.running--
	q.next()
	q.mu.Unlock()
	if late {
		remove(j.dir)
	}
}

// outcome is how a job ends that nobody has cancelled yet.
func (q *queue) outcome(j *job, err, cause error) (s State, reason string) {
	switch {
	case err == nil:
		return Done, ""
	case errors.Is(cause, errJobTime):
		return Failed, fmt.Sprintf("it took longer than %v: shorten the film", q.options.JobTimeout)
	case cause != nil:
		return Cancelled, cause.Error()
	default:
		glog.Warningf("serve: job %s: %v", j.id, err)
		return Failed, j.withoutPaths(err.Error())
	}
}

// end says how a job ended. The lock is held.
func (q *queue) end(j *job, s State, reason string) {
	j.state, j.reason, j.ended, j.late = s, reason, q.now(), q.stopping
	q.ended = append(q.ended, j)
	q.metrics.jobs.WithLabelValues(string(s)).Inc()
	j.touch()
}

func remove(paths ...string) {
	for _, p := range paths {
		if err := os.RemoveAll(p); err != nil {
			glog.Errorf("serve: removing the files of a job: %v", err)
		}
	}
}

// cancel ends a job early; one that has ended stays as it is.
func (q *queue) cancel(id string, why error) (Status, bool) {
	q.mu.Lock()
	j, ok := q.jobs[id]
	if !ok {
		q.mu.Unlock()
		return Status{}, false
	}
	dir := q.cancelLocked(j, why)
	s := j.status(0, q.options.Keep)
	q.mu.Unlock()
	remove(dir...)
	return s, true
}

// cancelLocked returns folders to remove once the lock is free.
func (q *queue) cancelLocked(j *job, why error) (dirs []string) {
	switch j.state {
	case Queued:
		q.waiting = slices.DeleteFunc(q.waiting, func(w *job) bool { return w == j })
		q.end(j, Cancelled, why.Error())
		return []string{j.dir}
	case Running:
		q.end(j, Cancelled, why.Error())
		j.cancel(why)
	}
	return nil
}

// forget drops a job that has ended. The lock is held.
func (q *queue) forget(j *job) (dirs []string) {
	delete(q.jobs, j.id)
	q.ended = slices.DeleteFunc(q.ended, func(e *job) bool { return e == j })
	j.touch()
	if j.working {
		return nil // finish removes it
	}
	return []string{j.dir}
}

// drop forgets a job and its files; false if it has not ended.
func (q *queue) drop(id string) bool {
	q.mu.Lock()
	j, ok := q.jobs[id]
	if !ok || !j.state.Ended() {
		q.mu.Unlock()
		return false
	}
	dirs := q.forget(j)
	q.mu.Unlock()
	remove(dirs...)
	return true
}

// sweep cancels what was abandoned and forgets what has expired.
func (q *queue) sweep() {
	q.mu.Lock()
	now := q.now()
	var dirs []string
	for _, j := range q.jobs {
		if q.options.Abandon > 0 && !j.work.Unattended && !j.state.Ended() && j.watchers == 0 && now.Sub(j.seen) > q.options.Abandon {
			dirs = append(dirs, q.cancelLocked(j, errAbandoned)...)
		}
	}
	for len(q.ended) > 0 && (len(q.ended) > q.options.Kept || now.Sub(q.ended[0].ended) > q.options.Keep) {
		dirs = append(dirs, q.forget(q.ended[0])...)
	}
	q.mu.Unlock()
	remove(dirs...)
}

// load counts jobs.
func (q *queue) load() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, len(q.waiting) + len(q.uploads)
}
