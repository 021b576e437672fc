// Package dataset turns videos into batches of training pairs, and gives test
// videos frame by frame. It knows layouts (train and test folders, identities),
// draws and augments pairs as the first-order motion model does, and reads
// ahead. All it draws is a pure function of (seed, attempt, sample) and of the
// files: a run that is resumed sees what an uninterrupted one would have seen.
//
// Broken videos are named, counted and skipped, up to a limit; the draw of a
// sample whose video cannot be read is repeated, as a pure function of that
// sample again, so that what has been read before changes nothing.
package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/dataset/samples"
	"github.com/prioritycut/prioritycut/video"
)

// Dataset is a data set that has been listed. Its methods may be called by
// several goroutines at once.
type Dataset struct {
	params      Params
	how         string // train and test were told apart
	train, test []*clip
	items       [][]int // an epoch's items: each one or more of train
	files       layout  // as listed, for Check; empty for drawn data
	broken      *broken
	memory      *memory
	cache       *cache
}

// Sample returns the path of a sample's film, which is fetched at its first use
// and kept in the default cache.
func Sample(ctx context.Context, name string) (string, error) {
	return DefaultParams().sample(ctx, name)
}

func (p Params) sample(ctx context.Context, name string) (string, error) {
	dir := p.cacheDir()
	if dir != "" {
		dir = filepath.Join(dir, "samples")
	}
	return samples.Fetch(ctx, name, dir)
}

