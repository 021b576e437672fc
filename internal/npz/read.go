package npz

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/prioritycut/prioritycut/internal/element"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// loneName is the name of the array in an .npy file, as numpy.savez numbers
// arrays that are given none.
const loneName = "arr_0"

// File is an open .npz archive or .npy file. Headers have been read and
// checked, data are read when asked for. A File may be used by several
// goroutines at once.
type File struct {
	closer  io.Closer
	members []member
	index   map[string]int
}

type member struct {
	name   string
	header header
	offset int64 // of the data within what open returns
	open   func() (io.ReadCloser, error)
	packed bool // compressed: memory grows with the bytes that arrive
}

// Open opens an .npz archive or an .npy file, told apart by content. The
// array of an .npy file is named "arr_0".
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
	var start [len(magic)]byte
	if n, err := r.ReadAt(start[:], 0); n < len(start) {
		return nil, fmt.Errorf("no .npz archive or .npy array: %w", unexpected(err))
	}
	if string(start[:]) == magic {
		return readLone(r, size)
	}
	return readArchive(r, size)
}

func readLone(r io.ReaderAt, size int64) (*File, error) {
	open := func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(r, 0, size)), nil
	}
	f := &File{index: map[string]int{}}
	return f, f.add(member{name: loneName, open: open}, size)
}

