package config

import (
	"math"
	"reflect"

	"go.yaml.in/yaml/v3"
)

const (
	maxString = 4096 // bytes of a text value
	maxList   = 1024 // elements of a list
)

// leaf decodes a scalar or a list of scalars or small records into v.
func (d *decoder) leaf(n *yaml.Node, v reflect.Value, path string, depth int) {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		d.list(n, v, path, depth)
	case reflect.String:
		d.text(n, v, path)
	case reflect.Bool:
		d.truth(n, v, path)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.integer(n, v, path)
	case reflect.Float32, reflect.Float64:
		d.float(n, v, path)
	default:
		d.fail(n, path, "cannot be set: type %s", v.Type())
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		n = &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line}
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "is %s, must be a list such as [a, b]", describe(n))
		return
	}
	if len(n.Content) > maxList {
		d.fail(n, path, "has %d elements: at most %d make sense", len(n.Content), maxList)
		return
	}
	length := len(n.Content)
	if v.Kind() == reflect.Array && length != v.Len() {
		d.fail(n, path, "has %d elements, must have %d", length, v.Len())
		return
	}
	list := reflect.New(reflect.SliceOf(v.Type().Elem())).Elem()
	if length > 0 {
		list.Set(reflect.MakeSlice(list.Type(), length, length))
	}
	before := len(d.errs)
	for i, child := range n.Content {
		if child = d.visit(child, depth+1); child == nil {
			return
		}
		if list.Index(i).Kind() == reflect.Struct {
			d.record(child, list.Index(i), path, depth+1)
			continue
		}
		d.leaf(child, list.Index(i), path, depth+1)
	}
	switch {
	case len(d.errs) > before:
	case v.Kind() == reflect.Array:
		reflect.Copy(v, list)
	default:
		v.Set(list)
	}
}

// record decodes an element such as {step: 400, factor: 0.1}; every key of it
// must be there.
func (d *decoder) record(n *yaml.Node, v reflect.Value, path string, depth int) {
	inner := &decoder{layer: d.layer, origins: origins{}, nodes: d.nodes}
	inner.mapping(n, v, path+".", depth)
	d.nodes = inner.nodes
	d.errs = append(d.errs, inner.errs...)
	if len(inner.errs) > 0 {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		if _, set := inner.origins[path+"."+f.name]; !set {
			d.fail(n, path, "an element lacks its key %s", f.name)
		}
	}
}

func (d *decoder) text(n *yaml.Node, v reflect.Value, path string) {
	switch {
	case n.Kind != yaml.ScalarNode:
		d.fail(n, path, "is %s, must be a text", describe(n))
	case n.ShortTag() == "!!null":
		v.SetString("")
	case n.ShortTag() == "!!binary":
		d.fail(n, path, "is binary, must be a text")
	case len(n.Value) > maxString:
		d.fail(n, path, "has %d bytes: at most %d make sense", len(n.Value), maxString)
	default:
		v.SetString(n.Value)
	}
}

func (d *decoder) truth(n *yaml.Node, v reflect.Value, path string) {
	var b bool
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || n.Decode(&b) != nil {
		d.fail(n, path, "is %s, must be true or false", describe(n))
		return
	}
	v.SetBool(b)
}

// exactInts bounds the integers that a float64 holds exactly.
const exactInts = 1 << 53

func (d *decoder) integer(n *yaml.Node, v reflect.Value, path string) {
	var whole int64
	var f float64
	switch {
	case n.Kind != yaml.ScalarNode:
	case n.ShortTag() == "!!int" && n.Decode(&whole) == nil:
		if v.OverflowInt(whole) {
			break
		}
		v.SetInt(whole)
		return
	case n.ShortTag() == "!!float" && n.Decode(&f) == nil: // 1e3
		if f != math.Trunc(f) || math.Abs(f) > exactInts || v.OverflowInt(int64(f)) {
			break
		}
		v.SetInt(int64(f))
		return
	}
	d.fail(n, path, "is %s, must be a whole number", describe(n))
}

func (d *decoder) float(n *yaml.Node, v reflect.Value, path string) {
	var f float64
	number := n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!int" || n.ShortTag() == "!!float")
	if !number || n.Decode(&f) != nil || math.IsNaN(f) || math.IsInf(f, 0) || v.OverflowFloat(f) {
		d.fail(n, path, "is %s, must be a finite number", describe(n))
		return
	}
	v.SetFloat(f)
}
