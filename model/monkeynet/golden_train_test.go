package monkeynet

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"golang.org/x/sys/cpu"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/modeltest"
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

// TestGoldenGradients compares all gradients in eval mode: in float64, by our own
// kernels, and by TensorFlow's float32, but for bair's by that on processors
// without AVX-512: of the 32,768 values that the ReLU of
// generator.video_decoder.up_blocks.2 sees one is 9e-7, of values up to 3.2, and
// is rounded below zero there, so that what is before it gets gradients 1.1 times
// as far away as allowed; in float64 they are within a fourteenth of that.
func TestGoldenGradients(t *testing.T) {
	for _, name := range goldenNames {
		for _, with := range []modeltest.Arithmetic{modeltest.Double, modeltest.Single, modeltest.Own} {
			if name == "bair" && with == modeltest.Single && !cpu.X86.HasAVX512F {
				continue
			}
			t.Run(name+", "+with.Name, func(t *testing.T) { checkGradients(t, with, name) })
		}
	}
}

func checkGradients(t *testing.T, with modeltest.Arithmetic, name string) {
	var report golden.Report
	align := loadConfig(t, name).AlignCorners
	g := newGoldenGraph(t, with, name, "grads", align, &report)
	generator, discriminator, _, _, _, _ := g.players(g.S)
	ofG, ofD := g.variables()
	lossG, lossD := total(g.S, generator), total(g.S, discriminator)
	g.Want("total_generator", lossG, modeltest.AsIs, golden.MonkeyGradients)
	g.Want("total_discriminator", lossD, modeltest.AsIs, golden.MonkeyGradients)
	zero := zeroGradients(t, name+"_grads")
	for i, d := range g.S.Gradients(lossG, ofG) {
		g.WantGradient("grad.", ofG[i], d, zero, golden.MonkeyGradients, golden.ZeroGradient32)
	}
	for i, d := range g.S.Gradients(lossD, ofD) {
		g.WantGradient("grad.", ofD[i], d, zero, golden.MonkeyGradients, golden.ZeroGradient32)
	}
	g.Run(weightsOf(t, name))
	modeltest.Every(t, g.File, g.Compared())
	report.Log(t)
}

func zeroGradients(t *testing.T, file string) map[string]bool {
	t.Helper()
	zero, err := golden.ZeroGradients(golden.Baselines + "monkey_" + file)
	if err != nil {
		t.Fatal(err)
	}
	return zero
}

// TestGoldenTrainMode compares the values of a pass in train mode in float64,
// and the running averages behind it. Gradients and steps are compared where the
// training step is built.
func TestGoldenTrainMode(t *testing.T) {
	for _, name := range goldenNames {
		t.Run(name, func(t *testing.T) {
			var report golden.Report
			align := loadConfig(t, name).AlignCorners
			g := newGoldenGraph(t, modeltest.Double, name, "train3", align, &report)
			s := g.S.WithTraining(true)
			_, _, out, kp, fake, real := g.players(s)
			maps := func(name string, x tensorflow.Output) {
				g.Want("step0_"+name, x, modeltest.Maps, golden.BaselineTrain)
			}
			maps("prediction", out.Prediction)
			maps("deformed", out.Deformed())
			maps("disc_fake_scores", fake.Scores())
			maps("disc_real_scores", real.Scores())
			for i, when := range []string{"source", "driving"} {
				g.Want("step0_kp_"+when+"_mean", kp[i].Mean, modeltest.AsIs, golden.BaselineTrain)
				g.Want("step0_kp_"+when+"_var", kp[i].Var, modeltest.AsIs, golden.BaselineTrain)
			}
			for _, v := range s.Variables(graph.State) {
				g.Want("after1."+v.Name, s.Pending(v), modeltest.AsIs, golden.BaselineTrain)
			}
			g.Run(weightsOf(t, name))
			modeltest.Every(t, g.File, g.Compared(), "losses", "step0_grad.", "delta3.")
			report.Log(t)
		})
	}
}