// Open lists a data set and checks what can be checked cheaply: that folders
// hold pictures, that strips have the right size, that films are not empty
// and, if there are few, what ffprobe says of them. A single video is decoded,
// since it is cut by its number of frames. A sample is fetched at its first
// use.
func Open(ctx context.Context, params Params) (*Dataset, error) {
	if err := params.Validate(); err != nil {
		return nil, fmt.Errorf("dataset_params: %w", err)
	}
	if params.RootDir == "" {
		return nil, errors.New("dataset_params: root_dir is empty: name a folder of videos, one video, or sample:talking-head")
	}
	dir := params.cacheDir()
	if name, ok := samples.Named(params.RootDir); ok {
		path, err := params.sample(ctx, name)
		if err != nil {
			return nil, err
		}
		params.RootDir = path
	}
	files, err := listLayout(params)
	if err != nil {
		return nil, err
	}
	d := newDataset(params, files.how)
	d.files = files
	if err := d.needFFmpeg(); err != nil {
		return nil, err
	}
	if dir != "" {
		d.cache = newCache(filepath.Join(dir, "frames"), params)
	}
	if files.single {
		return d, d.cut(ctx, files.train[0])
	}
	if err := d.screen(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// FromSource makes a data set of videos that need no files.
func FromSource(src Source, params Params) (*Dataset, error) {
	if err := params.Validate(); err != nil {
		return nil, fmt.Errorf("dataset_params: %w", err)
	}
	d := newDataset(params, "as drawn")
	add := func(videos []Video) (clips []*clip, err error) {
		for i, v := range videos {
			if v == nil || v.Len() < 1 {
				return nil, fmt.Errorf("data set: drawn video %d has no frames", i)
			}
			c := &clip{name: v.Name(), drawn: v}
			c.loaded = &sourceFrames{d, c, v}
			clips = append(clips, c)
		}
		return clips, nil
	}
	var err error
	if d.train, err = add(src.Train()); err != nil {
		return nil, err
	}
	if d.test, err = add(src.Test()); err != nil {
		return nil, err
	}
	if len(d.train) == 0 {
		return nil, errors.New("data set: the source has no video to train on")
	}
	d.group()
	d.broken.total = len(d.train) + len(d.test)
	return d, nil
}

func newDataset(p Params, how string) *Dataset {
	return &Dataset{params: p, how: how, broken: newBroken(p.MaxBroken),
		memory: newMemory(int64(p.MemoryMB) << 20), cache: newCache("", p)}
}

// cacheDir is where decoded films and samples go; empty if there is no place.
func (p Params) cacheDir() string {
	if p.CacheDir != "" {
		if dir, err := filepath.Abs(p.CacheDir); err == nil {
			return dir
		}
		return p.CacheDir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "prioritycut")
}

// workers is the number of goroutines that decode.
func (p Params) workers() int {
	const most = 8
	if p.Workers > 0 {
		return p.Workers
	}
	return min(runtime.GOMAXPROCS(0), most)
}

// H is the height of the pictures in pixels.
func (d *Dataset) H() int { return d.params.FrameShape[0] }

// W is the width of the pictures in pixels.
func (d *Dataset) W() int { return d.params.FrameShape[1] }

// NumTrain is the number of training videos.
func (d *Dataset) NumTrain() int { return len(d.train) }

// NumItems is the number of items of an epoch without repeats: identities with
// id_sampling, else training videos.
func (d *Dataset) NumItems() int { return len(d.items) }

// Digest tells data sets of other videos apart: the SHA-256, in hex, of the
// names of training and test videos in their order. What is in them does not
// count.
func (d *Dataset) Digest() string {
	h := sha256.New()
	for _, clips := range [][]*clip{d.train, d.test} {
		fmt.Fprintln(h, len(clips))
		for _, c := range clips {
			fmt.Fprintf(h, "%q\n", c.name)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Broken lists the videos that could not be read so far, sorted by name.
func (d *Dataset) Broken() []Broken { return d.broken.list() }

// Notice says why films have to be decoded each time they are drawn, which is
// slow; empty if they have not.
func (d *Dataset) Notice() string {
	if err := d.cache.state(); err != nil {
		return "some films are decoded anew each time they are drawn: " + err.Error()
	}
	return ""
}

func (d *Dataset) fitted(f *video.Frame) (*video.Frame, error) {
	return d.params.Fit.Apply(f, d.W(), d.H())
}

// needFFmpeg stops early: without ffmpeg every film would count as broken.
func (d *Dataset) needFFmpeg() error {
	for _, e := range append(d.files.train[:len(d.files.train):len(d.files.train)], d.files.test...) {
		if e.kind != video.FilmFile {
			continue
		}
		for _, tool := range []string{"ffmpeg", "ffprobe"} {
			if _, err := exec.LookPath(tool); err != nil {
				return fmt.Errorf("data set: %s is a film and %s is not in PATH (Debian, Ubuntu: apt-get install ffmpeg)", e.path, tool)
			}
		}
		return nil
	}
	return nil
}

// cut makes train and test of one video.
func (d *Dataset) cut(ctx context.Context, e entry) error {
	whole := d.newClip(e)
	all, err := whole.open(ctx)
	if err != nil {
		return fmt.Errorf("data set of one video: %w", err)
	}
	n := all.length()
	if n < 2 {
		return fmt.Errorf("data set of one video: %s has %d frame: at least 2 are needed, one to train and one to test", e.path, n)
	}
	first := min(max(n*4/5, 1), n-1)
	d.train = []*clip{{name: e.name, loaded: &cutFrames{all, 0, first}}}
	d.test = []*clip{{name: e.name, loaded: &cutFrames{all, first, n - first}, film: whole.film}}
	d.broken.total = 1
	d.group()
	return nil
}

// screen turns entries into clips, leaving out what is broken at first sight.
func (d *Dataset) screen(ctx context.Context) error {
	train, test := d.files.train, d.files.test
	d.broken.total = len(train) + len(test)
	films := 0
	for _, e := range append(train[:len(train):len(train)], test...) {
		if e.kind == video.FilmFile {
			films++
		}
	}
	// Some 50 ms each: in large sets broken films show at their first use.
	const fewFilms = 100
	look := func(entries []entry, folder string) ([]*clip, error) {
		clips := make([]*clip, len(entries))
		pool, ctx := errgroup.WithContext(ctx)
		pool.SetLimit(d.params.workers())
		for i, e := range entries {
			pool.Go(func() error {
				c := d.newClip(e)
				err := d.glance(ctx, c, e, films <= fewFilms)
				if err == nil {
					clips[i] = c
				} else if ctx.Err() == nil {
					d.broken.note(filepath.Join(folder, e.name), err)
				}
				return ctx.Err()
			})
		}
		if err := pool.Wait(); err != nil {
			return nil, err
		}
		whole := clips[:0]
		for _, c := range clips {
			if c != nil {
				whole = append(whole, c)
			}
		}
		if len(whole) == 0 && len(entries) > 0 {
			return nil, fmt.Errorf("data set %s: none of the %d %s videos can be read:%s", d.params.RootDir, len(entries), folder, d.broken)
		}
		return whole, nil
	}
	var err error
	if d.train, err = look(train, "train"); err != nil {
		return err
	}
	if d.test, err = look(test, "test"); err != nil {
		return err
	}
	d.group()
	return d.broken.verdict()
}

// glance finds what is wrong with a video without decoding a picture.
func (d *Dataset) glance(ctx context.Context, c *clip, e entry, probe bool) error {
	if e.kind != video.FilmFile {
		_, err := c.open(ctx)
		return err
	}
	info, err := os.Stat(e.path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return fmt.Errorf("%s is empty or no regular file", e.path)
	}
	if probe && !d.cache.has(e.path) {
		_, err = video.Probe(ctx, e.path, d.params.limits())
	}
	return err
}

// group makes the items of an epoch.
func (d *Dataset) group() {
	names := make([]entry, len(d.train))
	for i, c := range d.train {
		names[i].name = c.name
	}
	if d.params.IDSampling {
		d.items = groups(names)
		return
	}
	d.items = make([][]int, len(d.train))
	for i := range d.items {
		d.items[i] = []int{i}
	}
}

// clip is one video of a data set, read when it is first needed.
type clip struct {
	name  string
	drawn Video     // of a Source, else nil
	film  *filmFile // that it is of, else nil
	load  func(ctx context.Context) (frames, error)

	mu     sync.Mutex // held while a film is decoded: whoever else wants it waits
	loaded frames
	failed error
}

func (d *Dataset) newClip(e entry) *clip {
	c := &clip{name: e.name}
	if e.kind == video.FilmFile {
		c.film = &filmFile{path: e.path, fit: d.params.Fit, w: d.W(), h: d.H(), limits: d.params.limits()}
	}
	c.load = func(ctx context.Context) (frames, error) { return d.openEntry(ctx, c, e) }
	return c
}

// filmFile is a film and how its frames are fitted.
type filmFile struct {
	path   string
	fit    video.Fit
	w, h   int
	limits video.Limits
}

// open returns the frames. What is wrong with a file is remembered, that a
// context was cancelled is not.
func (c *clip) open(ctx context.Context) (frames, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil || c.failed != nil {
		return c.loaded, c.failed
	}
	all, err := c.load(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	c.loaded, c.failed = all, err
	return all, err
}

// String describes the set in one line.
func (d *Dataset) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d training and %d test videos (%s), %dx%d pixels", len(d.train), len(d.test), d.how, d.W(), d.H())
	if d.params.IDSampling {
		fmt.Fprintf(&b, ", %d identities", len(d.items))
	}
	return b.String()
}
