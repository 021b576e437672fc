package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func TestCheckpointRoundTrip(t *testing.T) {
	s := OpenStore(filepath.Join(t.TempDir(), "runs", "a", "checkpoints"))
	if _, _, err := s.Latest(); !errors.Is(err, ErrNone) {
		t.Errorf("empty store: %v", err)
	}
	save(t, s, 700)
	save(t, s, 123_456_789)
	save(t, s, 0)
	if got := steps(t, s); !slices.Equal(got, []int64{0, 700, 123_456_789}) {
		t.Errorf("steps %v", got)
	}
	if step, damaged := latest(t, s); step != 123_456_789 || damaged != nil {
		t.Errorf("latest is %d, damaged %v", step, damaged)
	}
	if filepath.Base(s.Dir(700)) != "step-00000700" {
		t.Errorf("folder %s", s.Dir(700))
	}
	c, err := s.Open(700)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Groups(); !slices.Equal(got, []string{"weights", "optimizer"}) {
		t.Errorf("groups %v", got)
	}
	// An open checkpoint outlives its folder.
	if err := os.RemoveAll(s.Dir(700)); err != nil {
		t.Fatal(err)
	}
	one, err := c.Tensor("optimizer", "signed")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tf.Values[int32](one); err != nil || !slices.Equal(got, []int32{-1, 700}) {
		t.Errorf("signed: %v, %v", got, err)
	}
	if _, err := c.Tensor("optimizer", "nothing"); err == nil || !strings.Contains(err.Error(), `no tensor "nothing"`) {
		t.Errorf("missing tensor: %v", err)
	}
	if _, err := c.Tensors("slots"); err == nil || !strings.Contains(err.Error(), `no group "slots"`) {
		t.Errorf("missing group: %v", err)
	}
}

