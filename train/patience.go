package train

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// patience forgives failed writes: a disk that is full for a moment does not end
// a run. Each kind of file may fail so many times in a row.
type patience struct {
	dir    rundir.Dir
	most   int
	failed map[string]int
}

func newPatience(dir rundir.Dir, most int) *patience {
	return &patience{dir: dir, most: most, failed: map[string]int{}}
}

// errGaveUp says that writes failed too often.
var errGaveUp = errors.New("too many writes failed in a row")

// wrote takes what writing a kind of file came to. A failure of the storage is
// told and forgiven, unless it was the last one allowed; other errors are
// returned.
func (p *patience) wrote(what string, err error) error {
	if p == nil || err != nil && !durable.OfStorage(err) {
		return err
	}
	if err == nil {
		if n := p.failed[what]; n > 0 {
			glog.Warningf("%s is written again, after %d failures", what, n)
			delete(p.failed, what)
		}
		return nil
	}
	p.failed[what]++
	if n := p.failed[what]; n >= p.most {
		return fmt.Errorf("%w: %s failed %d times (max_failed_writes): %w\n"+
			"free space, or mend what holds %s, and type the same command again: it goes on from the newest checkpoint there, which is intact",
			errGaveUp, what, n, err, p.dir)
	}
	glog.Warningf("writing failed and is tried again (%d of %d, max_failed_writes): %s: %v", p.failed[what], p.most, what, err)
	return nil
}

// insist writes what there is no later moment for: it tries again after pauses,
// as often as failures are allowed.
func (p *patience) insist(what string, pause time.Duration, write func() error) error {
	for {
		err := write()
		if forgiven := p.wrote(what, err); err == nil || forgiven != nil {
			return forgiven
		}
		time.Sleep(pause)
	}
}

// failures is how often a kind of file has failed in a row.
func (p *patience) failures(what string) int {
	if p == nil {
		return 0
	}
	return p.failed[what]
}
