package predict

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// tensorReader collects the values of one input from nested lists, and
// compares their shape with the signature's while they come.
type tensorReader struct {
	name   string
	want   []int64 // the signature's sizes, -1 where open
	shape  []int64 // what has come, -1 where unknown
	values values
}

// values are the numbers of a tensor, in row-major order.
type values interface {
	read(w *walker) error
	// tensor makes one of the elements from lo to hi.
	tensor(lo, hi int64, shape []int64) (*tensorflow.Tensor, error)
}

func newTensorReader(name string, spec savedmodel.TensorSpec, limits *Limits) (*tensorReader, error) {
	if spec.Shape == nil {
		return nil, failf(http.StatusNotImplemented, "the input %q has an open rank, which this server cannot read", name)
	}
	r := &tensorReader{name: name, want: spec.Shape, shape: make([]int64, len(spec.Shape))}
	for i := range r.shape {
		r.shape[i] = -1
	}
	switch spec.DType {
	case tensorflow.Float:
		r.values = &numbers[float32]{parse: func(t string) (float32, error) { v, err := strconv.ParseFloat(t, 32); return float32(v), err }}
	case tensorflow.Double:
		r.values = &numbers[float64]{parse: func(t string) (float64, error) { return strconv.ParseFloat(t, 64) }}
	case tensorflow.Int32:
		r.values = &numbers[int32]{parse: func(t string) (int32, error) { v, err := strconv.ParseInt(t, 10, 32); return int32(v), err }}
	case tensorflow.Int64:
		r.values = &numbers[int64]{parse: func(t string) (int64, error) { return strconv.ParseInt(t, 10, 64) }}
	case tensorflow.Uint8:
		r.values = &numbers[uint8]{parse: func(t string) (uint8, error) { v, err := strconv.ParseUint(t, 10, 8); return uint8(v), err }}
	case tensorflow.Bool:
		r.values = &numbers[bool]{parse: parseJSONBool}
	case tensorflow.String:
		if len(spec.Shape) > 1 {
			return nil, failf(http.StatusNotImplemented, "the input %q is a string tensor of rank %d, which this server cannot read", name, len(spec.Shape))
		}
		r.values = &texts{pictures: strings.HasSuffix(name, "_bytes"), limits: limits}
	default:
		return nil, failf(http.StatusNotImplemented, "the input %q has a type that this server cannot read", name)
	}
	return r, nil
}

// batched says that the first dimension is the number of examples.
func (r *tensorReader) batched() bool { return len(r.want) > 0 && r.want[0] < 0 }

// row reads one example.
func (r *tensorReader) row(w *walker) error { return r.read(w, 1) }

// whole reads the value with its batch dimension.
func (r *tensorReader) whole(w *walker) error { return r.read(w, 0) }

func (r *tensorReader) read(w *walker, depth int) error {
	if depth == len(r.want) {
		if err := r.values.read(w); err != nil {
			return badRequest("the input %q: %v", r.name, err)
		}
		return nil
	}
	if w.next() != '[' {
		return badRequest("the input %q: found %s where a list belongs: want the shape %s", r.name, excerpt(w.token(), w), shapeText(r.want))
	}
	limit := r.want[depth]
	var n int64
	err := w.list(func() error {
		if n++; limit >= 0 && n > limit {
			return badRequest("the input %q: a list of more than %d elements: want the shape %s", r.name, limit, shapeText(r.want))
		}
		return r.read(w, depth+1)
	})
	switch {
	case err != nil:
		return err
	case n == 0:
		return badRequest("the input %q: a list is empty", r.name)
	case limit >= 0 && n != limit:
		return badRequest("the input %q: a list of %d elements instead of %d: want the shape %s", r.name, n, limit, shapeText(r.want))
	case r.shape[depth] >= 0 && r.shape[depth] != n:
		return badRequest("the input %q is ragged: lists of %d and %d elements side by side", r.name, r.shape[depth], n)
	}
	r.shape[depth] = n
	return nil
}

// tensor makes one of all examples.
func (r *tensorReader) tensor() (*tensorflow.Tensor, error) {
	return r.made(0, int64(product(r.shape)), r.shape)
}

// part makes one of the examples from first to end.
func (r *tensorReader) part(first, end int64) (*tensorflow.Tensor, error) {
	each := int64(product(r.shape[1:]))
	return r.made(first*each, end*each, append([]int64{end - first}, r.shape[1:]...))
}

func (r *tensorReader) made(lo, hi int64, shape []int64) (*tensorflow.Tensor, error) {
	t, err := r.values.tensor(lo, hi, shape)
	if err != nil {
		return nil, fmt.Errorf("the input %q: %w", r.name, err)
	}
	return t, nil
}

// numbers are values of one Go type.
type numbers[T tf.Element] struct {
	all   []T
	parse func(string) (T, error)
}

func (n *numbers[T]) read(w *walker) error {
	token := w.token()
	v, err := n.parse(string(token))
	if token == nil || err != nil {
		return fmt.Errorf("found %s where a value of type %T belongs", excerpt(token, w), v)
	}
	n.all = append(n.all, v)
	return nil
}

func (n *numbers[T]) tensor(lo, hi int64, shape []int64) (*tensorflow.Tensor, error) {
	return tf.NewTensor(n.all[lo:hi], shape...)
}

func parseJSONBool(token string) (bool, error) {
	if token != "true" && token != "false" {
		return false, strconv.ErrSyntax
	}
	return token == "true", nil
}

// texts are strings. Pictures among them are looked at before TensorFlow
// believes the size that they claim.
type texts struct {
	all      []string
	pictures bool
	sizes    []int64 // pixels of each picture
	limits   *Limits
}

func (t *texts) read(w *walker) error {
	text, err := readText(w)
	if err != nil {
		return err
	}
	if t.pictures {
		pixels, err := t.limits.picture(&text)
		if err != nil {
			return err
		}
		t.sizes = append(t.sizes, pixels)
	}
	t.all = append(t.all, text)
	return nil
}

// readText takes "text" or {"b64": "bytes"}.
func readText(w *walker) (text string, err error) {
	if !w.isBytes() {
		return w.quoted()
	}
	count := 0
	err = w.object(func(key string) error {
		if count++; count > 1 || key != "b64" {
			return fmt.Errorf(`{"b64": ...} has other fields`)
		}
		encoded, err := w.quoted()
		if err != nil {
			return err
		}
		decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
		text = string(decoded)
		if err != nil {
			return fmt.Errorf("b64 is not base64: %v", err)
		}
		return nil
	})
	return text, err
}

func (t *texts) tensor(lo, hi int64, shape []int64) (*tensorflow.Tensor, error) {
	if len(shape) == 0 {
		return tensorflow.NewTensor(t.all[0])
	}
	return tensorflow.NewTensor(t.all[lo:hi])
}

func names(readers map[string]*tensorReader) string {
	var all []string
	for name := range readers {
		all = append(all, name)
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

// shapeText writes open sizes as '?'.
func shapeText(shape []int64) string {
	var b strings.Builder
	for i, d := range shape {
		if i > 0 {
			b.WriteString(", ")
		}
		if d < 0 {
			b.WriteByte('?')
		} else {
			b.WriteString(strconv.FormatInt(d, 10))
		}
	}
	return "[" + b.String() + "]"
}
