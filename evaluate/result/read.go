package result

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Limits of the files in bytes: some millions of rows.
const (
	maxTable = 256 << 20
	maxRun   = 1 << 20
	maxFrame = 2 << 30
)

// Evaluation is what a folder holds but for the frames.
type Evaluation struct {
	Folder  Folder
	Run     Run
	Summary []SummaryRow
	Videos  []VideoRow
	// HasFrames says that EachFrame will find rows.
	HasFrames bool
}

// ErrUnfinished says that an evaluation has no summary yet.
var ErrUnfinished = errors.New("the evaluation is not finished: run evaluate once more with the same flags and it goes on")

// Read reads the folder of a finished evaluation.
func Read(dir string) (*Evaluation, error) {
	f := Folder(dir)
	e := &Evaluation{Folder: f}
	var err error
	if e.Run, err = ReadRun(dir); err != nil {
		return nil, err
	}
	if e.Summary, err = ReadSummary(f.Summary()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s: %w", dir, ErrUnfinished)
		}
		return nil, err
	}
	if e.Videos, err = ReadVideos(f.Videos()); err != nil {
		return nil, err
	}
	if info, err := os.Stat(f.Frames()); err == nil {
		e.HasFrames = info.Mode().IsRegular()
	}
	return e, nil
}

// ReadRun reads what an evaluation is of. A folder that holds none is an error
// that wraps fs.ErrNotExist.
func ReadRun(dir string) (Run, error) {
	path := Folder(dir).Run()
	data, err := readAll(path, maxRun)
	if err != nil {
		return Run{}, fmt.Errorf("%s is no folder of an evaluation: %w", dir, err)
	}
	var r Run
	if err := json.Unmarshal(data, &r); err != nil {
		return Run{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, checkVersion(path, r.FormatVersion)
}

// ReadSummary reads a summary.csv; it may hold the rows of several evaluations.
func ReadSummary(path string) ([]SummaryRow, error) {
	return readTable(path, func(r *SummaryRow) (int, error) { return r.FormatVersion, known(r.Measure()) })
}

// ReadVideos reads a videos.csv.
func ReadVideos(path string) ([]VideoRow, error) {
	return readTable(path, func(r *VideoRow) (int, error) {
		if r.Error != "" {
			return r.FormatVersion, nil
		}
		return r.FormatVersion, known(r.Measure())
	})
}

// EachFrame hands the rows of a frames.csv to visit, in the order of the file.
// Memory does not grow with their number.
func EachFrame(path string, visit func(FrameRow) error) error {
	return eachFrame(path, maxFrame, visit)
}

// eachFrame is EachFrame up to an offset.
func eachFrame(path string, end int64, visit func(FrameRow) error) error {
	f, size, err := localfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if size > maxFrame {
		return fmt.Errorf("%s has %d bytes, more than the %d that are read", path, size, int64(maxFrame))
	}
	in := bufio.NewReaderSize(io.LimitReader(f, end), 1<<16)
	if err := checkHeader[FrameRow](path, in); err != nil {
		return err
	}
	err = gocsv.UnmarshalToCallbackWithError(in, func(r FrameRow) error {
		if err := checkVersion(path, r.FormatVersion); err != nil {
			return err
		}
		return visit(r)
	})
	if err != nil && !errors.Is(err, gocsv.ErrEmptyCSVFile) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readTable reads a table and checks every row.
func readTable[T any](path string, check func(*T) (version int, err error)) ([]T, error) {
	data, err := readAll(path, maxTable)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(bytes.NewReader(data))
	if err := checkHeader[T](path, in); err != nil {
		return nil, err
	}
	var rows []T
	if err := gocsv.Unmarshal(in, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range rows {
		version, err := check(&rows[i])
		if err == nil {
			err = checkVersion(path, version)
		}
		if err != nil {
			return nil, fmt.Errorf("%s, row %d: %w", path, i+1, err)
		}
	}
	return rows, nil
}

// checkHeader looks at the first line without taking it: every column of T must
// be there. Columns that others added are ignored.
func checkHeader[T any](path string, in *bufio.Reader) error {
	const longest = 4096 // also the least buffer of a reader
	head, _ := in.Peek(longest)
	line, _, found := bytes.Cut(head, []byte("\n"))
	if !found && len(head) == longest {
		return fmt.Errorf("%s has no header", path)
	}
	names, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return fmt.Errorf("%s has no header: %w", path, err)
	}
	have := map[string]bool{}
	for _, n := range names {
		if have[n] {
			return fmt.Errorf("%s has the column %s twice", path, clip(n))
		}
		have[n] = true
	}
	header, err := headerOf[T]()
	if err != nil {
		return err
	}
	var missing []string
	for _, n := range header {
		if !have[n] {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s has no column %s: it is no such table of an evaluation, or another version's", path, strings.Join(missing, ", "))
	}
	return nil
}

// headerOf is the header of T's table.
func headerOf[T any]() ([]string, error) {
	text, err := gocsv.MarshalString([]T{})
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSpace(text), ","), nil
}

func readAll(path string, limit int64) ([]byte, error) {
	f, size, err := localfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that are read", path, size, limit)
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

func checkVersion(path string, version int) error {
	if version == FormatVersion {
		return nil
	}
	return fmt.Errorf("%s has format_version %d, this program reads %d: evaluate anew, into another folder", path, version, FormatVersion)
}

// known refuses columns that there are not.
func known(m Measure) error {
	for _, k := range Measures() {
		if k == m {
			return nil
		}
	}
	return fmt.Errorf("there is no metric %q over %q", clip(m.Metric), clip(m.Region))
}
