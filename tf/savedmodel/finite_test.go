package savedmodel

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/finite"
)

var nan, inf = float32(math.NaN()), float32(math.Inf(1))

func TestSavedModelsOfNoNumbersAreRefused(t *testing.T) {
	for _, bad := range []float32{nan, -inf} {
		dir := write(t, filepath.Join(t.TempDir(), "m"), line(t, []float32{1, 2, 3}, []float32{0, bad, 0}))
		m, err := Open(dir, tf.SessionConfig{})
		var found *finite.Error
		if !errors.As(err, &found) || !strings.Contains(err.Error(), "line.bias") || found.Index != 1 {
			t.Errorf("%v in a variable: %v", bad, err)
		}
		m.Close()
		if m, err = Open(dir, tf.SessionConfig{TrustSavedModel: true}); !errors.As(err, &found) {
			t.Errorf("%v in a variable that is trusted: %v", bad, err)
		}
		m.Close()
	}
}

// constantOf is a constant node.
func constantOf(p *tensorpb.TensorProto) *nodepb.NodeDef {
	return &nodepb.NodeDef{Name: "kernel", Op: "Const", Attr: map[string]*attrpb.AttrValue{"dtype": typeAttr(p.GetDtype()), "value": tensorAttr(p)}}
}

// Frozen models have their weights in the graph.
func TestFrozenModelsOfNoNumbersAreRefused(t *testing.T) {
	floats := func(dims []int64, v ...float32) *tensorpb.TensorProto {
		return &tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeProto(dims), FloatVal: v}
	}
	content := func(dtype typespb.DataType, n int64, raw ...byte) *tensorpb.TensorProto {
		return &tensorpb.TensorProto{Dtype: dtype, TensorShape: shapeProto([]int64{n}), TensorContent: raw}
	}
	for name, c := range map[string]struct {
		value *tensorpb.TensorProto
		ok    bool
	}{
		"numbers":                {floats([]int64{3}, 1, 2, 3), true},
		"NaN":                    {floats([]int64{3}, 1, nan, 3), false},
		"NaN repeated":           {floats([]int64{3}, nan), false},
		"a bias of one value":    {floats([]int64{1}, nan), false},
		"infinity among numbers": {floats([]int64{3}, 1, inf, 0), false},
		"a single number":        {floats([]int64{}, nan), true},
		"a mask":                 {floats([]int64{2, 2}, 0, -inf, 0, 0), true},
		"bytes":                  {content(typespb.DataType_DT_FLOAT, 2, 0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f), false},
		"a mask as bytes":        {content(typespb.DataType_DT_FLOAT, 2, 0, 0, 0, 0, 0, 0, 0x80, 0xff), true},
		"half precision":         {content(typespb.DataType_DT_HALF, 2, 0, 0x3c, 1, 0x7c), false},
		"finite half precision":  {content(typespb.DataType_DT_HALF, 2, 0, 0x3c, 0xff, 0x7b), true},
		"bfloat16":               {content(typespb.DataType_DT_BFLOAT16, 2, 0x80, 0x3f, 0xc0, 0x7f), false},
		"double precision":       {content(typespb.DataType_DT_DOUBLE, 1, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f), false},
		"half by value":          {&tensorpb.TensorProto{Dtype: typespb.DataType_DT_HALF, TensorShape: shapeProto([]int64{2}), HalfVal: []int32{0x3c00, 0x7e00}}, false},
	} {
		m, err := Open(forged(t, add(constantOf(c.value))), tf.SessionConfig{})
		var found *finite.Error
		if errors.As(err, &found) == c.ok || c.ok && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		m.Close()
	}
}
