package evaluate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/video"
)

// frameFolder is where predictions are written to: a folder of png per video,
// and a file that says whose they are, so that the frames of one model are
// never taken for another's.
type frameFolder struct {
	dir    string
	origin frameOrigin
	lock   *folderlock.Lock // nil where the evaluation has locked the folder
	result.Writing
}

// frameOrigin is what frames follow from.
type frameOrigin struct {
	FormatVersion int    `json:"format_version"`
	From          string `json:"from"` // as typed
	Weights       string `json:"weights"`
	ConfigHash    string `json:"config_hash"`
	Data          string `json:"data"`
	TestSet       string `json:"test_set"`
	Height        int    `json:"height"`
	Width         int    `json:"width"`
	Fit           string `json:"fit"`
}

// originFile says what the frames beside it are of; maxOrigin bounds it.
const (
	originFile = "frames.json"
	maxOrigin  = 1 << 16
)

// newFrameFolder checks that a folder holds nothing, or frames of the same
// origin. It writes nothing.
func newFrameFolder(dir string, r result.Run, videos []dataset.TestVideo, w result.Writing) (*frameFolder, error) {
	f := &frameFolder{dir: dir, Writing: w}
	f.origin = frameOrigin{
		FormatVersion: result.FormatVersion, From: r.From, Weights: r.Weights, ConfigHash: r.ConfigHash,
		Data: r.Data, TestSet: r.TestSet, Height: r.Height, Width: r.Width, Fit: r.Fit,
	}
	old, err := f.readOrigin()
	if errors.Is(err, fs.ErrNotExist) {
		for _, v := range videos {
			has, err := f.has(v)
			if err != nil {
				return nil, fmt.Errorf("`write_frames`: %w", err)
			}
			if has {
				return nil, fmt.Errorf("`write_frames`=%s holds a folder %s, and no %s that says what it is of: choose another folder", dir, v.Name(), originFile)
			}
		}
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("`write_frames`: %w", err)
	}
	from := old.From
	if old.From = f.origin.From; old != f.origin {
		return nil, fmt.Errorf("`write_frames`=%s holds frames of %s (weights %s, data %s), not of %s (weights %s, data %s): choose another folder, or delete that one",
			dir, from, short(old.Weights), old.Data, f.origin.From, short(f.origin.Weights), f.origin.Data)
	}
	return f, nil
}

func (f *frameFolder) readOrigin() (o frameOrigin, err error) {
	path := filepath.Join(f.dir, originFile)
	file, size, err := localfile.Open(path)
	if err != nil {
		return o, err
	}
	defer file.Close()
	if size > maxOrigin {
		return o, fmt.Errorf("%s has %d bytes, more than the %d that are read", path, size, maxOrigin)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxOrigin))
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// begin makes the folder and says in it what it is of. locked is the folder that
// is locked already.
func (f *frameFolder) begin(locked string) error {
	if err := f.Insist("a folder", func() error { return f.Files.MkdirAll(f.dir) }); err != nil {
		return err
	}
	if !sameDir(f.dir, locked) {
		var err error
		if f.lock, err = folderlock.Acquire(f.dir); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(f.origin, "", "  ")
	if err != nil {
		return err
	}
	return f.Insist(originFile, func() error {
		return durable.WriteFileOn(f.Files, filepath.Join(f.dir, originFile), append(text, '\n'))
	})
}

func sameDir(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// has reports whether a video's frames are there: such a folder is complete.
// What is no folder is an error, and so is one that cannot be read: its frames
// would be taken for missing.
func (f *frameFolder) has(v dataset.TestVideo) (bool, error) {
	if f == nil {
		return true, nil
	}
	entries, err := localfile.ReadDir(filepath.Join(f.dir, v.Name()))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return len(entries) > 0, err
}

// drawing writes the frames of one video. A nil drawing does nothing.
type drawing struct {
	folder *frameFolder
	out    *video.FramesWriter // nil once writing has failed
}

// create begins the folder of a video's frames; nil where frames are not
// wanted, or are there already.
func (f *frameFolder) create(v dataset.TestVideo) (*drawing, error) {
	if has, err := f.has(v); has || err != nil {
		return nil, err
	}
	d := &drawing{folder: f}
	var err error
	d.out, err = video.CreateFramesOn(f.Files, filepath.Join(f.dir, v.Name()), f.origin.Width, f.origin.Height)
	return d, d.told(err)
}

// frames names what is written, when it fails.
const frames = "the frames of `write_frames`"

// told has the folder forgive what writing came to. The rest of the video's
// frames is left out then: all of them are made again at the end.
func (d *drawing) told(err error) error {
	if err == nil {
		return nil
	}
	if d.out != nil {
		d.out.Abort()
		d.out = nil
	}
	return d.folder.Patience.Wrote(frames, err)
}

// write appends predictions.
func (d *drawing) write(made []guess) error {
	if d == nil {
		return nil
	}
	for _, g := range made {
		if d.out == nil {
			return nil
		}
		if err := d.told(d.out.Write(g.frame)); err != nil {
			return err
		}
	}
	return nil
}

// close gives the frames their name.
func (d *drawing) close() error {
	if d == nil || d.out == nil {
		return nil
	}
	if err := d.out.Close(); err != nil {
		return d.told(err)
	}
	return d.folder.Patience.Wrote(frames, nil)
}

// abort removes frames that have not got their name.
func (d *drawing) abort() {
	if d != nil && d.out != nil {
		d.out.Abort()
	}
}

// again waits before frames that could not be written are made once more.
func (f *frameFolder) again() { time.Sleep(f.Pause) }

func (f *frameFolder) close() error {
	if f == nil {
		return nil
	}
	return f.lock.Unlock()
}