func readArchive(r io.ReaderAt, size int64) (*File, error) {
	z, err := zip.NewReader(r, size)
	// Names are keys here, never paths.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("no .npz archive: %w", err)
	}
	if err := checkSizes(z, size); err != nil {
		return nil, err
	}
	f := &File{index: map[string]int{}}
	for _, entry := range z.File {
		name, isArray := strings.CutSuffix(entry.Name, ".npy")
		if !isArray {
			continue
		}
		m := member{name: name, open: entry.Open, packed: entry.Method != zip.Store}
		if err := f.add(m, int64(entry.UncompressedSize64)); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// checkSizes refuses archives whose members claim more bytes than the file
// can hold. Members that overlap in the file claim more than its size.
func checkSizes(z *zip.Reader, size int64) error {
	var stored, inflated uint64
	for _, e := range z.File {
		switch {
		case e.Flags&1 != 0:
			return fmt.Errorf("member %.80q is encrypted", e.Name)
		case e.Method != zip.Store && e.Method != zip.Deflate:
			return fmt.Errorf("member %.80q uses compression method %d; write it with numpy.savez or savez_compressed", e.Name, e.Method)
		case e.CompressedSize64 > uint64(size)-stored:
			return fmt.Errorf("member %.80q claims more bytes than the file has", e.Name)
		}
		stored += e.CompressedSize64
		if e.Method == zip.Store {
			if e.UncompressedSize64 != e.CompressedSize64 {
				return fmt.Errorf("member %.80q is stored with two different sizes", e.Name)
			}
			continue
		}
		// Deflate makes at most 1032 bytes of one.
		if e.UncompressedSize64/1032 > e.CompressedSize64 {
			return fmt.Errorf("member %.80q claims %d bytes, more than its %d compressed bytes can hold", e.Name, e.UncompressedSize64, e.CompressedSize64)
		}
		if e.UncompressedSize64 > MaxInflated-inflated {
			return fmt.Errorf("the compressed members claim more than %d bytes", int64(MaxInflated))
		}
		inflated += e.UncompressedSize64
	}
	return nil
}

// add reads a member's header; size is that of header and data.
func (f *File) add(m member, size int64) error {
	if _, twice := f.index[m.name]; twice {
		return fmt.Errorf("two arrays are named %.80q", m.name)
	}
	r, err := m.open()
	if err != nil {
		return fmt.Errorf("array %.80q: %w", m.name, err)
	}
	defer r.Close()
	if m.header, m.offset, err = readHeader(r); err != nil {
		return fmt.Errorf("array %.80q: %w", m.name, unexpected(err))
	}
	if have := size - m.offset; m.header.bytes != have && m.header.bytes >= 0 {
		return fmt.Errorf("array %.80q: shape %v of %v takes %d bytes, the file has %d",
			m.name, m.header.shape, m.header.typeName(), m.header.bytes, have)
	}
	f.index[m.name] = len(f.members)
	f.members = append(f.members, m)
	return nil
}

// Names returns the arrays' names in the order of the file.
func (f *File) Names() []string {
	names := make([]string, len(f.members))
	for i, m := range f.members {
		names[i] = m.name
	}
	return names
}

// Info describes the named array, if there is one.
func (f *File) Info(name string) (Info, bool) {
	i, ok := f.index[name]
	if !ok {
		return Info{}, false
	}
	return f.members[i].info(), true
}

func (m *member) info() Info {
	shape := append([]int64{}, m.header.shape...)
	return Info{Name: m.name, DType: m.header.dtype, Shape: shape, Foreign: m.header.foreign}
}

// Array reads the named array.
func (f *File) Array(name string) (*Array, error) {
	i, ok := f.index[name]
	if !ok {
		return nil, fmt.Errorf("there is no array %.80q among the %d of the file", name, len(f.members))
	}
	if foreign := f.members[i].header.foreign; foreign != "" {
		return nil, fmt.Errorf("array %.80q: elements of numpy's type %q are not read", name, foreign)
	}
	data, err := f.members[i].read()
	if err != nil {
		return nil, fmt.Errorf("array %.80q: %w", name, unexpected(err))
	}
	return &Array{Info: f.members[i].info(), Data: data}, nil
}

// Close closes the file behind f.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

func (m *member) read() ([]byte, error) {
	open, err := m.open()
	if err != nil {
		return nil, err
	}
	defer open.Close()
	r := bufio.NewReaderSize(open, 64<<10)
	if _, err := io.CopyN(io.Discard, r, m.offset); err != nil {
		return nil, err
	}
	data, err := readExactly(r, m.header.bytes, m.packed)
	if err != nil {
		return nil, err
	}
	// The checksum is compared where the member ends.
	if _, err := r.ReadByte(); err == nil {
		return nil, fmt.Errorf("the array is longer than its header says")
	} else if err != io.EOF {
		return nil, err
	}
	if m.header.bigEndian {
		element.Swap(m.header.dtype, data)
	}
	if m.header.fortran {
		data = rowMajor(data, m.header.shape, m.header.dtype.Size())
	}
	return data, nil
}

// readExactly reads n bytes. A size that was only claimed is approached in
// doubling steps, so that a forged one costs no memory.
func readExactly(r io.Reader, n int64, claimed bool) ([]byte, error) {
	const first = 1 << 20
	if !claimed || n <= first {
		data := make([]byte, n)
		_, err := io.ReadFull(r, data)
		return data, err
	}
	data := make([]byte, 0, first)
	for int64(len(data)) < n {
		if len(data) == cap(data) {
			data = append(make([]byte, 0, min(2*int64(cap(data)), n)), data...)
		}
		have := len(data)
		data = data[:cap(data)]
		if _, err := io.ReadFull(r, data[have:]); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// rowMajor reorders Fortran-order elements of the given size to C order.
func rowMajor(src []byte, shape []int64, size int) []byte {
	if len(shape) < 2 || len(src) == 0 {
		return src
	}
	stride := make([]int64, len(shape)) // in bytes, of src
	next := int64(size)
	for i, d := range shape {
		stride[i] = next
		next *= d
	}
	dst := make([]byte, 0, len(src))
	at := make([]int64, len(shape))
	for from := int64(0); len(dst) < len(src); {
		dst = append(dst, src[from:from+int64(size)]...)
		for axis := len(shape) - 1; axis >= 0; axis-- {
			at[axis]++
			from += stride[axis]
			if at[axis] < shape[axis] {
				break
			}
			from -= stride[axis] * shape[axis]
			at[axis] = 0
		}
	}
	return dst
}

// unexpected says that a file ended early, where io.EOF would only say that
// it ended.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
