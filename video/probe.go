package video

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"
)

// Info is what is known of a film before its pictures are decoded.
type Info struct {
	// W and H are the pixels of a frame as OpenFilm gives it: turned by
	// Rotation, with square pixels. Later pictures of another size are fitted
	// into these.
	W, H int
	// Rotation in degrees, clockwise, as players turn the stored picture.
	Rotation int
	// PixelAspect is how many times as wide as high the stored pixels are shown.
	PixelAspect float64
	// HDR names the curve of a film of high dynamic range, "HLG" or "PQ"; empty
	// for all others. Frames come tone-mapped.
	HDR string
	// Interlaced says that pictures hold two fields, of two moments, line by line.
	// A frame is made of each, of its first moment.
	Interlaced bool
	// Rate is the mean number of frames a second, 0 if unknown.
	Rate float64
	// ExactRate is the same as a fraction, "25/1" or "30000/1001", to give to
	// FilmOptions; empty if unknown. Of a film of constant rate it is the rate
	// that its timestamps keep, not the mean that its duration was rounded to.
	ExactRate string
	// Variable says that pictures follow each other at uneven distances.
	Variable bool
	// SteadyRate is the constant rate, as a fraction, to give to OpenFilmAt for
	// pictures that stay in time with the sound: ExactRate, or of a film of
	// variable rate one at which its pictures keep their times; at most 60, and
	// empty if unknown.
	SteadyRate string
	// Start is when the first picture is shown, counted from the beginning of
	// the file; sound may begin earlier.
	Start time.Duration
	// Duration is how long the pictures last, 0 if unknown.
	Duration time.Duration
	// Frames is the number of pictures, 0 if unknown: counted, or the claim of a
	// container that lists its pictures.
	Frames int
	// Codec is ffmpeg's name of the compression.
	Codec string
	// Audio is ffmpeg's name of how the sound track that players choose is
	// compressed, empty if there is none that can be decoded; AudioTrack its number
	// among the sound tracks.
	Audio      string
	AudioTrack int

	// tail is how long the last picture is shown.
	tail time.Duration
	view view
}

// probe is the part of ffprobe's answer that is asked for.
type probe struct {
	Streams []stream     `json:"streams"`
	Frames  []firstFrame `json:"frames"`
	Format  struct {
		Name     string `json:"format_name"`
		Duration string `json:"duration"`
		Start    string `json:"start_time"`
	} `json:"format"`
}

type stream struct {
	Index       int    `json:"index"`
	Type        string `json:"codec_type"`
	Codec       string `json:"codec_name"`
	W           int    `json:"width"`
	H           int    `json:"height"`
	Aspect      string `json:"sample_aspect_ratio"`
	Range       string `json:"color_range"`
	Pixels      string `json:"pix_fmt"`
	Space       string `json:"color_space"`
	Transfer    string `json:"color_transfer"`
	Primaries   string `json:"color_primaries"`
	AvgRate     string `json:"avg_frame_rate"`
	BaseRate    string `json:"r_frame_rate"`
	Fields      string `json:"field_order"`
	Frames      string `json:"nb_frames"`
	Start       string `json:"start_time"`
	Duration    string `json:"duration"`
	Disposition struct {
		Cover   int `json:"attached_pic"`
		Default int `json:"default"`
	} `json:"disposition"`
	SideData []sideData `json:"side_data_list"`
}

// firstFrame is one of the first pictures, as decoded.
type firstFrame struct {
	Stream     int        `json:"stream_index"`
	Type       string     `json:"media_type"`
	W          int        `json:"width"`
	H          int        `json:"height"`
	Aspect     string     `json:"sample_aspect_ratio"`
	Interlaced int        `json:"interlaced_frame"`
	SideData   []sideData `json:"side_data_list"`
}

type sideData struct {
	Matrix   string  `json:"displaymatrix"`
	Rotation float64 `json:"rotation"`
}

