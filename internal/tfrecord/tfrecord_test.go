package tfrecord

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/pypartner"
)

const writer = `
import sys, tensorflow as tf
def example(r):
    f = {}
    for i in range(3):
        f["%d/image_aux1/encoded" % i] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[bytes([r, i, 7] * 4)]))
        f["%d/action" % i] = tf.train.Feature(float_list=tf.train.FloatList(value=[0.5, r, i, -1]))
        f["%d/n" % i] = tf.train.Feature(int64_list=tf.train.Int64List(value=[i]))
    return tf.train.Example(features=tf.train.Features(feature=f)).SerializeToString()
for path, options in ((sys.argv[1], None), (sys.argv[2], "GZIP"), (sys.argv[3], "ZLIB")):
    with tf.io.TFRecordWriter(path, options) as w:
        for r in range(4):
            w.write(example(r))
        w.write(b"")
`

// written has TensorFlow in Python write four examples and an empty record.
func written(t *testing.T) (plain, gzip, zlib string) {
	t.Helper()
	dir := t.TempDir()
	plain, gzip, zlib = filepath.Join(dir, "plain"), filepath.Join(dir, "gzip"), filepath.Join(dir, "zlib")
	if out, err := exec.Command(pypartner.Python(t), "-c", writer, plain, gzip, zlib).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return plain, gzip, zlib
}

// outcome is what one call of Next gave.
type outcome struct {
	data []byte
	err  error
}

func readAll(t *testing.T, path string) []outcome {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []outcome
	for len(all) < 100 {
		data, err := r.Next()
		if err == io.EOF {
			return all
		}
		all = append(all, outcome{data, err})
		var corrupt *CorruptError
		if err != nil && !errors.As(err, &corrupt) {
			return all
		}
	}
	t.Fatal("it does not end")
	return nil
}

func TestReadsWhatTensorFlowWrites(t *testing.T) {
	plain, gzip, zlib := written(t)
	all := readAll(t, plain)
	if len(all) != 5 {
		t.Fatalf("%d records, want 5", len(all))
	}
	for r, one := range all[:4] {
		if one.err != nil {
			t.Fatal(one.err)
		}
		features, err := Bytes(one.data)
		if err != nil {
			t.Fatal(err)
		}
		if len(features) != 3 {
			t.Errorf("record %d has %d features of bytes, want 3", r, len(features))
		}
		want := bytes.Repeat([]byte{byte(r), 2, 7}, 4)
		if got := features["2/image_aux1/encoded"]; len(got) != 1 || !bytes.Equal(got[0], want) {
			t.Errorf("record %d: %v, want %v", r, got, want)
		}
	}
	if all[4].err != nil || len(all[4].data) != 0 {
		t.Errorf("the empty record: %v, %v", all[4].data, all[4].err)
	}
	for _, path := range []string{gzip, zlib} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "compressed") {
			t.Errorf("%s: %v, want word of compression", path, err)
		}
	}

	whole, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	record := (len(whole) - 16) / 4
	t.Run("a damaged record is passed over", func(t *testing.T) {
		all := readAll(t, changed(t, whole, func(b []byte) []byte { b[record+headerSize+5] ^= 1; return b }))
		var corrupt *CorruptError
		if len(all) != 5 || !errors.As(all[1].err, &corrupt) || corrupt.Record != 1 || corrupt.Offset != int64(record) {
			t.Fatalf("%d records, the second: %v", len(all), all[1].err)
		}
		for _, i := range []int{0, 2, 3} {
			if _, err := Bytes(all[i].data); err != nil || all[i].err != nil {
				t.Errorf("record %d: %v, %v", i, all[i].err, err)
			}
		}
	})
	t.Run("a damaged length ends the file", func(t *testing.T) {
		all := readAll(t, changed(t, whole, func(b []byte) []byte { b[record] ^= 1; return b }))
		if len(all) != 2 || all[1].err == nil || !strings.Contains(all[1].err.Error(), "record 1") {
			t.Fatalf("%v", all[len(all)-1].err)
		}
	})
	t.Run("a file that is cut off", func(t *testing.T) {
		for _, n := range []int{record + 5, 2*record - 1} {
			all := readAll(t, changed(t, whole, func(b []byte) []byte { return b[:n] }))
			if len(all) != 2 || all[1].err == nil || !strings.Contains(all[1].err.Error(), "ends within") {
				t.Errorf("at %d: %d records, %v", n, len(all), all[len(all)-1].err)
			}
		}
	})
	t.Run("Skip passes over a damaged record", func(t *testing.T) {
		r, err := Open(changed(t, whole, func(b []byte) []byte { b[record+headerSize+5] ^= 1; return b }))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i := 0; i < 5; i++ {
			if err := r.Skip(); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Skip(); err != io.EOF || r.Records() != 5 {
			t.Errorf("%v after %d records", err, r.Records())
		}
	})
}

func changed(t *testing.T, whole []byte, change func([]byte) []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "changed")
	if err := os.WriteFile(path, change(bytes.Clone(whole)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNoRecords(t *testing.T) {
	all := readAll(t, changed(t, []byte("this is a text and no file of records"), func(b []byte) []byte { return b }))
	if len(all) != 1 || all[0].err == nil || !strings.Contains(all[0].err.Error(), "no TFRecord file") {
		t.Errorf("a text: %v", all)
	}
	// A length that is signed but huge.
	huge := []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	sum := mask(crcOf(huge[:8]))
	huge[8], huge[9], huge[10], huge[11] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
	all = readAll(t, changed(t, append(huge, make([]byte, 20)...), func(b []byte) []byte { return b }))
	if len(all) != 1 || all[0].err == nil || !strings.Contains(all[0].err.Error(), "limit") {
		t.Errorf("a huge length: %v", all)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte{10, 4, 10, 2, 10, 0})
	f.Add([]byte{10, 255, 255, 255, 255, 15})
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = Bytes(data) })
}

func crcOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
