package prepare

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/video"
)

// kind says how an input is read.
type kind int

const (
	film kind = iota
	pictures
	records
)

// input is one video, or one file of records, that the user has.
type input struct {
	// name is the path below the folder of inputs, with slashes.
	name string
	path string
	kind kind
	// identity and partition (train, test or empty) by the name.
	identity, partition string
	// stamp changes when the content does, as far as size and time tell.
	stamp string

	info video.Info // of a film, once probed
	// remarks are what was learned of a film while it was looked at.
	remarks []string
	// taken are the numbers of the stored frames that --fps lets through, in
	// order; nil: all are.
	taken []int
}

// partitions are the folders of a data set's two sides.
const (
	train = "train"
	test  = "test"
)

// lister walks through the folder of inputs.
type lister struct {
	out    os.FileInfo // not walked into
	found  []*input
	left   []string  // what is no video, by name
	broken []dropped // what cannot be looked into
	inside map[string]bool
}

// listInputs finds the videos in a file or a folder, sorted by name, and what
// it left out because it is no video by its name or cannot be read.
func listInputs(in, out string) (*lister, error) {
	info, err := os.Stat(in)
	if err != nil {
		return nil, err
	}
	l := &lister{inside: map[string]bool{}}
	l.out, _ = os.Stat(out)
	if !info.IsDir() {
		name := filepath.Base(in)
		if !l.add(in, name) {
			return nil, fmt.Errorf("%s is neither a folder nor a film (mp4, mov, webm, mkv, avi, gif) nor a file of TFRecords", in)
		}
		l.stampAll()
		return l, nil
	}
	if l.out != nil && os.SameFile(info, l.out) {
		return nil, fmt.Errorf("%s cannot be both `in` and `out`", in)
	}
	l.walk(in, "", 0)
	l.stampAll()
	return l, nil
}

// maxDepth bounds folders within folders.
const maxDepth = 16

// walk adds the videos of a folder. A folder of nothing but pictures is a
// video itself.
func (l *lister) walk(dir, name string, depth int) {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		if l.inside[real] {
			return // a link to where the walk is or was
		}
		l.inside[real] = true
	}
	entries, err := localfile.ReadDir(dir)
	if err != nil {
		l.breaks(dir, name, err)
		return
	}
	var stills, rest []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if isStill(e.Name()) && !isDir(filepath.Join(dir, e.Name())) {
			stills = append(stills, e.Name())
		} else {
			rest = append(rest, e.Name())
		}
	}
	videos := len(l.found)
	for _, file := range rest {
		at, below := filepath.Join(dir, file), path.Join(name, file)
		info, err := os.Stat(at)
		switch {
		case err != nil:
			l.breaks(at, below, err)
		case info.IsDir() && l.out != nil && os.SameFile(info, l.out):
		case info.IsDir() && depth < maxDepth:
			l.walk(at, below, depth+1)
		case !l.add(at, below):
			l.left = append(l.left, below)
		}
	}
	switch {
	case len(stills) == 0:
	case len(l.found) == videos:
		if name == "" {
			name = filepath.Base(dir)
		}
		l.found = append(l.found, newInput(dir, name, pictures))
	default:
		l.left = append(l.left, fmt.Sprintf("%s (%d pictures beside videos)", path.Join(name, stills[0]), len(stills)))
	}
}

// breaks notes what cannot be read: the rest goes on.
func (l *lister) breaks(at, name string, err error) {
	if name == "" {
		name = filepath.Base(at)
	}
	l.broken = append(l.broken, dropped{video: name, identity: newInput(at, name, film).identity, reason: err.Error(), fault: true})
}

// add adds a file that is a video by its name.
func (l *lister) add(at, name string) bool {
	switch {
	case isRecords(name):
		l.found = append(l.found, newInput(at, name, records))
	case video.KindOf(name, false) == video.FilmFile:
		l.found = append(l.found, newInput(at, name, film))
	default:
		return false
	}
	return true
}

func isStill(name string) bool { return video.KindOf(name, false) == video.Strip }

func isRecords(name string) bool {
	base := strings.ToLower(path.Base(name))
	return strings.HasSuffix(base, ".tfrecord") || strings.HasSuffix(base, ".tfrecords") || strings.Contains(base, ".tfrecord-")
}

func isDir(at string) bool {
	info, err := os.Stat(at)
	return err == nil && info.IsDir()
}

// newInput tells identity and partition by the name: [train/|test/]IDENTITY/...,
// or IDENTITY#..., or a name that is its own identity.
func newInput(at, name string, k kind) *input {
	in := &input{name: name, path: at, kind: k}
	rest := name
	if first, below, ok := strings.Cut(name, "/"); ok && (first == train || first == test) {
		in.partition, rest = first, below
	}
	folder, _, inFolder := strings.Cut(rest, "/")
	base := stem(path.Base(rest))
	id, _, marked := strings.Cut(base, "#")
	switch {
	case marked && id != "":
		in.identity = id
	case inFolder && k != records:
		in.identity = folder
	default:
		in.identity = base
	}
	return in
}

// stem is a name without the extensions of films and records.
func stem(name string) string {
	if isRecords(name) {
		if at := strings.Index(strings.ToLower(name), ".tfrecord"); at > 0 {
			return name[:at]
		}
	}
	if ext := path.Ext(name); video.KindOf(name, false) == video.FilmFile && ext != name {
		return strings.TrimSuffix(name, ext)
	}
	return name
}

// stampAll stamps what was found; what has vanished since is broken.
func (l *lister) stampAll() {
	sound := l.found[:0]
	for _, in := range l.found {
		if err := in.setStamp(); err != nil {
			l.breaks(in.path, in.name, err)
			continue
		}
		sound = append(sound, in)
	}
	l.found = sound
}

// setStamp sums up sizes and times of the file, or of the pictures of a folder.
func (in *input) setStamp() error {
	sum := sha256.New()
	note := func(at string) error {
		info, err := os.Stat(at)
		if err == nil {
			fmt.Fprintf(sum, "%s %d %d\n", filepath.Base(at), info.Size(), info.ModTime().UnixNano())
		}
		return err
	}
	if in.kind != pictures {
		if err := note(in.path); err != nil {
			return err
		}
	} else {
		entries, err := localfile.ReadDir(in.path)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if isStill(e.Name()) && !strings.HasPrefix(e.Name(), ".") {
				if err := note(filepath.Join(in.path, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	in.stamp = hex.EncodeToString(sum.Sum(nil)[:12])
	return nil
}

// findInput looks for a video that a CSV file names: below the folder, with or
// without its extension. It returns nil if there is none.
func findInput(root, name string) *input {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil
	}
	for _, ext := range append([]string{""}, video.FilmEndings...) {
		at := filepath.Join(root, filepath.FromSlash(name)+ext)
		info, err := os.Stat(at)
		switch {
		case err != nil:
			continue
		case info.IsDir():
			return newInput(at, name, pictures)
		case video.KindOf(at, false) == video.FilmFile:
			return newInput(at, name+ext, film)
		}
	}
	return nil
}
