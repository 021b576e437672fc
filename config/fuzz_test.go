package config

import (
	"testing"
	"unicode/utf8"
)

// Whatever bytes a file holds, the result is an error or a valid configuration
// that is written and read back unchanged.
func FuzzFile(f *testing.F) {
	c, _, err := Resolve(Options{})
	if err != nil {
		f.Fatal(err)
	}
	saved, err := c.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(saved)
	f.Add([]byte(everyReferenceKey))
	f.Add([]byte("format_version: 1\npreset: vox-256\ntrain_params: {step_milestones: [{step: 1, factor: 1}]}"))
	f.Add([]byte("format_version: 1\npreset: bair-256\nx: &x {<<: *x}\n<<: [*x, {seed: 1}]"))
	f.Add([]byte("? - - - {a: !!binary x}\n"))
	f.Add([]byte("format_version: 1\npreset: shapes-64\ninit_from: \"\\x00\\ud800\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Unmarshal(data, "fuzz.yaml")
		if err != nil {
			return
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Unmarshal(again, "again.yaml")
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if diffs := DiffForResume(c, back); len(diffs) > 0 {
			t.Fatalf("%v", diffs)
		}
	})
}

// Whatever follows --set, the result is an error in a line that can be printed
// or a valid configuration.
func FuzzSet(f *testing.F) {
	for _, set := range []string{
		"batch_size=2", "train_params.scales=[1, 0.5]", "=", "a.b.c=d", "num_blocks=3", "loss_weights={consistency: 1}",
		"step_milestones=[{step: 2, factor: 0.5}]", "seed=&a [*a]", "train_params={<<: {batch_size: 1}}", "..=..", "\x00=\x00",
	} {
		f.Add(set)
	}
	f.Fuzz(func(t *testing.T, set string) {
		c, _, err := Resolve(Options{Sets: []string{set}, AllowMissing: true})
		switch {
		case err == nil && c.Validate() != nil:
			t.Fatalf("accepted, but invalid: %v", c.Validate())
		case err != nil && utf8.ValidString(set) && !utf8.ValidString(err.Error()):
			t.Fatalf("error is not text: %q", err)
		}
	})
}
