package evaluate

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// Grid shows reconstructions of test videos, one a row: the first frame moved
// to a frame that differs much from it. Videos that cannot be read are passed
// over, unless none can. The style says how it is drawn.
func (r *Reconstructor) Grid(ctx context.Context, run graph.Runner, videos []dataset.TestVideo, o Options, style picture.Style) (*picture.Grid, error) {
	if len(videos) == 0 {
		return nil, ErrNoVideo
	}
	b := &gridBuilder{r: r, o: o, style: style, grid: picture.Grid{Border: style.Border}, difference: picture.Scale{High: 0.5, Ramp: picture.Sequential}}
	var unread *readError
	for _, v := range videos {
		if o.Videos > 0 && len(b.grid.RowLabels) == o.Videos {
			break
		}
		if err := b.row(ctx, run, v); err != nil && (ctx.Err() != nil || !errors.As(err, &unread)) {
			return nil, fmt.Errorf("pictures of test videos: %w", err)
		}
	}
	if len(b.grid.RowLabels) == 0 {
		return nil, fmt.Errorf("pictures of test videos: none can be read: %w", unread)
	}
	b.grid.Title = "unseen videos: the first frame (source) moved to another one (driving)"
	if b.r.Deformed.Op != nil {
		b.grid.Notes = []string{"deformed source: black comes from beyond the source's border; what the occlusion map leaves out is painted in"}
	}
	b.grid.AddLegend("difference", b.difference)
	b.grid.AddLegend("occlusion: 0 is to be inpainted, 1 visible; background", picture.Unit)
	return &b.grid, nil
}

// gridBuilder adds rows to a grid whose columns appear with the first one.
type gridBuilder struct {
	r          *Reconstructor
	o          Options
	style      picture.Style
	grid       picture.Grid
	difference picture.Scale
}

// add puts a cell below a caption.
func (b *gridBuilder) add(caption string, cell image.Image) {
	for i := range b.grid.Columns {
		if b.grid.Columns[i].Caption == caption {
			b.grid.Columns[i].Cells = append(b.grid.Columns[i].Cells, cell)
			return
		}
	}
	picture.Add(&b.grid, caption, cell)
}

// row reconstructs one frame of a video and shows it.
func (b *gridBuilder) row(ctx context.Context, run graph.Runner, v dataset.TestVideo) error {
	source, driving, index, err := farthest(ctx, v)
	if err != nil {
		return err
	}
	feeds, err := b.r.Feeds(source, driving)
	if err != nil {
		return err
	}
	shown, err := b.fetch(run, feeds)
	if err != nil {
		return err
	}
	b.grid.RowLabels = append(b.grid.RowLabels, fmt.Sprintf("%.14s frame %d", v.Name(), index))
	if err := b.pictures(source, driving, shown); err != nil {
		return err
	}
	return b.maps(v, index, shown)
}

// What a grid shows besides infer's outputs.
const (
	keypointsOfSource  = "source"
	keypointsOfDriving = "driving"
)

// fetch computes what the model has of all that is shown.
func (b *gridBuilder) fetch(run graph.Runner, feeds map[tensorflow.Output]*tensorflow.Tensor) (infer.Frames, error) {
	var names []string
	var outputs []tensorflow.Output
	for _, c := range []struct {
		name   string
		output tensorflow.Output
	}{
		{infer.Prediction, b.r.Prediction}, {infer.Deformed, b.r.Deformed}, {infer.Background, b.r.Background},
		{infer.OcclusionMap, b.r.Occlusion}, {keypointsOfSource, b.r.KPSource}, {keypointsOfDriving, b.r.KPDriving},
	} {
		if c.output.Op != nil {
			names, outputs = append(names, c.name), append(outputs, c.output)
		}
	}
	fetched, err := run.Run(feeds, outputs, nil)
	if err != nil {
		return nil, err
	}
	shown := infer.Frames{}
	for i, t := range fetched {
		if shown[names[i]], err = tf.Values[float32](t); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

// pictures adds what is RGB.
func (b *gridBuilder) pictures(source, driving *video.Frame, shown infer.Frames) error {
	h, w := b.r.Height, b.r.Width
	zoom := max(128/max(h, w), 1)
	given, err := picture.FromBytes(append(append([]byte(nil), source.Pix...), driving.Pix...), 2, h, w)
	if err != nil {
		return err
	}
	for i, caption := range []string{keypointsOfSource, keypointsOfDriving} {
		if shown[caption] == nil {
			b.add(caption, given[i])
			continue
		}
		points, err := picture.Points(shown[caption], 1, len(shown[caption])/2)
		if err != nil {
			return err
		}
		b.add(caption, b.style.Keypoints(given[i], points[0], zoom))
	}
	made, err := picture.FromFloats(shown[infer.Prediction], 1, h, w)
	if err != nil {
		return err
	}
	b.add("prediction", made[0])
	difference, err := picture.Difference(given[1], made[0])
	if err != nil {
		return err
	}
	b.add("difference", difference.Heat(b.difference))
	if shown[infer.Deformed] == nil {
		return nil
	}
	deformed, err := picture.FromFloats(shown[infer.Deformed], 1, h, w)
	if err != nil {
		return err
	}
	b.add("deformed source", deformed[0])
	return nil
}

// maps adds what is one number per pixel, and the truth where it is known.
func (b *gridBuilder) maps(v dataset.TestVideo, index int, shown infer.Frames) error {
	h, w := b.r.Height, b.r.Width
	if shown[infer.OcclusionMap] != nil {
		occlusion, err := picture.NewField(shown[infer.OcclusionMap], h, w)
		if err != nil {
			return err
		}
		b.add("occlusion map", occlusion.Heat(picture.Unit))
	}
	if shown[infer.Background] == nil {
		return nil
	}
	background, err := picture.NewField(shown[infer.Background], h, w)
	if err != nil {
		return err
	}
	b.add("background alpha", background.Heat(picture.Unit))
	white := color.RGBA{255, 255, 255, 255}
	mask := picture.Field{W: w, H: h, Values: make([]float32, h*w)}
	for i, a := range background.Values {
		if float64(a) > b.o.BGThreshold {
			mask.Values[i] = 1
		}
	}
	b.add("background mask", mask.Tint(white))
	truth, drawn := v.Drawn().(truthful)
	if !drawn {
		return nil
	}
	known, err := truth.Truth(index)
	if err != nil {
		return err
	}
	figure, err := picture.FieldOfBytes(known.Foreground(), h, w, 1)
	if err != nil {
		return err
	}
	for i := range figure.Values {
		figure.Values[i] = 1 - figure.Values[i]
	}
	b.add("drawn background", figure.Tint(white))
	return nil
}

// farthest returns the first frame of a video and, of some others spread over
// it, the one that differs most from it.
func farthest(ctx context.Context, v dataset.TestVideo) (source, driving *video.Frame, index int, err error) {
	const candidates = 24
	length, err := v.Len(ctx)
	if err != nil {
		return nil, nil, 0, &readError{err}
	}
	first, err := readFrames(ctx, v, 0)
	if err != nil {
		return nil, nil, 0, err
	}
	source, driving = first[0], first[0]
	most := -1.0
	for _, i := range spread(length, candidates) {
		one, err := readFrames(ctx, v, i)
		if err != nil {
			return nil, nil, 0, err
		}
		if d, _ := l1(unit(source.Pix), unit(one[0].Pix), nil); d > most {
			driving, index, most = one[0], i, d
		}
	}
	return source, driving, index, nil
}
