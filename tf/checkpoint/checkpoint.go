package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	iofs "io/fs"
	"path/filepath"
	"slices"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/finite"
)

// NamedTensor is a tensor of a checkpoint.
type NamedTensor struct {
	Name   string
	Tensor *tensorflow.Tensor
}

// Group is a file of a checkpoint: "weights", "optimizer", ... Its name has
// lower-case letters, digits, '_' and '-', and starts with a letter.
type Group struct {
	Name    string
	Tensors []NamedTensor
}

// Checkpoint is an open checkpoint whose checksums have been verified. It
// stays readable when the folder is pruned while it is open.
type Checkpoint struct {
	// Dir is the folder.
	Dir string
	// Step is the step at which it was written.
	Step int64
	// Meta is the caller's JSON.
	Meta json.RawMessage

	files []*groupReader
}

// groupReader is the open file of a group.
type groupReader struct {
	group   string
	file    *localfile.File
	tensors *safetensors.File
}

// Open opens the checkpoint in a folder and verifies every byte of
// it. A damaged one is a *DamageError that says what is wrong; one of a newer
// format is a *VersionError; any other error says that it could not be read. The caller closes the checkpoint.
func Open(dir string) (*Checkpoint, error) {
	c, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", dir, err)
	}
	return c, nil
}

