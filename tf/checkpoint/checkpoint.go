package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"path/filepath"
	"slices"
	"sync"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/safetensors"
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

	mutex sync.Mutex
	kept  map[string]kept // by name, until they are asked for
}

// Open opens the checkpoint in a folder and verifies every byte of
// it. A damaged one is a *DamageError that says what is wrong; one of a newer
// format is a *VersionError; any other error says that it could not be read. The caller closes the checkpoint.
//
// The tensors of the groups in keep will be asked for: they are kept as they are
// verified, so that their files are read once, and Tensors has them already.
func Open(dir string, keep ...string) (*Checkpoint, error) {
	c, err := open(dir, keep)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", dir, err)
	}
	return c, nil
}

func open(dir string, keep []string) (*Checkpoint, error) {
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
			if c.files[i], err = openGroup(dir, f, slices.Contains(keep, f.Group)); err != nil {
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
func openGroup(dir string, want manifestFile, keep bool) (*groupReader, error) {
	f, size, err := openStored(filepath.Join(dir, want.Name))
	if err != nil {
		return nil, err
	}
	r := &groupReader{group: want.Group, file: f}
	if err := r.verify(f, size, want, keep); err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

func (r *groupReader) verify(f io.ReaderAt, size int64, want manifestFile, keep bool) error {
	if size != want.Bytes {
		return damaged("it has %d bytes, the manifest says %d", size, want.Bytes)
	}
	sum, err := r.sum(f, size, keep)
	if err != nil {
		return err
	}
	if got := checksumText(sum); got != want.CRC32C {
		return damaged("its checksum is %s, the manifest says %.20q", got, want.CRC32C)
	}
	if r.tensors == nil {
		r.tensors, err = safetensors.Read(f, size)
	}
	var unread *iofs.PathError
	switch {
	case errors.As(err, &unread):
		return err
	case err != nil:
		return damaged("%w", err)
	}
	if n := len(r.tensors.Names()); n != want.Tensors {
		return damaged("it has %d tensors, the manifest says %d", n, want.Tensors)
	}
	return nil
}

// sum is the checksum of the file; with keep its tensors are kept.
func (r *groupReader) sum(f io.ReaderAt, size int64, keep bool) (uint32, error) {
	if keep {
		if sum, ok, err := r.keep(f, size); ok || err != nil {
			return sum, err
		}
	}
	return sumOf(io.NewSectionReader(f, 0, size))
}

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
	k, ok := r.take(info.Name)
	if !ok {
		k.tensor, _, err, k.wrong = readTensor(r.tensors, info)
	}
	if err = errors.Join(err, k.wrong); err != nil {
		return nil, fmt.Errorf("checkpoint %s: reading tensor %q of %s: %w", c.Dir, info.Name, group, err)
	}
	return k.tensor, nil
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
