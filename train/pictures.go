package train

import (
	"fmt"
	"image"
	"path/filepath"
	"slices"
	"sort"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/events"
)

// styleOf says how pictures are drawn, or which of visualizer_params cannot be.
func styleOf(v config.VisualizerParams) (picture.Style, error) {
	colours, err := picture.ParseColormap(v.Colormap)
	if err != nil {
		return picture.Style{}, fmt.Errorf("visualizer_params.colormap: %w", err)
	}
	return picture.Style{KPSize: v.KPSize, Border: v.DrawBorder, Colormap: colours}, nil
}

// pictures is how messages call them.
const pictures = "a picture"

// picturesHook draws what the model makes of a training batch, every so many
// steps and at the end: the reference's columns and those of the paper's
// Figures 2 and 3. It computes them in a run of its own, with the numbers that
// the step was fed, so that training is the same with and without pictures.
type picturesHook struct {
	step     *Step
	options  StepOptions
	variant  model.Variant
	run      graph.Runner
	dir      string
	every    int64
	rows     int
	style    picture.Style
	events   *eventLog
	files    durable.FileSystem
	patience *patience.Patience
	// helps says that this worker computes its part of them for the chief, whose
	// batch norm needs it, and draws nothing.
	helps bool
}

// After implements Hook.
func (h *picturesHook) After(m *Moment) error {
	if !m.due(h.every) && !m.Last() {
		return nil
	}
	if h.helps {
		_, err := h.grid(m)
		return err
	}
	return h.draw(m)
}

// End implements Hook. A run that was asked to stop does not keep anybody
// waiting for pictures.
func (h *picturesHook) End(*Moment) error { return nil }

func (h *picturesHook) draw(m *Moment) error {
	grid, err := h.grid(m)
	if err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	drawn, err := grid.Draw()
	if err != nil {
		return err
	}
	encoded, err := picture.PNG(drawn)
	if err != nil {
		return err
	}
	err = h.files.MkdirAll(h.dir)
	if err == nil {
		err = durable.WriteFileOn(h.files, filepath.Join(h.dir, fmt.Sprintf("train-%08d.png", m.Step)), encoded)
	}
	if err := h.patience.Wrote(pictures, err); err != nil {
		return err
	}
	return h.events.write(m.Step, func(w *events.Writer) error { return w.Image(m.Step, "training_pairs", encoded) })
}

// canvas is the grid of one step in the making; the first error sticks.
type canvas struct {
	grid    picture.Grid
	n, h, w int // pictures of the batch
	rows    int
	style   picture.Style
	values  map[tensorflow.Output][]float32
	shapes  map[tensorflow.Output][]int64
	err     error
}

// grid computes the pictures of a step and lays them out.
func (h *picturesHook) grid(m *Moment) (*picture.Grid, error) {
	f, err := h.step.Feeds(h.options, m.values)
	if err != nil {
		return nil, err
	}
	o := h.options
	c := &canvas{n: o.own(), h: o.Height, w: o.Width, rows: min(h.rows, o.own()), style: h.style}
	c.grid.Border = h.style.Border
	if err := c.compute(h.run, f, h.step); err != nil {
		return nil, err
	}
	c.grid.Title = fmt.Sprintf("step %d, variant %s: training pairs", m.Step, h.variant)
	for _, item := range m.values.Batch.Items[:c.rows] {
		c.grid.RowLabels = append(c.grid.RowLabels, fmt.Sprintf("%.12s %d,%d", item.Name, item.Source, item.Driving))
	}
	c.columns(h.step)
	return &c.grid, c.err
}

// shown lists what is fetched for a grid: always the same outputs in the same
// order, so that TensorFlow prepares the graph for it once.
func shown(step *Step) []tensorflow.Output {
	names := make([]string, 0, len(step.Shown))
	for name := range step.Shown {
		names = append(names, name)
	}
	sort.Strings(names)
	all := []tensorflow.Output{step.Source, step.Driving}
	for _, name := range names {
		all = append(all, step.Shown[name])
	}
	return all
}

func (c *canvas) compute(run graph.Runner, f feeds, step *Step) error {
	outputs := shown(step)
	fetched, err := run.Run(f, outputs, nil)
	if err != nil {
		return err
	}
	c.values, c.shapes = map[tensorflow.Output][]float32{}, map[tensorflow.Output][]int64{}
	for i, o := range outputs {
		if c.values[o], err = tf.Values[float32](fetched[i]); err != nil {
			return err
		}
		c.shapes[o] = fetched[i].Shape()
	}
	return nil
}

// columns adds all columns that the variant has.
func (c *canvas) columns(step *Step) {
	p := step.Shown
	source, driving := c.pictures(step.Source), c.pictures(step.Driving)
	c.keypoints("source", source, p[model.KPSource+model.Value])
	c.keypoints("driving", driving, p[model.KPDriving+model.Value])
	c.keypoints("warped driving", c.pictures(p[model.Transformed]), p[model.KPTransformed+model.Value])
	prediction := c.pictures(p[model.Prediction])
	c.add("prediction", prediction)
	c.difference("difference", driving, prediction)
	c.add("deformed source", c.pictures(p[model.Deformed]))
	c.heat("occlusion map", p[model.OcclusionMap], "occlusion: 0 is to be inpainted, 1 visible; masks", picture.Unit)
	c.heat("background alpha", p[model.Background], "", picture.Unit)
	c.heat("cut mask (1 is real)", p[model.CutMask], "", picture.Unit)
	c.add("mixed", c.pictures(p[model.Mixed]))
	scores := c.scoreScale(p[model.RealPixels], p[model.FakePixels])
	const legend = "discriminator's pixels, over their range but for the outermost: lower is more fake, higher more real"
	c.heat("pixels of the driving frame", p[model.RealPixels], legend, scores)
	c.heat("pixels of the prediction", p[model.FakePixels], legend, scores)
	c.sparse(p[model.SparseDeformed], p[model.SparseMask])
	if p[model.Deformed].Op != nil {
		c.grid.Notes = append(c.grid.Notes, noteDeformed)
	}
	c.grid.Wrap = (len(c.grid.Columns) + 2) / 3
	c.grid.Wrap = max(min(c.grid.Wrap, 12), 8)
}

