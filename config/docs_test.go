package config

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestEveryKeyIsDocumented(t *testing.T) {
	docs, err := Docs(DefaultPreset)
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) != len(paths()) || len(leaves()) < 90 {
		t.Errorf("%d documented, %d keys, %d with values", len(docs), len(paths()), len(leaves()))
	}
	goName := regexp.MustCompile(`\b[A-Z][a-z]+[A-Z]\w*Params\b|\(YAML:`)
	texts := map[string]string{}
	for _, d := range docs {
		texts[d.Key] = d.Doc
	}
	for _, d := range docs {
		see, isSee := strings.CutPrefix(d.Doc, "See ")
		// Where a section is to be read, it must speak of the key.
		if len(d.Doc) < 15 || (isSee && !strings.Contains(texts[strings.TrimSuffix(see, ".")], last(d.Key))) {
			t.Errorf("%s has the documentation %q", d.Key, d.Doc)
		}
		if found := goName.FindString(d.Doc); found != "" {
			t.Errorf("%s speaks Go: %s", d.Key, found)
		}
		if !d.Section && (d.Default == "" || d.Type == "") {
			t.Errorf("%s: default %q, type %q", d.Key, d.Default, d.Type)
		}
		if d.Section && (d.Default != "" || d.Type != "") {
			t.Errorf("section %s: default %q, type %q", d.Key, d.Default, d.Type)
		}
	}
}

// Defaults can be typed as they are printed.
func TestDefaultsCanBeSet(t *testing.T) {
	for _, preset := range Presets() {
		docs, err := Docs(preset)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := resolve(t, Options{Preset: preset})
		var sets []string
		for _, d := range docs {
			if !d.Section && belongs(d.Key, want.FamilyName()) {
				sets = append(sets, d.Key+"="+d.Default)
			}
		}
		got, _ := resolve(t, Options{Sets: sets})
		if diffs := DiffForResume(want, got); len(diffs) > 0 {
			t.Errorf("%s: %v", preset, diffs)
		}
	}
}

func TestWriteHelp(t *testing.T) {
	var out bytes.Buffer
	if err := WriteHelp(&out, "Keys", "vox-256"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\ntrain_params.batch_size: 40  (whole number)\n    batch_size is the number",
		"\nprioritycut_params.k_of: foreground  (text)\n", "\nmodel_params:\n",
		"\ndataset_params.frame_shape: [256, 256, 3]  (list of 3 whole numbers)\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help lacks %q", want)
		}
	}
	for i, line := range strings.Split(out.String(), "\n") {
		if len(line) > 140 {
			t.Errorf("line %d has %d characters", i+1, len(line))
		}
	}
	if err := WriteHelp(&out, "Keys", "nothing"); err == nil {
		t.Error("help for an unknown preset")
	}
}
