package serve

import (
	"context"
	"slices"
	"time"
)

// before counts the jobs that go first. The lock is held.
func (q *queue) before(j *job) int {
	return q.running + max(slices.Index(q.waiting, j), 0)
}

// status returns how a job is, and a channel that closes when that changes.
// Asking counts as a sign of life.
func (q *queue) status(id string) (s Status, changed <-chan struct{}, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	if !ok {
		return Status{}, nil, false
	}
	j.seen = q.now()
	return j.status(q.before(j), q.options.Keep), j.changed, true
}

// watch keeps a job from being abandoned until leave is called.
func (q *queue) watch(id string) (leave func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	if !ok {
		return nil, false
	}
	j.watchers++
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		j.watchers--
		j.seen = q.now()
	}, true
}

// animation returns how a job is, and what its files are. Asking counts as a sign of life.
func (q *queue) animation(id string) (a Animation, s Status, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j, ok := q.jobs[id]
	if !ok {
		return Animation{}, Status{}, false
	}
	j.seen = q.now()
	return j.work, j.status(q.before(j), q.options.Keep), true
}

// taken notes that somebody has a job's result.
func (q *queue) taken(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j, ok := q.jobs[id]; ok {
		j.fetched = true
	}
}

// linger is how long a server that stops waits for somebody to take a result
// that was made meanwhile.
const linger = 5 * time.Second

// drain refuses new jobs, cancels those that have not begun, and waits for the
// others until ctx ends.
func (q *queue) drain(ctx context.Context) {
	q.mu.Lock()
	q.stopping = true
	var dirs []string
	for len(q.waiting) > 0 {
		dirs = append(dirs, q.cancelLocked(q.waiting[0], errStopping)...)
	}
	q.mu.Unlock()
	remove(dirs...)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for latest := time.Now(); ; {
		running, untaken := q.unsettled()
		if running {
			latest = time.Now()
		} else if !untaken || time.Since(latest) > linger {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// unsettled says whether a job runs, and whether a result that was made while
// the server was stopping has not been taken.
func (q *queue) unsettled() (running, untaken bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.ended {
		untaken = untaken || j.late && j.state == Done && !j.fetched
	}
	return q.running > 0, untaken
}

// close cancels every job and waits for the animator to let go of them.
func (q *queue) close() {
	q.mu.Lock()
	q.stopping = true
	var dirs []string
	for _, j := range q.jobs {
		dirs = append(dirs, q.cancelLocked(j, errStopping)...)
	}
	q.mu.Unlock()
	remove(dirs...)
	q.stop(errStopping)
	q.workers.Wait()
}
