package tfjs

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 {
			t.Errorf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// convolved is a 1x1 convolution of 2 channels into 2 on a pixel, with what is
// done to it.
func convolved(op string, steps ...string) *model {
	m := &model{}
	m.placeholder("x", 1, 1, 1, 2)
	m.floats("kernel", []int64{1, 1, 2, 2}, 1, 2, 3, -4) // [in, out]
	inputs := []string{"x", "kernel"}
	for _, s := range steps {
		switch s {
		case "BiasAdd":
			m.floats("bias", []int64{2}, 0.5, -1)
			inputs = append(inputs, "bias")
		case "Prelu":
			m.floats("alpha", []int64{2}, 0.25, 0.5)
			inputs = append(inputs, "alpha")
		}
	}
	m.node("y", op, object{
		"T": float32Type, "strides": ints(1, 1, 1, 1), "dilations": ints(1, 1, 1, 1), "padding": text("SAME"),
		"data_format": text("NHWC"), "fused_ops": texts(steps...), "num_args": object{"i": "1"},
		"leakyrelu_alpha": object{"f": 0.125}, "epsilon": object{"f": 0}, "use_cudnn_on_gpu": object{"b": true},
	}, inputs...)
	return m
}

// TestFusedSteps compares operations that do several things with sums by hand:
// x = (1, 2) gives (7, -6) before the bias.
func TestFusedSteps(t *testing.T) {
	elu := float32(math.Expm1(-7))
	for _, c := range []struct {
		steps []string
		want  []float32
	}{
		{nil, []float32{7, -6}},
		{[]string{"BiasAdd"}, []float32{7.5, -7}},
		{[]string{"Relu"}, []float32{7, 0}},
		{[]string{"BiasAdd", "Relu"}, []float32{7.5, 0}},
		{[]string{"BiasAdd", "Relu6"}, []float32{6, 0}},
		{[]string{"BiasAdd", "Elu"}, []float32{7.5, elu}},
		{[]string{"BiasAdd", "LeakyRelu"}, []float32{7.5, -0.875}},
		{[]string{"BiasAdd", "Prelu"}, []float32{7.5, -3.5}},
		{[]string{"BiasAdd", "Sigmoid"}, []float32{float32(1 / (1 + math.Exp(-7.5))), float32(1 / (1 + math.Exp(7)))}},
	} {
		near(t, strings.Join(c.steps, "+"), convolved("_FusedConv2D", c.steps...).run(t, []float32{1, 2}, 1, 1, 1, 2), c.want)
	}
}

func TestFusedDepthwise(t *testing.T) {
	m := &model{}
	m.placeholder("x", -1, 1, 1, 2)
	m.floats("kernel", []int64{1, 1, 2, 1}, 3, -2)
	m.floats("bias", []int64{2}, 1, 5)
	m.node("y", "FusedDepthwiseConv2dNative", object{
		"T": float32Type, "strides": ints(1, 1, 1, 1), "padding": text("VALID"), "fused_ops": texts("BiasAdd", "Relu6"), "num_args": object{"i": "1"},
	}, "x", "kernel", "bias")
	near(t, "depthwise", m.run(t, []float32{1, 2, 3, 4}, 2, 1, 1, 2), []float32{4, 1, 6, 0})
}

func TestFusedProductAndPrelu(t *testing.T) {
	m := &model{}
	m.placeholder("x", 1, 2)
	m.floats("kernel", []int64{2, 2}, 1, 2, 3, -4)
	m.floats("bias", []int64{2}, 0.5, -1)
	m.floats("alpha", []int64{2}, 0.25, 0.5)
	m.node("z", "_FusedMatMul", object{"T": float32Type, "transpose_a": object{"b": false}, "fused_ops": texts("BiasAdd"), "num_args": object{"i": "1"}},
		"x", "kernel", "bias")
	m.node("y", "Prelu", object{}, "z", "alpha")
	near(t, "product", m.run(t, []float32{1, 2}, 1, 2), []float32{7.5, -3.5})
}

// TestStoredWeights reads numbers stored in every way; expected values are those
// of the format's own arithmetic.
func TestStoredWeights(t *testing.T) {
	halves := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, 0x3e00), 0xc000) // 1.5, -2
	words := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, 0), 65535)
	for name, c := range map[string]struct {
		entry object
		data  []byte
		want  []float32
	}{
		"float32": {object{"dtype": "float32"}, floats(0.25, -3), []float32{0.25, -3}},
		"float16": {object{"dtype": "float32", "quantization": object{"dtype": "float16", "original_dtype": "float32"}}, halves, []float32{1.5, -2}},
		"uint8":   {object{"dtype": "float32", "quantization": object{"dtype": "uint8", "min": -1.0, "scale": 0.5}}, []byte{0, 3}, []float32{-1, 0.5}},
		"uint16":  {object{"dtype": "float32", "quantization": object{"dtype": "uint16", "min": 2.0, "scale": 0.001}}, words, []float32{2, 67.535}},
	} {
		m := &model{}
		m.placeholder("x", 2)
		m.constant("w", "DT_FLOAT", c.entry, c.data, 2)
		m.node("y", "AddV2", object{"T": float32Type}, "x", "w")
		near(t, name, m.run(t, []float32{0, 0}, 2), c.want)
	}
}

