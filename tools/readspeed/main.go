// Command readspeed measures how fast the loader reads random pairs out of each
// form that a video may have on disk, and how much room it takes:
//
//	go run ./tools/readspeed
//
// The video is drawn, of as many pictures as a clip of VoxCeleb has in the mean.
// Time is that of processors, ffmpeg's included, so that other work on the machine
// does not count; files are in the page cache.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/prepare"
	"github.com/prioritycut/prioritycut/video"
)

// The collection whose room is told: videos of the paper's training set, and the
// pictures of one in the mean.
const (
	voxVideos = 18398
	voxFrames = 209
)

// form is a way to keep a video.
type form struct {
	name, file string
	// write makes it under a path.
	write func(path string, frames []*video.Frame) error
	// cached says that the loader keeps decoded films.
	cached bool
}

var forms = []form{
	{"folder of jpg", "v", writeJPG, false},
	{"folder of png", "v", writePNG, false},
	{"png, frames side by side", "v.png", writeStrip, false},
	{"mp4, decoded each time", "v.mp4", writeFilm, false},
	{"mp4, out of the cache", "v.mp4", writeFilm, true},
}

func main() {
	side := flag.Int("side", 256, "height and width in pixels")
	frames := flag.Int("frames", voxFrames, "pictures of the video")
	pairs := flag.Int("pairs", 100, "pairs that are read of each form")
	flag.Parse()
	if err := run(os.Stdout, *side, *frames, *pairs); err != nil {
		fmt.Fprintln(os.Stderr, "readspeed:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, side, length, pairs int) error {
	if pairs < 1 {
		return fmt.Errorf("--pairs is %d: it must be at least 1", pairs)
	}
	frames, err := draw(side, length)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "| form | pictures a second of one core | pairs a second | kB a picture | GB for %d videos of %d pictures |\n| --- | --- | --- | --- | --- |\n",
		voxVideos, voxFrames)
	for _, f := range forms {
		spent, bytes, err := f.measure(frames, pairs)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		speed, size := float64(2*pairs)/spent.Seconds(), float64(bytes)/float64(length)
		fmt.Fprintf(out, "| %s | %.0f | %.1f | %.1f | %.0f |\n", f.name, speed, speed/2, size/1e3, size*voxVideos*voxFrames/1e9)
	}
	return nil
}

// draw makes the video.
func draw(side, length int) ([]*video.Frame, error) {
	set, err := shapes.New(shapes.Options{Figures: shapes.People, TrainVideos: 1, Frames: length, Width: side, Height: side})
	if err != nil {
		return nil, err
	}
	v, err := set.Video(shapes.Train, 0)
	if err != nil {
		return nil, err
	}
	frames := make([]*video.Frame, length)
	for i := range frames {
		if frames[i], err = v.Frame(i); err != nil {
			return nil, err
		}
	}
	return frames, nil
}

// measure writes a data set of that form and reads pairs of it, one worker at
// work. It returns the processors' time for them and the bytes on disk, of the
// cache where there is one.
func (f form) measure(frames []*video.Frame, pairs int) (spent time.Duration, bytes int64, err error) {
	root, err := os.MkdirTemp("", "prioritycut-readspeed-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	data, cache := filepath.Join(root, "data"), filepath.Join(root, "cache")
	for _, partition := range []string{"train", "test"} {
		if err := os.MkdirAll(filepath.Join(data, partition), 0o755); err != nil {
			return 0, 0, err
		}
		if err := f.write(filepath.Join(data, partition, f.file), frames); err != nil {
			return 0, 0, err
		}
	}
	p := dataset.DefaultParams()
	p.RootDir, p.FrameShape = data, [3]int{frames[0].H, frames[0].W, 3}
	p.CacheDir, p.MemoryMB, p.Workers = cache, 0, 1
	kept := cache
	if !f.cached {
		p.CacheGB, kept = 0, filepath.Join(data, "train")
	}
	if spent, err = read(p, pairs); err != nil {
		return 0, 0, err
	}
	bytes, err = size(kept)
	return spent, bytes, err
}

// read times pairs behind a first one, which fills the cache.
func read(p dataset.Params, pairs int) (time.Duration, error) {
	set, err := dataset.Open(context.Background(), p)
	if err != nil {
		return 0, err
	}
	loader, err := set.Loader(dataset.LoaderParams{BatchSize: 1, NumRepeats: 1})
	if err != nil {
		return 0, err
	}
	var before time.Duration
	for i := range pairs + 1 {
		if i == 1 {
			if before, err = processors(); err != nil {
				return 0, err
			}
		}
		if _, err := loader.Batch(int64(i)); err != nil {
			return 0, err
		}
	}
	after, err := processors()
	return after - before, err
}

// processors is their time for this process and its children that have ended.
func processors() (time.Duration, error) {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0, fmt.Errorf("processor time: %w", err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum, nil
}

// size is that of all files below a folder.
func size(folder string) (sum int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

func writeJPG(path string, frames []*video.Frame) error {
	return writeFolder(path, frames, "jpg", func(file string, frame *video.Frame) (err error) {
		out, err := os.Create(file)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
		return jpeg.Encode(out, frame.Image(), &jpeg.Options{Quality: prepare.JPGQuality})
	})
}

func writePNG(path string, frames []*video.Frame) error {
	return writeFolder(path, frames, "png", video.WritePNG)
}

func writeFolder(path string, frames []*video.Frame, ending string, write func(string, *video.Frame) error) error {
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	for i, frame := range frames {
		if err := write(filepath.Join(path, fmt.Sprintf("%07d.%s", i, ending)), frame); err != nil {
			return err
		}
	}
	return nil
}

func writeStrip(path string, frames []*video.Frame) error {
	w, h := frames[0].W, frames[0].H
	strip := video.NewFrame(w*len(frames), h)
	for i, frame := range frames {
		for y := range h {
			copy(strip.Pix[3*(y*strip.W+i*w):], frame.Pix[3*y*w:3*(y+1)*w])
		}
	}
	return video.WritePNG(path, strip)
}

// writeFilm encodes as prepare does.
func writeFilm(path string, frames []*video.Frame) error {
	film, err := video.CreateFilm(context.Background(), path, frames[0].W, frames[0].H, video.FilmOptions{})
	if err != nil {
		return err
	}
	for _, frame := range frames {
		if err := film.Write(frame); err != nil {
			film.Abort()
			return err
		}
	}
	return film.Close()
}
