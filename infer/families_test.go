package infer

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/tf"
)

// familyRun writes the run of a small model of another family.
func familyRun(t *testing.T, sets []string) string {
	t.Helper()
	dir := t.TempDir()
	if err := tinymodel.WriteFamily(dir, 1, sets); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Whatever the family, frames that are decoded from poses are those that driving
// pictures give at once, from a checkpoint and from its export.
func TestOtherFamilies(t *testing.T) {
	for name, sets := range map[string][]string{"monkeynet": tinymodel.MonkeyNet(), "x2face": tinymodel.X2Face()} {
		t.Run(name, func(t *testing.T) {
			run := familyRun(t, sets)
			source, driving := pictures(1, 1)[0], pictures(3, 2)
			var want []float32
			for how, e := range map[string]*Engine{
				"checkpoint": opened(t, run, Options{}), "SavedModel": opened(t, savedModelOf(t, run, all), Options{}),
			} {
				if e.HasKeypoints() != (name == "monkeynet") || e.Animates() != nil {
					t.Errorf("%s: keypoints %t, %v", how, e.HasKeypoints(), e.Animates())
				}
				encoded, err := e.Encode(source)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				made, err := e.Reconstruct(encoded, driving)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if want == nil {
					want = made[Prediction]
				}
				// A checkpoint may be computed by kernels of our own.
				near(t, how+", reconstructed", made[Prediction], want, 1e-4)
				poses, err := e.Poses(driving...)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				decoded, err := e.Decode(encoded, poses)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				near(t, how+", decoded", decoded[Prediction], want, 1e-4)
			}
		})
	}
}

// The signatures of each family: what it has not is not there.
func TestSignaturesOfOtherFamilies(t *testing.T) {
	for name, c := range map[string]struct {
		sets       []string
		pose, kept string
		inputs     int // of the default signature
	}{
		"monkeynet": {tinymodel.MonkeyNet(), SigKeypoints, "skip_2", 3},
		"x2face":    {tinymodel.X2Face(), SigPose, "face", 2},
	} {
		signatures := opened(t, familyRun(t, c.sets), Options{Signatures: true}).Signatures()
		if len(signatures) != 6 || len(signatures[SigDefault].Inputs) != c.inputs || len(signatures[SigBytes].Inputs) != c.inputs {
			t.Errorf("%s: %d signatures, %v", name, len(signatures), sorted(signatures[SigDefault].Inputs))
		}
		if _, ok := signatures[c.pose]; !ok {
			t.Errorf("%s has no signature %s", name, c.pose)
		}
		if _, ok := signatures[SigFrame].Inputs[c.kept]; !ok || signatures[SigFrame].Inputs[Confidence].Shape != nil {
			t.Errorf("%s: %s takes %v", name, SigFrame, sorted(signatures[SigFrame].Inputs))
		}
		if _, ok := signatures[SigAbsolute].Outputs[OcclusionMap]; ok {
			t.Errorf("%s has an occlusion map", name)
		}
	}
}

// Several pictures of one figure make one face, which is not that of the first.
func TestSeveralSources(t *testing.T) {
	run := familyRun(t, tinymodel.X2Face())
	sources, driving := pictures(3, 5), pictures(2, 6)
	var want []float32
	for how, e := range map[string]*Engine{
		"checkpoint": opened(t, run, Options{}), "SavedModel": opened(t, savedModelOf(t, run, all), Options{}),
	} {
		encoded, err := e.Encode(sources...)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		made, err := e.Reconstruct(encoded, driving)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if want == nil {
			want = made[Prediction]
		}
		near(t, how, made[Prediction], want, 1e-4)
		first, err := e.Encode(sources[0])
		if err != nil {
			t.Fatal(err)
		}
		alone, err := e.Reconstruct(first, driving)
		if err != nil {
			t.Fatal(err)
		}
		if alone[Prediction][100] == made[Prediction][100] {
			t.Errorf("%s: the other sources change nothing", how)
		}
	}
	if _, err := opened(t, familyRun(t, tinymodel.MonkeyNet()), Options{}).Encode(sources...); err == nil || !strings.Contains(err.Error(), "one source") {
		t.Errorf("several sources of Monkey-Net: %v", err)
	}
}

// Relative motion through the graph, as an export computes it, and in Go agree.
func TestRelativeMotionOfMonkeyNet(t *testing.T) {
	run := familyRun(t, append(tinymodel.MonkeyNet(), "monkeynet_params.clip_mean=true"))
	e := opened(t, run, Options{Signatures: true})
	source, driving := pictures(1, 1), pictures(2, 2)
	inputs := map[string]*tensorflow.Tensor{}
	var err error
	for name, x := range map[string]int{Source: 0, Driving: 1, DrivingInitial: 0} {
		list := driving
		if name == Source {
			list = source
		}
		if inputs[name], err = floatsOf(side, side, list[min(x, len(list)-1)]); err != nil {
			t.Fatal(err)
		}
	}
	out, err := e.Call(SigDefault, inputs)
	if err != nil {
		t.Fatal(err)
	}
	want, err := tf.Values[float32](out[Prediction])
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := e.Encode(source...)
	if err != nil {
		t.Fatal(err)
	}
	own, err := encoded.Pose()
	if err != nil {
		t.Fatal(err)
	}
	poses, err := e.Poses(driving...)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := poses.At(1).Relative(own, poses.At(0), Relation{Scale: 1, Clip: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Decode(encoded, moved)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "relative motion", got[Prediction], want, 1e-5)
}
