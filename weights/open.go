package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/npz"
	"github.com/prioritycut/prioritycut/internal/safetensors"
)

// Format is a kind of weight file.
type Format string

// The formats that Open reads.
const (
	NPZ         Format = "npz"         // numpy's archive, or a lone .npy
	SafeTensors Format = "safetensors" //
	TorchZip    Format = "torch-zip"   // torch.save from PyTorch 1.6 on
	TorchLegacy Format = "torch"       // torch.save before
)

// Open opens a weight file. Its format is told by its content. The caller
// closes the StateDict when no tensor will be read any more.
func Open(path string) (*StateDict, error) {
	f, size, err := localfile.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := Read(f, size)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.closer = f
	return s, nil
}

// Read is Open for data of the given size behind r. Closing the StateDict
// does not close r.
func Read(r io.ReaderAt, size int64) (*StateDict, error) {
	format, z, err := detect(r, size)
	if err != nil {
		return nil, err
	}
	var root Value
	var meta map[string]string
	checked := true
	switch format {
	case NPZ:
		root, err = openNPZ(r, size)
	case SafeTensors:
		root, meta, err = openSafeTensors(r, size)
	case TorchZip:
		root, checked, err = openTorchZip(r, size, z)
	case TorchLegacy:
		root, err = openTorchLegacy(r, size)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a file of format %s: %w", format, err)
	}
	s := &StateDict{format: format, meta: meta, unchecked: !checked}
	if err := s.flatten(root, size); err != nil {
		return nil, fmt.Errorf("reading a file of format %s: %w", format, err)
	}
	return s, nil
}

// detect tells the format by the first bytes; for archives of PyTorch it
// returns the archive too.
func detect(r io.ReaderAt, size int64) (Format, *zip.Reader, error) {
	start := make([]byte, min(size, 512))
	if n, err := r.ReadAt(start, 0); n < len(start) {
		return "", nil, fmt.Errorf("reading the first bytes: %w", err)
	}
	switch {
	// First: the length of a header may begin as any of the others do.
	case len(start) > 8 && start[8] == '{' && binary.LittleEndian.Uint64(start) <= uint64(size)-8:
		return SafeTensors, nil, nil
	case bytes.HasPrefix(start, []byte("\x93NUMPY")):
		return NPZ, nil, nil
	case bytes.HasPrefix(start, []byte("PK")):
		z, err := zip.NewReader(r, size)
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are keys here, never paths
			return "", nil, fmt.Errorf("a zip archive that is damaged or cut short: %w", err)
		}
		if isTorchZip(z) {
			return TorchZip, z, nil
		}
		return NPZ, nil, nil
	case len(start) > 1 && start[0] == opProto && start[1] >= 2 && start[1] <= 5:
		return TorchLegacy, nil, nil
	}
	return "", nil, fmt.Errorf("neither npz nor safetensors nor a checkpoint of torch.save%s", guess(start))
}

// guess says what a file may be that is none of the formats.
func guess(start []byte) string {
	switch {
	case len(start) == 0:
		return "; it is empty"
	case len(start) > 262 && string(start[257:262]) == "ustar":
		return "; it is a tar archive, unpack it, or load and save it again if PyTorch before 0.1.10 wrote it"
	case bytes.HasPrefix(start, []byte("\x1f\x8b")):
		return "; it is compressed with gzip, decompress it first"
	case bytes.HasPrefix(bytes.TrimSpace(start), []byte("<")):
		return "; it looks like a web page, a download link may have led to a notice"
	case bytes.HasPrefix(start, []byte("version https://git-lfs")):
		return "; it is a pointer of git-lfs, fetch the file itself"
	}
	return ""
}

func openNPZ(r io.ReaderAt, size int64) (Value, error) {
	f, err := npz.Read(r, size)
	if err != nil {
		return nil, err
	}
	if len(f.Names()) == 0 {
		return nil, fmt.Errorf("the archive has neither arrays (.npy) nor a checkpoint of PyTorch (data.pkl)")
	}
	root := &Dict{}
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		t := &Tensor{dtype: info.DType, foreign: info.Foreign, shape: info.Shape, source: npzSource{f, name}}
		if err := root.set(name, t); err != nil {
			return nil, err
		}
	}
	return root, nil
}

// npzSource is an array of an archive.
type npzSource struct {
	file *npz.File
	name string
}

func (s npzSource) bytes() ([]byte, error) {
	a, err := s.file.Array(s.name)
	if err != nil {
		return nil, err
	}
	return a.Data, nil
}

func (s npzSource) writeTo(w io.Writer) error { return writeBytes(w, s) }

func openSafeTensors(r io.ReaderAt, size int64) (Value, map[string]string, error) {
	f, err := safetensors.Read(r, size)
	if err != nil {
		return nil, nil, err
	}
	root := &Dict{}
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		t := &Tensor{dtype: info.DType, foreign: info.Foreign, shape: info.Shape, source: safeSource{f, name}}
		if err := root.set(name, t); err != nil {
			return nil, nil, err
		}
	}
	return root, f.Meta(), nil
}

// safeSource is a tensor of a safetensors file.
type safeSource struct {
	file *safetensors.File
	name string
}

func (s safeSource) bytes() ([]byte, error) { return s.file.Bytes(s.name) }

func (s safeSource) writeTo(w io.Writer) error {
	r, err := s.file.Section(s.name)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, r)
	if err == nil && n != r.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("tensor %.80q: %w", s.name, err)
	}
	return nil
}