const (
	// maxProbe bounds ffprobe's answer, which is some thousand bytes.
	maxProbe = 1 << 20
	// firstPackets are looked into for the first picture.
	firstPackets = "%+#24"
	asked        = "stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,pix_fmt,color_range,color_space,color_transfer,color_primaries,field_order," +
		"avg_frame_rate,r_frame_rate,nb_frames,start_time,duration:stream_disposition=attached_pic,default:stream_side_data=rotation,displaymatrix:" +
		"frame=stream_index,media_type,width,height,sample_aspect_ratio,interlaced_frame:frame_side_data=rotation,displaymatrix:" +
		"format=format_name,start_time,duration"
)

// Probe finds out what a film is: by its headers, its first picture and, where
// headers cannot be trusted, by the times of all its pictures, for which the
// container is read to its end. It fails if there is no video in it or its
// pictures are beyond the limits.
func Probe(ctx context.Context, path string, limits Limits) (Info, error) {
	limits = limits.OrDefault()
	info, err := probed.of(ctx, path, limits)
	if err == nil {
		err = limits.size(info.W, info.H)
	}
	if err != nil {
		return Info{}, fmt.Errorf("film %s: %w", path, err)
	}
	return info, nil
}

// known remembers the films that were probed last: who opens a film has mostly
// probed it before.
type known struct {
	mu    sync.Mutex
	infos map[knownKey]Info
}

type knownKey struct {
	path   string
	size   int64
	time   time.Time
	limits Limits
}

// maxKnown bounds what is remembered.
const maxKnown = 256

var probed known

func (k *known) of(ctx context.Context, path string, limits Limits) (Info, error) {
	f, err := openRegular(path)
	if err != nil {
		return Info{}, err
	}
	stat, err := f.Stat()
	head := firstBytes(f)
	f.Close()
	if err != nil {
		return Info{}, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Info{}, err
	}
	key := knownKey{absolute, stat.Size(), stat.ModTime(), limits}
	k.mu.Lock()
	info, ok := k.infos[key]
	k.mu.Unlock()
	if ok {
		return info, nil
	}
	if info, err = look(ctx, path, limits); err != nil {
		if ctx.Err() != nil {
			return Info{}, err
		}
		return Info{}, noFilm(head, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.infos == nil || len(k.infos) >= maxKnown {
		k.infos = map[knownKey]Info{}
	}
	k.infos[key] = info
	return info, nil
}

// firstBytes is the beginning of a file.
func firstBytes(f io.ReaderAt) []byte {
	head := make([]byte, 512)
	n, _ := f.ReadAt(head, 0) // fewer are as good
	return head[:n]
}

// look asks ffprobe.
func look(ctx context.Context, path string, limits Limits) (Info, error) {
	answer, err := runProbe(ctx, path, limits)
	if err != nil {
		return Info{}, err
	}
	film := answer.film()
	if film == nil {
		return Info{}, errNoVideo
	}
	info := answer.info(film)
	info.Audio, info.AudioTrack = answer.sound(ctx)
	if answer.listsPictures(film) {
		info.claimed(film)
		return info, nil
	}
	shown, err := packetTimes(ctx, path, film, limits)
	if err != nil {
		return Info{}, err
	}
	info.counted(film, shown)
	return info, nil
}

func runProbe(ctx context.Context, path string, limits Limits) (*probe, error) {
	args, err := input(path, limits)
	if err != nil {
		return nil, err
	}
	args = append([]string{"-of", "json", "-read_intervals", firstPackets, "-show_entries", asked}, args...)
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
		if format := unlisted(messages); format != "" {
			return nil, unlistedError(format)
		}
		if bytes.Contains(messages.kept, []byte("moov atom not found")) {
			return nil, errors.New("is cut off: the index of its pictures, which such films have at their end, is missing (moov atom not found)")
		}
		return nil, messages.explain("ffprobe cannot read it", err)
	}
	answer := &probe{}
	if err := json.Unmarshal(out.kept, answer); err != nil {
		return nil, fmt.Errorf("ffprobe's answer: %w", err)
	}
	// A gif that is too large is no error, and has no size.
	if film := answer.film(); film != nil && (film.W < 1 || film.H < 1) && tooLarge(messages) {
		return nil, errTooLarge(limits)
	}
	return answer, nil
}
