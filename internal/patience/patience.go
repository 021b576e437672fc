// Package patience forgives writes that fail: a disk that is full for a moment
// does not end hours of work.
package patience

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// Most is how many writes in a row may fail where no setting says so, Limit the
// largest number that a setting may say.
const (
	Most  = 5
	Limit = 1_000_000
)

// Setting is what programs call the number.
const Setting = "max_failed_writes"

// Validate checks such a setting.
func Validate(most int) error {
	if most < 1 || most > Limit {
		return fmt.Errorf("`%s`=%d: must lie in 1..%d", Setting, most, Limit)
	}
	return nil
}

// ErrGaveUp says that writes failed too often.
var ErrGaveUp = errors.New("too many writes failed in a row")

// Patience counts failures by kind of file; each kind may fail so many times in
// a row. It may be used by several goroutines. A nil Patience forgives nothing.
type Patience struct {
	most int
	// by names the setting that most is of, advice what to do when it ends.
	by, advice string

	mu     sync.Mutex
	failed map[string]int
}

// New makes one that ends after most failures in a row, with advice. by names
// the setting that says how many; empty where there is none.
func New(most int, by, advice string) *Patience {
	return &Patience{most: most, by: by, advice: advice, failed: map[string]int{}}
}

// Wrote takes what writing a kind of file came to. A failure of the storage is
// told and forgiven, unless it was the last one allowed; other errors are
// returned.
func (p *Patience) Wrote(what string, err error) error {
	if p == nil || err != nil && !durable.OfStorage(err) && !durable.IsFull(err) {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		if n := p.failed[what]; n > 0 {
			glog.Warningf("writing works again, after %d failures: %s", n, what)
			delete(p.failed, what)
		}
		return nil
	}
	p.failed[what]++
	n, by, of := p.failed[what], "", ""
	if p.by != "" {
		by, of = " ("+p.by+")", ", "+p.by
	}
	if n >= p.most {
		return fmt.Errorf("%w: %s failed %d times%s: %w\n%s", ErrGaveUp, what, n, by, err, p.advice)
	}
	glog.Warningf("writing failed and is tried again (%d of %d%s): %s: %v", n, p.most, of, what, err)
	return nil
}

// Insist writes what there is no later moment for: it tries again after pauses,
// as often as failures are allowed.
func (p *Patience) Insist(what string, pause time.Duration, write func() error) error {
	for {
		err := write()
		if forgiven := p.Wrote(what, err); err == nil || forgiven != nil {
			return forgiven
		}
		time.Sleep(pause)
	}
}

// Failures is how often a kind of file has failed in a row.
func (p *Patience) Failures(what string) int {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed[what]
}
