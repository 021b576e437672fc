package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/element"
)

const python = "testdata/python.safetensors"

// want is what testdata/make.py writes.
func want(t DType, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		switch {
		case t == Bool:
			v[i] = float64(i % 2)
		case t.IsFloat():
			v[i] = float64(i-3) / 4
		case t == I8 || t == I16 || t == I32 || t == I64:
			v[i] = float64(i - 3)
		default:
			v[i] = float64(i)
		}
	}
	return v
}

func TestReadsWhatPythonWrites(t *testing.T) {
	f, err := Open(python)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if diff := cmp.Diff(map[string]string{"format": "np", "note": `a "quoted" word`}, f.Meta()); diff != "" {
		t.Error(diff)
	}
	types := map[string]DType{"t_b1": Bool, "t_i1": I8, "t_u1": U8, "t_i2": I16, "t_u2": U16, "t_f2": F16,
		"t_i4": I32, "t_u4": U32, "t_f4": F32, "t_i8": I64, "t_u8": U64, "t_f8": F64,
		"scalar": F32, "empty": F32, "dense_motion_network.Größe": F32}
	if n := len(f.Names()); n != len(types) {
		t.Errorf("%d tensors", n)
	}
	for name, dtype := range types {
		info, ok := f.Info(name)
		if !ok || info.DType != dtype {
			t.Errorf("%s: %+v", name, info)
			continue
		}
		shape := []int64{2, 3}
		switch name {
		case "scalar":
			shape = []int64{}
		case "empty":
			shape = []int64{0, 3}
		case "dense_motion_network.Größe":
			shape = []int64{4}
		}
		if diff := cmp.Diff(shape, info.Shape); diff != "" {
			t.Errorf("%s: shape %s", name, diff)
		}
		b, err := f.Bytes(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v, err := element.Float64s(dtype, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		n, err := element.Count(shape)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want(dtype, int(n)), v); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := f.Bytes("none"); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a tensor that is not there: %v", err)
	}
}

// TestWritesWhatPythonWrites compares the tensors' bytes and the length of
// the header with a file of the safetensors package; order of keys is free.
func TestWritesWhatPythonWrites(t *testing.T) {
	f, err := Open(python)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var tensors []Tensor
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		section, err := f.Section(name)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, Tensor{Name: name, DType: info.DType, Shape: info.Shape, Stream: func(w io.Writer) error {
			_, err := io.Copy(w, section)
			return err
		}})
	}
	var ours bytes.Buffer
	if err := Write(&ours, tensors, f.Meta()); err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(python)
	if err != nil {
		t.Fatal(err)
	}
	if ours.Len() != len(theirs) {
		t.Fatalf("%d bytes, not %d", ours.Len(), len(theirs))
	}
	data := 8 + binary.LittleEndian.Uint64(theirs)
	if !bytes.Equal(ours.Bytes()[:8], theirs[:8]) || !bytes.Equal(ours.Bytes()[data:], theirs[data:]) {
		t.Error("the bytes differ")
	}
}

