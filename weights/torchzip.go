package weights

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"
)

// torchZip is an archive of PyTorch from 1.6 on: NAME/data.pkl, a member
// NAME/data/KEY for each storage, all of them stored uncompressed.
type torchZip struct {
	r       io.ReaderAt
	root    string
	members map[string]*zip.File
	// unchecked is an archive whose writer left checksums out
	// (torch.serialization.set_crc32_options): all of them are 0.
	unchecked bool
}

const pickleMember = "/data.pkl"

// isTorchZip tells PyTorch's archives from others.
func isTorchZip(z *zip.Reader) bool {
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, pickleMember) {
			return true
		}
	}
	return false
}

// openTorchZip also reports whether the archive has checksums.
func openTorchZip(r io.ReaderAt, size int64, z *zip.Reader) (root Value, checked bool, err error) {
	t := torchZip{r: r, members: map[string]*zip.File{}}
	if err := t.index(z, size); err != nil {
		return nil, false, err
	}
	if _, ok := t.members[t.root+"/constants.pkl"]; ok {
		return nil, false, fmt.Errorf("this is a TorchScript program; save a state dict with torch.save(model.state_dict(), ...)")
	}
	if err := t.checkByteOrder(); err != nil {
		return nil, false, err
	}
	found := storages{byKey: map[string]*storage{}, limit: size}
	if root, err = t.unpickle(&found); err != nil {
		return nil, false, err
	}
	return root, !t.unchecked, t.locate(&found)
}

// index checks the members' sizes, those that overlap claim more than the
// file's, and finds the folder that holds everything.
func (t *torchZip) index(z *zip.Reader, size int64) error {
	left := uint64(size)
	t.unchecked = true
	for _, f := range z.File {
		t.unchecked = t.unchecked && f.CRC32 == 0
		switch {
		case f.Method != zip.Store || f.Flags&1 != 0:
			return fmt.Errorf("member %.80q is compressed or encrypted; PyTorch stores members as they are", f.Name)
		case f.UncompressedSize64 != f.CompressedSize64 || f.CompressedSize64 > left:
			return fmt.Errorf("member %.80q claims more bytes than the file has", f.Name)
		case t.members[f.Name] != nil:
			return fmt.Errorf("member %.80q occurs twice", f.Name)
		}
		left -= f.CompressedSize64
		t.members[f.Name] = f
		if root, ok := strings.CutSuffix(f.Name, pickleMember); ok {
			if t.root != "" || strings.Contains(root, "/") || root == "" {
				return fmt.Errorf("there is no single top folder with a data.pkl")
			}
			t.root = root
		}
	}
	return nil
}

func (t *torchZip) checkByteOrder() error {
	f, ok := t.members[t.root+"/byteorder"]
	if !ok { // before PyTorch 2.1
		return nil
	}
	if f.UncompressedSize64 > 16 {
		return fmt.Errorf("the member byteorder is not understood")
	}
	r, err := t.open(f)
	if err != nil {
		return fmt.Errorf("the member byteorder: %w", err)
	}
	defer r.Close()
	order := make([]byte, f.UncompressedSize64)
	if err := readToEnd(r, order); err != nil {
		return fmt.Errorf("the member byteorder: %w", err)
	}
	if string(order) != "little" {
		return fmt.Errorf("byte order %q is not supported, only little; save the file on a little-endian machine", order)
	}
	return nil
}

func (t *torchZip) unpickle(found *storages) (Value, error) {
	f := t.members[t.root+pickleMember]
	if f.UncompressedSize64 > maxPickle {
		return nil, fmt.Errorf("data.pkl has %d bytes, more than %d", f.UncompressedSize64, maxPickle)
	}
	r, err := t.open(f)
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	defer r.Close()
	m := newMachine(r, int64(f.UncompressedSize64))
	m.find, m.persistent = findTorch, found.resolve
	v, err := m.load()
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	return v, nil
}

// locate finds each storage's member.
func (t *torchZip) locate(found *storages) error {
	for _, s := range found.order {
		f, ok := t.members[t.root+"/data/"+s.key]
		if !ok {
			return fmt.Errorf("storage %.40q is missing", s.key)
		}
		if f.UncompressedSize64 != uint64(s.size()) {
			return fmt.Errorf("storage %.40q has %d bytes, %d elements of %v are claimed", s.key, f.UncompressedSize64, s.count, s.elem)
		}
		start, err := f.DataOffset()
		if err != nil {
			return fmt.Errorf("storage %.40q: %w", s.key, err)
		}
		s.data = fileRegion{t.r, start}
		if !t.unchecked {
			s.data = memberRegion{fileRegion{t.r, start}, f}
		}
	}
	return nil
}

// open reads a member, and compares its checksum at the end unless the archive
// has none.
func (t *torchZip) open(f *zip.File) (io.ReadCloser, error) {
	if !t.unchecked {
		return f.Open()
	}
	start, err := f.DataOffset()
	if err != nil {
		return nil, err
	}
	return fileRegion{t.r, start}.section(0, int64(f.UncompressedSize64))
}

// memberRegion is a member of an archive. A member that is read as a whole
// has its checksum compared.
type memberRegion struct {
	fileRegion
	member *zip.File
}

func (m memberRegion) section(offset, length int64) (io.ReadCloser, error) {
	if offset == 0 && uint64(length) == m.member.UncompressedSize64 {
		return m.member.Open()
	}
	return m.fileRegion.section(offset, length)
}
