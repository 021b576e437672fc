package monkeynet

import (
	"fmt"
	"math"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/modeltest"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// players are both losses from one forward pass: the detector on both pictures,
// the generator, the discriminator's view of fake and real with keypoints
// attached, and for its own loss detached.
func (g *goldenGraph) players(s *graph.Scope) (generator, discriminator []Term, out Generation, kp [2]Detection, fake, real Judgement) {
	kp[0], kp[1] = g.animator.KPDetector.DetectBoth(s.At("kp_detector"), g.source, g.driving)
	out = g.animator.Generator.Generate(s.At("generator"), g.source, kp[0].Keypoints, kp[1].Keypoints)
	at := s.At("discriminator")
	fake = g.discriminator.Judge(at, out.Prediction, kp[1].Keypoints)
	real = g.discriminator.Judge(at, g.driving, kp[1].Keypoints)
	w := g.config.Train.Weights
	generator = GeneratorTerms(s, w, out.Deformed(), g.driving, fake, real)
	still := kp[1].Keypoints.Detach(s)
	ownFake := g.discriminator.Judge(at, s.StopGradient(out.Prediction), still)
	ownReal := g.discriminator.Judge(at, g.driving, still)
	return generator, DiscriminatorTerms(s, w, ownFake, ownReal), out, kp, fake, real
}

func total(s *graph.Scope, terms []Term) tensorflow.Output {
	sum := s.Scalar(0)
	for _, t := range terms {
		sum = s.Add(sum, s.Scale(t.Value, t.Weight))
	}
	return sum
}

// variables are the trainable ones of both players.
func (g *goldenGraph) variables() (generator, discriminator []*graph.Variable) {
	for _, v := range g.S.Variables(graph.Trainable) {
		if strings.HasPrefix(v.Name, "discriminator.") {
			discriminator = append(discriminator, v)
		} else {
			generator = append(generator, v)
		}
	}
	return generator, discriminator
}

// TestGoldenGradients compares all gradients in eval mode.
func TestGoldenGradients(t *testing.T) {
	for _, name := range goldenNames {
		t.Run(name, func(t *testing.T) {
			var report golden.Report
			align := loadConfig(t, name).AlignCorners
			g := newGoldenGraph(t, tensorflow.Float, name, "grads", align, &report)
			generator, discriminator, _, _, _, _ := g.players(g.S)
			ofG, ofD := g.variables()
			lossG, lossD := total(g.S, generator), total(g.S, discriminator)
			g.Want("total_generator", lossG, modeltest.AsIs, golden.MonkeyGradients)
			g.Want("total_discriminator", lossD, modeltest.AsIs, golden.MonkeyGradients)
			zero := zeroGradients(t, name+"_grads")
			for i, d := range g.S.Gradients(lossG, ofG) {
				g.wantGradient("grad.", ofG[i], d, zero, golden.MonkeyGradients, golden.ZeroGradient32)
			}
			for i, d := range g.S.Gradients(lossD, ofD) {
				g.wantGradient("grad.", ofD[i], d, zero, golden.MonkeyGradients, golden.ZeroGradient32)
			}
			g.Run(weightsOf(t, name))
			modeltest.Every(t, g.File, g.Compared())
			report.Log(t)
		})
	}
}

func zeroGradients(t *testing.T, file string) map[string]bool {
	t.Helper()
	zero, err := golden.ZeroGradients(golden.Baselines + "monkey_" + file)
	if err != nil {
		t.Fatal(err)
	}
	return zero
}

// wantGradient asks for a gradient to equal the file's, or to be zero where it
// is by construction.
func (g *goldenGraph) wantGradient(prefix string, v *graph.Variable, d tensorflow.Output, zero map[string]bool, rule, none golden.Rule) {
	g.T.Helper()
	if !zero[v.Name] {
		g.Want(prefix+v.Name, d, modeltest.AxesOf(v), rule)
		return
	}
	g.WantSample(golden.Sample{
		Name: prefix + v.Name, Shape: []int{v.Size()}, Values: make([]float64, v.Size()),
	}, d, modeltest.AxesOf(v), none)
}

// TestGoldenSteps takes three whole steps in train mode in float64.
func TestGoldenSteps(t *testing.T) {
	for _, name := range goldenNames {
		t.Run(name, func(t *testing.T) {
			var report golden.Report
			newGoldenSteps(t, name, &report).run()
			report.Log(t)
		})
	}
}

type goldenSteps struct {
	*goldenGraph
	name   string
	zero   map[string]bool
	losses tensorflow.Output
	train  []*tensorflow.Operation
}

func newGoldenSteps(t *testing.T, name string, report *golden.Report) *goldenSteps {
	align := loadConfig(t, name).AlignCorners
	r := &goldenSteps{
		goldenGraph: newGoldenGraph(t, tensorflow.Double, name, "train3", align, report),
		name:        name, zero: zeroGradients(t, name+"_train3"),
	}
	s := r.S.WithTraining(true)
	generator, discriminator, out, kp, fake, real := r.players(s)
	var losses []tensorflow.Output
	for _, term := range append(append([]Term(nil), generator...), discriminator...) {
		losses = append(losses, s.Scale(term.Value, term.Weight))
	}
	r.losses = s.Stack(0, losses...)
	ofG, ofD := r.variables()
	gradG, gradD := s.Gradients(total(s, generator), ofG), s.Gradients(total(s, discriminator), ofD)

	lr := s.Scalar(2e-4)
	adamG := graph.NewAdam(s, "optimizer_generator", ofG, lr, 0.5, 0.999, 1e-8)
	adamD := graph.NewAdam(s, "optimizer_discriminator", ofD, lr, 0.5, 0.999, 1e-8)
	ready := append(append(append([]tensorflow.Output{r.losses}, gradG...), gradD...), s.PendingUpdates()...)
	barrier := s.Barrier(append(append(ready, adamG.Reads()...), adamD.Reads()...)...)

	r.wantStep0(out, kp, fake, real)
	for i, v := range append(append([]*graph.Variable(nil), ofG...), ofD...) {
		d := append(append([]tensorflow.Output(nil), gradG...), gradD...)[i]
		r.wantGradient("step0_grad.", v, d, r.zero, golden.TrainGradients, golden.ZeroGradient)
	}
	for _, v := range s.Variables(graph.State) {
		r.Want("after1."+v.Name, s.Pending(v), modeltest.AsIs, golden.BaselineTrain)
	}
	r.train = append(r.train, adamG.Apply(s, gradG, barrier)...)
	r.train = append(r.train, adamD.Apply(s, gradD, barrier)...)
	r.train = append(r.train, s.Commit(barrier)...)
	return r
}

func (r *goldenSteps) wantStep0(out Generation, kp [2]Detection, fake, real Judgement) {
	maps := func(name string, x tensorflow.Output) { r.Want("step0_"+name, x, modeltest.Maps, golden.BaselineTrain) }
	maps("prediction", out.Prediction)
	maps("deformed", out.Deformed())
	maps("disc_fake_scores", fake.Scores())
	maps("disc_real_scores", real.Scores())
	for i, when := range []string{"source", "driving"} {
		r.Want("step0_kp_"+when+"_mean", kp[i].Mean, modeltest.AsIs, golden.BaselineTrain)
		r.Want("step0_kp_"+when+"_var", kp[i].Var, modeltest.AsIs, golden.BaselineTrain)
	}
}

func (r *goldenSteps) run() {
	weights := weightsOf(r.T, r.name)
	session := r.Start(weights)
	table, err := r.File.Array("losses_step_x_term")
	if err != nil {
		r.T.Fatal(err)
	}
	terms := len(r.config.LossTerms)
	for step := 0; step < 3; step++ {
		fetches := []tensorflow.Output{r.losses}
		if step == 0 {
			fetches = append(fetches, r.Outputs()...)
		}
		out, err := session.Run(nil, fetches, r.train)
		if err != nil {
			r.T.Fatal(err)
		}
		want := table.Data[step*terms : (step+1)*terms]
		r.Report.Compare(r.T, fmt.Sprintf("losses of step %d", step), tftest.Values(r.T, out[0]), want, golden.TrainLosses)
		if step == 0 {
			r.Compare(out[1:])
		}
	}
	seen := r.Compared()
	r.compareDeltas(session, weights, seen)
	modeltest.Every(r.T, r.File, seen, "losses_step_x_term")
}

// compareDeltas compares how far weights and averages have moved.
func (r *goldenSteps) compareDeltas(session graph.Runner, weights func(*graph.Variable) golden.Array, seen map[string]bool) {
	vars := r.S.Variables(graph.Trainable, graph.State)
	after, err := graph.Fetch(session, vars)
	if err != nil {
		r.T.Fatal(err)
	}
	for _, v := range vars {
		want, err := r.File.Sample("delta3." + v.Name)
		if err != nil {
			r.T.Fatal(err)
		}
		got, err := want.Of(modeltest.Delta(r.T, v, after[v], weights(v)))
		if err != nil {
			r.T.Fatal(err)
		}
		rule := golden.MonkeyTrainDeltas
		if r.zero[v.Name] {
			clear(want.Values)
			rule = golden.ZeroChange
		} else if v.Kind == graph.Trainable && largest(got) < 1e-4 {
			r.T.Errorf("%s has hardly moved", v.Name)
		}
		r.Report.Compare(r.T, want.Name, got, want.Values, rule)
		seen[want.Name] = true
	}
}

func largest(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = math.Max(most, math.Abs(v))
	}
	return most
}
