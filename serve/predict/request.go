package predict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// Request is the body of predict.
type Request struct {
	// Signature is the name of the one that is called.
	Signature string
	// Rows says that the values are "instances", one after another; else they are
	// "inputs", one list for each.
	Rows bool
	data json.RawMessage
}

// Parse reads a body; one that names no signature means infer.SigDefault.
func Parse(body []byte) (Request, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return Request{}, badRequest("the request is no JSON object: %v", jsonError(err))
	}
	r := Request{Signature: infer.SigDefault}
	for name, value := range fields {
		switch name {
		case "signature_name":
			if err := json.Unmarshal(value, &r.Signature); err != nil {
				return Request{}, badRequest("signature_name is no string")
			}
		case "instances", "inputs":
			if r.data != nil {
				return Request{}, badRequest("instances and inputs exclude each other")
			}
			r.Rows, r.data = name == "instances", value
		default:
			return Request{}, badRequest("unknown field %.100q: want signature_name, and instances or inputs", name)
		}
	}
	if r.Signature == "" {
		r.Signature = infer.SigDefault
	}
	if r.data == nil {
		return Request{}, badRequest("instances or inputs is missing")
	}
	return r, nil
}

// jsonError says where.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("byte %d: %w", syntax.Offset, err)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("it is a %s", kind.Value)
	}
	return err
}

// Batch reads the inputs of a signature.
func (r Request) Batch(signature savedmodel.SignatureDef, limits Limits) (_ *Batch, err error) {
	b := &Batch{readers: make(map[string]*tensorReader, len(signature.Inputs))}
	for name, spec := range signature.Inputs {
		if b.readers[name], err = newTensorReader(name, spec, &limits); err != nil {
			return nil, err
		}
	}
	w := &walker{text: r.data}
	if r.Rows {
		b.N, err = readRows(w, b.readers, limits)
	} else {
		b.N, err = readColumns(w, b.readers, limits, signature.Name == infer.SigFrame)
	}
	return b, err
}

// Tensors are the inputs of a piece.
func (b *Batch) Tensors(piece [2]int64) (inputs map[string]*tensorflow.Tensor, err error) {
	inputs = make(map[string]*tensorflow.Tensor, len(b.readers))
	for name, reader := range b.readers {
		if piece == [2]int64{0, b.N} {
			inputs[name], err = reader.tensor()
		} else {
			inputs[name], err = reader.part(piece[0], piece[1])
		}
		if err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// readRows reads [{"a": ..., "b": ...}, ...], or [..., ...] where there is one
// input.
func readRows(w *walker, readers map[string]*tensorReader, limits Limits) (n int64, err error) {
	for _, reader := range readers {
		if !reader.batched() {
			return 0, badRequest("the input %q has no batch dimension: use inputs instead of instances", reader.name)
		}
	}
	if w.next() != '[' {
		return 0, badRequest("instances is no list")
	}
	err = w.list(func() error {
		if n++; n > limits.Batch {
			return badRequest("more than %d instances (the server's max_batch)", limits.Batch)
		}
		what := fmt.Sprintf("instance %d", n-1)
		return readNamed(w, what, readers, func(reader *tensorReader) error { return reader.row(w) })
	})
	if err == nil && n == 0 {
		err = badRequest("instances is empty")
	}
	for _, reader := range readers {
		reader.shape[0] = n
	}
	return n, err
}

// readColumns reads {"a": [...], "b": [...]}, or [...] where there is one
// input. If shared, an input of one example serves all of the others'.
func readColumns(w *walker, readers map[string]*tensorReader, limits Limits, shared bool) (n int64, err error) {
	err = readNamed(w, "inputs", readers, func(reader *tensorReader) error { return reader.whole(w) })
	if err != nil {
		return 0, err
	}
	n = 1
	for _, reader := range readers {
		if reader.batched() {
			n = max(n, reader.shape[0])
		}
	}
	for _, reader := range readers {
		if size := reader.shape; reader.batched() && size[0] != n && !(shared && size[0] == 1) {
			return 0, badRequest("the inputs differ in their number of examples: %d and %d", n, size[0])
		}
	}
	if n > limits.Batch {
		return 0, badRequest("%d examples, more than %d (the server's max_batch)", n, limits.Batch)
	}
	return n, nil
}

// readNamed reads an object with every input once, or the only input's value.
func readNamed(w *walker, what string, readers map[string]*tensorReader, read func(*tensorReader) error) error {
	if len(readers) == 1 && (w.next() != '{' || w.isBytes()) {
		for _, reader := range readers {
			return read(reader)
		}
	}
	if w.next() != '{' {
		return badRequest("%s is no object with the inputs %s", what, names(readers))
	}
	seen := make(map[string]bool, len(readers))
	err := w.object(func(key string) error {
		reader, ok := readers[key]
		switch {
		case !ok:
			return badRequest("%s: the signature has no input %.100q, only %s", what, key, names(readers))
		case seen[key]:
			return badRequest("%s: %q comes twice", what, key)
		}
		seen[key] = true
		return read(reader)
	})
	for name := range readers {
		if err == nil && !seen[name] {
			err = badRequest("%s: the input %q is missing", what, name)
		}
	}
	return err
}

// walker goes through JSON whose syntax has been checked.
type walker struct {
	text []byte
	at   int
}

// next is the byte at which the next token starts.
func (w *walker) next() byte {
	for w.at < len(w.text) {
		switch c := w.text[w.at]; c {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return c
		}
	}
	return 0
}

// list calls element for each element of the list that is next.
func (w *walker) list(element func() error) error {
	w.next()
	w.at++ // '['
	if w.next() == ']' {
		w.at++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		end := w.next() == ']'
		w.at++ // ',' or ']'
		if end {
			return nil
		}
	}
}

// object calls value for each key of the object that is next.
func (w *walker) object(value func(key string) error) error {
	w.next()
	w.at++ // '{'
	if w.next() == '}' {
		w.at++
		return nil
	}
	for {
		w.next()
		key, err := w.quoted()
		if err != nil {
			return err
		}
		w.next()
		w.at++ // ':'
		if err := value(key); err != nil {
			return err
		}
		end := w.next() == '}'
		w.at++ // ',' or '}'
		if end {
			return nil
		}
	}
}

// token takes a number, a word or a string as it stands; nil before a list or
// an object.
func (w *walker) token() []byte {
	c := w.next()
	start := w.at
	switch c {
	case '[', '{', 0:
		return nil
	case '"':
		for w.at++; w.text[w.at] != '"'; w.at++ {
			if w.text[w.at] == '\\' {
				w.at++
			}
		}
		w.at++
	default:
		for w.at < len(w.text) && bytes.IndexByte([]byte(",]} \t\r\n"), w.text[w.at]) < 0 {
			w.at++
		}
	}
	return w.text[start:w.at]
}

// quoted takes a string.
func (w *walker) quoted() (text string, err error) {
	token := w.token()
	if json.Unmarshal(token, &text) != nil {
		return "", badRequest("want a string, found %s", excerpt(token, w))
	}
	return text, nil
}

// isBytes tells {"b64": ...} from an object of inputs.
func (w *walker) isBytes() bool {
	ahead := *w
	if ahead.next() != '{' {
		return false
	}
	ahead.at++
	ahead.next()
	return string(ahead.token()) == `"b64"`
}

// excerpt shows what stands where something else should.
func excerpt(token []byte, w *walker) string {
	if token == nil {
		if w.next() == '[' {
			return "a list"
		}
		return "an object"
	}
	return fmt.Sprintf("%.40s", token)
}
