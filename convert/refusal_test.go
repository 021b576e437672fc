package convert

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/safetensors"
)

// TestRefusals are the mistakes of newcomers and what they are told.
func TestRefusals(t *testing.T) {
	published, yaml := goldenFile(t, "small.pth.tar"), goldenFile(t, "small.yaml")
	whole, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := os.ReadFile(goldenFile(t, "small-zip.pth.tar"))
	if err != nil {
		t.Fatal(err)
	}
	one := func(names ...string) string {
		var list []entry
		for _, n := range names {
			list = append(list, entry{name: n, shape: []int64{1}, values: []float32{1}})
		}
		return fileOf(t, "x.npz", npzOf(t, list))
	}
	run := filepath.Join(t.TempDir(), "run")
	perform(t, Options{Checkpoint: published, ConfigFile: yaml, Out: run})
	full := filepath.Join(t.TempDir(), "own.safetensors")
	perform(t, Options{Checkpoint: run, Out: full})
	taken := fileOf(t, "taken", nil)

	for name, c := range map[string]struct {
		options Options
		want    []string
	}{
		"nothing":              {Options{Out: "x"}, []string{"`checkpoint`=FILE"}},
		"no out":               {Options{Checkpoint: published}, []string{"`out`=FOLDER"}},
		"no such file":         {Options{Checkpoint: "no/such", Out: "x"}, []string{"no/such", "no such file"}},
		"no configuration":     {Options{Checkpoint: published}, []string{"`config`=vox-256.yaml", "`preset`"}},
		"no such YAML":         {Options{Checkpoint: published, ConfigFile: "no.yaml"}, []string{"no.yaml", "no such file"}},
		"a torch file as YAML": {Options{Checkpoint: published, ConfigFile: published}, []string{"small.pth.tar"}},
		"cut short":            {Options{Checkpoint: fileOf(t, "cut.pth.tar", whole[:len(whole)/2]), ConfigFile: yaml}, []string{"cut.pth.tar", "cut short"}},
		"cut short, zip":       {Options{Checkpoint: fileOf(t, "cut.pth.tar", zipped[:len(zipped)/2]), ConfigFile: yaml}, []string{"cut.pth.tar", "cut short"}},
		"empty":                {Options{Checkpoint: taken, ConfigFile: yaml}, []string{"it is empty"}},
		"another size": {Options{Checkpoint: published, Preset: "vox-256"},
			[]string{"other sizes", "num_kp is 10 and the file has 5", "block_expansion is 64 and the file has 8", "misshapen", "`dry_run`"}},
		"fewer blocks":        {Options{Checkpoint: published, ConfigFile: yaml, Sets: []string{"num_bottleneck_blocks=2"}}, []string{"12 not expected", "generator.bottleneck.r2"}},
		"more blocks":         {Options{Checkpoint: published, ConfigFile: yaml, Sets: []string{"num_bottleneck_blocks=4"}}, []string{"12 missing", "generator.bottleneck.r3"}},
		"other variant":       {Options{Checkpoint: published, ConfigFile: yaml, Variant: "prioritycut"}, []string{"leave `variant` out"}},
		"other blocks":        {Options{Checkpoint: published, ConfigFile: yaml, Sets: []string{"discriminator_params.num_blocks=3"}}, []string{"discriminator_params", "`variant`=fomm"}},
		"no kp_detector":      {Options{Checkpoint: fileOf(t, "g.npz", npzOf(t, only(entriesOf(t, "fomm"), generator))), ConfigFile: smallestFile(t)}, []string{"the file has no network kp_detector"}},
		"VGG":                 {Options{Checkpoint: one("features.0.weight"), ConfigFile: yaml}, []string{"weights of VGG-19", "--vgg19=FILE"}},
		"half a VGG":          {Options{Checkpoint: one("features.0.weight"), Out: filepath.Join(t.TempDir(), "v.safetensors")}, []string{"VGG-19", "missing", "misshapen"}},
		"one network":         {Options{Checkpoint: one("first.conv.weight"), ConfigFile: yaml}, []string{"one network alone"}},
		"nested":              {Options{Checkpoint: one("state_dict.generator.x"), ConfigFile: yaml}, []string{"1 not expected (generator.x)"}},
		"two nested":          {Options{Checkpoint: one("a.generator.x", "b.generator.x"), ConfigFile: yaml}, []string{"below a and below b"}},
		"twice":               {Options{Checkpoint: one("generator.module.x", "generator.x"), ConfigFile: yaml}, []string{"keep one"}},
		"weight norm":         {Options{Checkpoint: one("generator.x", "generator.first.conv.parametrizations.weight.original0"), ConfigFile: yaml}, []string{"weight normalisation"}},
		"VGG with norms":      {Options{Checkpoint: one("features.0.weight", "features.1.running_mean"), Out: filepath.Join(t.TempDir(), "v.safetensors")}, []string{"batch normalisation"}},
		"names for a folder":  {Options{Checkpoint: published, ConfigFile: yaml, Parametrizations: true}, []string{"`out`=FILE.safetensors"}},
		"something else":      {Options{Checkpoint: one("a", "b"), ConfigFile: yaml}, []string{"no checkpoint of first-order-model", "a, b"}},
		"another model":       {Options{Checkpoint: one("generator.x", "bg_predictor.fc.weight"), ConfigFile: yaml}, []string{"bg_predictor", "another model"}},
		"a text":              {Options{Checkpoint: yaml, ConfigFile: yaml}, []string{"neither npz nor safetensors"}},
		"out exists":          {Options{Checkpoint: published, ConfigFile: yaml, Out: taken}, []string{"exists"}},
		"out is a run":        {Options{Checkpoint: published, ConfigFile: yaml, Out: run}, []string{"not empty"}},
		"out of another form": {Options{Checkpoint: published, ConfigFile: yaml, Out: "x.npz"}, []string{".safetensors only"}},
		"ours to ours":        {Options{Checkpoint: run}, []string{"is a folder, as our checkpoints are"}},
		"ours with settings":  {Options{Checkpoint: run, Out: "x.safetensors", Preset: "vox-256"}, []string{"carries its configuration"}},
		"a folder":            {Options{Checkpoint: t.TempDir(), Out: "x.safetensors"}, []string{"neither a run nor a checkpoint"}},
		"own file, settings":  {Options{Checkpoint: full, Sets: []string{"align_corners=false"}}, []string{"carries its configuration"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			if c.options.Out == "" && name != "no out" {
				c.options.Out = out
			}
			j, err := Read(c.options)
			if err == nil {
				j.Close()
				t.Fatal("is accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v lacks %q", err, want)
				}
			}
			if _, err := os.Lstat(out); err == nil {
				t.Error("something was written")
			}
		})
	}
}

