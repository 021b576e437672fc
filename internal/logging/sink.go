package logging

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The severities of glog, as its flags count them.
const (
	info = iota
	warning
)

const (
	// maxEarly bounds what is kept until the folder of the log is known.
	maxEarly = 1 << 18
	// retryAfter is when a file that could not be written is tried again.
	retryAfter = 10 * time.Second
)

// sink writes lines where they belong.
type sink struct {
	in        *bufio.Reader
	pipe      io.Closer
	stderr    io.Writer
	threshold int  // least severity for standard error
	off       bool // no file

	mu       sync.Mutex
	dir      string // empty until it is known
	early    []byte // what came before
	file     io.WriteCloser
	failed   time.Time // when the file could last not be written; zero if it can
	severity int       // of the line that is being written
	now      func() time.Time
	open     func(path string) (io.WriteCloser, error)
}

// into names the folder, unless there is one.
func (s *sink) into(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" || s.off {
		return
	}
	s.dir = dir
	if len(s.early) > 0 {
		s.toFile(s.early)
		s.early = nil
	}
}

// put hands on a piece of a line, the first one if begins.
func (s *sink) put(piece []byte, begins bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if begins {
		if severity, ok := severityOf(piece); ok {
			s.severity = severity // lines without a header belong to the one before
		}
	}
	shown := s.severity >= s.threshold
	if shown {
		_, _ = s.stderr.Write(piece) // there is nobody to tell
	}
	switch {
	case s.off:
	case s.dir == "":
		if len(s.early)+len(piece) <= maxEarly {
			s.early = append(s.early, piece...)
		}
	default:
		if !s.toFile(piece) && !shown {
			_, _ = s.stderr.Write(piece)
		}
	}
}

// severityOf reads the header of glog's lines, "Immdd hh:mm:ss...".
func severityOf(line []byte) (int, bool) {
	if len(line) < 6 || line[5] != ' ' {
		return 0, false
	}
	for _, c := range line[1:5] {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	for severity, c := range []byte("IWEF") {
		if line[0] == c {
			return severity, true
		}
	}
	return 0, false
}

// toFile writes to the file, which is made if it has to be, and reports whether
// it could.
func (s *sink) toFile(p []byte) bool {
	now := time.Now
	if s.now != nil {
		now = s.now
	}
	if !s.failed.IsZero() && now().Sub(s.failed) < retryAfter {
		return false
	}
	err := s.openFile(now())
	if err == nil {
		_, err = s.file.Write(p)
	}
	if err == nil {
		s.failed = time.Time{}
		return true
	}
	if s.failed.IsZero() {
		fmt.Fprintf(s.stderr, "log: %v: what is logged goes to standard error until it can be written\n", err)
	}
	s.failed = now()
	return false
}

func (s *sink) openFile(now time.Time) error {
	if s.file != nil {
		return nil
	}
	open := s.open
	if open == nil {
		open = func(path string) (io.WriteCloser, error) {
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				return nil, err
			}
			return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o666)
		}
	}
	f, err := open(filepath.Join(s.dir, fileName(now)))
	if err != nil {
		return err
	}
	s.file = f
	return nil
}

func (s *sink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.Close()
	}
	s.pipe.Close()
}
