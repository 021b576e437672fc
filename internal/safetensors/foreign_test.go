package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// TestForeignTypes: tensors of types that are not read lie beside others, which
// are read.
func TestForeignTypes(t *testing.T) {
	for dtype, shape := range map[string]string{
		"F8_E4M3": "[8]", "F8_E5M2": "[2,4]", "F8_E8M0": "[8]", "F8_E4M3FNUZ": "[8]", "F8_E5M2FNUZ": "[8]",
		"F4": "[16]", "F6_E2M3": "[12]", "F6_E3M2": "[4,3]", "C64": "[1]",
	} {
		size := 8
		if strings.HasPrefix(dtype, "F6") {
			size = 9
		}
		head := fmt.Sprintf(`{"odd":{"dtype":%q,"shape":%s,"data_offsets":[0,%d]},"plain":{"dtype":"U8","shape":[2],"data_offsets":[%d,%d]}}`,
			dtype, shape, size, size, size+2)
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
		b = append(append(b, head...), "123456789"[:size]...)
		b = append(b, 7, 8)
		f, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Errorf("%s: %v", dtype, err)
			continue
		}
		if data, err := f.Bytes("plain"); err != nil || !bytes.Equal(data, []byte{7, 8}) {
			t.Errorf("beside %s: %v (%v)", dtype, data, err)
		}
		if info, ok := f.Info("odd"); !ok || info.Foreign != dtype || info.DType.Valid() {
			t.Errorf("%s: %+v", dtype, info)
		}
		if _, err := f.Bytes("odd"); err == nil || !strings.Contains(err.Error(), dtype) {
			t.Errorf("%s: read, or %v", dtype, err)
		}
	}
}
