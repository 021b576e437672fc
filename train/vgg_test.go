package train

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// vggValue is the weight that a test's file has at a place, in PyTorch's order.
func vggValue(layer, o, i, y, x int) float32 {
	return (float32(layer) + float32(o)/16 + float32(i)/256 + float32(3*y+x)/8192) / 256
}

// writeVGG writes weights of a narrow VGG-19 as torchvision names them.
func writeVGG(t *testing.T, divisor int, shift float32) string {
	t.Helper()
	var tensors []safetensors.Tensor
	for n, l := range model.VGGLayers(divisor) {
		var kernel, bias bytes.Buffer
		for o := 0; o < l.Out; o++ {
			for i := 0; i < l.In; i++ {
				for y := 0; y < 3; y++ {
					for x := 0; x < 3; x++ {
						binary.Write(&kernel, binary.LittleEndian, vggValue(n, o, i, y, x)+shift)
					}
				}
			}
			binary.Write(&bias, binary.LittleEndian, float32(o))
		}
		name := fmt.Sprintf("features.%d.", l.Index)
		tensors = append(tensors,
			safetensors.Tensor{Name: name + "weight", DType: safetensors.F32, Shape: []int64{int64(l.Out), int64(l.In), 3, 3}, Data: kernel.Bytes()},
			safetensors.Tensor{Name: name + "bias", DType: safetensors.F32, Shape: []int64{int64(l.Out)}, Data: bias.Bytes()})
	}
	path := filepath.Join(t.TempDir(), "vgg.safetensors")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := safetensors.Write(f, tensors, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestVGGFile trains with features of a file, compares the weights in the
// session, and does not go on with other weights.
func TestVGGFile(t *testing.T) {
	dir := t.TempDir()
	with := func(file string, sets ...string) *config.Config {
		return tiny(t, model.FOMM, append(sets, "vgg19.file="+file)...)
	}
	file := writeVGG(t, 32, 0)
	c := with(file, "steps=1")
	f, err := openFolder(rundir.Dir(dir), c, durable.OS{})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{config: c, folder: f, out: io.Discard, options: OptionsOf(c)}
	if err := s.openData(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	got, err := graph.Fetch(s.session, s.scope.Variables(graph.Frozen))
	if err != nil {
		t.Fatal(err)
	}
	for n, conv := range s.step.Training.VGG().Convs {
		kernel, err := tf.Values[float32](got[conv.Kernel])
		if err != nil {
			t.Fatal(err)
		}
		d := conv.Kernel.Dims // height, width, in, out
		for at, v := range kernel {
			o, i := at%int(d[3]), at/int(d[3])%int(d[2])
			y, x := at/int(d[3]*d[2]*d[1]), at/int(d[3]*d[2])%int(d[1])
			if want := vggValue(n, o, i, y, x); math.Abs(float64(v-want)) > 1e-8 {
				t.Fatalf("convolution %d, element %d is %v, want %v", n, at, v, want)
			}
		}
		bias, err := tf.Values[float32](got[conv.Bias])
		if err != nil || bias[len(bias)-1] != float32(len(bias)-1) {
			t.Errorf("convolution %d has biases %v, %v", n, bias, err)
		}
	}
	f.close()

	complete(t, dir, c)
	rows, err := ReadMetrics(rundir.Dir(dir).Metrics())
	if err != nil || !strings.HasPrefix(rows[0].VGG19, "sha256:") || len(rows[0].VGG19) != 71 {
		t.Errorf("the table notes %+v, %v", rows, err)
	}
	moved := filepath.Join(t.TempDir(), "elsewhere.safetensors")
	if err := os.Rename(file, moved); err != nil {
		t.Fatal(err)
	}
	complete(t, dir, with(moved, "steps=2"))
	for _, other := range []string{writeVGG(t, 32, 0.001), "random"} {
		err := Run(context.Background(), RunOptions{Config: with(other, "steps=3"), Dir: dir, Out: io.Discard})
		if err == nil || !strings.Contains(err.Error(), "vgg19.") {
			t.Errorf("the run goes on with %s: %v", other, err)
		}
	}
	err = Run(context.Background(), RunOptions{Config: with(writeVGG(t, 16, 0)), Dir: t.TempDir(), Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "VGG-19") {
		t.Errorf("weights of another width give %v", err)
	}
}

// TestBrokenVGG refuses weights that are no numbers.
func TestBrokenVGG(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		path := writeVGG(t, 32, float32(bad))
		s := graph.New(tensorflow.Float)
		_, err := vggValues(model.NewVGG19(s.Sub("vgg"), 32), config.VGG19Params{File: path, WidthDivisor: 32})
		if err == nil || !strings.Contains(err.Error(), "conv1_1: value 0 is") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// TestReplacedVGG: weights that are others when they are read than when their
// digest was noted are refused.
func TestReplacedVGG(t *testing.T) {
	v := config.VGG19Params{File: writeVGG(t, 32, 0), WidthDivisor: 32}
	if err := digestVGG(&v); err != nil {
		t.Fatal(err)
	}
	net := model.NewVGG19(graph.New(tensorflow.Float).Sub("vgg"), 32)
	if _, err := vggValues(net, v); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(writeVGG(t, 32, 0.001), v.File); err != nil {
		t.Fatal(err)
	}
	var refused *usage.Error
	if _, err := vggValues(net, v); !errors.As(err, &refused) || !strings.Contains(err.Error(), "replaced while the run began") {
		t.Errorf("%v", err)
	}
}
