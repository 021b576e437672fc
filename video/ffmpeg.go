package video

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
)

// The only containers ffmpeg may open, by its names of them. A play list
// (hls, concat) is none: it would name other files.
const formats = "mov,matroska,gif,avi"

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

// Info is what a film says about itself.
type Info struct {
	// W and H are the pixels of a frame after Rotation.
	W, H int
	// Rotation in degrees, clockwise, as players turn the stored picture.
	Rotation int
	// Rate is the mean number of frames a second, 0 if unknown.
	Rate float64
	// ExactRate is the same as a fraction, "25/1" or "30000/1001", to give to
	// FilmOptions; empty if unknown. Of a film of constant rate it is the rate
	// that its timestamps keep, not the mean that its duration was rounded to.
	ExactRate string
	// Variable says that pictures follow each other at uneven distances, as
	// far as the headers tell.
	Variable bool
	// SteadyRate is the constant rate, as a fraction, to give to OpenFilmAt for
	// pictures that stay in time with the sound: ExactRate, or of a film of
	// variable rate one at which its pictures keep their times; empty if unknown.
	SteadyRate string
	// Start is when the first picture is shown, counted from the beginning of
	// the file; sound may begin earlier.
	Start time.Duration
	// Duration is 0 if unknown.
	Duration time.Duration
	// Frames is a claim of the container, often absent (0) and at times wrong.
	Frames int
	// Codec is ffmpeg's name of the compression.
	Codec string
	// Audio is ffmpeg's name of how the first sound track is compressed, empty
	// if there is none.
	Audio string
}

// probe is the part of ffprobe's answer that is asked for.
type probe struct {
	Streams []stream `json:"streams"`
	Format  struct {
		Duration string `json:"duration"`
		Start    string `json:"start_time"`
	} `json:"format"`
}

type stream struct {
	Type        string `json:"codec_type"`
	Codec       string `json:"codec_name"`
	W           int    `json:"width"`
	H           int    `json:"height"`
	AvgRate     string `json:"avg_frame_rate"`
	BaseRate    string `json:"r_frame_rate"`
	Frames      string `json:"nb_frames"`
	Start       string `json:"start_time"`
	Duration    string `json:"duration"`
	Disposition struct {
		Cover int `json:"attached_pic"`
	} `json:"disposition"`
	SideData []struct {
		Rotation float64 `json:"rotation"`
	} `json:"side_data_list"`
}

// maxProbe bounds ffprobe's answer, which is some hundred bytes.
const maxProbe = 1 << 20

// Probe reads the headers of a film. It fails if there is no video in it or
// its pictures are beyond the limits.
func Probe(ctx context.Context, path string, limits Limits) (Info, error) {
	limits = limits.OrDefault()
	answer, err := runProbe(ctx, path, limits)
	if err != nil {
		return Info{}, fmt.Errorf("film %s: %w", path, err)
	}
	info, err := answer.info()
	if err == nil {
		err = limits.size(info.W, info.H)
	}
	if err != nil {
		return Info{}, fmt.Errorf("film %s: %w", path, err)
	}
	return info, nil
}

func runProbe(ctx context.Context, path string, limits Limits) (*probe, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	f.Close()
	args, err := input(path, limits)
	if err != nil {
		return nil, err
	}
	args = append([]string{"-of", "json", "-show_entries",
		"stream=codec_type,codec_name,width,height,avg_frame_rate,r_frame_rate,nb_frames,start_time,duration:" +
			"stream_disposition=attached_pic:stream_side_data=rotation:format=start_time,duration"}, args...)
	cmd, messages, err := command(ctx, limits, "ffprobe", args...)
	if err != nil {
		return nil, err
	}
	out := &limited{left: maxProbe}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if tooLarge(messages) {
			return nil, errTooLarge(limits)
		}
		return nil, messages.explain("ffprobe cannot read it", err)
	}
	answer := &probe{}
	if err := json.Unmarshal(out.kept, answer); err != nil {
		return nil, fmt.Errorf("ffprobe's answer: %w", err)
	}
	return answer, nil
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
// that stood still was killed: that says nothing about the film.
func (e *excerpt) explain(what string, err error) error {
	var stalled *child.StalledError
	if errors.As(err, &stalled) {
		return stalled
	}
	const longest = 400
	words := strings.TrimSpace(address.ReplaceAllString(strings.ReplaceAll(string(e.kept), "\n", "; "), ""))
	words = strings.TrimRight(strings.ToValidUTF8(words, "?"), "; ")
	if len(words) > longest {
		words = strings.ToValidUTF8(words[:longest], "") + "..."
	}
	if words == "" {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %s (%w)", what, words, err)
}

// tooLarge tells whether a decoder stopped at its limit of pixels.
func tooLarge(messages *excerpt) bool {
	return bytes.Contains(messages.kept, []byte("exceeds specified max pixel count"))
}

func errTooLarge(limits Limits) error {
	return fmt.Errorf("its pictures have more than the limit of %d pixels (max_pixels)", limits.MaxPixels)
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
