package weights

import (
	"fmt"
	"io"

	"github.com/prioritycut/prioritycut/internal/element"
)

// maxExpanded is what expanded tensors may take beyond a multiple of what the
// file has, in bytes.
const maxExpanded = 64 << 20

// storage is a run of bytes that tensors are views of. Where they lie may be
// known only after the pickle has been read.
type storage struct {
	key   string
	elem  elem
	count int64 // elements, as the pickle claims
	data  region
}

func (s *storage) size() int64 { return s.count * s.elem.size }

// region is where a storage's bytes are.
type region interface {
	// section returns a reader of length bytes from offset.
	section(offset, length int64) (io.ReadCloser, error)
}

// fileRegion is a run of bytes of a file.
type fileRegion struct {
	r     io.ReaderAt
	start int64
}

func (f fileRegion) section(offset, length int64) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(f.r, f.start+offset, length)), nil
}

// view is a tensor's place in a storage. Offset, shape and stride count
// elements.
type view struct {
	storage  *storage
	itemSize int64
	offset   int64
	shape    []int64
	stride   []int64
}

// check makes sure that every element lies within the storage.
func (v *view) check() error {
	if len(v.shape) != len(v.stride) {
		return fmt.Errorf("a tensor has %d dimensions and %d strides", len(v.shape), len(v.stride))
	}
	if _, err := element.Count(v.shape); err != nil {
		return err
	}
	if v.offset < 0 {
		return fmt.Errorf("a tensor has the storage offset %d", v.offset)
	}
	if _, err := v.extent(); err != nil {
		return err
	}
	// Only expanded tensors (stride 0) are larger than their storage.
	if v.count()*v.itemSize > 4*v.storage.size()+maxExpanded {
		return fmt.Errorf("a tensor of size %v and stride %v expands a storage of %d bytes too far", v.shape, v.stride, v.storage.size())
	}
	return nil
}

// extent returns the number of elements from the first to the last one that
// the tensor uses.
func (v *view) extent() (int64, error) {
	if v.count() == 0 {
		return 0, nil
	}
	room := v.storage.size()/v.itemSize - v.offset
	extent := int64(1)
	for i, d := range v.shape {
		if d > 1 && v.stride[i] > 0 {
			if d-1 > room/v.stride[i] {
				extent = room + 1
				break
			}
			extent += (d - 1) * v.stride[i]
		}
		if extent > room {
			break
		}
	}
	if extent > room {
		return 0, fmt.Errorf("a tensor of size %v, stride %v and offset %d does not fit into its storage of %d elements",
			v.shape, v.stride, v.offset, v.storage.size()/v.itemSize)
	}
	return extent, nil
}

// count is the number of elements; check has found it to be in range.
func (v *view) count() int64 {
	n, err := element.Count(v.shape)
	if err != nil {
		return 0
	}
	return n
}

// contiguous reports whether the elements lie in C order without gaps.
func (v *view) contiguous() bool {
	next := int64(1)
	for i := len(v.shape) - 1; i >= 0; i-- {
		if v.shape[i] == 1 {
			continue
		}
		if v.stride[i] != next {
			return false
		}
		next *= v.shape[i]
	}
	return true
}

// open returns a reader of the bytes from the view's first to its last
// element, and their number.
func (v *view) open() (io.ReadCloser, int64, error) {
	extent, err := v.extent()
	if err != nil {
		return nil, 0, err
	}
	if v.storage.data == nil {
		return nil, 0, fmt.Errorf("the file has no storage %.40q", v.storage.key)
	}
	length := extent * v.itemSize
	r, err := v.storage.data.section(v.offset*v.itemSize, length)
	if err != nil {
		return nil, 0, fmt.Errorf("storage %.40q: %w", v.storage.key, err)
	}
	return r, length, nil
}

func (v *view) bytes() ([]byte, error) {
	if v.count() == 0 {
		return []byte{}, nil
	}
	r, length, err := v.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw := make([]byte, length)
	if err := readToEnd(r, raw); err != nil {
		return nil, fmt.Errorf("storage %.40q: %w", v.storage.key, err)
	}
	if v.contiguous() {
		return raw, nil
	}
	return v.gather(raw), nil
}

