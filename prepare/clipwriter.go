package prepare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"sync"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/prepare/twins"
	"github.com/prioritycut/prioritycut/video"
)

// JPGQuality is that of pictures (1 to 100), high enough that what is lost is less than what films lost.
const JPGQuality = 95

// writer is what all clips of a run share.
type writer struct {
	o        *Options
	manifest *manifest
	// slots bound the pictures that are encoded at once.
	slots chan struct{}
	// compare: signatures of what is written are kept.
	compare bool
	// patience forgives writes that fail.
	patience *patience.Patience
	// settled are the clips that were made or dropped in this round.
	settled sync.Map
}

func (w *writer) path(parts ...string) string {
	return filepath.Join(append([]string{w.o.Out}, parts...)...)
}

func (w *writer) temp(parts ...string) string {
	return w.path(append([]string{stateName, "tmp"}, parts...)...)
}

// clipWriter makes one clip aside and gives it its place in the end.
type clipWriter struct {
	w    *writer
	c    *clip
	dir  string // temporary
	made string // the clip within it
	n    int    // frames written
	skip map[int]bool

	film    *video.FilmWriter // of MP4
	pending sync.WaitGroup    // pictures being encoded
	mu      sync.Mutex
	failed  error // the first trouble of theirs
	strip   strip
	sums    []byte // signatures
}

// begin starts a clip; rate is that of its film as a fraction.
func (w *writer) begin(ctx context.Context, c *clip, rate string) (*clipWriter, error) {
	cw := &clipWriter{w: w, c: c, dir: w.temp(c.spec()), skip: map[int]bool{}}
	for _, i := range c.skip {
		cw.skip[i] = true
	}
	cw.made = filepath.Join(cw.dir, filepath.Base(c.file(w.o.Format)))
	if err := w.o.Files.RemoveAll(cw.dir); err != nil {
		return nil, outputError(err)
	}
	if w.o.Format != MP4 {
		if err := w.o.Files.MkdirAll(cw.made); err != nil {
			return nil, outputError(err)
		}
		return cw, nil
	}
	if err := w.o.Files.MkdirAll(cw.dir); err != nil {
		return nil, outputError(err)
	}
	var err error
	if cw.film, err = video.CreateFilm(ctx, cw.made, w.o.Size, w.o.Size, video.FilmOptions{Rate: rate}); err != nil {
		return nil, outputError(err)
	}
	return cw, nil
}

// add takes frame i of the clip's video.
func (cw *clipWriter) add(ctx context.Context, i int, frame *video.Frame) error {
	if cw.skip[i] {
		return nil
	}
	if err := cw.trouble(); err != nil {
		return err
	}
	fitted, err := cw.fit(frame)
	if err != nil {
		return err
	}
	cw.strip.add(cw.n, fitted)
	if cw.w.compare {
		cells := look.CellsOf(fitted)
		cw.sums = twins.Sign(&cells).Pack(cw.sums)
	}
	n := cw.n
	cw.n++
	if cw.film != nil {
		return outputError(cw.film.Write(fitted))
	}
	select {
	case cw.w.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	cw.pending.Add(1)
	go func() {
		defer func() { <-cw.w.slots; cw.pending.Done() }()
		if err := cw.picture(n, fitted); err != nil {
			cw.mu.Lock()
			defer cw.mu.Unlock()
			if cw.failed == nil {
				cw.failed = outputError(err)
			}
		}
	}()
	return nil
}

func (cw *clipWriter) trouble() error {
	cw.mu.Lock()
	defer cw.mu.Unlock()
	return cw.failed
}

// fit cuts the clip's box out and brings it to size.
func (cw *clipWriter) fit(frame *video.Frame) (*video.Frame, error) {
	if !cw.c.box.whole() {
		r := cw.c.box.rectangle()
		if !r.In(image.Rect(0, 0, frame.W, frame.H)) {
			return nil, fmt.Errorf("a box of %v does not lie in a picture of %dx%d pixels", cw.c.box, frame.W, frame.H)
		}
		part := video.NewFrame(r.Dx(), r.Dy())
		for y := 0; y < part.H; y++ {
			copy(part.Pix[3*part.W*y:3*part.W*(y+1)], frame.Pix[3*(frame.W*(r.Min.Y+y)+r.Min.X):])
		}
		frame = part
	}
	return cw.w.o.Fit.Apply(frame, cw.w.o.Size, cw.w.o.Size)
}

// picture writes one picture of a folder.
func (cw *clipWriter) picture(n int, frame *video.Frame) (err error) {
	f, err := cw.w.o.create(filepath.Join(cw.made, fmt.Sprintf("%07d.%s", n, cw.w.o.Format)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := bufio.NewWriterSize(f, 1<<16)
	if cw.w.o.Format == JPG {
		err = jpeg.Encode(out, frame.Image(), &jpeg.Options{Quality: JPGQuality})
	} else {
		err = video.EncodePNG(out, frame)
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

// finish gives the clip its place and enters it in the manifest. Clips that
// came out too short are dropped.
func (cw *clipWriter) finish(note string, fault bool) error {
	cw.pending.Wait()
	if err := cw.trouble(); err != nil {
		cw.abort()
		return err
	}
	c := cw.c
	least := min(cw.w.o.MinFrames, c.frames()) // a part of a divided scene may be shorter
	if cw.n < max(least, 2) {
		cw.abort()
		return cw.w.drop(c, tooShort(cw.n, cw.w.o, note), fault)
	}
	err := cw.settle(note)
	if err != nil {
		cw.abort()
	}
	return outputError(err)
}

// settle writes what belongs to a clip, moves it to its place and notes it.
func (cw *clipWriter) settle(note string) error {
	w, c := cw.w, cw.c
	if cw.film != nil {
		if err := cw.film.Close(); err != nil {
			return err
		}
	}
	size, err := bytesOf(cw.made)
	if err == nil {
		err = cw.strip.write(w.o.Files, w.path(stripsName, c.name+".jpg"))
	}
	if err == nil && w.compare {
		err = durable.WriteFileOn(w.o.Files, w.writtenPath(c), cw.sums)
	}
	if err != nil {
		return err
	}
	place := w.path(filepath.FromSlash(c.file(w.o.Format)))
	// What stands there was moved by a run that ended before it could say so.
	if err := w.o.Files.RemoveAll(place); err != nil {
		return err
	}
	if err := w.o.Files.Rename(cw.made, place); err != nil {
		return err
	}
	removeAll(cw.dir)
	return w.settle(c, done{Clip: c.file(w.o.Format), Spec: c.spec(), Video: c.in.name, Frames: cw.n, Bytes: size, Note: note})
}

// settle notes what became of a clip.
func (w *writer) settle(c *clip, d done) error {
	if err := w.manifest.add(d); err != nil {
		return err
	}
	w.settled.Store(c, true)
	return w.patience.Wrote(clipFiles, nil)
}

// abort removes what was made.
func (cw *clipWriter) abort() {
	cw.pending.Wait()
	if cw.film != nil {
		cw.film.Abort()
	}
	removeAll(cw.dir)
}

// drop notes that a clip is left out, for this run and later ones.
func (w *writer) drop(c *clip, reason string, fault bool) error {
	return w.settle(c, done{Spec: c.spec(), Video: c.in.name, Dropped: reason, Fault: fault})
}

// bytesOf is the size of a file, or of the files in a folder.
func bytesOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	entries, err := localfile.ReadDir(path)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		sum += info.Size()
	}
	return sum, nil
}
