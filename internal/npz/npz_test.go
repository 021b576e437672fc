package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// want is what testdata/make.py writes, in C order.
func want(t DType, n int64) []float64 {
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

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func array(t *testing.T, f *File, name string) *Array {
	t.Helper()
	a, err := f.Array(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestReadsWhatNumpyWrites(t *testing.T) {
	types := map[string]DType{"b1": Bool, "i1": I8, "u1": U8, "i2": I16, "u2": U16, "f2": F16,
		"i4": I32, "u4": U32, "f4": F32, "i8": I64, "u8": U64, "f8": F64}
	for _, path := range []string{"testdata/numpy.npz", "testdata/numpy_compressed.npz"} {
		f := open(t, path)
		if n := len(f.Names()); n != 12*2+8+3 {
			t.Errorf("%s: %d arrays", path, n)
		}
		for _, name := range f.Names() {
			order, kind, typed := strings.Cut(name, "_")
			if !typed {
				continue
			}
			a := array(t, f, name)
			if a.DType != types[kind] {
				t.Errorf("%s %s: type %v", path, name, a.DType)
			}
			shape := map[string][]int64{"c": {2, 3, 4}, "fortran": {2, 3, 4}, "big": {5}, "bigfortran": {3, 5}}[order]
			if diff := cmp.Diff(shape, a.Shape); diff != "" {
				t.Errorf("%s %s: shape %s", path, name, diff)
			}
			if diff := cmp.Diff(want(a.DType, a.Len()), a.Float64s()); diff != "" {
				t.Errorf("%s %s: %s", path, name, diff)
			}
		}
		if a := array(t, f, "scalar"); len(a.Shape) != 0 || a.Float32s()[0] != -0.75 {
			t.Errorf("scalar: %+v", a)
		}
		if a := array(t, f, "empty"); !slices.Equal(a.Shape, []int64{0, 3}) || len(a.Float32s()) != 0 {
			t.Errorf("empty: %+v", a)
		}
		if a := array(t, f, "with/slash and space"); !slices.Equal(a.Float32s(), []float32{-0.75, -0.5}) {
			t.Errorf("with/slash and space: %+v", a)
		}
	}
}

func TestLoneArray(t *testing.T) {
	f := open(t, "testdata/lone.npy")
	a := array(t, f, "arr_0")
	if diff := cmp.Diff(want(F64, 9), a.Float64s()); diff != "" || !slices.Equal(a.Shape, []int64{3, 3}) {
		t.Errorf("shape %v, %s", a.Shape, diff)
	}
}

func TestIntegersAndBytes(t *testing.T) {
	f := open(t, "testdata/numpy.npz")
	v, err := array(t, f, "c_i8").Int64s()
	if err != nil || v[0] != -3 || v[23] != 20 {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := array(t, f, "c_f4").Int64s(); err == nil {
		t.Error("floating-point numbers were read as integers")
	}
	b, err := array(t, f, "c_u1").Bytes()
	if err != nil || b[23] != 23 {
		t.Errorf("%v, %v", b, err)
	}
	if _, err := array(t, f, "c_i2").Bytes(); err == nil {
		t.Error("two-byte integers were read as bytes")
	}
	if _, err := f.Array("c_i3"); err == nil || !strings.Contains(err.Error(), "c_i3") {
		t.Errorf("an array that is not there: %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	arrays := []Array{
		FromFloat32s("a.weight", []int64{2, 2}, []float32{1, -2, 3.5, 4e-30}),
		FromFloat64s("scalar", nil, []float64{1.0 / 3}),
		FromInt64s("vector", []int64{3}, []int64{-1, 0, 1 << 62}),
		FromBytes("picture", []int64{1, 2, 3}, []byte("abcdef")),
		{Info{Name: "empty", DType: Bool, Shape: []int64{0}}, nil},
	}
	for _, compress := range []bool{false, true} {
		var b bytes.Buffer
		if err := Write(&b, arrays, compress); err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := Write(&again, arrays, compress); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("equal arrays give different bytes (%v)", err)
		}
		f, err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range f.Names() {
			a := array(t, f, name)
			if name != arrays[i].Name || a.DType != arrays[i].DType || !bytes.Equal(a.Data, arrays[i].Data) || !slices.Equal(a.Shape, arrays[i].Shape) {
				t.Errorf("%+v became %+v", arrays[i], a)
			}
		}
	}
}

// TestHeaderIsNumpys compares with the very bytes that numpy wrote.
func TestHeaderIsNumpys(t *testing.T) {
	ours, numpys := new(bytes.Buffer), readFile(t, "testdata/lone.npy")
	a := FromFloat64s("", []int64{3, 3}, want(F64, 9))
	if err := WriteArray(ours, &a); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours.Bytes(), numpys) {
		t.Errorf("ours %q, numpy's %q", ours.Bytes(), numpys)
	}
}

func TestWriteRefuses(t *testing.T) {
	good := FromBytes("x", []int64{2}, []byte{1, 2})
	for name, arrays := range map[string][]Array{
		"name twice":     {good, good},
		"no name":        {FromBytes("", []int64{1}, []byte{1})},
		"too few bytes":  {FromBytes("x", []int64{3}, []byte{1})},
		"negative shape": {FromBytes("x", []int64{-1}, nil)},
		"no type":        {{Info{Name: "x"}, nil}},
	} {
		if err := Write(io.Discard, arrays, false); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func npy(head string, data string) []byte {
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(head)))
	return append(append(b, head...), data...)
}

func TestForgedHeaders(t *testing.T) {
	for head, message := range map[string]string{
		"{'descr': '', 'fortran_order': False, 'shape': (1,), }":                         "not supported",
		"{'descr': 'os.system', 'fortran_order': False, 'shape': (1,), }":                "not supported",
		"{'descr': '<V9999999', 'fortran_order': False, 'shape': (1,), }":                "not supported",
		"{'descr': '<V3', 'fortran_order': False, 'shape': (2,), }":                      "takes 6 bytes",
		"{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }":                      "takes 16 bytes",
		"{'descr': '<V900000', 'fortran_order': False, 'shape': (72057594037927935,), }": "too many",
		"{'descr': '|O', 'fortran_order': False, 'shape': (-1,), }":                      "dimension",
		"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }":             "expected",
		"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }":                          "True or False",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }":                     "dimension",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }":   "dimension",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }":  "too many",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }":             "takes 4000000000 bytes",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}":                "unknown key",
		"{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}":                                "twice",
		"{'descr': '<f4', 'shape': (1,)}":                                                "needed",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } + x":                  "follows",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1":                           "expected",
		"{'descr': '<f4": "does not end",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (" + strings.Repeat("1,", 65) + ")}": "dimensions",
		"": "expected",
	} {
		b := npy(head, "1234")
		if _, err := Read(bytes.NewReader(b), int64(len(b))); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%.80s: %v, want %q", head, err, message)
		}
	}
	// A version 2 header that claims 4 GB.
	b := append([]byte(magic), 2, 0, 0xff, 0xff, 0xff, 0xff)
	if _, err := Read(bytes.NewReader(b), int64(len(b))); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("huge header: %v", err)
	}
}

