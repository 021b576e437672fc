package ablation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// runLog is the text that a child writes: appended to on the disk, followed
// here.
type runLog struct {
	path   string
	file   *os.File // the child's end
	reader *os.File
	rest   []byte // a line that is not whole yet
	tail   []string
}

// tailLines is how much of a failed run's log is shown.
const tailLines = 12

func openLog(path string) (*runLog, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	l := &runLog{path: path}
	var err error
	if l.file, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o666); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	if l.reader, err = os.Open(path); err == nil {
		_, err = l.reader.Seek(0, io.SeekEnd)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("log: %w", err)
	}
	return l, nil
}

func (l *runLog) close() {
	l.file.Close() // the child's writes are its own business
	if l.reader != nil {
		l.reader.Close()
	}
}

// mostLine bounds a line that is waited for.
const mostLine = 1 << 16

// read returns the lines that were written since.
func (l *runLog) read() ([]string, error) {
	buffer := make([]byte, 1<<14)
	var lines []string
	for {
		n, err := l.reader.Read(buffer)
		l.rest = append(l.rest, buffer[:n]...)
		for {
			line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
			if !whole && len(l.rest) < mostLine {
				break
			}
			lines, l.rest = append(lines, string(line)), rest
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return lines, err
		}
	}
	l.tail = append(l.tail, lines...)
	l.tail = l.tail[max(len(l.tail)-tailLines, 0):]
	return lines, nil
}

// steps finds in a child's lines how many steps the run has taken.
func steps(lines []string) (step int64, found bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		var total int64
		if n, _ := fmt.Sscanf(lines[i], "step %d/%d", &step, &total); n == 2 {
			return step, true
		}
	}
	return 0, false
}

// last is the end of the log, for an error message.
func (l *runLog) last() string {
	text := append(append([]string(nil), l.tail...), string(l.rest))
	return strings.TrimSpace(strings.Join(text, "\n"))
}