func open(dir string) (*Checkpoint, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Dir: dir, Step: m.Step, Meta: m.Meta, files: make([]*groupReader, len(m.Files))}
	var tasks errgroup.Group
	tasks.SetLimit(workers)
	for i, f := range m.Files {
		tasks.Go(func() error {
			var err error
			if c.files[i], err = openGroup(dir, f); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
			return nil
		})
	}
	if err := tasks.Wait(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// openGroup opens the file of a group and verifies it.
func openGroup(dir string, want manifestFile) (*groupReader, error) {
	f, size, err := openStored(filepath.Join(dir, want.Name))
	if err != nil {
		return nil, err
	}
	tensors, err := verifyGroup(f, size, want)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &groupReader{group: want.Group, file: f, tensors: tensors}, nil
}

func verifyGroup(f io.ReaderAt, size int64, want manifestFile) (*safetensors.File, error) {
	if size != want.Bytes {
		return nil, damaged("it has %d bytes, the manifest says %d", size, want.Bytes)
	}
	sum := crc32.New(castagnoli)
	if _, err := io.CopyBuffer(sum, onlyReader{io.NewSectionReader(f, 0, size)}, make([]byte, copyBuffer)); err != nil {
		return nil, err
	}
	if got := checksumText(sum.Sum32()); got != want.CRC32C {
		return nil, damaged("its checksum is %s, the manifest says %.20q", got, want.CRC32C)
	}
	tensors, err := safetensors.Read(f, size)
	var unread *iofs.PathError
	switch {
	case errors.As(err, &unread):
		return nil, err
	case err != nil:
		return nil, damaged("%w", err)
	}
	if n := len(tensors.Names()); n != want.Tensors {
		return nil, damaged("it has %d tensors, the manifest says %d", n, want.Tensors)
	}
	return tensors, nil
}

// onlyReader hides a reader's other methods, so that io.CopyBuffer uses the
// buffer.
type onlyReader struct{ io.Reader }

const (
	// copyBuffer is the size of reads and writes.
	copyBuffer = 1 << 20
	// workers is how many files are worked on at once.
	workers = 4
)

// Groups returns the names of the groups in the order they were written.
func (c *Checkpoint) Groups() []string {
	var names []string
	for _, f := range c.files {
		names = append(names, f.group)
	}
	return names
}

// TensorInfo describes a tensor of a checkpoint.
type TensorInfo struct {
	Name  string
	Type  tensorflow.DataType
	Shape []int64
}

// Info describes the tensors of a group, in the order of the file.
func (c *Checkpoint) Info(group string) ([]TensorInfo, error) {
	r, err := c.group(group)
	if err != nil {
		return nil, err
	}
	var infos []TensorInfo
	for _, name := range r.tensors.Names() {
		info, _ := r.tensors.Info(name)
		dataType, ok := dataTypeOf(info.DType)
		if !ok {
			return nil, fmt.Errorf("checkpoint %s: tensor %q of %s has elements of type %v, which are not supported", c.Dir, name, group, info.DType)
		}
		infos = append(infos, TensorInfo{Name: name, Type: dataType, Shape: slices.Clone(info.Shape)})
	}
	return infos, nil
}

// Tensors reads a group, in the order of the file, straight into TensorFlow's
// memory.
func (c *Checkpoint) Tensors(group string) ([]NamedTensor, error) {
	infos, err := c.Info(group)
	if err != nil {
		return nil, err
	}
	tensors := make([]NamedTensor, len(infos))
	var tasks errgroup.Group
	tasks.SetLimit(workers)
	for i, info := range infos {
		tasks.Go(func() error {
			t, err := c.read(group, info)
			tensors[i] = NamedTensor{Name: info.Name, Tensor: t}
			return err
		})
	}
	if err := tasks.Wait(); err != nil {
		return nil, err
	}
	return tensors, nil
}

// Tensor reads one tensor of a group.
func (c *Checkpoint) Tensor(group, name string) (*tensorflow.Tensor, error) {
	infos, err := c.Info(group)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(infos, func(t TensorInfo) bool { return t.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("checkpoint %s: group %s has no tensor %q", c.Dir, group, name)
	}
	return c.read(group, infos[i])
}

func (c *Checkpoint) read(group string, info TensorInfo) (*tensorflow.Tensor, error) {
	r, err := c.group(group)
	if err != nil {
		return nil, err
	}
	t, err := readTensor(r.tensors, info)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: reading tensor %q of %s: %w", c.Dir, info.Name, group, err)
	}
	return t, nil
}

// readTensor reads one tensor; the file's size bounds the memory.
func readTensor(f *safetensors.File, info TensorInfo) (*tensorflow.Tensor, error) {
	section, err := f.Section(info.Name)
	if err != nil {
		return nil, err
	}
	t, err := tf.ReadTensor(info.Type, info.Shape, section)
	if err != nil {
		return nil, err
	}
	if info.Type == tensorflow.Bool {
		return t, checkBools(t)
	}
	return t, finite.Check(t)
}

// checkBools refuses bytes that are no Boolean: neither Go nor C++ says what
// they do.
func checkBools(t *tensorflow.Tensor) error {
	raw, err := tf.Bytes(t)
	if err != nil {
		return err
	}
	for i, b := range raw {
		if b > 1 {
			return fmt.Errorf("element %d is the byte %d, no Boolean", i, b)
		}
	}
	return nil
}

func (c *Checkpoint) group(name string) (*groupReader, error) {
	for _, f := range c.files {
		if f.group == name {
			return f, nil
		}
	}
	return nil, fmt.Errorf("checkpoint %s has no group %q, only %q", c.Dir, name, c.Groups())
}

// Close closes the files.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, f := range c.files {
		if f != nil && f.file != nil {
			errs = append(errs, f.file.Close())
			f.file = nil
		}
	}
	return errors.Join(errs...)
}

var dataTypes = []struct {
	tensor tensorflow.DataType
	file   safetensors.DType
}{
	{tensorflow.Float, safetensors.F32},
	{tensorflow.Double, safetensors.F64},
	{tensorflow.Uint8, safetensors.U8},
	{tensorflow.Int8, safetensors.I8},
	{tensorflow.Uint16, safetensors.U16},
	{tensorflow.Int16, safetensors.I16},
	{tensorflow.Int32, safetensors.I32},
	{tensorflow.Int64, safetensors.I64},
	{tensorflow.Bool, safetensors.Bool},
}

// dataTypeOf returns TensorFlow's type for a stored one. float16 and bfloat16
// are missing: graft cannot read them back.
func dataTypeOf(stored safetensors.DType) (tensorflow.DataType, bool) {
	for _, d := range dataTypes {
		if d.file == stored {
			return d.tensor, true
		}
	}
	return 0, false
}

// storedType returns the type that a tensor is stored as.
func storedType(t tensorflow.DataType) (safetensors.DType, bool) {
	for _, d := range dataTypes {
		if d.tensor == t {
			return d.file, true
		}
	}
	return safetensors.DType(0), false
}
