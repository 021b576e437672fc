package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"unicode/utf8"
)

// Tensor is a tensor to be written.
type Tensor struct {
	Name  string
	DType DType
	Shape []int64 // empty for a scalar
	// Data holds the elements, little-endian, in C order. It is not used when
	// Stream is given.
	Data []byte
	// Stream, where given, writes the bytes that Data would hold. It is called
	// once, when the tensor's turn comes, so that a large file is written
	// without having been in memory.
	Stream func(w io.Writer) error
}

// metadataKey is the one key of a header that is no tensor's name.
const metadataKey = "__metadata__"

// Write writes the tensors and the metadata. Tensors of wide elements come
// first, those of equal width in the order given, so that each one is aligned
// in the file. Equal input gives equal bytes.
//
// It is an error when a name is empty, reserved or used twice, when a tensor's
// bytes are not what its shape takes, and when writing fails; w has then been
// written to in part.
func Write(w io.Writer, tensors []Tensor, meta map[string]string) error {
	order := make([]*Tensor, len(tensors))
	for i := range tensors {
		order[i] = &tensors[i]
	}
	sort.SliceStable(order, func(i, j int) bool { return order[i].DType.Size() > order[j].DType.Size() })
	head, sizes, err := encodeHeader(order, meta)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("writing the header: %w", err)
	}
	for i, t := range order {
		if err := t.writeTo(w, sizes[i]); err != nil {
			return fmt.Errorf("writing tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// encodeHeader returns the length, the header padded to a multiple of eight
// bytes, and the size of each tensor.
func encodeHeader(order []*Tensor, meta map[string]string) ([]byte, []int64, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteByte('{')
	if len(meta) > 0 {
		for k, v := range meta {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, nil, fmt.Errorf("metadata %q: text must be UTF-8", k)
			}
		}
		writeJSON(&b, metadataKey)
		b.WriteByte(':')
		writeJSON(&b, meta)
	}
	seen := make(map[string]bool, len(order))
	sizes := make([]int64, len(order))
	offset := int64(0)
	for i, t := range order {
		size, err := t.check(seen)
		if err != nil {
			return nil, nil, err
		}
		if offset+size < offset {
			return nil, nil, fmt.Errorf("tensor %q: the tensors before it leave no room for its %d bytes", t.Name, size)
		}
		if b.Len() > 9 {
			b.WriteByte(',')
		}
		writeJSON(&b, t.Name)
		b.WriteByte(':')
		writeJSON(&b, entry{t.DType.String(), append([]int64{}, t.Shape...), [2]int64{offset, offset + size}})
		offset += size
		sizes[i] = size
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-8 > MaxHeader {
		return nil, nil, fmt.Errorf("the header takes %d bytes, more than %d", b.Len()-8, MaxHeader)
	}
	head := b.Bytes()
	binary.LittleEndian.PutUint64(head, uint64(len(head)-8))
	return head, sizes, nil
}

// entry is a tensor's value in the header.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// writeJSON appends v, which always has a JSON form.
func writeJSON(b *bytes.Buffer, v any) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)         // a Buffer takes every write
	b.Truncate(b.Len() - 1) // the encoder's line end
}

// check returns the tensor's size in bytes.
func (t *Tensor) check(seen map[string]bool) (int64, error) {
	switch {
	case t.Name == "" || t.Name == metadataKey || !utf8.ValidString(t.Name):
		return 0, fmt.Errorf("tensor name %q is empty, reserved or not UTF-8", t.Name)
	case seen[t.Name]:
		return 0, fmt.Errorf("two tensors are named %q", t.Name)
	case len(t.Shape) > MaxDims:
		return 0, fmt.Errorf("tensor %q has %d dimensions, more than %d", t.Name, len(t.Shape), MaxDims)
	}
	seen[t.Name] = true
	size, err := t.DType.Bytes(t.Shape)
	if err != nil {
		return 0, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if t.Stream == nil && int64(len(t.Data)) != size {
		return 0, fmt.Errorf("tensor %q: shape %v of %v takes %d bytes, there are %d", t.Name, t.Shape, t.DType, size, len(t.Data))
	}
	return size, nil
}

func (t *Tensor) writeTo(w io.Writer, size int64) error {
	if t.Stream == nil {
		_, err := w.Write(t.Data)
		return err
	}
	c := counter{w: w, left: size}
	if err := t.Stream(&c); err != nil {
		return err
	}
	if c.left != 0 {
		return fmt.Errorf("the stream ended %d bytes before the %d that shape %v of %v takes", c.left, size, t.Shape, t.DType)
	}
	return nil
}

// counter lets exactly so many bytes pass.
type counter struct {
	w    io.Writer
	left int64
}

func (c *counter) Write(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		return 0, fmt.Errorf("the stream has more bytes than the shape takes")
	}
	n, err := c.w.Write(p)
	c.left -= int64(n)
	return n, err
}
