package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/prioritycut/prioritycut/internal/progress"
)

// linesApart is how often a line is written where there is no terminal for a bar.
const linesApart = 10 * time.Second

// stages shows how far each stage of the work is: it is a prepare.Progress.
type stages struct {
	bar *progress.Bar

	mu           sync.Mutex
	what         string
	done, frames int64
}

func newStages(out io.Writer) *stages { return &stages{bar: progress.New(out, linesApart)} }

// Stage implements prepare.Progress.
func (s *stages) Stage(what string, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what, s.done, s.frames = what, 0, 0
	s.bar.Begin(what, what, 0, int64(total))
}

// Done implements prepare.Progress.
func (s *stages) Done() { s.count(1, 0) }

// Frames implements prepare.Progress.
func (s *stages) Frames(n int) { s.count(0, int64(n)) }

func (s *stages) count(done, frames int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done, s.frames = s.done+done, s.frames+frames
	text := strings.TrimSpace(fmt.Sprintf("%d frames, %.0f frames/s  %s", s.frames, s.bar.PerSecond(s.frames), s.bar.Left(s.done)))
	if s.bar.Columns() > 0 {
		text = s.what + ", " + text
	}
	s.bar.Set(s.done, text)
}
