package dataset

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"sync"
)

// Broken is a video that could not be read.
type Broken struct {
	// Name of the video, after train/ or test/ where the set has both.
	Name string
	// Err says why.
	Err error
}

// broken counts the videos that could not be read.
type broken struct {
	share float64 // of total, that is let pass
	total int

	mu  sync.Mutex
	why map[string]error
}

func newBroken(share float64) *broken {
	return &broken{share: share, why: map[string]error{}}
}

// note adds a video; only what it was broken by first is kept.
func (b *broken) note(name string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.why[name] == nil {
		b.why[name] = err
	}
}

// verdict is an error once more videos are broken than are let pass.
func (b *broken) verdict() error {
	b.mu.Lock()
	n := len(b.why)
	b.mu.Unlock()
	allowed := int(math.Ceil(b.share * float64(b.total)))
	if n <= allowed {
		return nil
	}
	return fmt.Errorf("data set: %d of %d videos cannot be read and max_broken lets %d pass: repair or remove them, or raise max_broken:%s", n, b.total, allowed, b)
}

func (b *broken) list() []Broken {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Broken, 0, len(b.why))
	for name, err := range b.why {
		all = append(all, Broken{name, err})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// String names the first few, one a line.
func (b *broken) String() string {
	const few = 5
	var s strings.Builder
	all := b.list()
	for i, one := range all {
		if i == few {
			fmt.Fprintf(&s, "\n  ... and %d more", len(all)-few)
			break
		}
		fmt.Fprintf(&s, "\n  %s: %v", one.Name, one.Err)
	}
	return s.String()
}
