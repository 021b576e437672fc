package result

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// intactFrames reads a frames.csv from its start and returns the videos among
// those that are done whose frames are all there, in one block in order, and
// the offset at which the last such block ends. What follows is the trace of a
// crash, or was added by somebody else: it is cut off.
func (s *Store) intactFrames(path string) (kept map[string]bool, end int64, err error) {
	kept = map[string]bool{}
	f, size, err := localfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return kept, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	if size > maxFrame {
		return nil, 0, fmt.Errorf("%s has %d bytes, more than the %d that are read", path, size, int64(maxFrame))
	}
	header, err := headerOf[FrameRow]()
	if err != nil {
		return nil, 0, err
	}
	length := map[string]int{}
	for _, r := range s.rows {
		length[r.Video] = r.Length
	}
	in := csv.NewReader(bufio.NewReaderSize(f, 1<<16))
	in.ReuseRecord = true
	first, err := in.Read()
	if err := unreadable(err); err != nil {
		return nil, 0, err
	}
	if err != nil || !slices.Equal(first, header) {
		return kept, 0, tableOfOthers(path, size)
	}
	end = in.InputOffset()
	name, next := "", 0
	for {
		row, err := in.Read()
		if err != nil { // the end, or a torn line
			return kept, end, unreadable(err)
		}
		frame, err := strconv.Atoi(row[2])
		if err != nil || row[0] != strconv.Itoa(FormatVersion) || kept[row[1]] || length[row[1]] == 0 {
			return kept, end, nil
		}
		if next == 0 {
			name = row[1]
		}
		if row[1] != name || frame != next {
			return kept, end, nil
		}
		if next++; next == length[name] {
			kept[name] = true
			next = 0
			end = in.InputOffset()
		}
	}
}

// unreadable tells a disk that does not answer, behind which rows may lie, from
// the end of a table and from rows that are none.
func unreadable(err error) error {
	var torn *csv.ParseError
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &torn) {
		return nil
	}
	return err
}

// tableOfOthers refuses to cut what is no table of ours. A file that ends in
// its header is the trace of a crash.
func tableOfOthers(path string, size int64) error {
	if size < 256 {
		return nil
	}
	return fmt.Errorf("%s is no table of frames of this version: choose another `out`", path)
}
