package savedmodel

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/tfrecord"
	"github.com/prioritycut/prioritycut/tf"
)

// indexEntry is a key and its value in a table.
type indexEntry struct {
	key   string
	value []byte
}

// entriesOf reads the index of a model's variables.
func entriesOf(t testing.TB, dir string) []indexEntry {
	t.Helper()
	table, err := readIndex(filepath.Join(dir, variablesDir, variablesPrefix+".index"))
	if err != nil {
		t.Fatal(err)
	}
	var all []indexEntry
	if err := table.each(func(key, value []byte) error {
		all = append(all, indexEntry{string(key), bytes.Clone(value)})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// tableOf writes entries as a table that TensorFlow takes.
func tableOf(entries []indexEntry) []byte {
	var out []byte
	block := func(entries []indexEntry) (handle []byte) {
		var b []byte
		for _, e := range entries {
			for _, n := range []int{0, len(e.key), len(e.value)} {
				b = binary.AppendUvarint(b, uint64(n))
			}
			b = append(append(b, e.key...), e.value...)
		}
		b = append(b, 0, 0, 0, 0, 1, 0, 0, 0) // one restart, at the beginning
		handle = binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(out))), uint64(len(b)))
		b = append(b, 0) // not compressed
		out = binary.LittleEndian.AppendUint32(append(out, b...), tfrecord.Checksum(b))
		return handle
	}
	data := block(entries)
	footer := append(block(nil), block([]indexEntry{{"\xff", data}})...)
	footer = append(footer, make([]byte, indexFooter-8-len(footer))...)
	return binary.LittleEndian.AppendUint64(append(out, footer...), indexMagic)
}

// TestForgedIndexes load only as they were. TensorFlow takes what the others
// claim from the machine, or ends the process.
func TestForgedIndexes(t *testing.T) {
	variable := func(change func(*pb.BundleEntryProto)) func([]indexEntry) []indexEntry {
		return func(all []indexEntry) []indexEntry {
			var e pb.BundleEntryProto
			if err := proto.Unmarshal(all[1].value, &e); err != nil {
				t.Fatal(err)
			}
			change(&e)
			value, err := proto.Marshal(&e)
			if err != nil {
				t.Fatal(err)
			}
			all[1].value = value
			return all
		}
	}
	shape := func(dims ...int64) func([]indexEntry) []indexEntry {
		return variable(func(e *pb.BundleEntryProto) { e.Shape = shapeProto(dims) })
	}
	header := func(change func(*pb.BundleHeaderProto)) func([]indexEntry) []indexEntry {
		return func(all []indexEntry) []indexEntry {
			var h pb.BundleHeaderProto
			if err := proto.Unmarshal(all[0].value, &h); err != nil {
				t.Fatal(err)
			}
			change(&h)
			all[0].value, _ = proto.Marshal(&h)
			return all
		}
	}
	for _, c := range []struct {
		name, want string
		change     func([]indexEntry) []indexEntry
	}{
		{"as it was", "", func(all []indexEntry) []indexEntry { return all }},
		{"a shape of terabytes", "its shape takes 4398046511104 bytes", shape(1 << 40)},
		{"one that cannot be counted", "its shape cannot be", shape(1<<62, 1<<62)},
		{"one that a size of 0 makes empty", "its shape cannot be", shape(1<<62, 1<<62, 0)},
		{"a negative size", "its shape cannot be", shape(-1)},
		{"too many dimensions", "its shape cannot be", shape(make([]int64, 300)...)},
		{"more than its values", "its shape takes 16 bytes, its values 12", shape(4)},
		{"values behind the file", "are not within a file", variable(func(e *pb.BundleEntryProto) { e.Offset = 20 })},
		{"values before the file", "are not within a file", variable(func(e *pb.BundleEntryProto) { e.Offset = -1 })},
		{"values of another file", "file 7 of 1", variable(func(e *pb.BundleEntryProto) { e.ShardId = 7 })},
		{"values used many times", "take 36 bytes", func(all []indexEntry) []indexEntry {
			for range 3 {
				all = append(all, indexEntry{all[len(all)-1].key + "x", all[1].value})
			}
			return all
		}},
		{"slices of a shape of terabytes", "its shape takes", variable(func(e *pb.BundleEntryProto) {
			e.Shape, e.Slices = shapeProto([]int64{1 << 40}), append(e.Slices, nil)
		})},
		{"a million files", "claims 1000000 files", header(func(h *pb.BundleHeaderProto) { h.NumShards = 1e6 })},
		{"two files, one there", "no such file", header(func(h *pb.BundleHeaderProto) { h.NumShards = 2 })},
		{"no header", "no header", func(all []indexEntry) []indexEntry { return all[1:] }},
	} {
		dir := write(t, filepath.Join(t.TempDir(), "m"), line(t, make([]float32, 3), make([]float32, 3)))
		path := filepath.Join(dir, variablesDir, variablesPrefix+".index")
		if err := os.WriteFile(path, tableOf(c.change(entriesOf(t, dir))), 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := Open(dir, tf.SessionConfig{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		m.Close()
	}
}

// TestDamagedIndexes are errors, or are read to an end.
func TestDamagedIndexes(t *testing.T) {
	dir := write(t, filepath.Join(t.TempDir(), "m"), line(t, make([]float32, 3), make([]float32, 3)))
	whole, err := readIndex(filepath.Join(dir, variablesDir, variablesPrefix+".index"))
	if err != nil {
		t.Fatal(err)
	}
	entries := func(table indexTable) (n int, err error) {
		err = table.each(func(_, _ []byte) error {
			n++
			return nil
		})
		return n, err
	}
	for at := range whole {
		for _, flip := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(whole)
			damaged[at] ^= flip
			if n, _ := entries(damaged); n > len(whole) {
				t.Errorf("byte %d makes %d entries of %d bytes", at, n, len(whole))
			}
		}
	}
	for n := indexFooter; n < len(whole); n++ {
		if _, err := entries(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for all", n, len(whole))
		}
	}
}
