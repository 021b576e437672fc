package video

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Kind says how a video is stored.
type Kind int

// The kinds of videos.
const (
	// Unknown is no video by its name.
	Unknown Kind = iota
	// Folder holds one picture per frame.
	Folder
	// FilmFile is read by ffmpeg.
	FilmFile
	// Strip is one picture with the frames side by side.
	Strip
)

// String names the kind for people.
func (k Kind) String() string {
	switch k {
	case Folder:
		return "folder of frames"
	case FilmFile:
		return "film"
	case Strip:
		return "strip of frames"
	}
	return "no video"
}

// FilmEndings are the extensions of films that are read. A file that somebody names
// may have any other (KindAt): in folders, other extensions are other things.
var FilmEndings = []string{".mp4", ".mkv", ".webm", ".mov", ".m4v", ".avi", ".gif", ".apng", ".3gp", ".3g2", ".qt", ".mts", ".m2ts"}

// KindOf tells by name alone (a folder by isDir, whatever it is called: many
// sets name their folders of frames *.mp4).
func KindOf(name string, isDir bool) Kind {
	ending := strings.ToLower(filepath.Ext(name))
	switch {
	case isDir:
		return Folder
	case slices.Contains(FilmEndings, ending):
		return FilmFile
	case ending == ".png", ending == ".jpg", ending == ".jpeg":
		return Strip
	}
	return Unknown
}

// KindAt tells of a file or folder: by its name, of a png by whether it is
// animated, which makes it a film, and of a file with another name by its
// beginning.
func KindAt(path string) (Kind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Unknown, err
	}
	kind := KindOf(path, info.IsDir())
	switch {
	case kind == Strip && isAnimated(path):
		kind = FilmFile
	case kind == Unknown && info.Mode().IsRegular():
		head, err := beginning(path)
		if err != nil {
			return Unknown, err
		}
		switch _, class := contentOf(head); class {
		case aFilm, strangeFilm: // of which ffmpeg's door says what it is
			kind = FilmFile
		case aPicture:
			kind = Strip
		}
	}
	return kind, nil
}

// ListFrames returns the names of the pictures in a folder in the order of
// SortFrames. Other files and hidden ones are left
// out; a folder without a picture or with too many is an error.
func ListFrames(dir string, limits Limits) ([]string, error) {
	entries, err := localfile.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && KindOf(e.Name(), e.IsDir()) == Strip {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		if film := FilmBelow(dir); film != "" {
			return nil, fmt.Errorf("folder %s holds no png or jpg frame; films lie in it, such as %s", dir, film)
		}
		if frame := FrameBelow(dir); frame != "" {
			return nil, fmt.Errorf("folder %s holds no png or jpg frame; they lie deeper, such as %s", dir, frame)
		}
		for _, e := range entries {
			if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				return nil, fmt.Errorf("folder %s holds no png or jpg frame: %w", dir, NoVideo(filepath.Join(dir, e.Name())))
			}
		}
		return nil, fmt.Errorf("folder %s holds no png or jpg frame", dir)
	}
	if err := limits.OrDefault().frames(len(names)); err != nil {
		return nil, fmt.Errorf("folder %s: %w", dir, err)
	}
	SortFrames(names)
	return names, nil
}

// FilmBelow looks for a film in a folder and the folders in it, and returns its
// path below the folder; empty if there is none among the first few hundred
// files and four folders deep.
func FilmBelow(dir string) string { return below(dir, FilmFile) }

// FrameBelow is FilmBelow of a png or jpg picture.
func FrameBelow(dir string) string { return below(dir, Strip) }

func below(dir string, kind Kind) string {
	const looks, deep = 500, 4
	left := looks
	var walk func(inside string, depth int) string
	walk = func(inside string, depth int) string {
		entries, err := localfile.ReadDir(filepath.Join(dir, inside))
		if err != nil {
			return ""
		}
		for _, e := range entries {
			if left--; left < 0 {
				return ""
			}
			name := filepath.Join(inside, e.Name())
			switch {
			case strings.HasPrefix(e.Name(), "."):
			case KindOf(name, e.IsDir()) == kind:
				return name
			case e.IsDir() && depth < deep:
				if found := walk(name, depth+1); found != "" {
					return found
				}
			}
		}
		return ""
	}
	return walk("", 0)
}

// ReadStrip cuts one picture into frames of w x h pixels, from left to right.
func ReadStrip(path string, w, h int, limits Limits) ([]*Frame, error) {
	if _, err := StripLen(path, w, h, limits); err != nil {
		return nil, err
	}
	whole, err := ReadPicture(path, limits)
	if err != nil {
		return nil, err
	}
	frames := make([]*Frame, whole.W/w)
	for i := range frames {
		frames[i] = NewFrame(w, h)
		for y := 0; y < h; y++ {
			copy(frames[i].Pix[3*w*y:3*w*(y+1)], whole.Pix[3*(whole.W*y+i*w):])
		}
	}
	return frames, nil
}

// StripLen reads the header of a strip and returns its number of frames.
func StripLen(path string, w, h int, limits Limits) (int, error) {
	if w < 1 || h < 1 {
		return 0, fmt.Errorf("strip %s: frames of %dx%d pixels were asked for", path, w, h)
	}
	gotW, gotH, err := PictureSize(path, limits)
	if err != nil {
		return 0, err
	}
	if gotH != h || gotW%w != 0 || gotW == 0 {
		return 0, fmt.Errorf("strip %s is %dx%d pixels: frames of %dx%d side by side make a height of %d and a width of n*%d",
			path, gotW, gotH, w, h, h, w)
	}
	if err := limits.OrDefault().frames(gotW / w); err != nil {
		return 0, fmt.Errorf("strip %s: %w", path, err)
	}
	return gotW / w, nil
}

// Open reads a video of any kind from its first frame. StripW and StripH are
// the size of the frames of a strip; the other kinds know theirs.
func Open(ctx context.Context, path string, stripW, stripH int, limits Limits) (Reader, error) {
	kind, err := KindAt(path)
	if err != nil {
		return nil, err
	}
	switch kind {
	case Folder:
		names, err := ListFrames(path, limits)
		if err != nil {
			return nil, err
		}
		next := func(i int) (*Frame, error) { return ReadPicture(filepath.Join(path, names[i]), limits) }
		return &sequence{ctx: ctx, n: len(names), frame: next}, nil
	case Strip:
		frames, err := ReadStrip(path, stripW, stripH, limits)
		if err != nil {
			return nil, err
		}
		next := func(i int) (*Frame, error) { return frames[i], nil }
		return &sequence{ctx: ctx, n: len(frames), frame: next}, nil
	case FilmFile:
		return OpenFilm(ctx, path, limits)
	}
	return nil, NoVideo(path)
}

// sequence reads frames that can be reached by number.
type sequence struct {
	ctx   context.Context
	n, at int
	frame func(i int) (*Frame, error)
}

// Sequence makes a Reader of n frames that can be reached by number.
func Sequence(ctx context.Context, n int, frame func(i int) (*Frame, error)) Reader {
	return &sequence{ctx: ctx, n: n, frame: frame}
}

func (s *sequence) Next() (*Frame, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	if s.at >= s.n {
		return nil, io.EOF
	}
	frame, err := s.frame(s.at)
	if err != nil {
		return nil, err
	}
	s.at++
	return frame, nil
}

func (s *sequence) Close() error {
	s.at = s.n
	return nil
}
