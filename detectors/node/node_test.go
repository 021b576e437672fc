//go:build manual

package node

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/dataset/samples"
	"github.com/prioritycut/prioritycut/detectors"
	"github.com/prioritycut/prioritycut/detectors/tfjs"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

var (
	//go:embed run.js
	script []byte
	//go:embed package.json
	manifest []byte
	//go:embed package-lock.json
	lock []byte
)

// networks are compared, with the side of their input, what its colours [0, 1] are
// multiplied by and what is added then.
var networks = []struct {
	file         string
	side         int
	scale, shift float32
}{
	{"facemesh-detection-short.json", 128, 2, -1},
	{"facemesh.json", 192, 1, 0},
	{"faceres.json", 224, 255, 0},
	{"movenet-thunder.json", 256, 255, 0},
	{"selfie.json", 256, 1, 0},
	{"mobilefacenet.json", 112, 1, 0},
	{"blazeface-back.json", 256, 2, -1},
}

// bound is on the difference, relative to the largest value of the output.
const bound = 1e-4

func TestNode(t *testing.T) {
	home, err := detectors.Home()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := detectors.HumanModels.Fetch(context.Background(), home); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	command(t, dir, "tar", "xzf", filepath.Join(home, detectors.HumanModels.File))
	for name, data := range map[string][]byte{"run.js": script, "package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, "npm", "ci", "--silent", "--ignore-scripts")
	frame := talkingHead(t)
	for _, n := range networks {
		t.Run(n.file, func(t *testing.T) {
			x := input(t, frame, n.side, n.scale, n.shift)
			want := byNode(t, dir, n.file, x, n.side)
			for name, worst := range differences(t, filepath.Join(dir, "package", "models", n.file), x, n.side, want) {
				t.Logf("%s: %.2g of the largest value", name, worst)
				if !(worst <= bound) {
					t.Errorf("output %s differs by %.3g of its largest value; %v is allowed", name, worst, bound)
				}
			}
		})
	}
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// talkingHead is a frame of a real film, its middle square.
func talkingHead(t *testing.T) *video.Frame {
	t.Helper()
	film, err := samples.Fetch(context.Background(), "talking-head", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(t.TempDir(), "frame.png")
	command(t, "", "ffmpeg", "-v", "error", "-i", film, "-frames:v", "1", picture)
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	frame, err := video.DecodePicture(f, video.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func input(t *testing.T, frame *video.Frame, side int, scale, shift float32) []float32 {
	t.Helper()
	fitted, err := video.Crop.Apply(frame, side, side)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, len(fitted.Pix))
	for i, p := range fitted.Pix {
		x[i] = float32(p)/255*scale + shift
	}
	return x
}

// byNode computes all outputs by TensorFlow.js.
func byNode(t *testing.T, dir, file string, x []float32, side int) map[string][]float64 {
	t.Helper()
	var raw []byte
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	if err := os.WriteFile(filepath.Join(dir, "input"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	shape, _ := json.Marshal([]int{1, side, side, 3})
	command(t, dir, "node", "run.js", filepath.Join("package", "models", file), "input", string(shape), "output.json")
	text, err := os.ReadFile(filepath.Join(dir, "output.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]float64
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// differences computes the outputs by TensorFlow and compares.
func differences(t *testing.T, path string, x []float32, side int, want map[string][]float64) map[string]float64 {
	t.Helper()
	m, err := tfjs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(m.Graph)
	if err != nil {
		t.Fatal(err)
	}
	g := tensorflow.NewGraph()
	if err := g.Import(data, ""); err != nil {
		t.Fatal(err)
	}
	s, err := tf.NewSession(g, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	for _, op := range g.Operations() {
		if op.Type() == "Placeholder" {
			feeds[op.Output(0)] = feed(t, op.Output(0).DataType(), x, int64(side))
		}
	}
	worst := map[string]float64{}
	for name, values := range want {
		out, err := s.Run(feeds, []tensorflow.Output{g.Operation(name).Output(0)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tf.Values[float32](out[0])
		if err != nil || len(got) != len(values) {
			t.Fatalf("%s: %d values, %v; want %d", name, len(got), err, len(values))
		}
		far, large := 0.0, 0.0
		for i, v := range values {
			far, large = max(far, math.Abs(float64(got[i])-v)), max(large, math.Abs(v))
		}
		worst[name] = far / large
	}
	return worst
}

func feed(t *testing.T, dtype tensorflow.DataType, x []float32, side int64) *tensorflow.Tensor {
	t.Helper()
	var out *tensorflow.Tensor
	var err error
	if dtype == tensorflow.Int32 {
		whole := make([]int32, len(x))
		for i, v := range x {
			whole[i] = int32(v)
		}
		out, err = tf.NewTensor(whole, 1, side, side, 3)
	} else {
		out, err = tf.NewTensor(x, 1, side, side, 3)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