func only(entries []entry, player string) []entry {
	return slices.DeleteFunc(entries, func(e entry) bool { return !strings.HasPrefix(e.name, player+".") })
}

// TestListsAll lists every tensor that does not fit.
func TestListsAll(t *testing.T) {
	entries := entriesOf(t, "fomm")
	last := len(entries) - 1
	entries[0].name += "_x"
	entries[last].shape, entries[last].values = []int64{9}, make([]float32, 9)
	_, err := read(t, npzOf(t, entries), Options{})
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := mismatch.List(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"missing: " + strings.TrimSuffix(entries[0].name, "_x"), "not expected: " + entries[0].name, "misshapen: " + entries[last].name + ": shape [9]"} {
		if !strings.Contains(b.String(), want+"\n") && !strings.Contains(b.String(), want) {
			t.Errorf("%q lacks %q", b.String(), want)
		}
	}
	if strings.Count(b.String(), "\n") != 3 {
		t.Errorf("%q", b.String())
	}
}

// TestNumbersNotTaken refuses elements that no network can use.
func TestNumbersNotTaken(t *testing.T) {
	for name, bad := range map[string]float32{"NaN": float32(math.NaN()), "infinity": float32(math.Inf(-1))} {
		entries := entriesOf(t, "fomm")
		entries[3].values[0] = bad
		if _, err := read(t, npzOf(t, entries), Options{}); err == nil || !strings.Contains(err.Error(), entries[3].name+" has elements that are not finite") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var tensors []safetensors.Tensor
	for i, e := range entriesOf(t, "fomm") {
		tensor := float32Tensor(e.name, e.shape, e.values)
		if i == 2 {
			tensor.DType, tensor.Data = safetensors.I32, make([]byte, 4*len(e.values))
		}
		tensors = append(tensors, tensor)
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, b.Bytes(), Options{}); err == nil || !strings.Contains(err.Error(), "no floating-point numbers") {
		t.Errorf("integers: %v", err)
	}
}

// TestForgedNotes refuses metadata that no program of ours wrote.
func TestForgedNotes(t *testing.T) {
	var tensors []safetensors.Tensor
	for _, e := range entriesOf(t, "fomm") {
		tensors = append(tensors, float32Tensor(e.name, e.shape, e.values))
	}
	for notes, want := range map[string]string{
		"":                               "no notes",
		"null":                           "no notes",
		"[]":                             "notes",
		`{"format_version":9}`:           "use a newer one",
		`{"format_version":1,"step":-1}`: "cannot be",
		`{"format_version":1,"step":9000000000000000,"attempt":9000000000000000}`: "step 9000000000000000",
		`{"format_version":1,"step":1,"attempt":9000000000000000}`:                "attempt 9000000000000000",
		`{"format_version":1,"config":"preset: x\nformat_version: 1"}`:            "preset",
		`{"format_version":1,"converted":7}`:                                      "converted",
	} {
		var b bytes.Buffer
		if err := safetensors.Write(&b, tensors, map[string]string{notesKey: notes}); err != nil {
			t.Fatal(err)
		}
		_, err := Read(Options{Checkpoint: fileOf(t, "x.safetensors", b.Bytes()), Out: filepath.Join(t.TempDir(), "out")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", notes, err, want)
		}
	}
}

// TestNothingHalfWritten fails while writing and looks for what is left.
func TestNothingHalfWritten(t *testing.T) {
	j := mustRead(t, npzOf(t, entriesOf(t, "fomm")), Options{})
	dir := t.TempDir()
	for _, v := range j.nets.players[1].weights()[:1] {
		j.values[v] = nil // cannot be written to a file
	}
	if err := j.writeStateDict(filepath.Join(dir, "x.safetensors"), false); err == nil {
		t.Error("a tensor without a value is written")
	}
	j.notes.Step = -1
	if err := j.writeRun(filepath.Join(dir, "run")); err == nil {
		t.Error("step -1 is written")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
	blocked := filepath.Join(fileOf(t, "file", nil), "below", "run")
	if err := j.writeRun(blocked); err == nil {
		t.Error("a folder is made below a file")
	}
}

// TestAfterAKilledProcess removes what one left that was writing the same name.
func TestAfterAKilledProcess(t *testing.T) {
	j := mustRead(t, npzOf(t, entriesOf(t, "fomm")), Options{})
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".run.tmp-12", "checkpoints"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".x.safetensors.tmp-34"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.writeRun(filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	if err := j.writeStateDict(filepath.Join(dir, "x.safetensors"), false); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%v is left (%v)", left, err)
	}
}

// TestEmptyFolder may be written to.
func TestEmptyFolder(t *testing.T) {
	dir := t.TempDir()
	data := fileOf(t, "x.npz", npzOf(t, entriesOf(t, "fomm")))
	perform(t, Options{Checkpoint: data, ConfigFile: smallestFile(t), Out: dir})
	newest(t, dir)
}

// TestList is what --dry_run prints.
func TestList(t *testing.T) {
	entries := append(entriesOf(t, "fomm"), entry{name: "kp_detector.down.weight", shape: []int64{1}, values: []float32{1}})
	j := mustRead(t, npzOf(t, entries), Options{})
	var b strings.Builder
	if err := j.List(&b); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries[:len(entries)-1] {
		if !strings.Contains(b.String(), "\n"+e.name+" ") {
			t.Errorf("%s is not listed", e.name)
		}
	}
	if !strings.Contains(b.String(), "not taken: kp_detector.down.weight\n") || !strings.Contains(b.String(), "nothing is written") {
		t.Error(b.String())
	}
	if _, err := os.Lstat(j.options.Out); err == nil {
		t.Error("listing writes")
	}
	if j.Write(io.Discard) != nil {
		t.Error("what is listed cannot be written")
	}
}
