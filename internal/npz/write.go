package npz

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Write writes an .npz archive with the arrays in the order given, compressed
// with deflate if asked for. Equal arrays give equal bytes.
func Write(w io.Writer, arrays []Array, compress bool) error {
	z := zip.NewWriter(w)
	seen := map[string]bool{}
	for i := range arrays {
		a := &arrays[i]
		if a.Name == "" || seen[a.Name] {
			return fmt.Errorf("array %d: name %.80q is empty or used twice", i, a.Name)
		}
		seen[a.Name] = true
		head := zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store}
		if compress {
			head.Method = zip.Deflate
		}
		member, err := z.CreateHeader(&head)
		if err != nil {
			return fmt.Errorf("array %.80q: %w", a.Name, err)
		}
		if err := WriteArray(member, a); err != nil {
			return err
		}
	}
	return z.Close()
}

// WriteArray writes one array in .npy format. The name is not part of it.
func WriteArray(w io.Writer, a *Array) error {
	head, err := headerOf(a)
	if err != nil {
		return fmt.Errorf("array %.80q: %w", a.Name, err)
	}
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("writing array %.80q: %w", a.Name, err)
	}
	if _, err := w.Write(a.Data); err != nil {
		return fmt.Errorf("writing array %.80q: %w", a.Name, err)
	}
	return nil
}

func headerOf(a *Array) ([]byte, error) {
	bytes, err := a.DType.Bytes(a.Shape)
	if err != nil {
		return nil, err
	}
	if bytes != int64(len(a.Data)) {
		return nil, fmt.Errorf("shape %v of %v takes %d bytes, there are %d", a.Shape, a.DType, bytes, len(a.Data))
	}
	if len(a.Shape) > MaxDims {
		return nil, fmt.Errorf("more than %d dimensions", MaxDims)
	}
	descr, err := descrOf(a.DType)
	if err != nil {
		return nil, err
	}
	var shape strings.Builder
	for i, d := range a.Shape {
		if i > 0 {
			shape.WriteByte(' ')
		}
		fmt.Fprintf(&shape, "%d,", d)
	}
	dims := shape.String()
	if len(a.Shape) > 1 { // only a tuple of one needs its comma
		dims = strings.TrimSuffix(dims, ",")
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims)
	// The data starts at a multiple of 64, as numpy's does.
	pad := (64 - (10+len(text)+1)%64) % 64
	text += strings.Repeat(" ", pad) + "\n"
	head := append([]byte(magic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(text)))
	return append(head, text...), nil
}

func descrOf(t DType) (string, error) {
	for descr, other := range typeOfDescr {
		if other != t {
			continue
		}
		if t.Size() == 1 {
			return "|" + descr, nil
		}
		return "<" + descr, nil
	}
	return "", fmt.Errorf("numpy has no element type %v", t)
}
