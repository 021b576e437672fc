package evaluate

import (
	"context"
	"errors"
	"image"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/video"
)

// Films of an evaluation's page: in a folder beside it, so long at most, each
// picture enlarged by a whole factor to so many pixels, and those of drawn figures,
// which have no rate of their own, slow enough to see what moves.
const (
	filmsFolder = "films"
	filmFrames  = 150
	filmWidth   = 192
	drawnRate   = "12"
)

// moment is a frame of a test video and what was predicted of it.
type moment struct{ source, driving, prediction *video.Frame }

// made is what was drawn of a video.
type made struct {
	// film is the path of the film from the page; empty where there is none.
	film string
	// worst is the moment with the greatest L1, and frame its number; nil where
	// nothing was predicted.
	worst *moment
	frame int
}

var errEnough = errors.New("the film is long enough")

// unwritten is a film that could not be written, which is no fault of the video.
type unwritten struct{ error }

func (u unwritten) Unwrap() error { return u.error }

// filmed is film, again as long as what is written may fail; then the error is
// patience.ErrGaveUp.
func (e *evaluation) filmed(ctx context.Context, s shown) (made, error) {
	for {
		m, err := e.film(ctx, s)
		var failed unwritten
		if ctx.Err() != nil || err != nil && !errors.As(err, &failed) {
			return m, err
		}
		if forgiven := e.writing.Patience.Wrote(filmsFolder, err); err == nil || forgiven != nil {
			return m, forgiven
		}
		time.Sleep(e.writing.Pause)
	}
}

// film predicts a video once more, shows it as a film and finds its worst frame.
func (e *evaluation) film(ctx context.Context, s shown) (m made, err error) {
	reader, err := s.video.Open(ctx)
	if err != nil {
		return m, err
	}
	defer reader.Close()
	name := path.Join(filmsFolder, strings.ReplaceAll(s.title, " ", "-")+".mp4")
	to := filepath.Join(e.q.Out, filepath.FromSlash(name))
	if err := e.writing.Files.MkdirAll(filepath.Dir(to)); err != nil {
		return m, unwritten{err}
	}
	rate := e.rateOf(ctx, s)
	var sink *video.FilmWriter
	defer func() {
		if sink != nil {
			sink.Abort()
		}
	}()
	var first *video.Frame
	worst, frames := -1.0, 0
	err = e.stream(ctx, s.video, reader, func(at int, real []*video.Frame, guesses []guess) error {
		if first == nil {
			first = real[0]
		}
		for i, g := range guesses {
			if g.frame == nil {
				continue
			}
			now := moment{first, real[i], g.frame}
			if d, _ := l1(unit(real[i].Pix), g.pix, nil); d > worst {
				worst, m.worst, m.frame = d, &now, at+i
			}
			if sink, err = e.writeMoment(ctx, sink, to, rate, now); err != nil {
				return err
			}
			if frames++; frames >= filmFrames {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil && sink != nil {
		if err := sink.Close(); err != nil {
			return m, unwritten{err}
		}
		m.film = name
	}
	return m, err
}

// rateOf is how many frames a second a film of a video has.
func (e *evaluation) rateOf(ctx context.Context, s shown) string {
	if s.video.Drawn() != nil {
		return drawnRate
	}
	if p, err := s.video.Paced(ctx); err == nil {
		return p.Rate
	}
	return ""
}

// writeMoment appends to a film, which the first one begins.
func (e *evaluation) writeMoment(ctx context.Context, sink *video.FilmWriter, to, rate string, m moment) (*video.FilmWriter, error) {
	drawn, err := drawMoments(picture.Grid{Border: true}, []moment{m})
	if err != nil {
		return sink, err
	}
	frame, err := video.FromImage(drawn)
	if err != nil {
		return sink, err
	}
	if sink == nil {
		if sink, err = video.CreateFilm(ctx, to, frame.W, frame.H, video.FilmOptions{Rate: rate}); err != nil {
			return nil, unwritten{err}
		}
	}
	if err := sink.Write(frame); err != nil {
		return sink, unwritten{err}
	}
	return sink, nil
}

// drawMoments draws moments below each other into a grid that has no columns
// yet.
func drawMoments(g picture.Grid, moments []moment) (*image.RGBA, error) {
	scale := picture.Scale{High: 0.5, Ramp: picture.Sequential}
	w, h := moments[0].source.W, moments[0].source.H
	factor := max(1, (filmWidth+w-1)/w)
	g.CellW, g.CellH = factor*w, factor*h
	columns := map[string][]image.Image{}
	for _, m := range moments {
		difference, err := picture.Difference(m.driving.Image(), m.prediction.Image())
		if err != nil {
			return nil, err
		}
		for caption, cell := range map[string]image.Image{
			"source": m.source.Image(), "driving": m.driving.Image(), "prediction": m.prediction.Image(), "difference": difference.Heat(scale),
		} {
			columns[caption] = append(columns[caption], cell)
		}
	}
	for _, caption := range []string{"source", "driving", "prediction", "difference"} {
		picture.Add(&g, caption, columns[caption]...)
	}
	g.AddLegend("difference", scale)
	return g.Draw()
}
