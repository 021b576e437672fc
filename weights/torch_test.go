package weights

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/element"
	"github.com/prioritycut/prioritycut/internal/npz"
)

// checkpoints are what testdata/make.py writes: the same tree in both formats
// and three pickle protocols.
var checkpoints = map[string]Format{
	"testdata/protocol2.pth": TorchZip,
	"testdata/protocol5.pth": TorchZip,
	"testdata/legacy2.pth":   TorchLegacy,
	"testdata/legacy4.pth":   TorchLegacy,
}

func open(t *testing.T, path string) *StateDict {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestViewsAndTypes compares strided, shared, expanded and typed tensors with
// what numpy reads from the same bytes.
func TestViewsAndTypes(t *testing.T) {
	expected, err := npz.Open("testdata/expected.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer expected.Close()
	types := map[string]DType{"Half": element.F16, "BFloat16": element.BF16, "Byte": element.U8, "Bool": element.Bool,
		"Char": element.I8, "Short": element.I16, "Int": element.I32, "Long": element.I64, "Float": element.F32,
		"Double": element.F64, "untyped": element.U16}
	for path, format := range checkpoints {
		s := open(t, path)
		if s.Format() != format {
			t.Errorf("%s: format %s", path, s.Format())
		}
		if n, want := len(s.Names()), len(expected.Names()); n != want {
			t.Errorf("%s: %d tensors, not %d: %v", path, n, want, s.Names())
		}
		for _, name := range expected.Names() {
			want, err := expected.Array(name)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := s.Tensor(name)
			if !ok {
				t.Errorf("%s: there is no %s", path, name)
				continue
			}
			if !slices.Equal(got.Shape(), want.Shape) {
				t.Errorf("%s %s: shape %v, not %v", path, name, got.Shape(), want.Shape)
			}
			dtype, special := types[name]
			if !special {
				dtype = element.F32
			}
			if got.DType() != dtype {
				t.Errorf("%s %s: type %v, not %v", path, name, got.DType(), dtype)
			}
			v, err := got.Float64s()
			if err != nil {
				t.Errorf("%s %s: %v", path, name, err)
			}
			if diff := cmp.Diff(want.Float64s(), v); diff != "" {
				t.Errorf("%s %s: %s", path, name, diff)
			}
			checkStream(t, path+" "+name, got)
		}
	}
}

// checkStream compares the two ways to read a tensor.
func checkStream(t *testing.T, name string, tensor *Tensor) {
	t.Helper()
	want, err := tensor.Bytes()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	var got bytes.Buffer
	if err := tensor.StreamTo(&got); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s: the stream differs (%v)", name, err)
	}
}

func TestOtherValues(t *testing.T) {
	for path := range checkpoints {
		s := open(t, path)
		v, _ := s.Root().(*Dict).Get("info")
		info := v.(*Dict)
		for key, want := range map[string]Value{
			"epoch": int64(12), "best": 0.125, "single": 1.5, "done": true, "text": "größer",
			"raw": []byte{0, 255}, "big": int64(1 << 40), "negative": int64(-5), "none": nil, "true": true,
			"size": Tuple{int64(2), int64(3)}, "pair": Tuple{0.5, 0.999}, "dtype": Class("torch.uint16"),
		} {
			got, ok := info.Get(key)
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("%s %s: %s", path, key, diff)
			}
		}
	}
}

func TestSub(t *testing.T) {
	s := open(t, "testdata/protocol2.pth")
	sub := s.Sub("nested")
	if diff := cmp.Diff([]string{"list.0", "list.1.deep", "7"}, sub.Names()); diff != "" {
		t.Error(diff)
	}
	if _, ok := sub.Root().(*Dict); !ok {
		t.Errorf("the root is a %s", kindOf(sub.Root()))
	}
	whole, _ := s.Tensor("nested.7")
	if part, ok := sub.Tensor("7"); !ok || part != whole {
		t.Error("the tensor differs")
	}
	if none := s.Sub("nest"); len(none.Names()) != 0 || none.Root() != nil {
		t.Error("half a name has tensors")
	}
}

// opcode writers of a hand-made pickle.
func short(s string) string { return string([]byte{opShortBinString, byte(len(s))}) + s }
func global(module, name string) string {
	return "c" + module + "\n" + name + "\n"
}

// legacyFile puts a pickle into the frame of an old checkpoint with one
// storage "0" of four float32, 1 to 4, if the pickle refers to one.
func legacyFile(tree string) []byte {
	if !strings.Contains(tree, "Storage") {
		return legacyFileOf(tree, "]", 4)
	}
	return legacyFileOf(tree, "]"+short("0")+"a", 4)
}

func legacyFileOf(tree, keys string, count int64) []byte {
	b := []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}" + short("little_endian") + "\x88s.")
	b = append(b, "\x80\x02"+tree+"."...)
	b = append(b, "\x80\x02"+keys+"."...)
	b = element.AppendInt64s(b, []int64{count})
	return element.AppendFloat32s(b, []float32{1, 2, 3, 4})
}

// storageRef is a reference to that storage, with view metadata.
func storageRef(view string) string {
	return "(" + short("storage") + global("torch", "FloatStorage") + short("0") + short("cpu") + "K\x04" + view + "tQ"
}

