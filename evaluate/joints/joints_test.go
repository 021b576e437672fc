package joints

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// quick trains for a few seconds.
func quick() Options {
	o := DefaultOptions(shapes.Puppets)
	o.Width, o.Height = 32, 32
	o.Steps, o.HeldOut = 60, 192
	o.Session.Device = "cpu"
	return o
}

// TestTrainAndSave trains a small detector, which must find joints far better
// than somebody who says their mean place, and reads it back as a SavedModel.
func TestTrainAndSave(t *testing.T) {
	ctx := context.Background()
	o := quick()
	var losses []float64
	d, err := Train(ctx, o, func(p Progress) {
		if p.Steps != o.Steps || p.Step != len(losses)+1 {
			t.Errorf("step %d of %d comes after %d steps", p.Step, p.Steps, len(losses))
		}
		losses = append(losses, p.Loss)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if len(losses) != o.Steps || losses[len(losses)-1] > losses[0]-2 {
		t.Errorf("%d losses, from %v to %v", len(losses), losses[0], losses[len(losses)-1])
	}
	own, err := d.Measure(ctx)
	if err != nil {
		t.Fatal(err)
	}
	guess := meanPlaceError(t, o)
	t.Logf("%v; the mean place is %.2f pixels off", own, guess)
	if own.Frames != o.HeldOut || own.Pixels > guess/2 || own.Pixels > 1.5 {
		t.Errorf("error %.2f pixels on %d frames, the mean place has %.2f", own.Pixels, own.Frames, guess)
	}
	for _, e := range own.Joints {
		if missing := 100 - percent(e.Found, e.Visible); e.Visible == 0 || missing > mostMissing {
			t.Errorf("%+v, %.1f %% missing", e, missing)
		}
	}
	if hidden := percent(own.FalseVisible, own.Hidden); hidden > 80 { // it has not learned for long
		t.Errorf("%.1f %% of the hidden joints are called visible", hidden)
	}

	dir := filepath.Join(t.TempDir(), "detector")
	if err := d.Save(dir, own); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(dir, own); err == nil {
		t.Error("a folder that exists is written over")
	}
	compareSaved(t, d, dir, own)
}

// meanPlaceError is the mean absolute error of the visible joints' mean place
// over the held-out frames.
func meanPlaceError(t *testing.T, o Options) float64 {
	t.Helper()
	set, err := o.set(0, o.HeldOut/videoFrames)
	if err != nil {
		t.Fatal(err)
	}
	var truths []*shapes.Truth
	var mean [numJoints][2]float64
	var count [numJoints]float64
	for i := 0; i < o.HeldOut; i++ {
		v, err := set.Video(shapes.Test, i/videoFrames)
		if err != nil {
			t.Fatal(err)
		}
		truth, err := v.Truth(i % videoFrames)
		if err != nil {
			t.Fatal(err)
		}
		truths = append(truths, truth)
		for j, joint := range truth.Joints {
			if joint.Visible {
				mean[j][0] += joint.X
				mean[j][1] += joint.Y
				count[j]++
			}
		}
	}
	sum, n := 0.0, 0.0
	for _, truth := range truths {
		for j, joint := range truth.Joints {
			if joint.Visible {
				sum += math.Abs(joint.X-mean[j][0]/count[j]) + math.Abs(joint.Y-mean[j][1]/count[j])
				n += 2
			}
		}
	}
	return sum / n
}

// compareSaved calls the SavedModel and compares with the detector.
func compareSaved(t *testing.T, d *Detector, dir string, own Errors) {
	t.Helper()
	saved, err := savedmodel.Open(dir, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	draws, err := newDrawer(d.o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := draws.batch(7)
	if err != nil {
		t.Fatal(err)
	}
	image, err := tf.NewTensor(b.image, int64(d.o.Batch), int64(d.o.Height), int64(d.o.Width), 3)
	if err != nil {
		t.Fatal(err)
	}
	out, err := saved.Call(Signature, map[string]*tensorflow.Tensor{InputName: image})
	if err != nil {
		t.Fatal(err)
	}
	got, err := tf.Values[float32](out[OutputName])
	if err != nil {
		t.Fatal(err)
	}
	want, err := d.Detect(b.image)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != d.o.Batch*numJoints*3 {
		t.Fatalf("%d values", len(got))
	}
	for i, list := range want {
		for j, joint := range list {
			at := 3 * (i*numJoints + j)
			if math.Abs(float64(got[at])-joint.X)+math.Abs(float64(got[at+1])-joint.Y)+math.Abs(float64(got[at+2])-joint.Confidence) > 1e-4 {
				t.Fatalf("picture %d, %v: saved %v, detector %+v", i, shapes.JointID(j), got[at:at+3], joint)
			}
		}
	}
	extra, err := saved.Extra(DescriptionName)
	if err != nil {
		t.Fatal(err)
	}
	var text Description
	if err := json.Unmarshal(extra, &text); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(text.HeldOut, own) || len(text.Joints) != numJoints || text.Joints[shapes.LeftElbow] != "left elbow" || text.Threshold != Threshold {
		t.Errorf("description %+v", text)
	}
}

// TestEqualSeeds: equal seeds start from equal weights and see equal frames,
// other seeds do not.
func TestEqualSeeds(t *testing.T) {
	o := quick()
	o.Steps, o.Session.Deterministic = 2, false
	loss := func(seed int64) (last float64) {
		o.Seed = seed
		d, err := Train(context.Background(), o, func(p Progress) { last = p.Loss })
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		return last
	}
	a, b, c := loss(3), loss(3), loss(4)
	if math.Abs(a-b) > 1e-3 || math.Abs(a-c) < 1e-3 {
		t.Errorf("losses %v and %v of one seed, %v of another", a, b, c)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := quick()
	_, err := Train(ctx, o, func(p Progress) {
		if p.Step == 2 {
			cancel()
		}
		if p.Step > 3 {
			t.Errorf("step %d is taken after the end", p.Step)
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestLoss compares the loss with one computed in float64, and its gradient
// with differences of it.
func TestLoss(t *testing.T) {
	const n, w, h = 1, 64, 32 // neither doubled nor shrunk
	s := graph.New(tensorflow.Double)
	net := &network{w: w, h: h}
	cells := (w / 2) * (h / 2)
	r := random.New(1)
	logits := make([]float64, n*numJoints*cells)
	for i := range logits {
		logits[i] = 3 * r.Normal()
	}
	value, seen, visible := make([]float64, n*numJoints*2), make([]float64, n*numJoints), make([]float64, n*numJoints)
	for i := range seen {
		value[2*i], value[2*i+1] = r.Uniform(0, w-1), r.Uniform(0, h-1)
		visible[i] = r.Normal()
		if r.Bool() {
			seen[i] = 1
		}
	}
	in := s.Placeholder("logits", tensorflow.Double, n, int64(numJoints), int64(cells))
	d := detection{logits: in, visible: s.Values(visible, n, int64(numJoints))}
	d.value = s.MatMul(s.Softmax(in), net.cells(s))
	loss := net.loss(s, d, truth{value: s.Values(value, n, int64(numJoints), 2), visible: s.Values(seen, n, int64(numJoints))})
	gradient := s.GradientsOf(loss, []tensorflow.Output{in})
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	fed, err := tf.NewTensor(logits, n, int64(numJoints), int64(cells))
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.Run(map[tensorflow.Output]*tensorflow.Tensor{in: fed}, []tensorflow.Output{loss, gradient[0]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tf.Value[float64](out[0])
	if err != nil {
		t.Fatal(err)
	}
	slope, err := tf.Values[float64](out[1])
	if err != nil {
		t.Fatal(err)
	}
	want := func() float64 { return lossByHand(logits, value, seen, visible, w, h) }
	if v := want(); math.Abs(got-v) > 1e-9 {
		t.Errorf("loss %v, want %v", got, v)
	}
	const step = 1e-5
	for i := 0; i < len(logits); i += 97 {
		keep := logits[i]
		logits[i] = keep + step
		up := want()
		logits[i] = keep - step
		down := want()
		logits[i] = keep
		if v := (up - down) / (2 * step); math.Abs(slope[i]-v) > 1e-7 {
			t.Errorf("gradient %d is %v, want %v", i, slope[i], v)
		}
	}
}

// lossByHand is the loss for pictures that are not shrunk, cell by cell.
func lossByHand(logits, value, seen, visible []float64, w, h int) float64 {
	columns, rows := w/2, h/2
	cells := columns * rows
	located, count, binary := 0.0, 1.0, 0.0
	for at, s := range seen {
		binary += (math.Log(1+math.Exp(visible[at])) - s*visible[at]) / float64(len(seen))
		if s == 0 {
			continue
		}
		count++
		x, y := (value[2*at]-0.5)/2, (value[2*at+1]-0.5)/2 // in cells
		sum, aimSum := 0.0, 0.0
		aim := make([]float64, cells)
		for c := range aim {
			dx, dy := float64(c%columns)-x, float64(c/columns)-y
			aim[c] = math.Exp(-(dx*dx + dy*dy) / (2 * 0.8 * 0.8))
			aimSum += aim[c]
			sum += math.Exp(logits[at*cells+c])
		}
		px, py := 0.0, 0.0
		for c := range aim {
			p := math.Exp(logits[at*cells+c]) / sum
			located -= aim[c] / aimSum * math.Log(p)
			px += p * float64(c%columns)
			py += p * float64(c/columns)
		}
		located += (math.Abs(px-x) + math.Abs(py-y)) / 2
	}
	return located/count + binary
}

// TestErrors counts by hand.
func TestErrors(t *testing.T) {
	truth := &shapes.Truth{}
	found := make([]Joint, numJoints)
	truth.Joints[0] = shapes.Joint{X: 10, Y: 20, Visible: true}
	found[0] = Joint{X: 11, Y: 17, Confidence: 0.9} // 2 off
	truth.Joints[1] = shapes.Joint{X: 5, Y: 5, Visible: true}
	found[1] = Joint{X: 5, Y: 6, Confidence: 0.5} // 0.5 off, just found
	truth.Joints[2] = shapes.Joint{X: 1, Y: 1, Visible: true}
	found[2] = Joint{X: 60, Y: 60, Confidence: 0.49} // missed: does not count as off
	found[3] = Joint{Confidence: 0.8}                // hidden, called visible
	var sum errorSum
	sum.add(truth, found)
	sum.add(&shapes.Truth{}, make([]Joint, numJoints)) // nothing to be found: no part of the mean
	want := Errors{Frames: 2, Pixels: 1.25, Visible: 3, Found: 2, Hidden: 2*numJoints - 3, FalseVisible: 1}
	got := sum.mean()
	for j, e := range got.Joints {
		one := JointError{Joint: shapes.JointID(j).String()}
		switch j {
		case 0:
			one.Pixels, one.Visible, one.Found = 2, 1, 1
		case 1:
			one.Pixels, one.Visible, one.Found = 0.5, 1, 1
		case 2:
			one.Visible = 1
		}
		if e != one {
			t.Errorf("joint %+v, want %+v", e, one)
		}
	}
	words := got.Weak()
	if len(words) != 1 || !strings.Contains(words[0], "neck: 100.0 % missing") {
		t.Errorf("weak: %q", words)
	}
	got.Joints = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if got := (&errorSum{}).mean(); got.Frames != 0 || got.Pixels != 0 || len(got.Weak()) > 0 {
		t.Errorf("no frames give %+v", got)
	}
	wrist := Errors{Joints: []JointError{{"left wrist", 0.51, 100, 99}, {"right wrist", 0.5, 100, 98}, {"nose", 3, 1, 1}}}
	if words := wrist.Weak(); len(words) != 1 || !strings.Contains(words[0], "left wrist: 0.51 pixels") {
		t.Errorf("weak: %q", words)
	}
}

func TestRefusals(t *testing.T) {
	for _, size := range [][2]int{{64, 64}, {96, 48}, {128, 128}, {256, 256}, {16, 16}, {192, 64}, {40, 24}} {
		if err := CheckSize(size[0], size[1]); err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
	for size, want := range map[[2]int]string{
		{8, 64}: "must lie in", {64, 2048}: "must lie in", {60, 64}: "multiples of 16", {128, 80}: "multiples of 32", {36, 24}: "multiples of 8",
	} {
		if err := CheckSize(size[0], size[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", size, err)
		}
	}
	for name, spoil := range map[string]func(*Options){
		"steps": func(o *Options) { o.Steps = 0 }, "batch": func(o *Options) { o.Batch = maxBatch + 1 },
		"held-out": func(o *Options) { o.HeldOut = 0 }, "device": func(o *Options) { o.Session.Device = "toaster" },
	} {
		o := quick()
		spoil(&o)
		if _, err := Train(context.Background(), o, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestBlur keeps what is even, and the sum of what is not.
func TestBlur(t *testing.T) {
	const w, h = 24, 20
	pix := make([]float32, 3*w*h)
	for i := range pix {
		pix[i] = 0.25
	}
	pix[3*(10*w+12)+1] = 1.25
	blur(pix, w, h, 1.1)
	sum, peak := 0.0, float32(0)
	for i, v := range pix {
		if i%3 == 1 {
			sum += float64(v)
			peak = max(peak, v)
		} else if math.Abs(float64(v)-0.25) > 1e-6 {
			t.Fatalf("value %d of another channel is %v", i, v)
		}
	}
	if math.Abs(sum-0.25*w*h-1) > 1e-4 {
		t.Errorf("the sum became %v", sum)
	}
	if want := 0.25 + 1/(2*math.Pi*1.1*1.1); math.Abs(float64(peak)-want) > 0.005 {
		t.Errorf("the peak is %v, want %v", peak, want)
	}
}

// TestBarOf: so few of a joint's frames lie below the bar, which is never raised.
func TestBarOf(t *testing.T) {
	logits := make([]float64, 1000)
	for i, j := range random.New(3).Perm(len(logits)) {
		logits[i] = float64(j) - 20.5
	}
	if got := barOf(logits); got != -15.5 { // five are below
		t.Errorf("the bar is %v", got)
	}
	if got := barOf([]float64{2, 3}); got != 0 {
		t.Errorf("the bar of what is always seen is %v", got)
	}
	if got := barOf(nil); got != 0 {
		t.Errorf("the bar of what is never seen is %v", got)
	}
	for _, p := range []float64{0, 1e-3, 0.5, 1} {
		if l := logit(p); math.Abs(1/(1+math.Exp(-l))-p) > 1e-6 {
			t.Errorf("the logit of %v is %v", p, l)
		}
	}
}

// TestSmallPictures: cells of doubled ones are their pixels.
func TestSmallPictures(t *testing.T) {
	z := zoomOf(32, 16)
	if z != (zoom{shrink: 1, grow: 2}) || z.place(0.5) != 0 || z.place(2*31+0.5) != 31 || 2*z.pixel() != 1 {
		t.Errorf("%+v: %v, %v, %v", z, z.place(0.5), z.place(62.5), z.pixel())
	}
}

// TestLargePictures: shrunken ones give places in pixels of the picture.
func TestLargePictures(t *testing.T) {
	s := graph.New(tensorflow.Double)
	n := &network{w: 256, h: 128}
	cells := n.cells(s)
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	out, err := session.Run(nil, []tensorflow.Output{cells}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := tf.Values[float64](out[0])
	if err != nil {
		t.Fatal(err)
	}
	// Shrunk by 2 to 128x64, halved to 64x32.
	const last = 64*32 - 1
	if len(v) != 2*64*32 || v[0] != 1 || v[1] != 1 || v[2*65] != 5 || v[2*65+1] != 5 || v[2*last] != 253 || v[2*last+1] != 125 {
		t.Errorf("%d values: first %v, last %v", len(v), v[:2], v[len(v)-2:])
	}
}
