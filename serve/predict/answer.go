package predict

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"sort"
	"strconv"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// Answer is what predict writes: "predictions", one value or object for each
// example, or "outputs", one list for each output.
type Answer struct {
	rows    bool
	n       int
	outputs []output // sorted by name
}

// output is one tensor that can be written.
type output struct {
	name   string
	shape  []int64
	append func(to []byte, i int) []byte // element i of the flat tensor
}

// NewAnswer is what a call gave for n examples: in rows each output has one value
// for each of them.
func NewAnswer(tensors map[string]*tensorflow.Tensor, rows bool, n int64) (*Answer, error) {
	a := &Answer{rows: rows, n: int(n)}
	for name, t := range tensors {
		o, err := newOutput(name, t)
		if err != nil {
			return nil, err
		}
		if rows && (len(o.shape) == 0 || o.shape[0] != n) {
			return nil, badRequest("the output %q has the shape %s, not one value for each of %d instances: use inputs instead of instances",
				name, shapeText(o.shape), n)
		}
		a.outputs = append(a.outputs, o)
	}
	sort.Slice(a.outputs, func(i, j int) bool { return a.outputs[i].name < a.outputs[j].name })
	return a, nil
}

func newOutput(name string, t *tensorflow.Tensor) (output, error) {
	o := output{name: name, shape: t.Shape()}
	var err error
	switch t.DataType() {
	case tensorflow.Float:
		o.append, err = floats[float32](t, 32)
	case tensorflow.Double:
		o.append, err = floats[float64](t, 64)
	case tensorflow.Int32:
		o.append, err = integers[int32](t)
	case tensorflow.Int64:
		o.append, err = integers[int64](t)
	case tensorflow.Uint8:
		o.append, err = integers[uint8](t)
	case tensorflow.Bool:
		var all []bool
		all, err = tf.Values[bool](t)
		o.append = func(to []byte, i int) []byte { return strconv.AppendBool(to, all[i]) }
	case tensorflow.String:
		o.append, err = textsOf(t, strings.HasSuffix(name, "_bytes"))
	default:
		err = failf(http.StatusNotImplemented, "it has a type that this server cannot write")
	}
	if err != nil {
		return output{}, fmt.Errorf("the output %q: %w", name, err)
	}
	return o, nil
}

// floats refuses what JSON has no word for.
func floats[T float32 | float64](t *tensorflow.Tensor, bits int) (func([]byte, int) []byte, error) {
	all, err := tf.Values[T](t)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, badRequest("the model gives numbers that are not finite for these inputs, although its weights are: are they in the range that it expects?")
		}
	}
	return func(to []byte, i int) []byte { return strconv.AppendFloat(to, float64(all[i]), 'g', -1, bits) }, nil
}

func integers[T int32 | int64 | uint8](t *tensorflow.Tensor) (func([]byte, int) []byte, error) {
	all, err := tf.Values[T](t)
	return func(to []byte, i int) []byte { return strconv.AppendInt(to, int64(all[i]), 10) }, err
}

// textsOf writes strings, those of outputs named *_bytes as base64.
func textsOf(t *tensorflow.Tensor, encoded bool) (func([]byte, int) []byte, error) {
	var all []string
	switch v := t.Value().(type) {
	case string:
		all = []string{v}
	case []string:
		all = v
	default:
		return nil, failf(http.StatusNotImplemented, "it is a string tensor of a rank that this server cannot write")
	}
	if encoded {
		return func(to []byte, i int) []byte {
			return append(append(append(to, `{"b64":"`...), base64.StdEncoding.EncodeToString([]byte(all[i]))...), `"}`...)
		}, nil
	}
	return func(to []byte, i int) []byte { return appendQuoted(to, all[i]) }, nil
}

func appendQuoted(to []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		quoted = []byte(`""`) // a string always has JSON
	}
	return append(to, quoted...)
}

// Write writes the answer as JSON.
func (a *Answer) Write(to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<16)
	if a.rows {
		w.WriteString(`{"predictions":[`)
		for i := 0; i < a.n; i++ {
			if i > 0 {
				w.WriteByte(',')
			}
			a.named(w, func(o output) {
				size := product(o.shape[1:])
				o.nested(w, o.shape[1:], i*size, size)
			})
		}
		w.WriteByte(']')
	} else {
		w.WriteString(`{"outputs":`)
		a.named(w, func(o output) { o.nested(w, o.shape, 0, product(o.shape)) })
	}
	w.WriteString("}\n")
	return w.Flush() // the first error sticks
}

// named writes the only output as it is and several as an object.
func (a *Answer) named(w *bufio.Writer, value func(output)) {
	if len(a.outputs) == 1 {
		value(a.outputs[0])
		return
	}
	for i, o := range a.outputs {
		w.WriteByte("{,"[min(i, 1)])
		w.Write(append(appendQuoted(w.AvailableBuffer(), o.name), ':'))
		value(o)
	}
	w.WriteByte('}')
}

// nested writes the size elements from first on as lists of the given shape.
func (o output) nested(w *bufio.Writer, shape []int64, first, size int) {
	if len(shape) == 0 {
		w.Write(o.append(w.AvailableBuffer(), first))
		return
	}
	w.WriteByte('[')
	for i := 0; i < int(shape[0]); i++ {
		if i > 0 {
			w.WriteByte(',')
		}
		part := size / int(shape[0])
		o.nested(w, shape[1:], first+i*part, part)
	}
	w.WriteByte(']')
}

func product(shape []int64) int {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	return n
}
