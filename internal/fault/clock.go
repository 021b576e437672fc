package fault

import (
	iofs "io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// JumpyClock is the operating system's file system under a clock that is set
// forward and back by years, in turn: whatever gets its name has such times.
type JumpyClock struct {
	durable.OS
	jumps atomic.Int64
}

// Rename implements durable.FileSystem.
func (c *JumpyClock) Rename(from, to string) error {
	if err := c.OS.Rename(from, to); err != nil {
		return err
	}
	years := int(5 + c.jumps.Load()%3)
	if c.jumps.Add(1)%2 == 0 {
		years = -years
	}
	return SetTimes(to, time.Now().AddDate(years, 0, 0))
}

// Jumps is how often the clock was set.
func (c *JumpyClock) Jumps() int { return int(c.jumps.Load()) }

// SetTimes gives all that lies at a path, and the folder itself, a time.
func SetTimes(path string, to time.Time) error {
	return filepath.WalkDir(path, func(path string, _ iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, to, to)
	})
}
