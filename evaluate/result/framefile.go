package result

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// frameFile is a frames.csv that grows. What could not be written is kept and
// written at the same place the next time, whatever half of it came there.
type frameFile struct {
	file *os.File
	// end is behind the last row that is durable.
	end     int64
	pending bytes.Buffer
}

// openFrameFile opens a table whose rows up to end are whole; what follows is
// cut off.
func openFrameFile(path string, end int64) (*frameFile, error) {
	// It is cut off and written to: a link may lead to a file that is dear to us.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s is a link, which no program of ours has made: remove it, or choose another `out`", path)
	}
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(end); err != nil {
		f.Close()
		return nil, err
	}
	return &frameFile{file: f, end: end}, nil
}

// flush makes all rows durable.
func (f *frameFile) flush() error {
	if f.pending.Len() == 0 {
		return nil
	}
	if _, err := f.file.WriteAt(f.pending.Bytes(), f.end); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return err
	}
	f.end += int64(f.pending.Len())
	f.pending.Reset()
	return nil
}
