package video

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// container is a format of films, with what goes in.
type container struct {
	muxer   string   // ffmpeg's name of it
	video   []string // ffmpeg's options of the encoder
	filter  string   // on the way to the encoder
	even    bool     // sides must be even
	copied  []string // sound that is copied, "*" for any
	sound   []string // options of the encoder of all other sound; none: silent
	soundBy string   // and its name
}

// Colours go by BT.709, limited range, and the film says so: players guess
// differently where nothing is said.
const toYUV = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_inp"

var (
	yuv = []string{"-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"}
	// Rate factors at which animated pictures and originals are hard to tell apart.
	h264 = append([]string{"-c:v", "libx264", "-preset", "fast", "-crf", "16"}, yuv...)
	vp9  = append([]string{"-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "20", "-deadline", "good", "-cpu-used", "4", "-row-mt", "1"}, yuv...)
	aac  = []string{"-c:a", "aac", "-b:a", "192k"}
	opus = []string{"-c:a", "libopus", "-b:a", "128k"}
)

// containers by extension. The index of a mp4 goes to its front so that a
// browser can begin before it has all.
var containers = map[string]container{
	".mp4": {muxer: "mp4", video: h264, filter: toYUV, even: true,
		copied: []string{"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"}, sound: aac, soundBy: "aac"},
	".m4v": {muxer: "mp4", video: h264, filter: toYUV, even: true,
		copied: []string{"aac", "mp3", "ac3", "eac3", "alac"}, sound: aac, soundBy: "aac"},
	".mov": {muxer: "mov", video: h264, filter: toYUV, even: true,
		copied: []string{"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le"}, sound: aac, soundBy: "aac"},
	".mkv": {muxer: "matroska", video: h264, filter: toYUV, even: true,
		copied: []string{"*"}, sound: aac, soundBy: "aac"},
	".webm": {muxer: "webm", video: vp9, filter: toYUV,
		copied: []string{"opus", "vorbis"}, sound: opus, soundBy: "opus"},
	// Palettes of single frames: one for the whole film would have to wait for
	// its last frame. An ordered pattern does not crawl where nothing moves.
	".gif": {muxer: "gif", video: []string{"-c:v", "gif", "-loop", "0"},
		filter: "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=bayer:bayer_scale=3"},
}

var lossless = map[string][]string{
	"mp4":      {"-c:v", "libx264rgb", "-preset", "fast", "-qp", "0", "-pix_fmt", "rgb24"},
	"mov":      {"-c:v", "libx264rgb", "-preset", "fast", "-qp", "0", "-pix_fmt", "rgb24"},
	"matroska": {"-c:v", "ffv1", "-level", "3", "-g", "1", "-slicecrc", "1", "-pix_fmt", "bgr0"},
	"webm":     {"-c:v", "libvpx-vp9", "-lossless", "1", "-row-mt", "1", "-cpu-used", "4", "-pix_fmt", "gbrp"},
}

// FilmNames lists the extensions that CreateFilm knows, for messages.
const FilmNames = "mp4, m4v, mov, mkv, webm, gif"

func containerOf(path string, quality Quality) (container, error) {
	ext := strings.ToLower(filepath.Ext(path))
	c, ok := containers[ext]
	if !ok {
		return c, fmt.Errorf("a film is not written as %q: its name must end in one of %s (or be that of a folder)", ext, FilmNames)
	}
	switch quality {
	case Good:
		return c, nil
	case Lossless:
		if c.video, ok = lossless[c.muxer]; !ok {
			return c, fmt.Errorf("a %s cannot be lossless: choose mkv", c.muxer)
		}
		c.filter, c.even = "", false
		return c, nil
	}
	return c, fmt.Errorf("%q is no quality: \"\" or %q is", quality, Lossless)
}

// encoder returns ffmpeg's options for the pictures of a film of this rate.
func (c container) encoder(rate float64) []string {
	filter := c.filter
	if c.muxer == "gif" && rate > maxGIFRate {
		filter = fmt.Sprintf("fps=%d,%s", maxGIFRate, filter)
	}
	var args []string
	if filter != "" {
		args = append(args, "-filter_complex", "[0:v]"+filter)
	}
	args = append(args, c.video...)
	return append(args, c.front()...)
}

// front puts the index of a mp4 or mov at its beginning.
func (c container) front() []string {
	if c.muxer == "mp4" || c.muxer == "mov" {
		return []string{"-movflags", "+faststart"}
	}
	return nil
}

// copies tells whether sound of this compression is copied.
func (c container) copies(codec string) bool {
	return slices.Contains(c.copied, codec) || slices.Contains(c.copied, "*")
}
