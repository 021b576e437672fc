package train_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/modeltest"
	"github.com/prioritycut/prioritycut/model/modeltest/baselines"
	"github.com/prioritycut/prioritycut/model/monkeynet"
	"github.com/prioritycut/prioritycut/model/x2face"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
	"github.com/prioritycut/prioritycut/train"
)

// familyCase is another family than FOMM whose steps the reference results hold.
type familyCase struct {
	name   string
	family model.Family
	rate   float64
	losses string // the array of the losses
	deltas golden.Rule
	// shown are names of the file and the step's pictures.
	shown map[string]string
	// micro is the number of micro-batches of a step, each of the file's batch; 0
	// takes the batch at once.
	micro int
}

func familyCases(t testing.TB) []familyCase {
	var cases []familyCase
	for _, name := range []string{"vox", "bair", "single"} {
		c := baselines.MonkeyNetConfig(t, name)
		cases = append(cases, familyCase{
			name: "monkey_" + name, family: &monkeynet.Family{Params: c.Model, Weights: c.Weights}, rate: 2e-4,
			losses: "losses_step_x_term", deltas: golden.MonkeyTrainDeltas,
			shown: map[string]string{
				"prediction": model.Prediction, "deformed": model.Deformed,
				"kp_source_mean": model.KPSource + model.Value, "kp_driving_mean": model.KPDriving + model.Value,
			},
		})
	}
	return append(cases, familyCase{
		name: "x2face", family: &x2face.Family{Params: baselines.X2FaceParams(t), Momentum: 0.9}, rate: 1e-3,
		losses: "losses", deltas: golden.X2FaceTrainDeltas, shown: map[string]string{"prediction": model.Prediction},
	})
}

// TestGoldenStepsOfOtherFamilies takes three whole steps in float64 through the
// function that builds the trainer's step, and compares losses, the first step's
// gradients and pictures, and how far everything moved, with what the public
// programs computed.
func TestGoldenStepsOfOtherFamilies(t *testing.T) {
	cases := familyCases(t)
	for _, c := range familyCases(t) {
		c.micro = 2
		cases = append(cases, c)
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s, %d micro-batches", c.name, c.micro), func(t *testing.T) {
			var report golden.Report
			r := newFamilyRun(t, c, &report)
			r.takeSteps()
			report.Log(t)
		})
	}
}

// familyRun is a training step in float64 with the reference's weights.
type familyRun struct {
	familyCase
	*modeltest.Graph
	step    *train.Step
	zero    map[string]bool
	session *tf.Session
	weights func(*graph.Variable) golden.Array
}

func newFamilyRun(t *testing.T, c familyCase, report *golden.Report) *familyRun {
	file := golden.Baselines + c.name
	r := &familyRun{familyCase: c, Graph: modeltest.New(t, modeltest.Double, file+"_train3", report)}
	frames := modeltest.Load(t, file+"_forward")
	shape, err := frames.Array("in_frames")
	if err != nil {
		t.Fatal(err)
	}
	o := train.StepOptions{Batch: 2 * max(c.micro, 1), Height: shape.Shape[2], Width: shape.Shape[3], Family: c.family, Accumulate: c.micro}
	if r.step, err = train.BuildStep(r.S, o); err != nil {
		t.Fatal(err)
	}
	if r.zero, err = golden.ZeroGradients(file + "_train3"); err != nil {
		t.Fatal(err)
	}
	r.want()
	r.weights = modeltest.Weights(t, modeltest.Load(t, file+"_weights"))
	r.session = r.Start(r.weights)
	return r
}

// want lists what the first step is compared by.
func (r *familyRun) want() {
	s := r.S
	for name, shown := range r.shown {
		order := modeltest.AsIs
		if len(s.Shape(r.step.Shown[shown])) == 4 {
			order = modeltest.Maps
		}
		r.Want("step0_"+name, r.step.Shown[shown], order, golden.BaselineTrain)
	}
	for i, name := range r.step.GradientNames {
		r.WantGradient("step0_grad.", s.VariableNamed(name), r.step.Gradients[i], r.zero, golden.TrainGradients, golden.ZeroGradient)
	}
}

