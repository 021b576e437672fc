package convert

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/weights"
)

// FuzzReadStateDict forges a file of the smallest networks: one tensor gets
// another name, shape and value, and the metadata any notes. What comes out is
// an error, or a checkpoint with a finite value for every variable. How files
// are taken apart before is fuzzed where that is done.
func FuzzReadStateDict(f *testing.F) {
	yaml := smallestFile(f)
	entries := entriesOf(f, "fomm-adv")
	for _, e := range parametersOf(entries, generator) {
		average, square := e, e
		average.name, square.name = optimizerPrefix+e.name+".exp_avg", optimizerPrefix+e.name+".exp_avg_sq"
		entries = append(entries, average, square)
	}
	entries = append(entries, entry{name: optimizerPrefix + generator + ".step", values: []float32{3}})

	f.Add(uint16(len(entries)-1), optimizerPrefix+generator+".step", []byte{}, float32(4), "")
	f.Add(uint16(0), entries[0].name, []byte{}, float32(1), `{"format_version":1,"step":3,"attempt":4,"config":"format_version: 1\npreset: shapes-64"}`)
	f.Add(uint16(1), "discriminator.discs.1.down_blocks.0.conv.weight_orig", []byte{2, 5, 4, 4}, float32(1), "")
	f.Add(uint16(2), "optimizer_discriminator.step", []byte{1}, float32(math.NaN()), "null")
	f.Fuzz(func(t *testing.T, index uint16, name string, shape []byte, value float32, notes string) {
		forged := slices.Clone(entries)
		e := &forged[int(index)%len(forged)]
		e.name = name
		if len(shape) > 0 {
			e.shape = nil
			size := 1
			for _, d := range shape[:min(len(shape), 6)] {
				e.shape = append(e.shape, int64(d%16))
				size *= int(d % 16)
			}
			if size > 1<<12 {
				return
			}
			e.values = make([]float32, size)
		}
		if e.values = slices.Clone(e.values); len(e.values) > 0 {
			e.values[0] = value
		}
		readForged(t, yaml, forged, notes)
	})
}

func readForged(t *testing.T, yaml string, entries []entry, notes string) {
	var tensors []safetensors.Tensor
	for _, e := range entries {
		tensors = append(tensors, float32Tensor(e.name, e.shape, e.values))
	}
	var meta map[string]string
	if notes != "" {
		meta = map[string]string{notesKey: notes}
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, tensors, meta); err != nil {
		return // a name that no file can have
	}
	s, err := weights.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		return
	}
	in, err := newInput(s)
	if err != nil {
		return
	}
	for _, o := range []Options{{ConfigFile: yaml}, {}} {
		c, err := readStateDict(in, o)
		if err != nil {
			continue
		}
		for _, p := range c.nets.players {
			for _, v := range p.vars {
				values, err := tf.Values[float32](c.values[v])
				if err != nil || slices.ContainsFunc(values, func(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) }) {
					t.Errorf("%s: %v (%v)", v.Name, values, err)
				}
			}
			if n := c.count(p.step); n < 0 || n > maxSteps {
				t.Errorf("%s: %d steps", p.Name, n)
			}
		}
	}
}
