// Package tfrecord reads TFRecord files, TensorFlow's way of storing one
// message after another, and the tf.train.Example messages in them.
//
// A record is an 8-byte little-endian length, a masked CRC-32C of these eight
// bytes, the data, and a masked CRC-32C of the data.
//
// # Hostile input
//
// Lengths are compared with a limit and with what is left of the file before
// anything is allocated. A record whose data does not match its checksum is
// reported and passed over; after a damaged length there is no telling where
// the next record begins, and reading ends with an error. Compressed files are
// not read and are told apart from damaged ones.
package tfrecord

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

const (
	headerSize = 12
	footerSize = 4
	// MaxRecord bounds one record, in bytes. A trajectory of the robot pushing
	// set has 0.7 MB.
	MaxRecord = 1 << 28
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mask turns a checksum into what is stored: a checksum of data that holds
// checksums would be weak.
func mask(sum uint32) uint32 { return (sum>>15 | sum<<17) + 0xa282ead8 }

// CorruptError is a record whose data does not match its checksum. Reading can
// go on after it.
type CorruptError struct {
	Path   string
	Record int // counted from 0
	Offset int64
}

// Error names file, record and place.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: record %d, at byte %d, does not match its checksum", e.Path, e.Record, e.Offset)
}

// Reader reads the records of one file in order. It is not safe for concurrent
// use.
type Reader struct {
	path   string
	file   *localfile.File
	size   int64
	offset int64 // of the next record
	record int   // its number
	err    error
}

// Open opens a file. The caller closes it.
func Open(path string) (*Reader, error) {
	f, size, err := localfile.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{path: path, file: f, size: size}
	if err := r.refuseCompressed(); err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// refuseCompressed tells gzip and zlib files, which TensorFlow can write, from
// damage. Their first bytes would be a length beyond any limit.
func (r *Reader) refuseCompressed() error {
	var start [headerSize]byte
	n, err := r.file.ReadAt(start[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n < headerSize || mask(crc32.Checksum(start[:8], castagnoli)) == binary.LittleEndian.Uint32(start[8:]) {
		return nil
	}
	if start[0] == 0x1f && start[1] == 0x8b || start[0] == 0x78 && (uint(start[0])<<8|uint(start[1]))%31 == 0 {
		return fmt.Errorf("%s is a compressed file of records: unpack it first", r.path)
	}
	return nil
}

// Records is the number of records that were read or passed over.
func (r *Reader) Records() int { return r.record }

// Next returns the data of the next record, which the caller owns. The error
// is io.EOF after the last record; a *CorruptError where the data is damaged,
// after which Next goes on with the record behind it; any other error is final.
func (r *Reader) Next() ([]byte, error) {
	length, err := r.begin()
	if err != nil {
		return nil, err
	}
	at := r.offset
	body := make([]byte, length+footerSize)
	if _, err := r.file.ReadAt(body, at+headerSize); err != nil {
		return nil, r.fail(err)
	}
	r.advance(length)
	data := body[:length]
	if mask(crc32.Checksum(data, castagnoli)) != binary.LittleEndian.Uint32(body[length:]) {
		return nil, &CorruptError{r.path, r.record - 1, at}
	}
	return data, nil
}

// Skip passes over the next record without looking at its data. Errors are as
// those of Next, without *CorruptError.
func (r *Reader) Skip() error {
	length, err := r.begin()
	if err != nil {
		return err
	}
	r.advance(length)
	return nil
}

// begin reads and checks the length of the next record.
func (r *Reader) begin() (int64, error) {
	if r.err != nil {
		return 0, r.err
	}
	left := r.size - r.offset
	if left == 0 {
		r.err = io.EOF
		return 0, io.EOF
	}
	var header [headerSize]byte
	if left < headerSize+footerSize {
		return 0, r.fail(errors.New("the file ends within it"))
	}
	if _, err := r.file.ReadAt(header[:], r.offset); err != nil {
		return 0, r.fail(err)
	}
	if mask(crc32.Checksum(header[:8], castagnoli)) != binary.LittleEndian.Uint32(header[8:]) {
		return 0, r.fail(errors.New("its length does not match its checksum: this is no TFRecord file, or it is damaged and where the next record begins is unknown"))
	}
	length := binary.LittleEndian.Uint64(header[:8])
	switch {
	case length > MaxRecord:
		return 0, r.fail(fmt.Errorf("it claims %d bytes, more than the limit of %d", length, MaxRecord))
	case int64(length) > left-headerSize-footerSize:
		return 0, r.fail(errors.New("the file ends within it"))
	}
	return int64(length), nil
}

func (r *Reader) advance(length int64) {
	r.offset += headerSize + length + footerSize
	r.record++
}

func (r *Reader) fail(err error) error {
	r.err = fmt.Errorf("%s: record %d, at byte %d: %w", r.path, r.record, r.offset, err)
	return r.err
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = fmt.Errorf("%s: read after Close", r.path)
	}
	return r.file.Close()
}
