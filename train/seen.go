package train

import (
	"context"
	"net"
	"sync"
	"time"
)

// sightings are when each of a run's workers was last there, and since when it is
// not. A worker that misses another one ends: whoever finds both gone later tells
// by them who was first.
type sightings struct {
	mu           sync.Mutex
	seen, missed map[int]time.Time
}

// note takes in that a worker was looked for from a time on until now.
func (s *sightings) note(rank int, there bool, from time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen, s.missed = map[int]time.Time{}, map[int]time.Time{}
	}
	if there {
		s.seen[rank] = from
		delete(s.missed, rank)
	} else if _, ok := s.missed[rank]; !ok {
		s.missed[rank] = time.Now()
	}
}

// first are those of missing workers that others did not outlive for certain: none
// that was seen while another of them was missed already.
func (s *sightings) first(missing []int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []int
	for _, rank := range missing {
		outlived := false
		for _, other := range missing {
			gone, ok := s.missed[other]
			outlived = outlived || ok && s.seen[rank].After(gone)
		}
		if !outlived {
			found = append(found, rank)
		}
	}
	return found
}

// watch looks at the others until one is gone.
func (w *crew) watch(ctx context.Context, gone chan<- []int) {
	w.look(ctx, func() bool {
		gone <- w.missing()
		return false
	})
}

// look looks at the others, some at a time, for as long as absent, which is called
// for each that is not there, returns true.
func (w *crew) look(ctx context.Context, absent func() bool) {
	for next := 0; ; next++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchPause):
		}
		for i := range min(watched, w.cluster.Size()) {
			rank := (next*watched + i) % w.cluster.Size()
			if !w.there(ctx, rank) && ctx.Err() == nil && !absent() {
				return
			}
		}
	}
}

// there reports whether a worker listens.
func (w *crew) there(ctx context.Context, rank int) bool {
	if rank == w.cluster.Rank {
		return true
	}
	began := time.Now()
	for range 2 { // a machine may be too busy once
		d := net.Dialer{Timeout: dialTimeout}
		connection, err := d.DialContext(ctx, "tcp", w.cluster.Workers[rank])
		if err == nil {
			connection.Close()
			w.seen.note(rank, true, began)
			return true
		}
	}
	if ctx.Err() == nil {
		w.seen.note(rank, false, began)
	}
	return false
}

// ended are the ranks that are missing, once one is: an operation fails a moment
// before its worker has closed the port that it listens at.
func (w *crew) ended() []int {
	for until := time.Now().Add(dying); ; time.Sleep(watchPause / 5) {
		if missing := w.missing(); len(missing) > 0 || time.Now().After(until) {
			return missing
		}
	}
}

// missing are the ranks of those that do not listen, but for those that ended
// because they missed others.
func (w *crew) missing() []int {
	found := make([]bool, w.cluster.Size())
	done := make(chan bool)
	for rank := range found {
		go func() {
			found[rank] = w.there(context.Background(), rank)
			done <- true
		}()
	}
	var missing []int
	for range found {
		<-done
	}
	for rank, ok := range found {
		if !ok {
			missing = append(missing, rank)
		}
	}
	return w.seen.first(missing)
}
