package dataset

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/video"
)

// The frames of a film cannot be reached singly: between two key frames each
// builds on the one before. A training pair needs two frames from anywhere, so
// decoding up to them each time would cost a hundred times the pair's worth. A
// film is therefore decoded once, fitted, and its frames are kept as plain
// bytes in a file that any frame can be read from; the operating system's page
// cache is the bounded memory on top. Folders and strips need none of that.
// Lossy storage would change the pictures and lossless compression would cost
// more time than it saves, so the files are large: a budget bounds them all
// together, and films beyond it are decoded each time they are drawn.

const (
	// A file is its header (magic, width, height, frames, zeros; little endian), the
	// frames, and a CRC-32C of each.
	cacheMagic  = "PCutFrm5" // 4: interlaced films as players show them; 5: checksums
	cacheHeader = 32
	cacheSum    = 4
	// spare is what the cache leaves free on the disc.
	spare = 1 << 30
	// mostDamaged is how many damaged files are decoded and kept again: of a disk
	// that has more nothing is expected.
	mostDamaged = 8
	// idle is how long a file of another run is left alone.
	idle = 24 * time.Hour
)

// cache is the folder of decoded films.
type cache struct {
	dir    string // empty: nothing is kept
	budget int64
	fit    video.Fit
	w, h   int

	mu      sync.Mutex
	used    int64           // bytes of all files, counted at the first film and when they seem too many
	counted bool            //
	pending int64           // of used, in films of this process that are not finished
	ours    map[string]bool // files this process needs
	full    error           // why no further film is kept
	damaged int             // files that had to be decoded again
}

// newCache does not touch the disc yet.
func newCache(dir string, p Params) *cache {
	return &cache{dir: dir, budget: int64(p.CacheGB * (1 << 30)), fit: p.Fit,
		w: p.FrameShape[1], h: p.FrameShape[0], ours: map[string]bool{}}
}

// frameBytes is the size of one fitted frame.
func (c *cache) frameBytes() int64 { return 3 * int64(c.w) * int64(c.h) }

// name is a pure function of the film as a file and of how it is fitted: a
// film that is changed gets another file.
func (c *cache) name(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", err
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q %d %d %s %dx%d",
		real, info.Size(), info.ModTime().UnixNano(), c.fit, c.w, c.h)))
	return fmt.Sprintf("%x.frames", sum[:16]), nil
}

// film returns the frames of a film: from the cache, else by decoding it once,
// which also keeps them if there is room.
func (c *cache) film(ctx context.Context, path string, limits video.Limits) (frames, error) {
	name, err := c.name(path)
	if err != nil {
		return nil, err
	}
	if c.dir != "" {
		file := filepath.Join(c.dir, name)
		if n, err := c.check(file); err == nil && n <= limits.OrDefault().MaxFrames {
			return c.kept(path, name, n, limits), nil
		}
	}
	return c.decode(ctx, path, name, limits)
}

// kept are the frames of a film that is in the cache.
func (c *cache) kept(path, name string, n int, limits video.Limits) frames {
	file := filepath.Join(c.dir, name)
	c.claim(name, file)
	return &rawFrames{file: file, n: n, w: c.w, h: c.h, again: func(ctx context.Context, why error) (frames, error) {
		if errors.Is(why, fs.ErrNotExist) {
			return c.film(ctx, path, limits) // not of this name: the film may have changed, too
		}
		c.distrust(file, why)
		name, err := c.name(path)
		if err != nil {
			return nil, err
		}
		return c.decode(ctx, path, name, limits)
	}}
}

// has tells whether a film's frames are kept.
func (c *cache) has(path string) bool {
	if c.dir == "" {
		return false
	}
	name, err := c.name(path)
	if err == nil {
		_, err = c.check(filepath.Join(c.dir, name))
	}
	return err == nil
}

// check reads the header of a kept film and compares it with the file's size.
func (c *cache) check(file string) (n int, err error) {
	f, size, err := localfile.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var head [cacheHeader]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return 0, err
	}
	w := binary.LittleEndian.Uint32(head[8:])
	h := binary.LittleEndian.Uint32(head[12:])
	count := binary.LittleEndian.Uint32(head[16:])
	if string(head[:8]) != cacheMagic || int64(w) != int64(c.w) || int64(h) != int64(c.h) || count == 0 ||
		size != cacheHeader+int64(count)*(c.frameBytes()+cacheSum) {
		return 0, fmt.Errorf("%s is no whole file of frames", file)
	}
	return int(count), nil
}

// claim protects a file from eviction by this process, and for a day by others.
func (c *cache) claim(name, file string) {
	c.mu.Lock()
	first := !c.ours[name]
	c.ours[name] = true
	c.mu.Unlock()
	if first {
		now := time.Now()
		os.Chtimes(file, now, now) // a file of another user: then its age stays
	}
}

// decode reads the whole film, so that damage anywhere in it is found before
// any frame of it is used.
func (c *cache) decode(ctx context.Context, path, name string, limits video.Limits) (frames, error) {
	film, err := video.OpenFilm(ctx, path, limits)
	if err != nil {
		return nil, err
	}
	defer film.Close()
	keep := c.begin()
	defer func() { keep.abandon() }()
	n := 0
	for {
		f, err := film.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		n++
		if keep == nil {
			continue // only counted
		}
		if f, err = c.fit.Apply(f, c.w, c.h); err != nil {
			return nil, err
		}
		if err := keep.write(f); err != nil {
			c.stop(err)
			keep.abandon()
			keep = nil
		}
	}
	if keep != nil {
		file := filepath.Join(c.dir, name)
		err := keep.finish(file, n)
		if err == nil {
			return c.kept(path, name, n, limits), nil
		}
		c.stop(err)
	}
	return &streamedFrames{path: path, n: n, fit: c.fit, w: c.w, h: c.h, limits: limits}, nil
}

