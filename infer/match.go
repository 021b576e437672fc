package infer

import (
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// Stored reads groups of a checkpoint. The tensors of all are under their
// names.
func Stored(c *checkpoint.Checkpoint, groups ...string) (map[string]*tensorflow.Tensor, error) {
	byName := map[string]*tensorflow.Tensor{}
	for _, group := range groups {
		list, err := c.Tensors(group)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			byName[t.Name] = t.Tensor
		}
	}
	return byName, nil
}

// Match gives each variable the stored tensor of its name. wrong says which are
// missing or of another dtype or shape.
func Match(vars []*graph.Variable, stored map[string]*tensorflow.Tensor) (values map[*graph.Variable]*tensorflow.Tensor, wrong []string) {
	values = make(map[*graph.Variable]*tensorflow.Tensor, len(vars))
	for _, v := range vars {
		t, ok := stored[v.Name]
		switch {
		case !ok:
			wrong = append(wrong, v.Name+" is missing")
		case !v.Fits(t):
			wrong = append(wrong, fmt.Sprintf("%s is %s, not %s", v.Name, form(t.DataType(), t.Shape()), form(v.DType, v.Dims)))
		default:
			values[v] = t
		}
	}
	return values, wrong
}

// form writes sizes, and the dtype where it is not the usual one.
func form(dtype tensorflow.DataType, dims []int64) string {
	switch dtype {
	case tensorflow.Float:
		return fmt.Sprint(dims)
	case tensorflow.Double:
		return fmt.Sprintf("float64 %v", dims)
	case tensorflow.Int64:
		return fmt.Sprintf("int64 %v", dims)
	}
	return fmt.Sprintf("%v of TensorFlow's dtype %d", dims, dtype)
}

// Some joins the first few of many texts and counts the others.
func Some(texts []string) string {
	const most = 8
	if len(texts) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], "; "), len(texts)-most)
	}
	return strings.Join(texts, "; ")
}