// TestEveryTruncation cuts files at every length: an error, whichever call
// finds it.
func TestEveryTruncation(t *testing.T) {
	for _, path := range []string{"testdata/lone.npy", "testdata/numpy_compressed.npz"} {
		whole := readFile(t, path)
		for n := range whole {
			if err := readAll(whole[:n]); err == nil {
				t.Fatalf("%s: the first %d bytes are read without an error", path, n)
			}
		}
	}
}

func readAll(b []byte) error {
	f, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	for _, name := range f.Names() {
		a, err := f.Array(name)
		if err != nil {
			return err
		}
		if int64(len(a.Float64s())) != a.Len() || int64(len(a.Float32s())) != a.Len() {
			panic("the length is not that of the shape")
		}
	}
	return nil
}

// TestDamage flips bits in the data; checksums tell.
func TestDamage(t *testing.T) {
	b := readFile(t, "testdata/numpy.npz")
	at := bytes.Index(b, []byte("\x93NUMPY")) + 128
	b[at] ^= 1
	if err := readAll(b); err == nil {
		t.Error("a flipped bit is not noticed")
	}
}

// raw writes an archive whose members claim what they like.
func raw(t *testing.T, members ...zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range members {
		w, err := z.CreateRaw(&members[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("0123456789")); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestForgedArchives(t *testing.T) {
	for message, b := range map[string][]byte{
		"compressed bytes can hold": raw(t, zip.FileHeader{Name: "a.npy", Method: zip.Deflate, CompressedSize64: 10, UncompressedSize64: 1 << 40}),
		"more bytes than the file":  raw(t, zip.FileHeader{Name: "a.npy", Method: zip.Store, CompressedSize64: 1 << 40, UncompressedSize64: 1 << 40}),
		"two different sizes":       raw(t, zip.FileHeader{Name: "a.npy", Method: zip.Store, CompressedSize64: 10, UncompressedSize64: 1 << 40}),
		"compression method":        raw(t, zip.FileHeader{Name: "a.npy", Method: 12, CompressedSize64: 10, UncompressedSize64: 10}),
		"encrypted":                 raw(t, zip.FileHeader{Name: "a.npy", Flags: 1, CompressedSize64: 10, UncompressedSize64: 10}),
	} {
		if err := readAll(b); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%v, want %q", err, message)
		}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for range 2 {
		w, err := z.Create("a.npy")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(readFile(t, "testdata/lone.npy")); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := readAll(b.Bytes()); err == nil || !strings.Contains(err.Error(), "two arrays") {
		t.Errorf("two members of a name: %v", err)
	}
}

func TestOpenRefusesFolders(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.npz")); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, path := range []string{"testdata/lone.npy", "testdata/numpy.npz", "testdata/numpy_compressed.npz"} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	var small bytes.Buffer
	if err := Write(&small, []Array{FromBytes("x", []int64{2}, []byte{1, 2})}, true); err != nil {
		f.Fatal(err)
	}
	f.Add(small.Bytes())
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = readAll(b) // must return
	})
}
