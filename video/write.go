package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Writer takes the frames of a video in order. What it writes appears under
// its name only when Close has succeeded. It is not safe for concurrent use.
type Writer interface {
	// Write appends a frame, which must not change afterwards.
	Write(*Frame) error
	// Close finishes the video, makes it durable and gives it its name. After
	// an error there is nothing under that name but what was there before.
	Close() error
	// Abort gives up: everything written is removed. After Close or another
	// Abort it does nothing, so it can be deferred.
	Abort()
}

// Create makes a writer by name: a film for mp4, m4v, mov, mkv, webm and gif, a
// folder of png pictures for a name without extension or with a slash at its
// end. The options are about films.
func Create(ctx context.Context, path string, w, h int, o FilmOptions) (Writer, error) {
	if IsFramesName(path) {
		return CreateFrames(path, w, h)
	}
	return CreateFilm(ctx, path, w, h, o)
}

// IsFramesName tells whether Create makes a folder of pictures of this name.
func IsFramesName(path string) bool {
	return strings.HasSuffix(path, "/") || filepath.Ext(path) == ""
}

// FramesWriter writes a folder of png pictures, 0000000.png first.
type FramesWriter struct {
	path    string
	temp    *durable.Temp
	w, h, n int
	empty   bool // there is an empty folder under path
	files   durable.FileSystem
	err     error
}

// CreateFrames begins a folder of pictures of w x h pixels. It is made aside
// and gets its name in the end. A folder that holds something is not touched.
// What a killed process left of its folders beside it is removed.
func CreateFrames(path string, w, h int) (*FramesWriter, error) {
	return CreateFramesOn(durable.OS{}, path, w, h)
}

// CreateFramesOn is CreateFrames with pictures written on a file system of the
// caller's.
func CreateFramesOn(files durable.FileSystem, path string, w, h int) (*FramesWriter, error) {
	f := &FramesWriter{path: filepath.Clean(path), w: w, h: h, files: files}
	if err := f.start(); err != nil {
		return nil, fmt.Errorf("frames %s: %w", path, err)
	}
	return f, nil
}

func (f *FramesWriter) start() error {
	if err := checkSides(f.w, f.h); err != nil {
		return err
	}
	if _, err := os.Lstat(f.path); err == nil {
		// An empty folder is replaced by the new one.
		entries, err := localfile.ReadDir(f.path)
		if err != nil {
			return fmt.Errorf("there is something else under this name: %w", err)
		}
		if len(entries) > 0 {
			return errors.New("the folder exists and is not empty: remove it or choose another name")
		}
		f.empty = true
	}
	var err error
	f.temp, err = durable.NewFolder(filepath.Dir(f.path), ".frames-")
	return err
}

// Write writes one picture.
func (f *FramesWriter) Write(frame *Frame) error {
	if f.err != nil {
		return f.err
	}
	err := checkFrame(frame, f.w, f.h)
	if err == nil {
		err = f.write(filepath.Join(f.temp.Path, fmt.Sprintf("%07d.png", f.n)), frame)
	}
	if err != nil {
		err = fmt.Errorf("frames %s, frame %d: %w", f.path, f.n, err)
		f.Abort()
		f.err = err
		return err
	}
	f.n++
	return nil
}

func (f *FramesWriter) write(path string, frame *Frame) error {
	return durable.WriteNew(f.files, path, func(w io.Writer) error { return EncodePNG(w, frame) })
}

// Close gives the folder its name.
func (f *FramesWriter) Close() error {
	if f.err != nil {
		return f.err
	}
	err := f.finish()
	if err != nil {
		err = fmt.Errorf("frames %s: %w", f.path, err)
		f.Abort()
		f.err = err
		return err
	}
	f.err = fmt.Errorf("frames %s: used after Close", f.path)
	return nil
}

func (f *FramesWriter) finish() error {
	if f.n == 0 {
		return errors.New("no frame was written")
	}
	if f.empty {
		if err := os.Remove(f.path); err != nil {
			return err
		}
	}
	return f.temp.Publish(f.path)
}

// Abort removes what was written.
func (f *FramesWriter) Abort() {
	if f.err == nil {
		f.err = fmt.Errorf("frames %s: used after Abort", f.path)
		f.temp.Remove()
	}
}

// checkSides reports sizes that no video is written in.
func checkSides(w, h int) error {
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return fmt.Errorf("cannot write pictures of %dx%d pixels: sides must lie in 1..%d", w, h, MaxSide)
	}
	return nil
}

// checkFrame reports a frame that is none or of another size.
func checkFrame(f *Frame, w, h int) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.W != w || f.H != h {
		return fmt.Errorf("the frame is %dx%d pixels, those of this video are %dx%d", f.W, f.H, w, h)
	}
	return nil
}
