package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// Store writes the folder of an evaluation, video by video, so that a crash
// costs seconds of work and never a wrong or doubled row. It is for one
// goroutine; the caller keeps other processes out (folderlock.Acquire).
type Store struct {
	folder Folder
	run    Run
	rows   []VideoRow
	done   map[string]bool
	frames *frameFile // nil where frames are not wanted
	saved  time.Time
	dirty  bool
	Writing
	// original gets the columns that are measured; nil for an evaluation of its
	// own.
	original *original
	// settling says that what was added is whole and moves to its place.
	settling bool
}

// saveEvery bounds what a crash costs, and how often a table that grows is
// written as a whole.
const saveEvery = 3 * time.Second

// OpenStore begins an evaluation in a folder, which is made, or goes on with
// one. Videos that were measured of another model, data set or protocol are
// refused by the names of what differs, but for the number of videos, and but for
// columns that were not measured: those are added (Adds), for all of its videos.
// With frames a frames.csv is kept; videos whose frames are not in it are done again.
func OpenStore(dir string, run Run, frames bool) (*Store, error) {
	return OpenStoreBy(NewWriting(patience.Most, "", dir, "videos that are in its tables are kept"), dir, run, frames)
}

// OpenStoreBy is OpenStore for tables that are written in a given way.
func OpenStoreBy(w Writing, dir string, run Run, frames bool) (*Store, error) {
	run.FormatVersion = FormatVersion
	s := &Store{folder: Folder(dir), run: run, done: map[string]bool{}, saved: time.Now(), Writing: w}
	if err := s.insist(func() error { return s.settle(s.folder) }); err != nil {
		return nil, err
	}
	if old, err := ReadRun(dir); err == nil && Adds(old, run) && exists(s.folder.Videos()) {
		if err := s.add(old, frames); err != nil {
			return nil, err
		}
	}
	if err := s.open(frames); err != nil {
		return nil, err
	}
	return s, nil
}

// tables names what is written, when it fails.
const tables = "the tables"

// insist writes what there is no later moment for.
func (s *Store) insist(write func() error) error { return s.Insist(tables, write) }

