package result

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Nowhere is the source of columns that are not measured.
const Nowhere = "none"

// added is the folder, within that of an evaluation, where columns are measured
// that it lacks. The evaluation stays as it was until all of them are there.
func (f Folder) added() Folder { return Folder(filepath.Join(string(f), "added")) }

// Adds reports whether run is the evaluation old with columns that it was
// measured without: what else was measured, and how, is the same.
func Adds(old, run Run) bool {
	if !contains(run.Inputs, old.Inputs) {
		return false
	}
	filled := old
	filled.Inputs = run.Inputs
	for _, s := range [][2]*string{
		{&filled.Masks, &run.Masks},
		{&filled.KeypointsReal, &run.KeypointsReal}, {&filled.KeypointsGenerated, &run.KeypointsGenerated},
		{&filled.EmbeddingsReal, &run.EmbeddingsReal}, {&filled.EmbeddingsGenerated, &run.EmbeddingsGenerated},
	} {
		if *s[0] == Nowhere {
			*s[0] = *s[1]
		}
	}
	if old.Masks == Nowhere {
		filled.BGThreshold = run.BGThreshold
	}
	return len(Differences(filled, run)) == 0 && len(Differences(old, run)) > 0
}

// contains reports whether every word of part is one of whole.
func contains(whole, part string) bool {
	have := strings.Fields(whole)
	return !slices.ContainsFunc(strings.Fields(part), func(w string) bool { return !slices.Contains(have, w) })
}

// measured lists the columns that a run asks for.
func measured(r Run) []Measure {
	return slices.DeleteFunc(Measures(), func(m Measure) bool {
		switch {
		case m.Region != All:
			return r.Masks == Nowhere
		case m.Metric == AKD || m.Metric == MKR:
			return r.KeypointsReal == Nowhere
		case m.Metric == AED || m.Metric == AEDEuclidean:
			return r.EmbeddingsReal == Nowhere
		}
		return false
	})
}

// original is an evaluation that columns are added to: what it has measured
// stays, digit by digit.
type original struct {
	folder Folder
	kept   []Measure
	rows   map[string][]VideoRow // by video, one per measure
	frames map[string][]FrameRow // by video; none where they were not kept
}

// add makes a store one of columns that the evaluation in its folder lacks.
func (s *Store) add(old Run, frames bool) error {
	folder := s.folder
	o := &original{folder: folder, kept: measured(old), rows: map[string][]VideoRow{}, frames: map[string][]FrameRow{}}
	was := &Store{folder: folder, run: old, done: map[string]bool{}}
	if err := was.readVideos(); err != nil {
		return err
	}
	for _, r := range was.rows {
		o.rows[r.Video] = append(o.rows[r.Video], r)
	}
	if frames && len(was.rows) > 0 && exists(folder.Frames()) {
		whole, end, err := was.intactFrames(folder.Frames())
		if err != nil {
			return err
		}
		if len(whole) == 0 {
			end = maxFrame // there is no row to be torn
		}
		err = eachFrame(folder.Frames(), end, func(r FrameRow) error {
			if whole[r.Video] {
				o.frames[r.Video] = append(o.frames[r.Video], r)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	s.folder, s.original = folder.added(), o
	return nil
}

// Lost names the videos that an addition would lose: those that were measured
// and are not among the ones asked for.
func (s *Store) Lost(asked func(video string) bool) []string {
	if s.original == nil {
		return nil
	}
	var lost []string
	for v := range s.original.rows {
		if !asked(v) {
			lost = append(lost, v)
		}
	}
	slices.Sort(lost)
	return lost
}

// Added is the number of videos that were measured before and get columns, of an
// addition; else 0.
func (s *Store) Added() int {
	if s.original == nil {
		return 0
	}
	return len(s.original.rows)
}

// keep puts what was measured before in the place of what was measured now. A
// video whose frames are wanted now and were not kept then stands anew.
func (o *original) keep(video string, rows []VideoRow, frames []FrameRow) error {
	old, known := o.rows[video]
	switch {
	case !known:
		return nil
	case rows[0].Error != "":
		return fmt.Errorf("it was measured before, and now: %s", rows[0].Error)
	case old[0].Length != rows[0].Length:
		return fmt.Errorf("it has %d frames, and had %d when it was measured before: choose another `out`", rows[0].Length, old[0].Length)
	}
	before := o.frames[video]
	if len(frames) > 0 && len(before) != len(frames) {
		return nil
	}
	for _, m := range o.kept {
		for _, r := range old {
			if i := slices.IndexFunc(rows, func(n VideoRow) bool { return n.Measure() == m }); i >= 0 && r.Measure() == m {
				rows[i] = r
			}
		}
		for i := range frames {
			frames[i].Set(m, float64(before[i].Value(m)))
		}
	}
	return nil
}

// settle puts a finished addition in the place of the evaluation. Its summary
// moves last: where it is still there, the rest moves once more.
func (s *Store) settle(folder Folder) error {
	from := folder.added()
	if !exists(from.Summary()) {
		return nil
	}
	if err := s.Files.RemoveAll(folder.Summary()); err != nil {
		return err
	}
	for _, file := range []func(Folder) string{Folder.Frames, Folder.Joints, Folder.Videos, Folder.Run, Folder.Summary} {
		if err := s.Files.Rename(file(from), file(folder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.Files.RemoveAll(string(from))
}
