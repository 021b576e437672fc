package video

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/prioritycut/prioritycut/internal/child"
)

// The only containers ffmpeg may open, by its names of them. A play list
// (hls, concat) is none: it would name other files.
const formats = "mov,matroska,gif,avi,mpegts,apng"

// lastWork bounds what a program may do once all its input or output has passed
// through here, in units of its patience: half an hour as a rule, since it may
// copy a long film as a whole.
const lastWork = 15

// command prepares ffmpeg or ffprobe with what every call needs: no terminal,
// no network, no other files, few messages. A Ctrl-C of the terminal goes to a
// whole group of processes; whoever started ffmpeg stops it, else its sudden end
// would pass for damage.
func command(ctx context.Context, limits Limits, tool string, args ...string) (*child.Command, *excerpt, error) {
	path, err := exec.LookPath(tool)
	if err != nil {
		return nil, nil, fmt.Errorf("%s is not in PATH: films cannot be read or written without it (Debian, Ubuntu: apt-get install ffmpeg): %w", tool, err)
	}
	all := append([]string{"-hide_banner", "-v", "error"}, args...)
	cmd := child.New(ctx, limits.Patience, path, all...)
	cmd.EndsWithin = lastWork * cmp.Or(limits.Patience, child.DefaultPatience)
	messages := &excerpt{}
	cmd.Stderr = messages
	return cmd, messages, nil
}

// syncMode remembers the option's name per ffmpeg program.
var syncMode sync.Map

// syncOption is how this ffmpeg calls the option for which frames are written:
// -fps_mode since 5.1, where -vsync became an old name that will vanish.
func syncOption(ctx context.Context, limits Limits) string {
	const old, now = "-vsync", "-fps_mode"
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return now // whoever starts it will report that
	}
	if option, ok := syncMode.Load(path); ok {
		return option.(string)
	}
	cmd := child.New(ctx, limits.Patience, path, "-version")
	out := &excerpt{}
	cmd.Stdout = out
	if cmd.Run() != nil {
		return now
	}
	option := now
	if before51(string(out.kept)) {
		option = old
	}
	syncMode.Store(path, option)
	return option
}

var release = regexp.MustCompile(`^ffmpeg version n?(\d{1,4})\.(\d{1,4})`)

// before51 reads the first line of "ffmpeg -version"; builds without a release
// number are taken for new.
func before51(text string) bool {
	found := release.FindStringSubmatch(text)
	if found == nil {
		return false
	}
	major, _ := strconv.Atoi(found[1])
	minor, _ := strconv.Atoi(found[2])
	return major < 5 || major == 5 && minor < 1
}

// input names a file so that no part of its name is taken for an option, a
// protocol or a pattern.
func input(path string, limits Limits) ([]string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return []string{
		"-protocol_whitelist", "file,pipe", "-format_whitelist", formats,
		"-max_pixels", strconv.FormatInt(min(limits.MaxPixels, math.MaxInt32), 10),
		"-i", "file:" + absolute,
	}, nil
}

// excerpt keeps the start of a program's messages: what went wrong first is
// what explains the rest. It never blocks the program.
type excerpt struct{ kept []byte }

const maxExcerpt = 4096

func (e *excerpt) Write(p []byte) (int, error) {
	e.kept = append(e.kept, p[:min(len(p), maxExcerpt-len(e.kept))]...)
	return len(p), nil
}

var address = regexp.MustCompile(` ?@ 0x[0-9a-f]+|\p{Cc}+`)

// explain joins what failed, the program's words and the exit state. A program
// that was killed, since it stood still or wrote without end, says nothing about the
// film.
func (e *excerpt) explain(what string, err error) error {
	var stalled *child.StalledError
	var overfull *child.OverfullError
	switch {
	case errors.As(err, &stalled):
		return stalled
	case errors.As(err, &overfull):
		return overfull
	}
	const longest = 400
	words := strings.TrimSpace(address.ReplaceAllString(strings.ReplaceAll(string(e.kept), "\n", "; "), ""))
	words = strings.TrimRight(strings.ToValidUTF8(words, "?"), "; ")
	if len(words) > longest {
		words = strings.ToValidUTF8(words[:longest], "") + "..."
	}
	if crash, ok := crashed(err); ok {
		return fmt.Errorf("%s: it crashes (%s): another build of ffmpeg may do", what, crash)
	}
	if words == "" {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %s (%w)", what, words, err)
}

// crashed names the signal of a program that ended by a fault of its own.
func crashed(err error) (string, bool) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return "", false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return "", false
	}
	switch s := status.Signal(); s {
	case syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE:
		return s.String(), true
	}
	return "", false
}

// tooLarge tells whether a decoder stopped at its limit of pixels.
func tooLarge(messages *excerpt) bool {
	return bytes.Contains(messages.kept, []byte("exceeds specified max pixel count"))
}

var notListed = regexp.MustCompile(`\[(\w+)(?: @ \w+)?\] Format not on whitelist`)

// unlisted is ffmpeg's name of a format that it knows and is not let to read, or
// empty. Play lists are none that a conversion would help.
func unlisted(messages *excerpt) string {
	found := notListed.FindSubmatch(messages.kept)
	if found == nil || slices.Contains(playLists, string(found[1])) {
		return ""
	}
	return string(found[1])
}

// unlistedError is the name of a format that is not read.
type unlistedError string

func (e unlistedError) Error() string {
	return fmt.Sprintf("it is stored as %s, which is not read: convert it (ffmpeg -i FILE film.mp4)", string(e))
}

var playLists = []string{"hls", "concat", "dash", "imf"}

// endsEarly tells whether a webm or mkv film ends before the end that it
// announces.
func endsEarly(messages *excerpt) bool {
	return bytes.Contains(messages.kept, []byte("File ended prematurely"))
}

func errTooLarge(limits Limits) error {
	return fmt.Errorf("its pictures have more than the limit of %d pixels%s", limits.MaxPixels, by(limits.PixelsBy))
}

// limited keeps what a program writes, up to a limit.
type limited struct {
	kept []byte
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, io.ErrShortBuffer
	}
	l.left -= len(p)
	l.kept = append(l.kept, p...)
	return len(p), nil
}

// decoders remembers, per ffmpeg program, the compressions that it can decode.
var decoders sync.Map

// decodes tells whether this ffmpeg can decode a compression of this name. It
// knows names of some that it cannot.
func decodes(ctx context.Context, codec string) bool {
	if codec == "" || codec == "unknown" || codec == "none" {
		return false
	}
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return true // whoever starts it will report that
	}
	known, ok := decoders.Load(path)
	if !ok {
		cmd, _, err := command(ctx, Limits{}, "ffmpeg", "-codecs")
		if err != nil {
			return true
		}
		out := &limited{left: maxProbe}
		cmd.Stdout = out
		if cmd.Run() != nil {
			return true
		}
		names := map[string]bool{}
		for _, line := range strings.Split(string(out.kept), "\n") {
			// " D.A.L. ac3  ATSC A/52A (AC-3)": D for what it decodes.
			if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[0], "D") {
				names[fields[1]] = true
			}
		}
		known = names
		decoders.Store(path, known)
	}
	return known.(map[string]bool)[codec]
}
