package convert

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/element"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/internal/npz"
	"github.com/prioritycut/prioritycut/internal/safetensors"
)

// goldenFile writes a golden file into a folder of the test's.
func goldenFile(t testing.TB, name string) string {
	t.Helper()
	data, err := golden.Bytes(name)
	if err != nil {
		t.Fatal(err)
	}
	return fileOf(t, name, data)
}

func fileOf(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// smallest is the configuration of networks with some hundred numbers each.
const smallest = `
dataset_params: {frame_shape: [32, 32, 3]}
model_params:
  common_params: {num_kp: 2, num_channels: 3, estimate_jacobian: true}
  kp_detector_params: {temperature: 0.1, block_expansion: 1, max_features: 2, scale_factor: 1, num_blocks: 1}
  generator_params:
    block_expansion: 1
    max_features: 2
    num_down_blocks: 1
    num_bottleneck_blocks: 1
    estimate_occlusion_map: true
    dense_motion_params: {block_expansion: 1, max_features: 2, num_blocks: 1, scale_factor: 0.5}
  discriminator_params: {scales: [1], block_expansion: 1, max_features: 2, num_blocks: 2, sn: false, use_kp: false}
`

func smallestFile(t testing.TB) string { return fileOf(t, "smallest.yaml", []byte(smallest)) }

// entry is a tensor as files of the reference have it.
type entry struct {
	name   string
	shape  []int64
	values []float32
}

// entriesOf makes a state dict of the smallest networks of a variant: names in
// the order of their creation, values that tell places apart.
func entriesOf(t testing.TB, variant string, sets ...string) []entry {
	t.Helper()
	c, _, err := config.Resolve(config.Options{ConfigFile: smallestFile(t), Variant: variant, Sets: sets, AllowMissing: true})
	if err != nil {
		t.Fatal(err)
	}
	nets, err := newNetworks(c)
	if err != nil {
		t.Fatal(err)
	}
	var list []entry
	for _, p := range nets.players {
		for _, v := range p.vars {
			list = append(list, newEntry(v, float32(len(list))))
		}
	}
	return list
}

func newEntry(v *graph.Variable, base float32) entry {
	e := entry{name: fileName(v), shape: (&networks{}).fileShape(v)}
	for i := range v.Size() {
		e.values = append(e.values, base+float32(i)/1024)
	}
	return e
}

func tensorsOf(entries []entry) dict {
	var d dict
	for _, e := range entries {
		owner, rest, _ := strings.Cut(e.name, ".")
		d = d.with(owner, d.at(owner).with(rest, e))
	}
	return d
}

// npzOf writes entries as numpy does.
func npzOf(t testing.TB, entries []entry) []byte {
	t.Helper()
	var arrays []npz.Array
	for _, e := range entries {
		arrays = append(arrays, npz.Array{Info: npz.Info{Name: e.name, DType: element.F32, Shape: e.shape}, Data: element.AppendFloat32s(nil, e.values)})
	}
	var b bytes.Buffer
	if err := npz.Write(&b, arrays, false); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// dict is a Python dictionary in the order of its keys.
type dict []struct {
	key   any
	value any
}

// with returns a copy with an entry, which replaces one of that key.
func (d dict) with(key, value any) dict {
	d = slices.Clone(d)
	for i := range d {
		if d[i].key == key {
			d[i].value = value
			return d
		}
	}
	return append(d, struct{ key, value any }{key, value})
}

func (d dict) at(key any) dict {
	for _, e := range d {
		if e.key == key {
			return e.value.(dict)
		}
	}
	return nil
}

// tuple is a Python tuple.
type tuple []any

// torchOf writes what torch.save writes today: a pickle in protocol 2 and the
// storages, in a zip archive.
func torchOf(t testing.TB, root dict) []byte {
	t.Helper()
	p := &pickler{t: t}
	p.WriteString("\x80\x02")
	p.value(root)
	p.WriteString(".")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, data []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("data.pkl", p.Bytes())
	for i, s := range p.storages {
		add("data/"+strconv.Itoa(i), s)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type pickler struct {
	t testing.TB
	bytes.Buffer
	storages [][]byte
}

func (p *pickler) value(v any) {
	switch v := v.(type) {
	case nil:
		p.WriteString("N")
	case bool:
		p.WriteString(map[bool]string{false: "\x89", true: "\x88"}[v])
	case int:
		p.WriteString("\x8a\x08")
		_ = binary.Write(p, binary.LittleEndian, int64(v))
	case int64:
		p.value(int(v))
	case float64:
		p.WriteString("G")
		_ = binary.Write(p, binary.BigEndian, math.Float64bits(v))
	case string:
		p.WriteString("X")
		_ = binary.Write(p, binary.LittleEndian, uint32(len(v)))
		p.WriteString(v)
	case tuple:
		p.WriteString("(")
		for _, x := range v {
			p.value(x)
		}
		p.WriteString("t")
	case []any:
		p.WriteString("](")
		for _, x := range v {
			p.value(x)
		}
		p.WriteString("e")
	case dict:
		p.WriteString("}(")
		for _, e := range v {
			p.value(e.key)
			p.value(e.value)
		}
		p.WriteString("u")
	case entry:
		p.tensor(v)
	default:
		p.t.Fatalf("a %T cannot be pickled here", v)
	}
}

func (p *pickler) tensor(e entry) {
	stride, strides := 1, make(tuple, len(e.shape))
	shape := make(tuple, len(e.shape))
	for i := len(e.shape) - 1; i >= 0; i-- {
		strides[i], shape[i] = stride, e.shape[i]
		stride *= int(e.shape[i])
	}
	p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
	p.value("storage")
	p.WriteString("ctorch\nFloatStorage\n")
	p.value(strconv.Itoa(len(p.storages)))
	p.value("cpu")
	p.value(len(e.values))
	p.WriteString("tQ")
	p.value(0)
	p.value(shape)
	p.value(strides)
	p.value(false)
	p.WriteString("ccollections\nOrderedDict\n)RtR")
	p.storages = append(p.storages, element.AppendFloat32s(nil, e.values))
}

// adamOf is the state dict of an optimiser with a state for each entry; step
// gives its count, a negative one leaves it without a state.
func adamOf(entries []entry, step func(i int) int64) dict {
	states, params := dict{}, []any{}
	for i, e := range entries {
		params = append(params, i)
		n := step(i)
		if n < 0 {
			continue
		}
		average, square := e, e
		average.values, square.values = slices.Clone(e.values), slices.Clone(e.values)
		for j := range e.values {
			average.values[j], square.values[j] = e.values[j]+0.25, e.values[j]+0.5
		}
		states = states.with(i, dict{}.with("step", n).with("exp_avg", average).with("exp_avg_sq", square))
	}
	group := dict{}.with("lr", 2e-4).with("betas", tuple{0.5, 0.999}).with("eps", 1e-8).with("weight_decay", 0).
		with("amsgrad", false).with("params", params)
	return dict{}.with("state", states).with("param_groups", []any{group})
}

// parametersOf are a network's entries without buffers.
func parametersOf(entries []entry, player string) []entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e entry) bool {
		name := e.name
		for _, end := range []string{".running_mean", ".running_var", ".weight_u", ".weight_v"} {
			if strings.HasSuffix(name, end) {
				return true
			}
		}
		return !strings.HasPrefix(name, player+".")
	})
}

// quantised is a .safetensors file in which one tensor, added if there is none
// of the name, has elements of 8 bits.
func quantised(t testing.TB, path, odd string) []byte {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type tensor struct {
		DType   string   `json:"dtype"`
		Shape   []int64  `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	head := map[string]tensor{}
	var body []byte
	add := func(name, dtype string, shape []int64, data []byte) {
		head[name] = tensor{dtype, shape, [2]int64{int64(len(body)), int64(len(body) + len(data))}}
		body = append(body, data...)
	}
	if _, ok := f.Info(odd); !ok {
		add(odd, "F8_E4M3", []int64{1}, []byte{0x38})
	}
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		data, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == odd {
			add(name, "F8_E4M3", info.Shape, make([]byte, len(data)/4))
			continue
		}
		add(name, info.DType.String(), info.Shape, data)
	}
	text, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), body...)
}
