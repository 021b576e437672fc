package video

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errNoVideo = errors.New("there is no video in it")

// film returns the first stream of pictures that is no cover; nil if there is
// none.
func (p *probe) film() *stream {
	for i, s := range p.Streams {
		if s.Type == "video" && s.Disposition.Cover == 0 {
			return &p.Streams[i]
		}
	}
	return nil
}

// sound returns how the sound track that players choose is compressed, and its
// number among the sound tracks: of those that can be decoded the first that is
// marked as the usual one, else the first. Telephones put a track that only they
// know before the one for all others.
func (p *probe) sound(ctx context.Context) (codec string, track int) {
	n, usual := 0, false
	for _, s := range p.Streams {
		if s.Type != "audio" {
			continue
		}
		marked := s.Disposition.Default != 0
		if (codec == "" || marked && !usual) && decodes(ctx, s.Codec) {
			codec, track, usual = s.Codec, n, marked
		}
		n++
	}
	return codec, track
}

// first returns the first picture of a stream, if it was among what was
// decoded.
func (p *probe) first(s *stream) *firstFrame {
	for i, f := range p.Frames {
		if f.Type == "video" && f.Stream == s.Index {
			return &p.Frames[i]
		}
	}
	return nil
}

// info sums up all but the times.
func (p *probe) info(s *stream) Info {
	info := Info{Codec: s.Codec}
	info.Start = max(0, seconds(s.Start)-seconds(p.Format.Start))
	w, h, aspect, side := s.W, s.H, s.Aspect, s.SideData
	if f := p.first(s); f != nil && f.W > 0 && f.H > 0 {
		// Headers may differ from the first picture, which the others follow.
		w, h = f.W, f.H
		side = append(side, f.SideData...)
	}
	info.view = newView(w, h, aspect, s, side)
	info.W, info.H = info.view.w, info.view.h
	info.Rotation = info.view.turn.degrees()
	info.PixelAspect = info.view.aspect
	info.HDR = info.view.curve.String()
	if p.interlaced(s) {
		info.Interlaced = info.view.weave(w, h)
	}
	return info
}

// interlaced tells whether a stream, or one of its first pictures, says that it
// holds fields.
func (p *probe) interlaced(s *stream) bool {
	switch s.Fields {
	case "tt", "bb", "tb", "bt":
		return true
	}
	return slices.ContainsFunc(p.Frames, func(f firstFrame) bool {
		return f.Type == "video" && f.Stream == s.Index && f.Interlaced != 0
	})
}

// listsPictures tells whether the headers are a list of all pictures, of which
// ffprobe has computed rates that agree with each other, or a film of constant
// rate by its nature. Others (matroska, webm, gif, transport streams) say what
// their writers thought.
func (p *probe) listsPictures(s *stream) bool {
	mean, base := ratio(s.AvgRate), ratio(s.BaseRate)
	switch {
	case mean == 0:
		return false
	case p.Format.Name == "avi":
		return true
	case !strings.HasPrefix(p.Format.Name, "mov,"):
		return false
	}
	frames, _ := strconv.Atoi(s.Frames)
	return math.Abs(mean-base) < 1e-6*base && math.Abs(float64(frames)-mean*seconds(s.Duration).Seconds()) < 0.5
}

// claimed takes rate and length from the header.
func (info *Info) claimed(s *stream) {
	info.Frames, _ = strconv.Atoi(s.Frames)
	info.Duration = seconds(s.Duration)
	info.Rate, info.ExactRate = ratio(s.AvgRate), s.AvgRate
	info.tail = time.Duration(float64(time.Second) / info.Rate)
	info.SteadyRate = capped(info.ExactRate)
}

// counted takes rate and length from the pictures' own times.
func (info *Info) counted(s *stream, shown shownTimes) {
	info.Frames = len(shown.at)
	if info.Frames == 0 {
		return
	}
	p := paceOf(shown, s.BaseRate, s.AvgRate)
	info.Rate, info.ExactRate, info.Variable, info.SteadyRate = p.mean, p.exact, p.variable, p.steady
	info.tail = p.tail
	info.Duration = shown.at[len(shown.at)-1] - shown.at[0] + p.tail
}

// Remarks say, each in a sentence's end, what a film is that its viewers may not
// know and that its frames are not: nil for most.
func (info Info) Remarks() []string {
	var all []string
	if a := info.PixelAspect; a != 0 && math.Abs(a-1) > 1e-3 {
		all = append(all, fmt.Sprintf("its pixels are not square (%.3g times as wide as high): its frames count as %dx%d", a, info.W, info.H))
	}
	if info.Interlaced {
		all = append(all, "it is interlaced: each of its frames is made of the two fields of a picture")
	}
	if info.HDR != "" {
		all = append(all, fmt.Sprintf("it is a film of high dynamic range (%s): its colours are mapped to those of common screens", info.HDR))
	}
	return all
}

// SteadyFrames is how many pictures OpenFilmAt gives at SteadyRate, or about so
// many; 0 if unknown.
func (info Info) SteadyFrames() int {
	if info.Frames > 0 && (info.SteadyRate == info.ExactRate || info.SteadyRate == "") {
		return info.Frames
	}
	return int(math.Round(min(info.Duration.Seconds()*ratio(info.SteadyRate), math.MaxInt32)))
}

// seconds reads "12.345"; 0 if it is no sensible number.
func seconds(text string) time.Duration {
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(s) < 1e9) {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// ratio reads "30000/1001", "64:45" or "60"; 0 if it is not a positive number.
func ratio(text string) float64 {
	num, den, isRatio := strings.Cut(strings.ReplaceAll(text, ":", "/"), "/")
	a, errA := strconv.ParseFloat(num, 64)
	b, errB := 1.0, error(nil)
	if isRatio {
		b, errB = strconv.ParseFloat(den, 64)
	}
	if errA != nil || errB != nil || !(a > 0) || !(b > 0) || math.IsInf(a/b, 0) {
		return 0
	}
	return a / b
}
