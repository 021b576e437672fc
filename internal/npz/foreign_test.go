package npz

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"
)

// TestForeignTypes: arrays of types that are not read, headers as numpy writes
// them, lie beside others, which are read.
func TestForeignTypes(t *testing.T) {
	for descr, data := range map[string]string{
		"<V2": "\x80\x3f\x00\x40", // ml_dtypes.bfloat16
		"<V1": "\x38\x40",         // ml_dtypes.float8_e4m3fn
		"<f1": "\x3c\x40",         // ml_dtypes.float8_e5m2
		"<c8": strings.Repeat("c", 16), "<U1": "a\x00\x00\x00b\x00\x00\x00", "|S3": "abcdef", "=f4": "12345678",
		"<M8[ns]": strings.Repeat("m", 16), "<f16": strings.Repeat("g", 32), "|O": "\x80\x04 a pickle of some length",
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, member := range map[string][]byte{
			"odd":   npy("{'descr': '"+descr+"', 'fortran_order': False, 'shape': (2,), }", data),
			"plain": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "\x00\x00\x80\x3f"),
		} {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
			if err == nil {
				_, err = w.Write(member)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Errorf("%s: %v", descr, err)
			continue
		}
		if a, err := f.Array("plain"); err != nil || !slices.Equal(a.Float32s(), []float32{1}) {
			t.Errorf("beside %s: %v (%v)", descr, a, err)
		}
		info, ok := f.Info("odd")
		if !ok || info.Foreign != descr || info.DType.Valid() || !slices.Equal(info.Shape, []int64{2}) {
			t.Errorf("%s: %+v", descr, info)
		}
		if _, err := f.Array("odd"); err == nil || !strings.Contains(err.Error(), descr) {
			t.Errorf("%s: read, or %v", descr, err)
		}
	}
}