func (s *Store) open(frames bool) error {
	if err := s.insist(func() error { return s.Files.MkdirAll(string(s.folder)) }); err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.readVideos(); err != nil {
		return err
	}
	if !frames {
		return s.insist(func() error { return s.Files.RemoveAll(s.folder.Frames()) })
	}
	return s.openFrames()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// begin checks what the folder is of, or says so in a new one.
func (s *Store) begin() error {
	dir := string(s.folder)
	old, err := ReadRun(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if d := Differences(old, s.run); len(d) > 0 && exists(s.folder.Videos()) {
			return fmt.Errorf("%s holds another evaluation, which differs in %s: choose another `out`, or delete that folder", dir, strings.Join(d, "; "))
		}
		if old != s.run { // more videos, or another name: the summary is of the old ones
			if err := s.insist(func() error { return s.Files.RemoveAll(s.folder.Summary()) }); err != nil {
				return err
			}
		}
	}
	for _, path := range []string{s.folder.Videos(), s.folder.Summary(), s.folder.Frames()} {
		if err != nil && exists(path) {
			return fmt.Errorf("%s exists, but no %s that says what it is of: choose another `out`", path, s.folder.Run())
		}
	}
	data, err := json.MarshalIndent(s.run, "", "  ")
	if err != nil {
		return err
	}
	return s.insist(func() error { return durable.WriteFileOn(s.Files, s.folder.Run(), append(data, '\n')) })
}

// Differences names what differs between two evaluations that are not the same:
// all columns but the name and path of what was evaluated and the number of
// videos.
func Differences(a, b Run) []string {
	a.Name, a.From, a.NumVideos = b.Name, b.From, b.NumVideos
	return append(differences(reflect.ValueOf(a), reflect.ValueOf(b)), ProtocolDifferences(a.Protocol, b.Protocol)...)
}

// ProtocolDifferences names what differs in how two evaluations measured.
func ProtocolDifferences(a, b Protocol) []string {
	return differences(reflect.ValueOf(a), reflect.ValueOf(b))
}

func differences(a, b reflect.Value) []string {
	var out []string
	for i := 0; i < a.NumField(); i++ {
		f := a.Type().Field(i)
		if f.Anonymous || a.Field(i).Equal(b.Field(i)) {
			continue
		}
		out = append(out, fmt.Sprintf("%s (%s, now %s)", f.Tag.Get("csv"), shown(a.Field(i)), shown(b.Field(i))))
	}
	return out
}

func shown(v reflect.Value) string {
	if text := fmt.Sprint(v.Interface()); text != "" {
		return text
	}
	return "unknown"
}

// readVideos takes over the videos that are done. Those that could not be read
// are tried again.
func (s *Store) readVideos() error {
	rows, err := ReadVideos(s.folder.Videos())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, r := range rows {
		if r.Error == "" {
			count[r.Video]++
		}
	}
	for _, r := range rows {
		switch n := count[r.Video]; {
		case r.Error != "" || n == 0:
		case n == len(Measures()):
			s.done[r.Video] = true
			s.rows = append(s.rows, r)
		default:
			return fmt.Errorf("%s has %d rows of video %s instead of %d: it was changed by hand; delete the folder and evaluate anew",
				s.folder.Videos(), n, r.Video, len(Measures()))
		}
	}
	return nil
}

// openFrames opens frames.csv for appending, cut back to the whole blocks of
// videos that are done.
func (s *Store) openFrames() error {
	path := s.folder.Frames()
	kept, end, err := s.intactFrames(path)
	if err != nil {
		return err
	}
	var rows []VideoRow
	for _, r := range s.rows {
		if kept[r.Video] {
			rows = append(rows, r)
		}
	}
	s.rows = rows
	s.done = kept
	if s.frames, err = openFrameFile(path, end); err != nil || end > 0 {
		return err
	}
	header, err := headerOf[FrameRow]()
	if err != nil {
		return err
	}
	s.frames.pending.WriteString(strings.Join(header, ",") + "\n")
	return nil
}

// Done reports whether a video's rows are there.
func (s *Store) Done(video string) bool { return s.done[video] }

// Folder is where the tables grow: the evaluation's, or within it that of columns
// that are added.
func (s *Store) Folder() Folder { return s.folder }

// Rows are the rows of all videos so far.
func (s *Store) Rows() []VideoRow { return s.rows }

// Add adds a video: its rows, one for each of Measures in that order or one
// with an error, and its frames. A video that is done already is an error. Files
// that cannot be written are tried again with later videos, some times.
func (s *Store) Add(video string, rows []VideoRow, frames []FrameRow) error {
	if len(rows) == 0 {
		return fmt.Errorf("video %s has no rows", video)
	}
	if s.done[video] {
		return fmt.Errorf("video %s is done already", video)
	}
	if s.original != nil {
		if err := s.original.keep(video, rows, frames); err != nil {
			return fmt.Errorf("%s: video %s: %w", s.original.folder, video, err)
		}
	}
	for _, r := range rows {
		r.FormatVersion, r.Video = FormatVersion, video
		s.rows = append(s.rows, r)
	}
	s.done[video] = rows[0].Error == ""
	s.dirty = true
	if s.frames != nil && len(frames) > 0 {
		if err := gocsv.MarshalWithoutHeaders(frames, &s.frames.pending); err != nil {
			return err
		}
	}
	if time.Since(s.saved) < saveEvery {
		return nil
	}
	err := s.save()
	s.saved = time.Now()
	return s.Patience.Wrote(tables, err)
}

// save makes all of it durable, frames first: videos.csv says what is done.
func (s *Store) save() error {
	if s.frames != nil {
		if err := s.frames.flush(); err != nil {
			return err
		}
	}
	if s.dirty {
		// The summary is of what was there before.
		if err := s.Files.RemoveAll(s.folder.Summary()); err != nil {
			return err
		}
		data, err := gocsv.MarshalBytes(s.rows)
		if err != nil {
			return err
		}
		if err := durable.WriteFileOn(s.Files, s.folder.Videos(), data); err != nil {
			return err
		}
	}
	s.dirty, s.saved = false, time.Now()
	return nil
}

// Finish writes the summary. Columns that were added then stand in the
// evaluation itself.
func (s *Store) Finish(summary []SummaryRow) error {
	for i := range summary {
		summary[i].Run = s.run
	}
	data, err := gocsv.MarshalBytes(summary)
	if err != nil {
		return err
	}
	return s.insist(func() error { return s.finish(data) })
}

func (s *Store) finish(summary []byte) error {
	if err := s.save(); err != nil {
		return err
	}
	if s.original != nil && s.frames == nil {
		if err := s.Files.RemoveAll(s.original.folder.Frames()); err != nil {
			return err
		}
	}
	// A try before this one may have moved it away.
	if s.original == nil || !s.settling {
		if err := durable.WriteFileOn(s.Files, s.folder.Summary(), summary); err != nil || s.original == nil {
			return err
		}
		s.settling = true
	}
	if err := s.settle(s.original.folder); err != nil {
		return err
	}
	s.folder, s.original = s.original.folder, nil
	return nil
}

// Close saves what was added and closes the files.
func (s *Store) Close() error {
	err := s.insist(s.save)
	if s.frames != nil {
		err = errors.Join(err, s.frames.file.Close())
	}
	return err
}