func (v *view) writeTo(w io.Writer) error {
	if v.count() == 0 {
		return nil
	}
	if !v.contiguous() {
		return writeBytes(w, v)
	}
	r, length, err := v.open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(w, r)
	if err == nil && n != length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("storage %.40q: %w", v.storage.key, err)
	}
	return nil
}

// gather puts strided elements into C order. Strides may be 0.
func (v *view) gather(raw []byte) []byte {
	total := v.count() * v.itemSize
	dst := make([]byte, 0, total)
	at := make([]int64, len(v.shape))
	for from := int64(0); int64(len(dst)) < total; {
		dst = append(dst, raw[from:from+v.itemSize]...)
		for axis := len(v.shape) - 1; axis >= 0; axis-- {
			step := v.stride[axis] * v.itemSize
			if at[axis]++; at[axis] < v.shape[axis] {
				from += step
				break
			}
			from -= (v.shape[axis] - 1) * step
			at[axis] = 0
		}
	}
	return dst
}

// readToEnd fills b and then expects the end, where checksums are compared.
func readToEnd(r io.Reader, b []byte) error {
	if _, err := io.ReadFull(r, b); err != nil {
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	var more [1]byte
	switch n, err := io.ReadFull(r, more[:]); {
	case n > 0:
		return fmt.Errorf("there are more bytes than expected")
	case err != io.EOF:
		return err
	}
	return nil
}

// storages are those that a pickle refers to, by key.
type storages struct {
	byKey map[string]*storage
	order []*storage
	limit int64 // no storage can be larger, in bytes
}

// resolve reads a reference: ("storage", class, key, location, count) and, in
// files before PyTorch 1.6, the view metadata (key, offset, count).
func (s *storages) resolve(m *machine, id Value) (Value, error) {
	parts, ok := id.(Tuple)
	if !ok || len(parts) < 5 || len(parts) > 6 || parts[0] != "storage" {
		return nil, fmt.Errorf("a reference is no storage; files with whole modules are not supported, save state dicts")
	}
	kind, ok := typeOfStorage(parts[1])
	if !ok {
		return nil, fmt.Errorf("a storage is of the class %.60s", kindOf(parts[1]))
	}
	key, ok := parts[2].(string)
	if n, isInt := parts[2].(int64); isInt {
		key, ok = fmt.Sprint(n), true
	}
	if len(key) > maxName {
		return nil, fmt.Errorf("a storage's key %.40q... has more than %d bytes", key, maxName)
	}
	count, ok2 := integer(parts[4])
	if !ok || !ok2 || count < 0 || count > s.limit/kind.size {
		return nil, fmt.Errorf("storage %.40q claims %d elements of %v, more than the file can hold", key, count, kind)
	}
	root, err := s.root(key, kind, count)
	if err != nil || len(parts) == 5 || parts[5] == nil {
		return root, err
	}
	return s.part(m, root, parts[5])
}

func (s *storages) root(key string, kind elem, count int64) (*storage, error) {
	if old, ok := s.byKey[key]; ok {
		if old.elem != kind || old.count != count {
			return nil, fmt.Errorf("storage %.40q occurs with two types or sizes", key)
		}
		return old, nil
	}
	root := &storage{key: key, elem: kind, count: count}
	s.byKey[key] = root
	s.order = append(s.order, root)
	return root, nil
}

// part is a storage that is a part of another one.
func (s *storages) part(m *machine, root *storage, metadata Value) (Value, error) {
	t, ok := metadata.(Tuple)
	if !ok || len(t) != 3 {
		return nil, fmt.Errorf("storage %.40q has unknown view metadata", root.key)
	}
	offset, ok := integer(t[1])
	count, ok2 := integer(t[2])
	if !ok || !ok2 || offset < 0 || count < 0 || offset > root.count || count > root.count-offset {
		return nil, fmt.Errorf("storage %.40q has a view beyond its %d elements", root.key, root.count)
	}
	if err := m.charge(8); err != nil {
		return nil, err
	}
	return &storage{
		key:   root.key,
		elem:  root.elem,
		count: count,
		data:  partRegion{root, offset * root.elem.size},
	}, nil
}

// partRegion is a part of a storage whose own place may not be known yet.
type partRegion struct {
	root  *storage
	start int64
}

func (p partRegion) section(offset, length int64) (io.ReadCloser, error) {
	if p.root.data == nil {
		return nil, fmt.Errorf("the file does not have it")
	}
	return p.root.data.section(p.start+offset, length)
}
