package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// takeStep runs one step with the values that the reference drew.
func (r *goldenRun) takeStep(i int) {
	r.t.Helper()
	all := make([]feeds, max(r.micro, 1))
	for part := range all {
		all[part] = r.feeds(i)
		if r.micro > 0 {
			all[part][r.step.Part] = r.double([]float64{float64(part)})
		}
	}
	fetches := r.fetches()
	shown := []tensorflow.Output{r.step.Shown[model.Prediction]}
	if r.step.Shown[model.CutMask].Op != nil {
		shown = append(shown, r.step.Shown[model.CutMask])
	}
	before, err := r.session.Run(all[0], shown, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := r.step.Take(context.Background(), r.session, all, fetches)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.micro > 0 { // what is shown is computed with a micro-batch, not with the update
		for i, o := range shown {
			out[slices.Index(fetches, o)] = before[i]
		}
	}
	r.compareLosses(i, r.values(out[0]))
	if i == 0 {
		prediction := r.maps(r.train, "step0_prediction")
		r.report.Compare(r.t, prediction.Name, r.values(out[1]), prediction.Data, golden.TrainGradients)
		r.compareGradients(out[2 : 2+len(r.step.Gradients)])
	}
	if r.step.Shown[model.CutMask].Op != nil {
		r.compareMask(i, out[2+len(r.step.Gradients):])
	}
}

// fetches are the same for every step, so that TensorFlow prepares them once:
// losses, prediction, gradients, mask and statistics.
func (r *goldenRun) fetches() []tensorflow.Output {
	shown := r.step.Shown
	list := append([]tensorflow.Output{r.step.Losses, shown[model.Prediction]}, r.step.Gradients...)
	if shown[model.CutMask].Op != nil {
		list = append(list, shown[model.CutMask], r.step.Stats)
	}
	return list
}

func (r *goldenRun) feeds(i int) map[tensorflow.Output]*tensorflow.Tensor {
	r.t.Helper()
	given := func(name string) *tensorflow.Tensor {
		a := r.array(r.train, fmt.Sprintf("step%d_%s", i, name))
		return r.double(a.Data, a.Dims()...)
	}
	picture := func(name string) *tensorflow.Tensor {
		a := r.maps(r.forward, name)
		return r.double(a.Data, a.Dims()...)
	}
	k := make([]float32, 2)
	if len(r.train.Names("k")) > 0 {
		k = r.array(r.train, "k").Float32s()[2*i : 2*i+2]
	}
	kTensor, err := tf.NewTensor(k, 2)
	if err != nil {
		r.t.Fatal(err)
	}
	in := r.step.Inputs
	fed := map[tensorflow.Output]*tensorflow.Tensor{
		in.Source: picture("in_source"), in.Driving: picture("in_driving"),
		in.Draws["theta"]: given("theta"), in.Draws["control_params"]: given("control_params"),
		in.Draws["k"]: kTensor, in.Warmup: r.double([]float64{1}),
	}
	for _, rate := range in.Rates {
		fed[rate] = r.double([]float64{goldenRate})
	}
	return fed
}

func (r *goldenRun) values(x *tensorflow.Tensor) []float64 {
	r.t.Helper()
	v, err := tf.Values[float64](x)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// compareLosses compares every term by its name.
func (r *goldenRun) compareLosses(i int, got []float64) {
	r.t.Helper()
	terms := []string{"perceptual", "gen_gan", "feature_matching", "equivariance_value", "equivariance_jacobian"}
	if r.network == "disc_ms" {
		terms = append(terms, "disc_gan")
	} else {
		terms = append(terms, "disc_enc", "disc_dec", "disc_cons")
	}
	want := r.array(r.train, "losses_step_x_term").Data
	if len(got) != len(terms) || len(want) != goldenSteps*len(terms) {
		r.t.Fatalf("losses are %v, and %d in the file; want %d steps of %v", r.step.LossNames, len(want), goldenSteps, terms)
	}
	for j, name := range r.step.LossNames {
		if name != terms[j] {
			r.t.Errorf("loss %d is %s, want %s", j, name, terms[j])
		}
		at := i*len(terms) + j
		r.report.Compare(r.t, fmt.Sprintf("step%d %s", i, name), got[j:j+1], want[at:at+1], golden.TrainLosses)
	}
}

// compareMask compares which pixels were cut, and the background's share.
func (r *goldenRun) compareMask(i int, out []*tensorflow.Tensor) {
	r.t.Helper()
	mask := r.array(r.train, fmt.Sprintf("step%d_mask", i))
	r.report.Compare(r.t, mask.Name, r.values(out[0]), mask.Data, golden.Exact)
	share := r.array(r.train, fmt.Sprintf("step%d_background_fraction", i)).Data
	for j, name := range r.step.StatNames {
		if name == "background_fraction" {
			mean := []float64{(share[0] + share[1]) / 2}
			r.report.Compare(r.t, fmt.Sprintf("step%d %s", i, name), r.values(out[1])[j:j+1], mean, golden.TrainGradients)
			return
		}
	}
	r.t.Errorf("no statistic is called background_fraction: %v", r.step.StatNames)
}

// compareGradients compares those of the first step. What is listed as zero
// must be zero; of the others none is, or the list would lack it.
func (r *goldenRun) compareGradients(out []*tensorflow.Tensor) {
	r.t.Helper()
	for j, name := range r.step.GradientNames {
		want := r.array(r.train, "step0_grad."+r.nameOf(name)).Weight()
		got := r.values(out[j])
		if r.zero[name] {
			r.report.Compare(r.t, want.Name, got, make([]float64, len(got)), golden.ZeroGradient)
			continue
		}
		r.report.Compare(r.t, want.Name, got, want.Data, golden.TrainGradients)
		if largest(got) < golden.ZeroGradient.Tol {
			r.t.Errorf("the gradient of %s is zero, but not on the list of those", name)
		}
	}
	if n := len(r.train.Names("step0_grad.")); n != len(out) {
		r.t.Errorf("%d gradients, the file holds %d", len(out), n)
	}
}

// largest is the largest absolute value.
func largest(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = math.Max(most, math.Abs(v))
	}
	return most
}

// compareDeltas compares how far weights, averages and spectral vectors have
// moved.
func (r *goldenRun) compareDeltas() {
	r.t.Helper()
	vars := r.s.Variables(graph.Trainable, graph.State, graph.Frozen)
	after, err := graph.Fetch(r.session, vars)
	if err != nil {
		r.t.Fatal(err)
	}
	compared := 0
	for _, v := range vars {
		delta := r.values(after[v])
		for i, before := range r.initial[v] {
			delta[i] -= before
		}
		if v.Kind == graph.Frozen {
			r.report.Compare(r.t, v.Name, delta, make([]float64, len(delta)), golden.Exact)
			continue
		}
		want := r.array(r.train, "delta3."+r.nameOf(v.Name)).Weight()
		compared++
		rule := golden.TrainDeltas
		switch {
		case r.zero[v.Name]:
			clear(want.Data)
			rule = golden.ZeroChange
		case stays(v):
			clear(want.Data)
			rule = golden.Exact
		}
		r.report.Compare(r.t, want.Name, delta, want.Data, rule)
	}
	if n := len(r.train.Names("delta3.")) - constantKernels(r.train); n != compared {
		r.t.Errorf("%d variables were compared, the file holds %d", compared, n)
	}
}

// stays reports whether v is a spectral vector of one element, which has the
// length 1 before and after.
func stays(v *graph.Variable) bool {
	return v.Size() == 1 && strings.HasSuffix(v.Name, ".weight_u")
}

// constantKernels counts the anti-alias kernels among the changes: buffers of
// the reference, no variables of ours, that do not move.
func constantKernels(f *golden.File) int {
	n := 0
	for _, name := range f.Names("delta3.") {
		if strings.HasSuffix(name, ".down.weight") {
			n++
		}
	}
	return n
}
