package savedmodel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	tensorflow "github.com/wamuir/graft/tensorflow"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// The index of a SavedModel's variables is a table of LevelDB's format: blocks
// of sorted keys and values, an index of the blocks, a footer.
const (
	indexFooter  = 48 // bytes: two handles, padded, and the magic number
	indexMagic   = 0xdb4775248b80fb57
	blockTrailer = 5 // bytes behind a block: compression and checksum
	// maxIndexBytes bounds the index; that of a million variables is smaller.
	maxIndexBytes = 128 << 20
)

// checkVariables compares what the index of a SavedModel's variables claims with
// the files of their values. TensorFlow believes it: it allocates what is
// claimed before it reads.
func checkVariables(dir string) error {
	prefix := filepath.Join(dir, variablesDir, variablesPrefix)
	table, err := readIndex(prefix + ".index")
	if err != nil {
		return err
	}
	c := &variableClaims{prefix: prefix}
	if err := table.each(c.add); err != nil {
		return fmt.Errorf("the index of its variables is damaged: %w", err)
	}
	return c.checkFinite()
}

func readIndex(path string) (indexTable, error) {
	f, size, err := localfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("its variables are not there: %w", err)
	}
	defer f.Close()
	if size < indexFooter || size > maxIndexBytes {
		return nil, fmt.Errorf("the index of its variables is damaged: it has %d bytes, %d to %d can be", size, indexFooter, maxIndexBytes)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("the index of its variables: %w", err)
	}
	return data, nil
}

// indexTable is a table's file.
type indexTable []byte

// each visits all keys and values. Checksums are left to TensorFlow.
func (t indexTable) each(visit func(key, value []byte) error) error {
	footer := t[len(t)-indexFooter:]
	if binary.LittleEndian.Uint64(footer[indexFooter-8:]) != indexMagic {
		return errors.New("it is no table")
	}
	_, rest, err := handle(footer) // of blocks that nobody uses
	if err != nil {
		return err
	}
	index, _, err := handle(rest)
	if err != nil {
		return err
	}
	blocks, err := t.block(index)
	if err != nil {
		return err
	}
	var read uint64
	return blocks.each(func(_, value []byte) error {
		h, _, err := handle(value)
		if err != nil {
			return err
		}
		b, err := t.block(h)
		if err != nil {
			return err
		}
		if read += h[1]; read > uint64(len(t)) {
			return errors.New("its blocks lie in each other")
		}
		return b.each(visit)
	})
}

// handle reads offset and size of a block.
func handle(data []byte) (h [2]uint64, rest []byte, err error) {
	for i := range h {
		n := 0
		if h[i], n = binary.Uvarint(data); n <= 0 {
			return h, nil, errors.New("a block's place cannot be read")
		}
		data = data[n:]
	}
	return h, data, nil
}

// indexBlock is a block's entries, without what helps to search them.
type indexBlock []byte

func (t indexTable) block(h [2]uint64) (indexBlock, error) {
	end := uint64(len(t) - indexFooter)
	if h[0] > end || h[1] > end-h[0] || end-h[0]-h[1] < blockTrailer || h[1] < 4 {
		return nil, fmt.Errorf("a block of %d bytes at %d is not within it", h[1], h[0])
	}
	b := t[h[0] : h[0]+h[1]]
	if compression := t[h[0]+h[1]]; compression != 0 {
		return nil, errors.New("it is compressed, which TensorFlow's are not")
	}
	restarts := uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	if restarts > (h[1]-4)/4 {
		return nil, fmt.Errorf("a block claims %d restarts", restarts)
	}
	return indexBlock(b[:h[1]-4-4*restarts]), nil
}

// each visits a block's keys and values. A key shares its beginning with the
// one before.
func (b indexBlock) each(visit func(key, value []byte) error) error {
	const maxKey = 1 << 16
	var key []byte
	for len(b) > 0 {
		var sizes [3]uint64 // shared and own bytes of the key, bytes of the value
		for i := range sizes {
			n := 0
			if sizes[i], n = binary.Uvarint(b); n <= 0 {
				return errors.New("an entry's sizes cannot be read")
			}
			b = b[n:]
		}
		shared, own, value := sizes[0], sizes[1], sizes[2]
		if shared > uint64(len(key)) || own > uint64(len(b)) || value > uint64(len(b))-own || shared+own > maxKey {
			return errors.New("an entry is not within its block")
		}
		key = append(key[:shared], b[:own]...)
		if err := visit(key, b[own:own+value]); err != nil {
			return err
		}
		b = b[own+value:]
	}
	return nil
}

