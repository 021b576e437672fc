package checkpoint

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	iofs "io/fs"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/finite"
)

// pieceBytes is what is read, summed and checked before the next piece is, so that
// it lies in the processor's cache. Every element's size divides it.
const pieceBytes = 256 << 10

// piecesReader reads a tensor's bytes piece by piece, sums them, and remembers the
// first value that is no number.
type piecesReader struct {
	from  io.Reader
	dtype tensorflow.DataType
	size  int64 // of an element
	at    int64
	sum   uint32
	wrong error
}

// Read implements io.Reader.
func (r *piecesReader) Read(p []byte) (int, error) {
	p = p[:min(len(p), pieceBytes)]
	n, err := io.ReadFull(r.from, p)
	r.sum = crc32.Update(r.sum, castagnoli, p[:n])
	if r.wrong == nil {
		r.wrong = finite.CheckBytes(r.dtype, p[:n], r.at/r.size)
	}
	r.at += int64(n)
	return n, err
}

// readTensor reads one tensor, whose file's size bounds the memory, and its
// checksum. unread says that its bytes could not be read, wrong what is wrong with
// them.
func readTensor(f *safetensors.File, info TensorInfo) (t *tensorflow.Tensor, sum uint32, unread, wrong error) {
	section, err := f.Section(info.Name)
	if err != nil {
		return nil, 0, err, nil
	}
	r := &piecesReader{from: section, dtype: info.Type, size: int64(tensorflow.TypeOf(info.Type, nil).Size())}
	if t, err = tf.ReadTensor(info.Type, info.Shape, r); err != nil {
		return nil, 0, err, nil
	}
	if info.Type == tensorflow.Bool {
		r.wrong = checkBools(t)
	}
	return t, r.sum, nil, r.wrong
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

// kept is a tensor that was read while its file was verified.
type kept struct {
	tensor *tensorflow.Tensor
	wrong  error
}

// keep reads all tensors of a file of the given size and returns its checksum: of
// the very bytes that they were made of, so that nothing is read twice. ok is false
// where the file has to be verified as it is, since it holds something else than
// tensors that can be kept.
func (r *groupReader) keep(f io.ReaderAt, size int64) (sum uint32, ok bool, err error) {
	tensors, err := safetensors.Read(f, size)
	if err != nil {
		return 0, false, unreadOnly(err)
	}
	infos, ok := infosOf(tensors)
	if !ok {
		return 0, false, nil
	}
	names := tensors.Names()
	keeping, sums := make([]kept, len(infos)), make([]uint32, len(infos))
	var tasks errgroup.Group
	tasks.SetLimit(workers)
	for i, info := range infos {
		tasks.Go(func() (err error) {
			keeping[i].tensor, sums[i], err, keeping[i].wrong = readTensor(tensors, info)
			return err
		})
	}
	if err := tasks.Wait(); err != nil {
		return 0, false, unreadOnly(err)
	}
	start := size
	if len(names) > 0 {
		first, _ := tensors.Info(names[0])
		start = first.Offset
	}
	if sum, err = sumOf(io.NewSectionReader(f, 0, start)); err != nil {
		return 0, false, err
	}
	r.tensors, r.kept = tensors, make(map[string]kept, len(infos))
	for i, name := range names {
		info, _ := tensors.Info(name)
		sum = joinSums(sum, sums[i], info.Size)
		r.kept[name] = keeping[i]
	}
	return sum, true, nil
}

// infosOf describes the tensors of a file in their order, if all can be read.
func infosOf(f *safetensors.File) ([]TensorInfo, bool) {
	var infos []TensorInfo
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		dataType, ok := dataTypeOf(info.DType)
		if !ok || info.Foreign != "" {
			return nil, false
		}
		infos = append(infos, TensorInfo{Name: name, Type: dataType, Shape: info.Shape})
	}
	return infos, true
}

// unreadOnly returns an error of the disk; what else is wrong with a file is told
// once its checksum is known.
func unreadOnly(err error) error {
	var unread *iofs.PathError
	if errors.As(err, &unread) {
		return err
	}
	return nil
}

// sumOf is the checksum of all that a reader has.
func sumOf(from *io.SectionReader) (uint32, error) {
	sum := crc32.New(castagnoli)
	_, err := io.CopyBuffer(sum, onlyReader{from}, make([]byte, min(pieceBytes, max(from.Size(), 1))))
	return sum.Sum32(), err
}

// onlyReader hides a reader's other methods, so that io.CopyBuffer uses the
// buffer.
type onlyReader struct{ io.Reader }

// take returns a kept tensor, once: who reads it again gets memory of his own.
func (r *groupReader) take(name string) (kept, bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	k, ok := r.kept[name]
	delete(r.kept, name)
	return k, ok
}
