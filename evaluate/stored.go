package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/prioritycut/prioritycut/video"
)

// storedVideo is a video that somebody made for a test video: predictions, or
// masks. Its frames are asked for in order.
type storedVideo struct {
	path   string
	w, h   int
	limits video.Limits
	// files of a folder by frame number.
	files map[int]string
	// reader of a film or strip, which stands at frame next.
	reader video.Reader
	next   int
	ended  bool
}

// findStored returns the path of the video that belongs to a test video: in
// root a folder of frames, a strip of frames side by side (png), or a film, of
// the same name with or without the test video's extension. An empty path says
// that there is none.
func findStored(root, name string) (string, error) {
	for _, c := range namesOfOthers(name) {
		if !filepath.IsLocal(c) {
			return "", fmt.Errorf("test video %q has a name that is no file's", name)
		}
		path := filepath.Join(root, c)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) {
			continue
		}
		if err != nil {
			return "", err
		}
		if info.IsDir() || video.KindOf(path, false) != video.Unknown {
			return path, nil
		}
	}
	return "", nil
}

// namesOfOthers are the names under which programs of others tell of a test video:
// its own first, without its ending, with that of a picture or film, or with both.
func namesOfOthers(name string) []string {
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	bases := []string{name}
	if stem != name && stem != "" {
		bases = append(bases, stem)
	}
	var names []string
	for _, ext := range append([]string{"", ".png", ".mkv", ".avi", ".mov"}, video.FilmEndings...) { // what holds frames without loss first
		for _, b := range bases {
			names = append(names, b+ext)
		}
	}
	return names
}

// openStored opens a video of frames of w by h pixels; length is that of the
// test video.
func openStored(ctx context.Context, path string, w, h, length int, limits video.Limits) (*storedVideo, error) {
	s := &storedVideo{path: path, w: w, h: h, limits: limits}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return s, s.list(length)
	}
	s.reader, err = video.Open(ctx, path, w, h, limits)
	return s, err
}

// list numbers the pictures of a folder: by the number in their names, from 0
// or from 1, or, if there are as many as frames, in the order of video.SortFrames,
// as data that is a folder of frames has them.
func (s *storedVideo) list(length int) error {
	names, err := video.ListFrames(s.path, s.limits)
	if err != nil {
		return err
	}
	s.files = map[int]string{}
	least, most := length, 0
	for _, name := range names {
		n, ok := frameNumber(name)
		if !ok {
			return s.inOrder(names, length)
		}
		if s.files[n] != "" {
			return fmt.Errorf("%s and %s in %s are both frame %d", s.files[n], name, s.path, n)
		}
		s.files[n] = name
		least, most = min(least, n), max(most, n)
	}
	if least == 1 && most == length {
		from0 := map[int]string{}
		for n, name := range s.files {
			from0[n-1] = name
		}
		s.files = from0
		return nil
	}
	if most >= length && len(names) == length {
		// Numbered as the frames of some data are, from anywhere.
		return s.inOrder(names, length)
	}
	if most >= length {
		return fmt.Errorf("%s is beyond the %d frames of the test video", filepath.Join(s.path, s.files[most]), length)
	}
	return nil
}

// inOrder takes names as they sort; none may be missing then.
func (s *storedVideo) inOrder(names []string, length int) error {
	if len(names) != length {
		return fmt.Errorf("folder %s holds %d pictures for a video of %d frames, and their names do not tell which is which: name them by the number of the frame, 0000000.png first",
			s.path, len(names), length)
	}
	s.files = map[int]string{}
	for i, name := range names {
		s.files[i] = name
	}
	return nil
}

// frameNumber is the number that a name ends with, before its extension.
func frameNumber(name string) (int, bool) {
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	digits := stem[len(strings.TrimRight(stem, "0123456789")):]
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

// frame returns frame i, which grows from call to call; nil where there is
// none. Another size than expected is an error that names the file.
func (s *storedVideo) frame(i int) (*video.Frame, error) {
	if s.files != nil {
		name := s.files[i]
		if name == "" {
			return nil, nil
		}
		path := filepath.Join(s.path, name)
		f, err := video.ReadPicture(path, s.limits)
		if err != nil {
			return nil, err
		}
		return f, s.fits(path, f)
	}
	for !s.ended {
		f, err := s.reader.Next()
		if errors.Is(err, io.EOF) {
			s.ended = true
			break
		}
		if err != nil {
			return nil, err
		}
		s.next++
		if s.next > i {
			return f, s.fits(s.path, f)
		}
	}
	return nil, nil
}

func (s *storedVideo) fits(path string, f *video.Frame) error {
	if f.W == s.w && f.H == s.h {
		return nil
	}
	return fmt.Errorf("%s has %dx%d pixels, the frames it is compared with have %dx%d", path, f.W, f.H, s.w, s.h)
}

// rest reports frames beyond the test video's length.
func (s *storedVideo) rest(length int) error {
	if s.reader == nil || s.ended {
		return nil
	}
	if _, err := s.reader.Next(); err == nil {
		return fmt.Errorf("%s has more frames than the %d of the test video", s.path, length)
	}
	return nil
}

func (s *storedVideo) close() error {
	if s == nil || s.reader == nil {
		return nil
	}
	return s.reader.Close()
}