// pictures are the first rows of an RGB output [N, H, W, 3].
func (c *canvas) pictures(o tensorflow.Output) []*image.RGBA {
	if c.err != nil || o.Op == nil {
		return nil
	}
	all, err := picture.FromFloats(c.values[o], c.n, c.h, c.w)
	if err != nil {
		c.err = err
		return nil
	}
	return all[:c.rows]
}

func (c *canvas) add(caption string, cells []*image.RGBA) {
	if len(cells) > 0 {
		picture.Add(&c.grid, caption, cells...)
	}
}

// keypoints adds pictures with their keypoints [N, K, 2] drawn in, where the
// family has any.
func (c *canvas) keypoints(caption string, pictures []*image.RGBA, value tensorflow.Output) {
	if c.err != nil {
		return
	}
	if value.Op == nil {
		c.add(caption, pictures)
		return
	}
	points, err := picture.Points(c.values[value], c.n, int(c.shapes[value][1]))
	if err != nil {
		c.err = err
		return
	}
	zoom := max(128/max(c.h, c.w), 1)
	var cells []*image.RGBA
	for i, p := range pictures {
		cells = append(cells, c.style.Keypoints(p, points[i], zoom))
	}
	c.add(caption, cells)
}

// heat adds maps [N, h, w, 1] in the colours of a scale.
func (c *canvas) heat(caption string, o tensorflow.Output, legend string, scale picture.Scale) {
	if c.err != nil || o.Op == nil {
		return
	}
	shape := c.shapes[o]
	fields, err := picture.Fields(c.values[o], c.n, int(shape[1]), int(shape[2]), 1, 0)
	if err != nil {
		c.err = err
		return
	}
	var cells []*image.RGBA
	for _, f := range fields[:c.rows] {
		cells = append(cells, f.Heat(scale))
	}
	c.add(caption, cells)
	if legend != "" {
		c.grid.AddLegend(legend, scale)
	}
}

// scoreScale spans the values of some maps but for a hundredth at each end: what a
// discriminator tells apart within a picture is often a hundredth of what lies
// between fake and real, where a fixed scale would show two even colours, and its
// borders and a few pixels lie far from all others.
func (c *canvas) scoreScale(maps ...tensorflow.Output) picture.Scale {
	var all []float32
	for _, o := range maps {
		for _, v := range c.values[o] {
			if v-v == 0 { // a number
				all = append(all, v)
			}
		}
	}
	if len(all) == 0 {
		return picture.Scale{Low: 0, High: 1, Ramp: picture.Diverging}
	}
	slices.Sort(all)
	out := len(all) / 100
	low, high := float64(all[out]), float64(all[len(all)-1-out])
	if low == high {
		low, high = low-0.5, high+0.5
	}
	return picture.Scale{Low: low, High: high, Ramp: picture.Diverging}
}

// difference adds |a - b|.
func (c *canvas) difference(caption string, a, b []*image.RGBA) {
	scale := picture.Scale{Low: 0, High: 0.5, Ramp: picture.Sequential}
	var cells []*image.RGBA
	for i := range a {
		f, err := picture.Difference(a[i], b[i])
		if err != nil {
			c.err = err
			return
		}
		cells = append(cells, f.Heat(scale))
	}
	c.add(caption, cells)
	c.grid.AddLegend("difference", scale)
}

// sparse adds what each hypothesis of the motion sees, [N, K+1, h, w, 3], as
// far as its mask [N, h, w, K+1] uses it.
func (c *canvas) sparse(deformed, masks tensorflow.Output) {
	if c.err != nil || deformed.Op == nil {
		return
	}
	shape := c.shapes[deformed]
	hypotheses, h, w := int(shape[1]), int(shape[2]), int(shape[3])
	all, err := picture.FromFloats(c.values[deformed], c.n*hypotheses, h, w)
	if err != nil {
		c.err = err
		return
	}
	for k := 0; k < hypotheses; k++ {
		fields, err := picture.Fields(c.values[masks], c.n, h, w, hypotheses, k)
		if err != nil {
			c.err = err
			return
		}
		var seen []*image.RGBA
		for i := 0; i < c.rows; i++ {
			one := fields[i].Mask(all[i*hypotheses+k])
			if k > 0 {
				// The keypoint's colour says which one it is.
				one = picture.Box(one, one.Rect, c.style.Colormap.Of(k-1, hypotheses-1), 1)
			}
			seen = append(seen, one)
		}
		caption := fmt.Sprintf("moved with keypoint %d, masked", k)
		if k == 0 {
			caption = "background, masked"
		}
		c.add(caption, seen)
	}
	c.grid.Notes = append(c.grid.Notes, "moved with keypoint k, masked: the source as keypoint k alone would move it, as far as that is used; "+
		"where it is chequered another one is. A keypoint that is chequered throughout moves nothing here.")
}

// noteDeformed explains what is black.
const noteDeformed = "deformed source: black comes from beyond the source's border."
