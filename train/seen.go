package train

import (
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
