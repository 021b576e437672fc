package child

import (
	"fmt"
	"os"
	"time"
)

// Output bounds the file that a child writes: one that goes wrong would fill the
// disk long before anybody waits in vain for its end.
type Output struct {
	// Path is the file.
	Path string
	// Most is how many bytes it may hold by now. It is asked from another
	// goroutine, until Wait returns, and may grow with what the child is given.
	Most func() int64
}

// OverfullError says that a child wrote more than it was to and was killed.
type OverfullError struct {
	// Tool is the program's name.
	Tool string
	// Most is how many bytes its file was to hold at most.
	Most int64
}

// Error implements error.
func (e *OverfullError) Error() string {
	return fmt.Sprintf("%s wrote more than %d bytes, more than all that it was given can come to, and was ended: does another build of it?", e.Tool, e.Most)
}

// looksEvery is how often the file is looked at: in the meantime a fast disk
// takes some hundred megabytes.
const looksEvery = 100 * time.Millisecond

// watchOutput kills a child whose file outgrows its bound.
func (c *Command) watchOutput() {
	tick := time.NewTicker(looksEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
			if err := c.overfull(); err != nil {
				_ = c.endFor(err)
				return
			}
		}
	}
}

// overfull reports a file beyond its bound.
func (c *Command) overfull() error {
	if c.Writes == nil {
		return nil
	}
	info, err := os.Stat(c.Writes.Path)
	if err != nil {
		return nil // whoever is to read it will report that
	}
	if most := c.Writes.Most(); info.Size() > most {
		return &OverfullError{Tool: c.tool(), Most: most}
	}
	return nil
}
