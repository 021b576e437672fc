package train

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// spoiler feeds NaN in place of an input whenever it is armed.
type spoiler struct {
	graph.Runner
	input tensorflow.Output
	armed func() bool
}

func (s *spoiler) Run(feeds map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	if t, ok := feeds[s.input]; ok && s.armed() {
		spoilt := map[tensorflow.Output]*tensorflow.Tensor{}
		for o, v := range feeds {
			spoilt[o] = v
		}
		values := make([]float64, elements(t))
		for i := range values {
			values[i] = math.NaN()
		}
		var err error
		if spoilt[s.input], err = graph.NewTensor(tensorflow.Float, values, t.Shape()...); err != nil {
			return nil, err
		}
		feeds = spoilt
	}
	return s.Runner.Run(feeds, fetches, targets)
}

func elements(t *tensorflow.Tensor) int {
	n := 1
	for _, d := range t.Shape() {
		n *= int(d)
	}
	return n
}

// TestRefusedStepsChangeNothing makes steps not finite, in a loss and in the
// mask op, and compares all that a checkpoint keeps, bit by bit.
func TestRefusedStepsChangeNothing(t *testing.T) {
	s, err := begin(t, t.TempDir(), tiny(t, model.PriorityCut, "sn=true", "max_refused_steps=3"))
	if err != nil {
		t.Fatal(err)
	}
	batches := s.loader.Prefetch(context.Background(), 0)
	defer batches.Close()

	tr := s.trainer()
	armed := false
	theta := &spoiler{Runner: s.session, input: s.step.Draws["theta"], armed: func() bool { return armed }}
	k := &spoiler{Runner: theta, input: s.step.Draws["k"], armed: func() bool { return false }}
	tr.run, tr.guard.run, tr.batches = k, k, batches

	take := func() {
		t.Helper()
		if m, err := tr.try(context.Background(), false); err != nil || m == nil {
			t.Fatalf("the step is not taken: %v", err)
		}
	}
	refuse := func() {
		t.Helper()
		before, at := state(t, s), tr.at
		m, err := tr.try(context.Background(), false)
		if err != nil || m != nil {
			t.Fatalf("the step is not refused: %v, %v", m, err)
		}
		if want := (Position{Step: at.Step, Attempt: at.Attempt + 1}); tr.at != want {
			t.Errorf("a refused step moves from %+v to %+v", at, tr.at)
		}
		for name, now := range state(t, s) {
			if !bytes.Equal(now, before[name]) {
				t.Errorf("a refused step changes %s", name)
			}
		}
	}
	take()
	kept := state(t, s)
	for _, name := range []string{"step", "optimizer.generator.step", "generator.first.norm.running_mean", "discriminator.conv.weight_u"} {
		if kept[name] == nil {
			t.Fatalf("the state has no %s", name)
		}
	}
	armed = true
	refuse()
	if why := tr.guard.diagnose(mustFeed(t, tr, s), errors.New("x")); !strings.Contains(why, "loss equivariance_value is NaN") {
		t.Errorf("a warp that is not a number is explained by %q", why)
	}
	armed = false
	take()
	k.armed = func() bool { return true }
	refuse()
	if why := tr.guard.diagnose(mustFeed(t, tr, s), errors.New("x")); !strings.Contains(why, "measurement background_fraction is NaN") {
		t.Errorf("a fraction that is not a number is explained by %q", why)
	}
	refuse()
	if _, err := tr.try(context.Background(), false); !errors.Is(err, errTooManyRefused) {
		t.Errorf("three refused steps in a row give %v", err)
	}
	if tr.at != (Position{Step: 2, Attempt: 6}) || tr.guard.total != 4 {
		t.Errorf("at %+v with %d refused", tr.at, tr.guard.total)
	}
	k.armed = func() bool { return false }
	take()
}