func TestRoundTrip(t *testing.T) {
	tensors := []Tensor{
		{Name: "byte", DType: U8, Shape: []int64{3}, Data: []byte{1, 2, 3}},
		{Name: "a<b>&\"c\"\n", DType: F32, Shape: []int64{1, 2}, Data: []byte("12345678")},
		{Name: "half", DType: BF16, Shape: nil, Data: []byte{1, 2}},
		{Name: "none", DType: F64, Shape: []int64{0}},
		{Name: "wide", DType: F64, Shape: []int64{1}, Stream: func(w io.Writer) error {
			for i := range byte(8) {
				if _, err := w.Write([]byte{i}); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	meta := map[string]string{"format_version": "1", "b": "2", "a": "<&>"}
	path := filepath.Join(t.TempDir(), "file")
	var b bytes.Buffer
	if err := Write(&b, tensors, meta); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if diff := cmp.Diff(meta, f.Meta()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"none", "wide", "a<b>&\"c\"\n", "half", "byte"}, f.Names()); diff != "" {
		t.Error(diff)
	}
	tensors[4].Data = []byte{0, 1, 2, 3, 4, 5, 6, 7}
	for _, want := range tensors {
		info, _ := f.Info(want.Name)
		if info.DType != want.DType || !slices.Equal(info.Shape, want.Shape) || info.Offset%int64(want.DType.Size()) != 0 {
			t.Errorf("%q: %+v", want.Name, info)
		}
		if got, err := f.Bytes(want.Name); err != nil || !bytes.Equal(got, want.Data) {
			t.Errorf("%q: %v, %v", want.Name, got, err)
		}
	}
	var again bytes.Buffer
	if err := Write(&again, tensors, meta); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("equal input gives different bytes (%v)", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	good := Tensor{Name: "x", DType: U8, Shape: []int64{1}, Data: []byte{1}}
	stream := func(n int, err error) []Tensor {
		return []Tensor{{Name: "x", DType: U8, Shape: []int64{2}, Stream: func(w io.Writer) error {
			if _, err := w.Write(make([]byte, n)); err != nil {
				return err
			}
			return err
		}}}
	}
	for name, tensors := range map[string][]Tensor{
		"name twice":    {good, good},
		"no name":       {{DType: U8, Shape: []int64{1}, Data: []byte{1}}},
		"reserved":      {{Name: "__metadata__", DType: U8, Shape: []int64{1}, Data: []byte{1}}},
		"no UTF-8":      {{Name: "\xff", DType: U8, Shape: []int64{1}, Data: []byte{1}}},
		"no type":       {{Name: "x", Shape: []int64{1}, Data: []byte{1}}},
		"few bytes":     {{Name: "x", DType: F32, Shape: []int64{1}, Data: []byte{1}}},
		"negative":      {{Name: "x", DType: F32, Shape: []int64{-1}}},
		"huge":          {{Name: "x", DType: F32, Shape: []int64{1 << 40, 1 << 40}}},
		"short stream":  stream(1, nil),
		"long stream":   stream(3, nil),
		"failed stream": stream(2, errors.New("lost")),
	} {
		if err := Write(io.Discard, tensors, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := Write(io.Discard, nil, map[string]string{"a": "\xff"}); err == nil {
		t.Error("metadata that is no UTF-8: no error")
	}
	if err := Write(failing{}, []Tensor{good}, nil); err == nil {
		t.Error("a writer that fails: no error")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func file(head, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	return append(append(b, head...), data...)
}

func readAll(b []byte) error {
	f, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	for _, name := range f.Names() {
		info, ok := f.Info(name)
		data, err := f.Bytes(name)
		if err != nil {
			return err
		}
		if n, err := info.DType.Bytes(info.Shape); !ok || err != nil || int64(len(data)) != n {
			panic(fmt.Sprintf("%+v has %d bytes", info, len(data)))
		}
	}
	return nil
}

func TestForgedHeaders(t *testing.T) {
	one := `"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}`
	for head, message := range map[string]string{
		`{` + one + `,` + one + `}`:                                          "twice",
		`{` + one + `,"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`:  "overlaps",
		`{` + one + `,"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}`:  "gap",
		`{` + one + `,"b":{"dtype":"U8","shape":[9],"data_offsets":[2,11]}}`: "cut short",
		`{` + one + `}`: "follow",
		`{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,4]}}`:                      "takes 5 bytes",
		`{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,5]}}`:                   "takes 4 bytes",
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}`:                      "rising",
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}`:                    "more than 2",
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}}`:                        "rising",
		`{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}`:                     "no size",
		`{"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}`:                    "no size",
		`{"a":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}}`:                    "no size",
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,99999999999999999999]}}`:   "no size",
		`{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`:  "too many",
		`{"a":{"dtype":"F9","shape":[4],"data_offsets":[0,4]}}`:                      `"F9" is not supported`,
		`{"a":{"dtype":"F8_E4M3","shape":[5],"data_offsets":[0,4]}}`:                 "takes 5 bytes",
		`{"a":{"dtype":"F4","shape":[9],"data_offsets":[0,4]}}`:                      "no whole number of bytes",
		`{"a":{"dtype":"F6_E2M3","shape":[72057594037927932],"data_offsets":[0,4]}}`: "takes 54043195528445949 bytes",
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":[[[[]]]]}}`:         "unknown key",
		`{"a":{"dtype":"U8","dtype":"U8","data_offsets":[0,4]}}`:                     "twice",
		`{"a":{"dtype":"U8","data_offsets":[0,4]}}`:                                  "needed",
		`{"a":` + strings.Repeat(`{"a":`, 1000) + `1` + strings.Repeat(`}`, 1001):    "unknown key",
		`{"a":` + strings.Repeat(`[`, 10000):                                         "expected",
		`{"__metadata__":{"a":1},` + one + `}`:                                       "text expected",
		`{"__metadata__":{"a":"1","a":"2"},` + one + `}`:                             "twice",
		`{"":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`:                       "no name",
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}} x`:                    "follows",
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}`:                       "EOF",
		` {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`:                     "no JSON object",
		"{\"\xff\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}":         "no JSON object",
		``: "no JSON object",
		`{"a":{"dtype":"U8","shape":[` + strings.Repeat("1,", 64) + `1],"data_offsets":[0,4]}}`: "more than 64",
	} {
		if err := readAll(file(head, "1234")); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%.90s: %v, want %q", head, err, message)
		}
	}
	if err := readAll(file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}   `, "1234")); err != nil {
		t.Errorf("padding: %v", err)
	}
	for _, length := range []uint64{9, MaxHeader + 1, 1 << 63, 1<<64 - 1} {
		if err := readAll(append(binary.LittleEndian.AppendUint64(nil, length), "{}123456"...)); err == nil || !strings.Contains(err.Error(), "claimed") {
			t.Errorf("header of %d bytes: %v", length, err)
		}
	}
}

// TestEveryTruncation cuts a file at every length: always an error.
func TestEveryTruncation(t *testing.T) {
	whole, err := os.ReadFile(python)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := readAll(whole[:n]); err == nil {
			t.Fatalf("the first %d bytes are read without an error", n)
		}
	}
}

func FuzzRead(f *testing.F) {
	b, err := os.ReadFile(python)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(file(`{"__metadata__":{"a":"b"},"a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]}}`, "1234"))
	f.Add(file(`{}`, ""))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = readAll(b) // must return
	})
}
