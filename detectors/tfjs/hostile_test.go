package tfjs

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// TestRefused: what cannot be read is refused with words that say what and where.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		model func(m *model)
		file  func(d object, f files)
		want  string
	}{
		"no JSON":       {nil, func(_ object, f files) { f["model.json"] = []byte("{") }, "no model.json"},
		"layers model":  {nil, func(d object, _ files) { d["format"] = "layers-model" }, "tfjs_graph_model"},
		"no graph":      {nil, func(d object, _ files) { delete(d, "modelTopology") }, "no modelTopology"},
		"no nodes":      {nil, func(d object, _ files) { d["modelTopology"] = object{} }, "0 nodes"},
		"graph is text": {nil, func(d object, _ files) { d["modelTopology"] = "x" }, "no graph"},
		"same name":     {func(m *model) { m.placeholder("x", 1) }, nil, `called "x"`},
		"nameless":      {func(m *model) { m.placeholder("", 1) }, nil, `called ""`},
		"control flow":  {func(m *model) { m.node("s", "Switch", object{}, "y", "y") }, nil, "s is a Switch: graphs with control flow"},
		"loop":          {func(m *model) { m.node("s", "StatelessWhile", object{}, "y") }, nil, "control flow"},
		"list":          {func(m *model) { m.node("s", "TensorListStack", object{}, "y") }, nil, "lists of tensors"},
		"variables":     {func(m *model) { m.node("s", "VarHandleOp", object{}) }, nil, "variables"},
		"function call": {func(m *model) { m.node("s", "PartitionedCall", object{}, "y") }, nil, "call functions"},
		"functions":     {nil, func(d object, _ files) { d["modelTopology"].(object)["library"] = object{"function": []any{object{}}} }, "functions"},
		"unknown step": {func(m *model) {
			m.nodes[len(m.nodes)-1].(object)["attr"].(object)["fused_ops"] = texts("FusedBatchNorm")
		}, nil, "FusedBatchNorm"},
		"no bias":      {func(m *model) { m.nodes[len(m.nodes)-1].(object)["input"] = []string{"x", "kernel"} }, nil, "too few"},
		"two biases":   {func(m *model) { m.nodes[len(m.nodes)-1].(object)["input"] = []string{"x", "kernel", "bias", "bias"} }, nil, "too many"},
		"no inputs":    {func(m *model) { m.nodes[len(m.nodes)-1].(object)["input"] = []string{} }, nil, "it has 0 inputs"},
		"empty input":  {func(m *model) { m.nodes[len(m.nodes)-1].(object)["input"] = []string{"x", "kernel", "bias", ""} }, nil, "too many"},
		"no weight":    {func(m *model) { m.weights[0].(object)["name"] = "other" }, nil, "kernel has no weight"},
		"other type":   {func(m *model) { m.weights[0].(object)["dtype"] = "int32" }, nil, "DT_FLOAT"},
		"other shape":  {func(m *model) { m.weights[0].(object)["shape"] = []int64{4} }, nil, "the shape"},
		"twice":        {func(m *model) { m.weights[1].(object)["name"] = "kernel" }, nil, "twice"},
		"text weights": {func(m *model) { m.weights[0].(object)["dtype"] = "string" }, nil, `"string"`},
		"huge":         {func(m *model) { m.weights[0].(object)["shape"] = []int64{1 << 40} }, nil, "bytes"},
		"overflow":     {func(m *model) { m.weights[0].(object)["shape"] = []int64{1 << 32, 1 << 32} }, nil, "weight kernel"},
		"negative":     {func(m *model) { m.weights[0].(object)["shape"] = []int64{-4} }, nil, "weight kernel"},
		"many sizes":   {func(m *model) { m.weights[0].(object)["shape"] = make([]int64, 40) }, nil, "dimensions"},
		"short":        {nil, func(_ object, f files) { f["group1.bin"] = f["group1.bin"][1:] }, "hold 23 bytes and its weights take 24"},
		"long":         {nil, func(_ object, f files) { f["group1.bin"] = append(f["group1.bin"], 0) }, "longer"},
		"path":         {nil, func(d object, _ files) { manifest(d)["paths"] = []string{"../group1.bin"} }, "plain name"},
		"whole path":   {nil, func(d object, _ files) { manifest(d)["paths"] = []string{"/etc/passwd"} }, "plain name"},
		"no quantity":  {func(m *model) { m.weights[0].(object)["quantization"] = object{"dtype": "int4"} }, nil, `"int4"`},
		"bare uint16": {func(m *model) {
			m.weights[0].(object)["dtype"] = "uint16"
			m.bytes = m.bytes[8:]
		}, nil, `"uint16" are not read`},
		"lost output":    {nil, func(d object, _ files) { d["signature"] = object{"outputs": object{"a": object{"name": "gone:0"}}} }, "not in its graph"},
		"input computed": {nil, func(d object, _ files) { d["signature"] = object{"inputs": object{"a": object{"name": "y:0"}}} }, "no placeholder"},
	} {
		m := convolved("_FusedConv2D", "BiasAdd", "Relu")
		if c.model != nil {
			c.model(m)
		}
		d, f := m.document(), files{"group1.bin": m.bytes}
		if c.file != nil {
			c.file(d, f)
		}
		if f["model.json"] == nil {
			var err error
			if f["model.json"], err = json.Marshal(d); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Read(f.read, "model.json"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func manifest(d object) object { return d["weightsManifest"].([]any)[0].(object) }

func TestScalesThatAreNoNumbers(t *testing.T) {
	for _, q := range []quantization{{"uint8", math.NaN(), 1}, {"uint8", 0, math.Inf(1)}} {
		w := weight{Name: "w", Shape: []int64{1}, DType: "float32", Quantization: &q}
		if _, err := w.decode([]byte{1}); err == nil {
			t.Errorf("%+v was taken", q)
		}
	}
	w := weight{Name: "w", Shape: []int64{1}, DType: "int32", Quantization: &quantization{"uint8", 0, 1e300}}
	if _, err := w.decode([]byte{1}); err == nil {
		t.Error("1e300 became an int32")
	}
}

// FuzzRead: whatever the files hold, there is a model or an error.
func FuzzRead(f *testing.F) {
	t := &testing.T{}
	for _, m := range []*model{convolved("_FusedConv2D", "BiasAdd", "Prelu"), convolved("FusedDepthwiseConv2dNative", "Relu6")} {
		seed := m.files(t)
		f.Add(seed["model.json"], seed["group1.bin"])
	}
	f.Fuzz(func(t *testing.T, text, weights []byte) {
		m, err := Read(files{"model.json": text, "group1.bin": weights}.read, "model.json")
		if err == nil && (m.Graph == nil || len(m.Inputs) == 0 || len(m.Outputs) == 0) {
			t.Error("neither a model nor an error")
		}
	})
}