// TestWholeNumbers: int32 weights round halves up, as JavaScript does, and a
// constant that the graph calls int64 gets them widened.
func TestWholeNumbers(t *testing.T) {
	m := &model{}
	m.placeholder("x", 2)
	m.constant("shape", "DT_INT64", object{"dtype": "int32", "quantization": object{"dtype": "uint8", "min": 0.5, "scale": 1.0}}, []byte{1, 0}, 2)
	m.node("y", "Reshape", object{"T": float32Type, "Tshape": object{"type": "DT_INT64"}}, "x", "shape") // 1.5 -> 2, 0.5 -> 1
	near(t, "reshape", m.run(t, []float32{4, 5}, 2), []float32{4, 5})
}

// TestSignature: names and shapes come from the signature, wherever a converter
// put it; without one placeholders are inputs and ends are outputs.
func TestSignature(t *testing.T) {
	m := convolved("_FusedConv2D", "BiasAdd")
	d := m.document()
	s := object{
		"inputs":  object{"picture": object{"name": "x:0", "dtype": "DT_FLOAT", "tensorShape": shapeOf([]int64{-1, 1, 1, 2})}},
		"outputs": object{"y": object{"dtype": "DT_FLOAT"}},
	}
	for _, where := range []string{"signature", "userDefinedMetadata", ""} {
		d := object{"format": d["format"], "modelTopology": d["modelTopology"], "weightsManifest": d["weightsManifest"]}
		switch where {
		case "signature":
			d[where] = s
		case "userDefinedMetadata":
			d[where] = object{"signature": s}
		}
		f := m.files(t)
		f["model.json"], _ = json.Marshal(d)
		got, err := Read(f.read, "model.json")
		if err != nil {
			t.Fatal(err)
		}
		in, key := got.Inputs["picture"], "y"
		if where == "" {
			in = got.Inputs["x"]
		}
		if in.Name != "x:0" || len(in.Shape) != 4 || got.Outputs[key].Name != "y:0" || len(got.Inputs) != 1 || len(got.Outputs) != 1 {
			t.Errorf("signature in %q: inputs %v, outputs %v", where, got.Inputs, got.Outputs)
		}
		if got.Expanded["_FusedConv2D"] != 1 {
			t.Errorf("expanded %v", got.Expanded)
		}
	}
}

func TestOpenFolder(t *testing.T) {
	dir := t.TempDir()
	for name, data := range convolved("_FusedConv2D", "BiasAdd").files(t) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Open(filepath.Join(dir, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "from disk", compute(t, m, []float32{1, 2}, 1, 1, 1, 2), []float32{7.5, -7})
	if err := os.Remove(filepath.Join(dir, "group1.bin")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "model.json")); err == nil || !strings.Contains(err.Error(), "group1.bin") {
		t.Errorf("without its weights: %v", err)
	}
}
