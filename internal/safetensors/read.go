package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"sort"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// File is an open file of tensors. The header has been read and checked,
// tensors are read when asked for. A File may be used by several goroutines
// at once.
type File struct {
	r       io.ReaderAt
	closer  io.Closer
	tensors []Info // by offset
	index   map[string]int
	meta    map[string]string
}

// Open opens a file and checks its header.
func Open(path string) (*File, error) {
	f, size, err := localfile.Open(path)
	if err != nil {
		return nil, err
	}
	file, err := Read(f, size)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	file.closer = f
	return file, nil
}

// Read is Open for data of the given size behind r. Closing the File does not
// close r.
func Read(r io.ReaderAt, size int64) (*File, error) {
	head, err := readHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	f := &File{r: r, index: map[string]int{}}
	if f.tensors, f.meta, err = parseHeader(head); err != nil {
		return nil, fmt.Errorf("safetensors header: %w", err)
	}
	if err := f.place(8+int64(len(head)), size); err != nil {
		return nil, fmt.Errorf("safetensors header: %w", err)
	}
	return f, nil
}

func readHeader(r io.ReaderAt, size int64) ([]byte, error) {
	var start [8]byte
	if size < int64(len(start)) {
		return nil, fmt.Errorf("the file has %d bytes, fewer than a header's length takes", size)
	}
	if err := readAt(r, start[:], 0); err != nil {
		return nil, fmt.Errorf("reading the header's length: %w", err)
	}
	length := binary.LittleEndian.Uint64(start[:])
	if length > MaxHeader || int64(length) > size-8 {
		return nil, fmt.Errorf("a header of %d bytes is claimed; the file has %d, the limit is %d", length, size, MaxHeader)
	}
	head := make([]byte, length)
	if err := readAt(r, head, 8); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	return head, nil
}

// place sorts the tensors by offset, checks that they fill the file from
// start to size, and makes their offsets those of the file.
func (f *File) place(start, size int64) error {
	sort.SliceStable(f.tensors, func(i, j int) bool {
		a, b := &f.tensors[i], &f.tensors[j]
		if a.Offset != b.Offset {
			return a.Offset < b.Offset
		}
		return a.Size < b.Size // those without bytes come first
	})
	end := int64(0)
	for i := range f.tensors {
		t := &f.tensors[i]
		switch {
		case t.Offset < end:
			return fmt.Errorf("tensor %.80q overlaps the one before it", t.Name)
		case t.Offset > end:
			return fmt.Errorf("there is a gap of %d bytes before tensor %.80q", t.Offset-end, t.Name)
		case t.Size > size-start-end:
			return fmt.Errorf("tensor %.80q ends %d bytes behind the file; the file is cut short", t.Name, t.Size-(size-start-end))
		}
		end += t.Size
		t.Offset += start
		f.index[t.Name] = i
	}
	if end != size-start {
		return fmt.Errorf("%d bytes follow the last tensor", size-start-end)
	}
	return nil
}

// Names returns the tensors' names in the order of their bytes.
func (f *File) Names() []string {
	names := make([]string, len(f.tensors))
	for i, t := range f.tensors {
		names[i] = t.Name
	}
	return names
}

// Meta returns the file's metadata; the caller may change the map.
func (f *File) Meta() map[string]string {
	meta := make(map[string]string, len(f.meta))
	for k, v := range f.meta {
		meta[k] = v
	}
	return meta
}

// Info describes the named tensor, if there is one.
func (f *File) Info(name string) (Info, bool) {
	i, ok := f.index[name]
	if !ok {
		return Info{}, false
	}
	info := f.tensors[i]
	info.Shape = append([]int64{}, info.Shape...)
	return info, true
}

// Bytes reads the elements of the named tensor: little-endian, in C order.
func (f *File) Bytes(name string) ([]byte, error) {
	r, err := f.Section(name)
	if err != nil {
		return nil, err
	}
	data := make([]byte, r.Size())
	if err := readAt(r, data, 0); err != nil {
		return nil, fmt.Errorf("reading tensor %.80q: %w", name, err)
	}
	return data, nil
}

// Section returns a reader of the bytes that Bytes would return.
func (f *File) Section(name string) (*io.SectionReader, error) {
	i, ok := f.index[name]
	if !ok {
		return nil, fmt.Errorf("there is no tensor %.80q among the %d of the file", name, len(f.tensors))
	}
	if foreign := f.tensors[i].Foreign; foreign != "" {
		return nil, fmt.Errorf("tensor %.80q: elements of type %s are not read", name, foreign)
	}
	return io.NewSectionReader(f.r, f.tensors[i].Offset, f.tensors[i].Size), nil
}

// Close closes the file behind f.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// readAt fills b from offset at.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