// variableClaims adds up what entries of an index say of the files of values.
type variableClaims struct {
	prefix  string
	shards  []int64 // bytes of the files
	total   int64   // bytes of all of them
	claimed int64
	// values are where those of each file lie.
	values [][]storedValues
}

// storedValues are the values of a variable, or of a part of one.
type storedValues struct {
	name         string
	dtype        tensorflow.DataType
	offset, size int64
}

// checkFinite looks at all values.
func (c *variableClaims) checkFinite() error {
	for i, list := range c.values {
		f, _, err := localfile.Open(c.shard(int32(i), int32(len(c.values))))
		if err != nil {
			return err
		}
		for _, v := range list {
			if err == nil {
				if err = checkFiniteAt(f, v.dtype, v.offset, v.size); err != nil {
					err = fmt.Errorf("variable %.100q: %w", v.name, err)
				}
			}
		}
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// shard is the path of a file of values.
func (c *variableClaims) shard(i, of int32) string {
	return fmt.Sprintf("%s.data-%05d-of-%05d", c.prefix, i, of)
}

// add checks one entry; the first is the header.
func (c *variableClaims) add(key, value []byte) error {
	if c.shards == nil {
		return c.header(key, value)
	}
	var e pb.BundleEntryProto
	if err := proto.Unmarshal(value, &e); err != nil {
		return fmt.Errorf("variable %.100q: %w", key, err)
	}
	if err := c.entry(&e); err != nil {
		return fmt.Errorf("variable %.100q: %w", key, err)
	}
	if len(e.GetSlices()) == 0 {
		c.values[e.GetShardId()] = append(c.values[e.GetShardId()],
			storedValues{string(key), tensorflow.DataType(e.GetDtype()), e.GetOffset(), e.GetSize()})
	}
	return nil
}

func (c *variableClaims) header(key, value []byte) error {
	var h pb.BundleHeaderProto
	if err := proto.Unmarshal(value, &h); err != nil || len(key) != 0 {
		return errors.New("it has no header")
	}
	const maxShards = 1 << 12
	if n := h.GetNumShards(); n < 1 || n > maxShards {
		return fmt.Errorf("it claims %d files of values", n)
	}
	for i := range h.GetNumShards() {
		f, size, err := localfile.Open(c.shard(i, h.GetNumShards()))
		if err != nil {
			return fmt.Errorf("their values: %w", err)
		}
		f.Close() // TensorFlow opens it itself
		c.shards = append(c.shards, size)
		c.total += size
	}
	c.values = make([][]storedValues, len(c.shards))
	return nil
}

// entry checks that a tensor's values are there, and as many as its shape says.
func (c *variableClaims) entry(e *pb.BundleEntryProto) error {
	bytes, err := claimedBytes(e)
	if err != nil {
		return err
	}
	if bytes > c.total {
		return fmt.Errorf("its shape takes %d bytes, the files of values have %d", bytes, c.total)
	}
	if len(e.GetSlices()) > 0 {
		return nil // its parts are entries of their own
	}
	shard := e.GetShardId()
	if shard < 0 || int(shard) >= len(c.shards) {
		return fmt.Errorf("it lies in file %d of %d", shard, len(c.shards))
	}
	if e.GetOffset() < 0 || e.GetSize() < 0 || e.GetOffset() > c.shards[shard] || e.GetSize() > c.shards[shard]-e.GetOffset() {
		return fmt.Errorf("%d bytes at %d are not within a file of %d", e.GetSize(), e.GetOffset(), c.shards[shard])
	}
	if bytes > e.GetSize() {
		return fmt.Errorf("its shape takes %d bytes, its values %d", bytes, e.GetSize())
	}
	if c.claimed += e.GetSize(); c.claimed > c.total {
		return fmt.Errorf("it and those before take %d bytes, the files of values have %d", c.claimed, c.total)
	}
	return nil
}

// claimedBytes is what a tensor's values take in a file, or the least of it
// where their sizes differ.
func claimedBytes(e *pb.BundleEntryProto) (int64, error) {
	dims := e.GetShape().GetDim()
	if e.GetShape().GetUnknownRank() || len(dims) > maxRank {
		return 0, errors.New("its shape cannot be")
	}
	element := elementBytes(tensorflow.DataType(e.GetDtype()))
	if element > 8 {
		element = 1 // text: its length at least
	}
	const most = math.MaxInt64 / 8
	count, empty := int64(1), false
	for _, d := range dims {
		n := d.GetSize()
		if n < 0 || n > 0 && count > most/n {
			return 0, errors.New("its shape cannot be")
		}
		// A size of 0 does not excuse the others: TensorFlow multiplies them.
		count *= max(n, 1)
		empty = empty || n == 0
	}
	if empty {
		return 0, nil
	}
	return count * element, nil
}
