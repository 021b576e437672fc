package tfrecord

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Write writes data as a record: its length, that length's checksum, data, and
// the checksum of data.
func Write(w io.Writer, data []byte) error {
	var head [headerSize]byte
	binary.LittleEndian.PutUint64(head[:8], uint64(len(data)))
	binary.LittleEndian.PutUint32(head[8:], Checksum(head[:8]))
	var tail [footerSize]byte
	binary.LittleEndian.PutUint32(tail[:], Checksum(data))
	for _, part := range [][]byte{head[:], data, tail[:]} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// Checksum is the CRC-32C of data as record files store it.
func Checksum(data []byte) uint32 { return mask(crc32.Checksum(data, castagnoli)) }

// Records returns messages as records, one after another.
func Records(messages ...[]byte) ([]byte, error) {
	var out bytes.Buffer
	for _, m := range messages {
		if err := Write(&out, m); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}