func readBytes(b []byte) (*StateDict, error) { return Read(bytes.NewReader(b), int64(len(b))) }

// TestEarlyVersions reads what PyTorch before 0.4 and Python 2 wrote: tensors
// and parameters that get their state after they are made, ordered
// dictionaries made of pairs, views of storages.
func TestEarlyVersions(t *testing.T) {
	whole := storageRef("N")
	part := storageRef("(" + short("9") + "K\x01K\x02t") // elements 1 and 2
	for name, c := range map[string]struct {
		tensor string
		want   []float32
	}{
		"tensor":          {global("torch._utils", "_rebuild_tensor") + "(" + whole + "K\x01(K\x02t(K\x02ttR", []float32{2, 4}},
		"view":            {global("torch._utils", "_rebuild_tensor") + "(" + part + "K\x01(K\x01t(K\x01ttR", []float32{3}},
		"tensor's state":  {global("torch", "FloatTensor") + ")\x81(" + whole + "K\x00(K\x02K\x02t(K\x01K\x02ttb", []float32{1, 3, 2, 4}},
		"parameter":       {global("torch.nn.parameter", "Parameter") + "(" + global("torch", "FloatTensor") + ")R(" + whole + "K\x03))tb\x88tR", []float32{4}},
		"variable":        {global("torch.nn.parameter", "Parameter") + ")R(" + global("torch", "FloatTensor") + ")R(" + whole + "K\x02))tbNN\x88\x89tb", []float32{3}},
		"storage of CUDA": {global("torch._utils", "_rebuild_tensor") + "((" + short("storage") + global("torch.cuda", "FloatStorage") + short("0") + short("cuda:0") + "K\x04NtQK\x00))tR", []float32{1}},
	} {
		pairs := global("collections", "OrderedDict") + "(](]" + short("features.0.weight") + "a" + c.tensor + "aetR"
		s, err := readBytes(legacyFile(pairs))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tensor, ok := s.Tensor("features.0.weight")
		if !ok {
			t.Errorf("%s: names %v", name, s.Names())
			continue
		}
		if got, err := tensor.Float32s(); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readAll reads every tensor.
func readAll(b []byte) error {
	s, err := readBytes(b)
	if err != nil {
		return err
	}
	for _, name := range s.Names() {
		tensor, _ := s.Tensor(name)
		v, err := tensor.Float32s()
		if err != nil {
			return err
		}
		if int64(len(v)) != tensor.Len() {
			panic(fmt.Sprintf("%s of shape %v has %d elements", name, tensor.Shape(), len(v)))
		}
	}
	return nil
}

// TestSeldomValues reads what few checkpoints hold beside tensors.
func TestSeldomValues(t *testing.T) {
	scalar := func(kind, state, raw string) string {
		return global("numpy.core.multiarray", "scalar") + "(" + global("numpy", "dtype") + "(" + short(kind) + "K\x00K\x01tR" + state + short(raw) + "tR"
	}
	tree := "}(K\x01" + global("torch", "device") + "(" + short("cuda") + "K\x00tR" +
		"\x88" + global("collections", "defaultdict") + "(" + global("builtins", "dict") + "tR" +
		"N" + scalar("i2", "(K\x03"+short(">")+"NNNtb", "\x01\x02") +
		beta1 + scalar("f4", "(K\x03"+short("<")+"NNNtb", "\x00\x00\x00\x3f") +
		short("list") + "(K\x01K\x02l" + short("dict") + "(K\x01\x8b\x02\x00\x00\x00\xff\xffd" + "u"
	s, err := readBytes(legacyFile(tree))
	if err != nil {
		t.Fatal(err)
	}
	d := s.Root().(*Dict)
	for key, want := range map[Value]Value{int64(1): Class("torch.device cuda"), nil: int64(0x0102), 0.5: 0.5} {
		if got, ok := d.Get(key); !ok || got != want {
			t.Errorf("%v: %v, not %v", key, got, want)
		}
	}
	if v, _ := d.Get(true); v.(*Dict).Len() != 0 {
		t.Errorf("a default dictionary: %v", v)
	}
	if v, _ := d.Get("list"); v.(*List).Len() != 2 || v.(*List).At(1) != int64(2) {
		t.Errorf("a list: %v", v)
	}
	v, _ := d.Get("dict")
	if key, value := v.(*Dict).At(0); key != int64(1) || value != int64(-1) {
		t.Errorf("a dictionary: %v: %v", key, value)
	}
}

func TestIntegers(t *testing.T) {
	s := open(t, "testdata/protocol2.pth")
	long, _ := s.Tensor("Long")
	if v, err := long.Int64s(); err != nil || !slices.Equal(v, []int64{-3, -2, -1, 0, 1, 2}) {
		t.Errorf("%v, %v", v, err)
	}
	float, _ := s.Tensor("Float")
	if _, err := float.Int64s(); err == nil {
		t.Error("floating-point numbers were read as integers")
	}
}

// TestEveryTruncation cuts files at every third length: always an error.
func TestEveryTruncation(t *testing.T) {
	for path := range checkpoints {
		whole := readFile(t, path)
		for n := len(whole) - 1; n >= 0; n -= 3 {
			if err := readAll(whole[:n]); err == nil {
				t.Fatalf("%s: the first %d of %d bytes are read without an error", path, n, len(whole))
			}
		}
	}
}
