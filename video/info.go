package video

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// info sums up ffprobe's answer.
func (p *probe) info() (Info, error) {
	s, audio := p.first()
	if s == nil {
		return Info{}, errors.New("there is no video in it")
	}
	info := Info{W: s.W, H: s.H, Codec: s.Codec, Audio: audio}
	info.Frames, _ = strconv.Atoi(s.Frames)
	info.Start = max(0, seconds(s.Start)-seconds(p.Format.Start))
	for _, d := range s.SideData {
		if d.Rotation != 0 {
			// ffprobe counts anti-clockwise.
			info.Rotation = (int(math.Round(-d.Rotation))%360 + 360) % 360
		}
	}
	if info.Rotation%180 == 90 {
		info.W, info.H = info.H, info.W
	}
	info.Duration = seconds(s.Duration)
	if info.Duration <= 0 {
		info.Duration = max(0, seconds(p.Format.Duration))
	}
	info.setRate(s.AvgRate, s.BaseRate)
	return info, nil
}

// first returns the first film that is no cover picture and how the first
// sound track is compressed.
func (p *probe) first() (film *stream, audio string) {
	for i := range p.Streams {
		s := &p.Streams[i]
		switch {
		case s.Type == "video" && s.Disposition.Cover == 0 && film == nil:
			film = s
		case s.Type == "audio" && audio == "":
			audio = s.Codec
		}
	}
	return film, audio
}

// setRate takes the mean rate and the least rate at whose ticks every picture
// lies. They agree for a constant rate but for what the last picture's duration
// was rounded to: about one frame over the whole length. Fields count as
// pictures for the second in some films: then it is twice the first. Ticks that
// are those of a clock rather than of pictures make no steady rate.
func (info *Info) setRate(mean, base string) {
	info.Rate, info.ExactRate = ratio(mean), mean
	ticks := ratio(base)
	if info.Rate == 0 {
		info.Rate, info.ExactRate = ticks, base
	}
	if info.Rate == 0 {
		info.ExactRate = ""
	}
	info.SteadyRate = info.ExactRate
	if info.Rate == 0 || ticks == 0 {
		return
	}
	const framesOff, maxSteady = 1.5, 60
	allowed := max(framesOff/max(info.Duration.Seconds(), 1), 1e-6*ticks)
	switch {
	case math.Abs(ticks-info.Rate) <= allowed:
		info.Rate, info.ExactRate, info.SteadyRate = ticks, base, base
	case math.Abs(ticks-2*info.Rate) <= 2*allowed:
	default:
		info.Variable = true
		if info.SteadyRate = base; ticks > maxSteady {
			info.SteadyRate = strconv.Itoa(maxSteady)
		}
	}
}

// SteadyFrames is how many pictures OpenFilmAt gives at SteadyRate, or about so
// many; 0 if unknown.
func (info Info) SteadyFrames() int {
	if info.Frames > 0 && !info.Variable {
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

// ratio reads "30000/1001" or "60"; 0 if it is not a positive number.
func ratio(text string) float64 {
	num, den, isRatio := strings.Cut(text, "/")
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