// mustFeed makes the feeds of the attempt after the next batch.
func mustFeed(t *testing.T, tr *trainer, s *session) []feeds {
	t.Helper()
	batch, err := s.loader.Batch(0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.step.AllFeeds(s.options, tr.valuesOf(batch))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOtherErrorsAreNoRefusals(t *testing.T) {
	for _, err := range []error{
		&tf.Error{Code: tf.ResourceExhausted, Message: refusedMark},
		&tf.Error{Code: tf.InvalidArgument, Message: "shapes disagree"},
		&tf.Error{Code: tf.InvalidArgument, Message: "PriorityCutMask: shapes disagree"},
		errors.New(refusedMark),
	} {
		if isRefusal(err) {
			t.Errorf("%v counts as a refused step", err)
		}
	}
}

// injector feeds NaN in the place of what the graph computes, whenever it is
// armed.
type injector struct {
	graph.Runner
	into  tensorflow.Output
	armed bool
}

func (i *injector) Run(feeds map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	if i.armed {
		shape, err := i.into.Shape().ToSlice()
		if err != nil {
			return nil, err
		}
		n := 1
		for _, d := range shape {
			n *= int(d)
		}
		values := make([]float64, n)
		values[n/2] = math.NaN()
		nan, err := graph.NewTensor(i.into.DataType(), values, shape...)
		if err != nil {
			return nil, err
		}
		feeds = maps.Clone(feeds)
		feeds[i.into] = nan
	}
	return i.Runner.Run(feeds, fetches, targets)
}

// TestEveryFamilyRefusesSteps: one number that is none changes not a bit of all
// that a checkpoint keeps, whether it comes with a picture in the middle of a run,
// or arises in the gradient of one weight while all losses are fine.
func TestEveryFamilyRefusesSteps(t *testing.T) {
	for name, c := range map[string]*config.Config{
		"prioritycut": tiny(t, model.PriorityCut, "sn=true", "max_refused_steps=3"),
		"monkeynet":   tinyFamily(t, tinymodel.MonkeyNet(), "max_refused_steps=3"),
		"x2face":      tinyFamily(t, tinymodel.X2Face(), "max_refused_steps=3"),
	} {
		t.Run(name, func(t *testing.T) { refusesSteps(t, c) })
	}
}

func refusesSteps(t *testing.T, c *config.Config) {
	s, err := begin(t, t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	batches := s.loader.Prefetch(context.Background(), 0)
	defer batches.Close()
	tr, in := s.trainer(), &injector{Runner: s.session}
	tr.run, tr.guard.run, tr.batches = in, in, batches
	try := func(taken bool) {
		t.Helper()
		if m, err := tr.try(context.Background(), false); err != nil || (m != nil) != taken {
			t.Fatalf("taken is %t, want %t: %v", m != nil, taken, err)
		}
	}
	try(true)
	places := map[string]tensorflow.Output{"source": s.step.Source, "driving": s.step.Driving}
	for i, name := range s.step.GradientNames {
		// The first and the last weights of each player, and some between them.
		if n := len(s.step.GradientNames); i%(n/4) == 0 || i == n-1 || ownerOf(name) != ownerOf(s.step.GradientNames[i-1]) {
			places["gradient of "+name] = s.step.Gradients[i]
		}
	}
	if len(places) < 6 {
		t.Fatalf("%d places of %d gradients", len(places), len(s.step.Gradients))
	}
	for what, into := range places {
		before, at := state(t, s), tr.at
		if before["step"] == nil || len(before) < 10 {
			t.Fatalf("the state is %d tensors", len(before))
		}
		in.into, in.armed = into, true
		try(false)
		why := tr.guard.diagnose(mustFeed(t, tr, s), errors.New("x"))
		if strings.HasPrefix(what, "gradient") && why != what+" is NaN" {
			t.Errorf("a NaN in the %s is explained by %q", what, why)
		}
		in.armed = false
		if want := (Position{Step: at.Step, Attempt: at.Attempt + 1}); tr.at != want {
			t.Errorf("%s: from %+v to %+v", what, at, tr.at)
		}
		now := state(t, s)
		for name, was := range before {
			if !bytes.Equal(now[name], was) {
				t.Errorf("%s: a refused step changes %s", what, name)
			}
		}
		try(true)
		if moved := state(t, s); bytes.Equal(moved["step"], before["step"]) {
			t.Error("a step that is taken changes nothing")
		}
	}
}

// ownerOf is whose a weight is, by its name.
func ownerOf(weight string) string {
	name, _, _ := strings.Cut(weight, ".")
	return name
}