// TestCheckpointIsReadableByHand reads a file by the rules of the safetensors
// format alone.
func TestCheckpointIsReadableByHand(t *testing.T) {
	s := OpenStore(t.TempDir())
	save(t, s, 4)
	file, err := os.ReadFile(filepath.Join(s.Dir(4), "weights.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(file)
	var head map[string]json.RawMessage
	if err := json.Unmarshal(file[8:8+n], &head); err != nil {
		t.Fatal(err)
	}
	var bias struct {
		DType   string  `json:"dtype"`
		Shape   []int64 `json:"shape"`
		Offsets []int   `json:"data_offsets"`
	}
	if err := json.Unmarshal(head["kp_detector.conv.bias"], &bias); err != nil {
		t.Fatal(err)
	}
	body := file[8+n:][bias.Offsets[0]:bias.Offsets[1]]
	last := math.Float32frombits(binary.LittleEndian.Uint32(body[6*4:]))
	if bias.DType != "F32" || !slices.Equal(bias.Shape, []int64{7}) || len(body) != 28 || last != 46 {
		t.Errorf("%+v, %d bytes, last %v", bias, len(body), last)
	}
	var m map[string]any
	text, err := os.ReadFile(filepath.Join(s.Dir(4), "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &m); err != nil || m["format_version"] != 1.0 || m["step"] != 4.0 {
		t.Errorf("manifest %v, %v", m, err)
	}
}

func TestSaveRefuses(t *testing.T) {
	s := quickStore(t)
	good := someGroups(t, 1)
	text, err := tensorflow.NewTensor("text")
	if err != nil {
		t.Fatal(err)
	}
	one := tftest.Of(t, []float32{1}, 1)
	tests := []struct {
		step   int64
		meta   string
		groups []Group
		text   string
	}{
		{-1, "{}", good, "step is -1"},
		{1, "{", good, "no JSON"},
		{1, "{}", nil, "0 groups"},
		{1, "{}", []Group{good[0], good[0]}, "two groups"},
		{1, "{}", []Group{{Name: "../weights"}}, "group name"},
		{1, "{}", []Group{{Name: "w", Tensors: []NamedTensor{{"a", nil}}}}, `"a" is nil`},
		{1, "{}", []Group{{Name: "w", Tensors: []NamedTensor{{"a", text}}}}, "string elements"},
		{1, "{}", []Group{{Name: "w", Tensors: []NamedTensor{{"a", one}, {"a", one}}}}, `"a"`},
		{1, `"` + strings.Repeat("x", maxManifest) + `"`, good, "meta is too big"},
	}
	for _, test := range tests {
		err := s.Save(test.step, json.RawMessage(test.meta), test.groups...)
		if err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("got %v, want %q", err, test.text)
		}
	}
	entries, err := os.ReadDir(s.root)
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	save(t, s, 1)
	if err := s.Save(1, nil, good...); !errors.Is(err, ErrExists) {
		t.Errorf("second save: %v", err)
	}
	if err := Write(durable.OS{}, s.Dir(1), 1, nil, good...); err == nil {
		t.Error("WriteCheckpoint overwrote a checkpoint")
	}
	if step, _ := latest(t, s); step != 1 {
		t.Errorf("latest is %d", step)
	}
}

// TestDamage breaks every file of the newest checkpoint in every way: it is
// reported, the one before it is taken, and the step can be saved anew.
func TestDamage(t *testing.T) {
	damages := map[string]func([]byte) []byte{
		"flipped":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"truncated": func(b []byte) []byte { return b[:len(b)-1] },
		"emptied":   func([]byte) []byte { return nil },
		"extended":  func(b []byte) []byte { return append(b, 0) },
		"zeroed":    func(b []byte) []byte { clear(b); return b },
		"removed":   nil,
	}
	files := []string{"weights.safetensors", "optimizer.safetensors", manifestName, manifestSumName}
	for _, file := range files {
		for name, damage := range damages {
			t.Run(file+"/"+name, func(t *testing.T) {
				s := quickStore(t)
				save(t, s, 1)
				save(t, s, 2)
				path := filepath.Join(s.Dir(2), file)
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if damage == nil {
					err = os.Remove(path)
				} else {
					err = os.WriteFile(path, damage(text), 0o666)
				}
				if err != nil {
					t.Fatal(err)
				}
				if step, damaged := latest(t, s); step != 1 || !slices.Equal(damaged, []int64{2}) {
					t.Errorf("latest is %d, damaged %v", step, damaged)
				}
				save(t, s, 2)
				if step, damaged := latest(t, s); step != 2 || damaged != nil {
					t.Errorf("saved anew: latest is %d, damaged %v", step, damaged)
				}
				// What was damaged is there still, by another name.
				if entries, err := os.ReadDir(s.root); err != nil || len(entries) != 3 || entries[0].Name() != "damaged-step-00000002" {
					t.Errorf("%v, %v", entries, err)
				}
			})
		}
	}
}

// rewriteManifest changes a manifest and gives it a right checksum.
func rewriteManifest(t *testing.T, dir string, change func(*manifest)) {
	t.Helper()
	m, err := readManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	change(m)
	text, sum, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	touch(t, string(text), dir, manifestName)
	touch(t, string(sum), dir, manifestSumName)
}

func TestHostileManifest(t *testing.T) {
	tests := []struct {
		name   string
		change func(*manifest)
	}{
		{"path", func(m *manifest) { m.Files[0].Name = "../../weights.safetensors" }},
		{"group", func(m *manifest) { m.Files[0].Group, m.Files[0].Name = "../x", "../x.safetensors" }},
		{"twice", func(m *manifest) { m.Files[1] = m.Files[0] }},
		{"no files", func(m *manifest) { m.Files = nil }},
		{"many files", func(m *manifest) { m.Files = make([]manifestFile, maxGroups+1) }},
		{"size", func(m *manifest) { m.Files[0].Bytes = math.MaxInt64 }},
		{"count", func(m *manifest) { m.Files[0].Tensors++ }},
		{"format", func(m *manifest) { m.Format = "other" }},
		{"version 0", func(m *manifest) { m.FormatVersion = 0 }},
		{"step", func(m *manifest) { m.Step = -5 }},
		{"other step", func(m *manifest) { m.Step = 9 }},
	}
	for _, test := range tests {
		s := quickStore(t)
		save(t, s, 1)
		save(t, s, 2)
		rewriteManifest(t, s.Dir(2), test.change)
		if step, damaged := latest(t, s); step != 1 || !slices.Equal(damaged, []int64{2}) {
			t.Errorf("%s: latest is %d, damaged %v", test.name, step, damaged)
		}
	}
	// A newer format is no damage: going back silently would lose steps.
	s := quickStore(t)
	save(t, s, 1)
	save(t, s, 2)
	rewriteManifest(t, s.Dir(2), func(m *manifest) { m.FormatVersion = FormatVersion + 1 })
	var newer *VersionError
	if _, _, err := s.Latest(); !errors.As(err, &newer) {
		t.Errorf("newer format: %v", err)
	}
	if err := s.Save(2, nil, someGroups(t, 2)...); !errors.As(err, &newer) {
		t.Errorf("newer format was overwritten: %v", err)
	}
}

// A file that fits its checksum may still hold bytes that are no Boolean.
func TestBadBoolean(t *testing.T) {
	s := quickStore(t)
	flags := tftest.Of(t, []bool{true, true}, 2)
	raw, err := tf.Bytes(flags)
	if err != nil {
		t.Fatal(err)
	}
	raw[1] = 7
	if err := s.Save(1, nil, Group{Name: "w", Tensors: []NamedTensor{{"flags", flags}}}); err != nil {
		t.Fatal(err)
	}
	c, err := s.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Tensors("w"); err == nil || !strings.Contains(err.Error(), "no Boolean") {
		t.Errorf("got %v", err)
	}
}

// touch makes a file and the folders above it.
func touch(t *testing.T, text string, path ...string) {
	t.Helper()
	p := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestPruneAndClean(t *testing.T) {
	s := quickStore(t)
	for step := range int64(8) {
		save(t, s, step)
	}
	// Step 7 is damaged: it does not count and is set aside; 2 is the best.
	if err := os.Truncate(filepath.Join(s.Dir(7), "weights.safetensors"), 10); err != nil {
		t.Fatal(err)
	}
	removed, err := s.Prune(2, 2, 99)
	if err != nil || !slices.Equal(removed, []int64{0, 1, 3, 4}) {
		t.Errorf("removed %v, %v", removed, err)
	}
	if got := steps(t, s); !slices.Equal(got, []int64{2, 5, 6}) {
		t.Errorf("left %v", got)
	}
	if removed, err := s.Prune(5); err != nil || removed != nil {
		t.Errorf("fewer than asked for: removed %v, %v", removed, err)
	}
	if _, err := s.Prune(0); err == nil {
		t.Error("all checkpoints were to be removed")
	}
	touch(t, "x", s.root, ".tmp-step-00000009-1-1", "weights.safetensors")
	touch(t, "x", s.root, ".trash-step-00000009-1-1", "weights.safetensors")
	touch(t, "x", s.root, "notes.txt")
	touch(t, "x", s.root, "step-9", "x")
	touch(t, "x", s.root, "step-000000009", "x")
	if got := steps(t, s); !slices.Equal(got, []int64{2, 5, 6}) {
		t.Errorf("other names count: %v", got)
	}
	if err := s.Clean(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.root)
	if err != nil || len(entries) != 7 {
		t.Errorf("after Clean: %v, %v", entries, err)
	}
	if err := OpenStore(filepath.Join(s.root, "none")).Clean(); err != nil {
		t.Error(err)
	}
}

// BenchmarkCheckpoint writes and reads as much as weights and Adam slots of a
// network for pictures of 256x256.
func BenchmarkCheckpoint(b *testing.B) {
	const million = 1 << 20
	group := func(name string, n int) Group {
		g := Group{Name: name}
		for i := range n {
			data := make([]float32, million)
			for j := range data {
				data[j] = float32(j*i) + 0.5
			}
			g.Tensors = append(g.Tensors, NamedTensor{fmt.Sprintf("tensor%d", i), tftest.Of(b, data, million)})
		}
		return g
	}
	groups := []Group{group("weights", 60), group("optimizer", 120)}
	s := OpenStore(b.TempDir())
	save(b, s, 0)
	b.SetBytes(180 * 4 * million)
	b.Run("write", func(b *testing.B) {
		for range b.N {
			if err := s.Save(1, nil, groups...); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := os.RemoveAll(s.Dir(1)); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	if err := s.Save(2, nil, groups...); err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		for range b.N {
			start := time.Now()
			c, err := s.Open(2)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(start).Seconds(), "verify-s")
			for _, g := range c.Groups() {
				if _, err := c.Tensors(g); err != nil {
					b.Fatal(err)
				}
			}
			c.Close()
		}
	})
}