// stop remembers why no further film is kept.
func (c *cache) stop(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full == nil {
		c.full = err
	}
}

// state says why films are decoded each time, if they are.
func (c *cache) state() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full
}

// keeping is a film on its way into the cache. A nil one keeps nothing.
type keeping struct {
	cache   *cache
	temp    *durable.Temp
	out     *bufio.Writer
	sums    []byte
	written int64 // reserved of the budget
	done    bool
}

// begin opens a temporary file, and removes those of killed runs before the
// first one; nil if there is no room or no folder.
func (c *cache) begin() *keeping {
	if c.dir == "" || c.budget <= 0 || c.state() != nil {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		c.stop(err)
		return nil
	}
	temp, err := durable.NewFile(c.dir, ".film-")
	if err != nil {
		c.stop(err)
		return nil
	}
	k := &keeping{cache: c, temp: temp, out: bufio.NewWriterSize(temp.File, 1<<18)}
	if _, err := k.out.Write(make([]byte, cacheHeader)); err != nil {
		c.stop(err)
		k.abandon()
		return nil
	}
	return k
}

func (k *keeping) write(f *video.Frame) error {
	if err := k.cache.reserve(int64(len(f.Pix))); err != nil {
		return err
	}
	k.written += int64(len(f.Pix))
	k.sums = binary.LittleEndian.AppendUint32(k.sums, frameSum(f.Pix))
	_, err := k.out.Write(f.Pix)
	return err
}

// finish writes the header last and renames: whoever sees the name sees a
// whole film.
func (k *keeping) finish(file string, n int) error {
	if _, err := k.out.Write(k.sums); err != nil {
		return err
	}
	if err := k.out.Flush(); err != nil {
		return err
	}
	var head [cacheHeader]byte
	copy(head[:], cacheMagic)
	binary.LittleEndian.PutUint32(head[8:], uint32(k.cache.w))
	binary.LittleEndian.PutUint32(head[12:], uint32(k.cache.h))
	binary.LittleEndian.PutUint32(head[16:], uint32(n))
	if _, err := k.temp.File.WriteAt(head[:], 0); err != nil {
		return err
	}
	k.cache.mu.Lock()
	defer k.cache.mu.Unlock()
	if err := k.temp.Publish(file); err != nil {
		return err
	}
	k.cache.pending -= k.written
	k.done = true
	return nil
}

// abandon removes an unfinished file and gives its room back.
func (k *keeping) abandon() {
	if k == nil || k.done {
		return
	}
	k.done = true
	k.temp.Remove()
	k.cache.mu.Lock()
	k.cache.used -= k.written
	k.cache.pending -= k.written
	k.cache.mu.Unlock()
}

// reserve takes room for n more bytes, at the cost of films that nobody has
// used for a day.
func (c *cache) reserve(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.counted {
		c.count(c.files())
		c.counted = true
	}
	if c.used+n > c.budget {
		c.evict(n)
	}
	if c.used+n > c.budget {
		return fmt.Errorf("the folder of decoded films, %s, is full (cache_gb is %.3g)", c.dir, float64(c.budget)/(1<<30))
	}
	var disc unix.Statfs_t
	if err := unix.Statfs(c.dir, &disc); err == nil && int64(disc.Bavail)*int64(disc.Bsize) < spare+n {
		return fmt.Errorf("less than 1 GiB is free on the disc of %s", c.dir)
	}
	c.used += n
	c.pending += n
	return nil
}

// count adds up what there is: other runs and people add and remove films, too.
func (c *cache) count(files []cachedFile) {
	c.used = c.pending
	for _, f := range files {
		c.used += f.bytes
	}
}

// evict removes films, the longest unused first, until n bytes fit.
func (c *cache) evict(n int64) {
	files := c.files()
	c.count(files)
	now := time.Now()
	sort.Slice(files, func(i, j int) bool { return files[i].unused(now) > files[j].unused(now) })
	for _, f := range files {
		if c.used+n <= c.budget {
			return
		}
		if c.ours[f.name] || f.unused(now) < idle {
			continue
		}
		if os.Remove(filepath.Join(c.dir, f.name)) == nil {
			c.used -= f.bytes
		}
	}
}

type cachedFile struct {
	name  string
	bytes int64
	used  time.Time
}

// unused is for how long nobody has used a file. One whose time is days to come
// was used under a clock that was wrong, and would else stay until that day.
func (f cachedFile) unused(now time.Time) time.Duration {
	if age := now.Sub(f.used); age > -idle {
		return age
	}
	return math.MaxInt64
}

// files are the kept films of all runs.
func (c *cache) files() []cachedFile {
	entries, _ := localfile.ReadDir(c.dir)
	var files []cachedFile
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && filepath.Ext(e.Name()) == ".frames" {
			files = append(files, cachedFile{e.Name(), info.Size(), info.ModTime()})
		}
	}
	return files
}