func (r *familyRun) feeds() map[tensorflow.Output]*tensorflow.Tensor {
	one := tftest.Of(r.T, []float64{1})
	feeds := map[tensorflow.Output]*tensorflow.Tensor{
		r.step.Source:  modeltest.FrameTensor(r.T, r.frames(), 0, 1),
		r.step.Driving: modeltest.FrameTensor(r.T, r.frames(), 2, 3),
	}
	for _, rate := range r.step.Rates {
		feeds[rate] = tftest.Of(r.T, []float64{r.rate})
	}
	feeds[r.step.Warmup] = one
	return feeds
}

// parts are the feeds of all micro-batches, or of the one batch.
func (r *familyRun) parts() []map[tensorflow.Output]*tensorflow.Tensor {
	all := make([]map[tensorflow.Output]*tensorflow.Tensor, max(r.micro, 1))
	for part := range all {
		all[part] = r.feeds()
		if r.micro > 0 {
			all[part][r.step.Part] = tftest.Of(r.T, []float64{float64(part)})
		}
	}
	return all
}

func (r *familyRun) frames() *golden.File {
	return modeltest.Load(r.T, golden.Baselines+r.name+"_forward")
}

func (r *familyRun) takeSteps() {
	table, err := r.File.Array(r.losses)
	if err != nil {
		r.T.Fatal(err)
	}
	terms, all := len(table.Data)/3, r.parts()
	shown, err := r.session.Run(all[0], r.Outputs()[:len(r.shown)], nil)
	if err != nil {
		r.T.Fatal(err)
	}
	for step := 0; step < 3; step++ {
		fetches := []tensorflow.Output{r.step.Losses}
		if step == 0 {
			fetches = append(fetches, r.Outputs()...)
		}
		out, err := r.step.Take(context.Background(), r.session, all, fetches)
		if err != nil {
			r.T.Fatal(err)
		}
		if step == 0 && r.micro > 0 { // what is shown is computed with a micro-batch, not with the update
			copy(out[1:], shown)
		}
		want := table.Data[step*terms : (step+1)*terms]
		r.Report.Compare(r.T, fmt.Sprintf("losses of step %d", step), tftest.Values(r.T, out[0]), want, golden.TrainLosses)
		if step == 0 {
			r.Compare(out[1:])
			r.compareAverages()
		}
	}
	seen := r.Compared()
	r.compareDeltas(seen)
	// What the step does not show is compared where the networks are.
	modeltest.Every(r.T, r.File, seen, "loss_names", r.losses, "after1.", "step0_kp_source_var", "step0_kp_driving_var", "step0_disc_", "step0_deformed", "two_")
}

// compareAverages compares running averages after one step.
func (r *familyRun) compareAverages() {
	averages := r.S.Variables(graph.State)
	after, err := graph.Fetch(r.session, averages)
	if err != nil {
		r.T.Fatal(err)
	}
	for _, v := range averages {
		want, err := r.File.Sample("after1." + v.Name)
		if err != nil {
			r.T.Fatal(err)
		}
		r.Report.Compare(r.T, want.Name, tftest.Values(r.T, after[v]), want.Values, golden.BaselineTrain)
	}
}

// compareDeltas compares how far weights and averages have moved.
func (r *familyRun) compareDeltas(seen map[string]bool) {
	vars := r.S.Variables(graph.Trainable, graph.State)
	after, err := graph.Fetch(r.session, vars)
	if err != nil {
		r.T.Fatal(err)
	}
	for _, v := range vars {
		want, err := r.File.Sample("delta3." + v.Name)
		if err != nil {
			r.T.Fatal(err)
		}
		got, err := want.Of(modeltest.Delta(r.T, v, after[v], r.weights(v)))
		if err != nil {
			r.T.Fatal(err)
		}
		seen[want.Name] = true
		still := len(got)
		switch {
		case r.zero[v.Name]:
			still = 0
		case r.zero[v.Name+"[2]"]: // the confidence of a single source
			still = len(got) / 3 * 2
		}
		if still < len(got) {
			r.Report.Compare(r.T, want.Name+", zero by construction", got[still:], make([]float64, len(got)-still), golden.ZeroChange)
		}
		if still > 0 {
			r.Report.Compare(r.T, want.Name, got[:still], want.Values[:still], r.deltas)
		}
		if v.Kind == graph.Trainable && still > 0 && strings.HasPrefix(r.name, "monkey") && modeltest.Largest(got) < 1e-4 {
			r.T.Errorf("%s has hardly moved", v.Name)
		}
	}
}
