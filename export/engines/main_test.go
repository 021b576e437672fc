package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/pyenv"
	"github.com/prioritycut/prioritycut/internal/pypartner"
)

// prepared writes the models of small networks.
func prepared(t *testing.T) (dir string, c calls) {
	t.Helper()
	dir = t.TempDir()
	m, err := command().model(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := prepare(context.Background(), m, dir); err != nil {
		t.Fatal(err)
	}
	if c, err = readCalls(filepath.Join(dir, "calls.npz")); err != nil {
		t.Fatal(err)
	}
	return dir, c
}

// TestPlainGraphsAreOne: without oneDNN, whose convolutions do not round alike in
// every process (TestSavedAgain), our graph of TensorFlow's operations and the
// exported one compute the same bits. TensorFlow reads the variable when it is
// loaded, hence the process of its own.
func TestPlainGraphsAreOne(t *testing.T) {
	const variable = "TF_ENABLE_ONEDNN_OPTS"
	if os.Getenv(variable) != "0" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v=false")
		cmd.Env = append(os.Environ(), variable+"=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, said)
		}
		return
	}
	dir, c := prepared(t)
	rows, err := c.ours(context.Background(), dir, 0)
	if err != nil || len(rows) != 2 || *rows[0].Difference != 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestSavedAgain: what TensorFlow and Keras in Python save of a model that they
// loaded is animated, and computes the same.
func TestSavedAgain(t *testing.T) {
	dir, c := prepared(t)
	rows, err := c.ours(context.Background(), dir, 0)
	// The graphs are one, but where there is AVX2 alone oneDNN's convolutions
	// round in another way in one model of some processes (TensorFlow 2.18.1: 18
	// of 70, at most 3e-7 apart; none of 14 with oneDNN off).
	if err != nil || len(rows) != 2 || *rows[0].Difference > 1e-6 {
		t.Errorf("%+v, %v", rows, err)
	}
	again := filepath.Join(dir, "again")
	cmd := exec.Command(pypartner.Python(t), filepath.Join("peer", "resave.py"), filepath.Join(dir, "plain", "1"), again)
	// Its TensorFlow is its own.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LD_LIBRARY_PATH=") })
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	rows, err = c.again(context.Background(), again, 0)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%+v, %v", rows, err)
	}
	for _, r := range rows {
		if len(r.Signatures) != 5 || *r.Difference > 1e-4 || r.MS[infer.SigFrame] <= 0 {
			t.Errorf("%+v", r)
		}
	}
	// One that lost its signatures is told by name, after the others.
	if err := os.Rename(filepath.Join(dir, "calls.npz"), filepath.Join(again, "broken")); err != nil {
		t.Fatal(err)
	}
	rows, err = c.again(context.Background(), again, 0)
	if len(rows) != 2 || err == nil || !strings.Contains(err.Error(), "saved again by broken") {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// A wrong result is found, wherever it stands.
func TestDifferencesAreFound(t *testing.T) {
	dir, c := prepared(t)
	c.want[infer.SigKeypoints], c.want[infer.SigFrame] = c.want[infer.SigFrame], c.want[infer.SigKeypoints]
	if _, err := c.ours(context.Background(), dir, 0); err == nil {
		t.Error("outputs of other names are taken")
	}
	far, near := 2e-3, 2e-5
	rows := []row{{Engine: "A", Version: "1", Difference: &far, At: "keypoints: value"}, {Engine: "B", Difference: &near},
		{Engine: "C", Difference: &far, Loose: true}, {Engine: "D"}}
	if err := tooFar(rows, 1e-4); err == nil || !strings.Contains(err.Error(), "A 1 (): 0.002 in keypoints: value") || strings.ContainsAny(err.Error(), "BCD") {
		t.Errorf("%v", err)
	}
	if err := tooFar(rows[1:], 1e-4); err != nil {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	d := 4.2e-6
	var b bytes.Buffer
	if err := writeTable(&b, []row{
		{Engine: "X", Version: "1.2", Model: "plain", Signatures: []string{"keypoints", "animate_frame"}, Difference: &d, MS: map[string]float64{infer.SigFrame: 12.345}, Note: "n"},
		{Engine: "Y", Model: "plain", Signatures: make([]string, 5)},
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"| X | 1.2 | plain | animate_frame, keypoints | 4e-06 |  | 12.3 | n |", "| Y |  | plain | all five | not run |  |  |  |"}
	if got := strings.Split(strings.TrimSpace(b.String()), "\n")[2:]; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// What an engine says before it fails is kept; what libraries print is not
// taken for a row. A folder that was made once is taken as it is.
func TestMeasure(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	home, err := pyenv.Home("converters")
	if err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(home, "bin", "python")
	pretend := func(script string) {
		t.Helper()
		for name, text := range map[string]string{python: "#!/bin/sh\n" + script, filepath.Join(home, "complete"): ""} {
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	e := engine{name: "MNN", requirements: "converters"}
	for script, c := range map[string]struct {
		rows int
		err  string
	}{
		`echo hello; echo '{"engine": "'$2'", "difference": 1e-6}'`: {1, ""},
		`echo '{"engine": "MNN"}'; echo a reason >&2; exit 3`:       {1, "exit status 3: a reason"},
		`echo '{"engine": '`: {0, "unexpected end"},
		`echo hello`:         {0, "it says nothing"},
	} {
		pretend(script)
		rows, err := e.measure(context.Background(), t.TempDir(), 1)
		if len(rows) != c.rows || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v", script, rows, err)
		}
		if len(rows) > 0 && rows[0].Engine != "MNN" {
			t.Errorf("%+v", rows)
		}
	}
}

// A folder whose making failed is made again, from nothing.
func TestOnce(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	made := 0
	install := func() error { made++; return os.Mkdir(filepath.Join(home, "bin"), 0o700) }
	for _, fails := range []error{os.ErrDeadlineExceeded, nil, nil} {
		if err := once(home, func() error {
			if err := install(); err != nil {
				return err
			}
			return fails
		}); err != fails {
			t.Errorf("%v, want %v", err, fails)
		}
	}
	if made != 2 {
		t.Errorf("made %d times", made)
	}
}

// Packages are those that were pinned: another, one more or one less is told.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	jars, list := filepath.Join(dir, "jars"), filepath.Join(dir, "list")
	sum := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.jar\n" // of abc
	for name, c := range map[string]struct {
		list, want string
		files      map[string]string
	}{
		"whole":   {sum, "", map[string]string{"a.jar": "abc"}},
		"another": {sum, "a.jar is not the one", map[string]string{"a.jar": "abd"}},
		"more":    {sum, "b.jar is not the one", map[string]string{"a.jar": "abc", "b.jar": "abc"}},
		"less":    {sum, "a.jar: file does not exist", nil},
		"no list": {"abc", "no line of sha256sum", nil},
	} {
		if err := errors.Join(os.RemoveAll(jars), os.Mkdir(jars, 0o700), os.WriteFile(list, []byte(c.list), 0o600)); err != nil {
			t.Fatal(err)
		}
		for file, text := range c.files {
			if err := os.WriteFile(filepath.Join(jars, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := verify(jars, list)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestArguments(t *testing.T) {
	for want, p := range map[string]*program{
		"no engine is called":   {engines: []string{"abacus"}},
		"exclude each other":    {checkpoint: "a", preset: "b"},
		"is unknown":            {preset: "vox-255"},
		"no such file or direc": {checkpoint: filepath.Join(t.TempDir(), "none")},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := p.run(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		cancel()
	}
}
