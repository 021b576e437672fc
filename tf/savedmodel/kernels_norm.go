package savedmodel

import (
	"slices"

	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// defaultEpsilon is a batch norm's whose node does not say.
const defaultEpsilon = 1e-4

// norm is the batch norm by given averages that alone uses a node, with n values
// in each of its lists and in the bias, if there is one, and of which nothing but
// the map is read.
func (r *rewriter) norm(node *nodepb.NodeDef, bias string, n int64) *nodepb.NodeDef {
	for _, op := range []string{"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"} {
		if m := r.only(node, op); m != nil {
			if r.isLine(m, bias, n) && !r.named[m.GetName()] && r.readsMapOnly(m) {
				return m
			}
		}
	}
	return nil
}

// isLine reports whether a batch norm of maps is the same for every batch.
func (r *rewriter) isLine(m *nodepb.NodeDef, bias string, n int64) bool {
	a := m.GetAttr()
	if a["is_training"] == nil || a["is_training"].GetB() || order(m) != orderNHWC {
		return false
	}
	if u := a["U"]; u != nil && u.GetType() != typespb.DataType_DT_FLOAT {
		return false
	}
	lists := slices.Clone(m.GetInput()[1:5])
	if bias != "" {
		lists = append(lists, bias)
	}
	return !slices.ContainsFunc(lists, func(list string) bool { return !slices.Equal(r.shape(list), []int64{n}) })
}

// readsMapOnly reports whether nobody reads the other outputs of a node.
func (r *rewriter) readsMapOnly(m *nodepb.NodeDef) bool {
	for _, user := range r.consumers[m.GetName()] {
		for _, input := range user.GetInput() {
			if name, index, err := outputOf(input); err != nil || name == m.GetName() && index > 0 {
				return false
			}
		}
	}
	return true
}

// line adds what makes a batch norm behind a convolution and its bias (or "") a
// line: the map behind it is the convolution * scale + shift.
func (r *rewriter) line(m *nodepb.NodeDef, bias string, n int64) (scale, shift string) {
	epsilon := float32(defaultEpsilon)
	if e := m.GetAttr()["epsilon"]; e != nil {
		epsilon = e.GetF()
	}
	if bias == "" {
		bias = r.fill(m, "bias", 0, n)
	}
	float := map[string]*attrpb.AttrValue{"T": {Value: &attrpb.AttrValue_Type{Type: typespb.DataType_DT_FLOAT}}}
	in := m.GetInput() // the map, scale, offset, mean and variance
	scale = r.add(m, "variance", "AddV2", float, in[4], r.fill(m, "epsilon", epsilon, n))
	scale = r.add(m, "deviation", "Rsqrt", float, scale)
	scale = r.add(m, "scale", "Mul", float, scale, in[1])
	shift = r.add(m, "moved", "Sub", float, bias, in[3])
	shift = r.add(m, "scaled", "Mul", float, shift, scale)
	return scale, r.add(m, "shift", "AddV2", float, shift, in[2])
}
