// Package dist tries the archive of programs that Bazel packs.
package dist

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/runfiles"
	"github.com/prioritycut/prioritycut/video"
)

var programs = []string{"ablation", "animate", "convert", "detectors", "evaluate", "export", "joints", "prepare", "serve", "train"}

// system are libraries of every Debian, those of the C and C++ compilers.
var system = []string{
	"ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libstdc++.so.6",
}

var unpacked struct {
	sync.Once
	parent, dir string
	err         error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if unpacked.parent != "" {
		os.RemoveAll(unpacked.parent)
	}
	os.Exit(code)
}

// unpack returns the folder of an archive that was unpacked far from where
// anything was built.
func unpack(t *testing.T) string {
	t.Helper()
	archive, found := runfiles.Find("prioritycut/tools/dist/prioritycut.tar")
	if !found {
		t.Skip("Bazel packs what is tried here: ./bazelw test //tools/dist/...")
	}
	unpacked.Do(func() {
		if unpacked.parent, unpacked.err = os.MkdirTemp("", "prioritycut-dist"); unpacked.err != nil {
			return
		}
		var said []byte
		if said, unpacked.err = exec.Command("tar", "-C", unpacked.parent, "-xf", archive).CombinedOutput(); unpacked.err != nil {
			unpacked.err = fmt.Errorf("%w: %s", unpacked.err, said)
		}
		unpacked.dir = filepath.Join(unpacked.parent, "prioritycut")
	})
	if unpacked.err != nil {
		t.Fatal(unpacked.err)
	}
	return unpacked.dir
}

// run runs a program of the archive in a folder, with nothing in its environment.
func run(t *testing.T, folder, program string, args ...string) string {
	t.Helper()
	c := exec.Command(filepath.Join(unpack(t), "bin", program), args...)
	c.Dir, c.Env = folder, []string{}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestVersions(t *testing.T) {
	for _, p := range programs {
		if out := run(t, t.TempDir(), p, "--version"); !strings.HasPrefix(out, p+" of PriorityCut ") {
			t.Errorf("%s --version: %s", p, out)
		}
	}
}

// It builds the graph of a training step: TensorFlow and our operations are found.
func TestTrain(t *testing.T) {
	if out := run(t, t.TempDir(), "train", "--dry_run", "--device=cpu"); !strings.Contains(out, "shapes-64") {
		t.Errorf("train --dry_run says\n%s", out)
	}
	dir := t.TempDir()
	args := []string{"--steps=1", "--device=cpu", "--set", "validation_videos=1", "--set", "validation_frames=2", "--set", "reconstruction_params.num_videos=1"}
	for _, set := range tinymodel.Sets() {
		args = append(args, "--set", set)
	}
	run(t, dir, "train", args...)
	if found, err := filepath.Glob(filepath.Join(dir, "runs/*/checkpoints/step-00000001")); err != nil || len(found) != 1 {
		t.Errorf("a step's checkpoint: %v %v", found, err)
	}
}

func TestAnimate(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	unpack(t)
	dir := t.TempDir()
	if err := tinymodel.Write(filepath.Join(dir, "run"), 1); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "driving"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		f := video.NewFrame(32, 32)
		for j := range f.Pix {
			f.Pix[j] = byte(j * (i + 3))
		}
		writePNG(t, filepath.Join(dir, "driving", fmt.Sprint(i, ".png")), f)
	}
	c := exec.Command(filepath.Join(unpack(t), "bin/animate"), "--checkpoint=run", "--source_image=driving/0.png", "--driving_video=driving", "--result_video=moved.mp4", "--device=cpu")
	c.Dir, c.Env = dir, []string{"PATH=" + filepath.Dir(ffmpeg)}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("animate: %v\n%s", err, out)
	}
	if info, err := os.Stat(filepath.Join(dir, "moved.mp4")); err != nil || info.Size() == 0 {
		t.Errorf("the film: %v %v", info, err)
	}
}

func writePNG(t *testing.T, path string, f *video.Frame) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := video.EncodePNG(file, f); err != nil {
		t.Fatal(err)
	}
}

// Every library that a program or library asks for is in the archive or in every
// Debian, and none is looked for at a place of the machine that packed.
func TestLibraries(t *testing.T) {
	dir := unpack(t)
	own, err := filepath.Glob(filepath.Join(dir, "lib", "*"))
	if err != nil || len(own) != 3 {
		t.Fatalf("lib holds %v %v", own, err)
	}
	known := slices.Clone(system)
	for _, path := range own {
		known = append(known, filepath.Base(path))
	}
	for _, path := range append(own, filepath.Join(dir, "bin/train"), filepath.Join(dir, "bin/serve")) {
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		needed, err := f.ImportedLibraries()
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range needed {
			if !slices.Contains(known, n) {
				t.Errorf("%s needs %s, which is nowhere", path, n)
			}
		}
		for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
			places, err := f.DynString(tag)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range strings.FieldsFunc(strings.Join(places, ":"), func(r rune) bool { return r == ':' }) {
				if !strings.HasPrefix(p, "$ORIGIN") {
					t.Errorf("%s looks for libraries in %s", path, p)
				}
			}
		}
		if f.Section(".symtab") != nil {
			t.Errorf("%s carries symbols", path)
		}
	}
}

// Whoever passes the archive on passes on the licences of all that is in it.
func TestContents(t *testing.T) {
	dir := unpack(t)
	for _, name := range []string{
		"LICENSE", "NOTICE", "README.txt", "docs/cli.md", "docs/serve.md", "examples/Dockerfile", "examples/prioritycut.service", "examples/predict.py",
		"licences/org_tensorflow/THIRD_PARTY_NOTICES.txt", "licences/go_toolchain_module/LICENSE",
		"licences/com_github_wamuir_graft/LICENSE", "licences/com_github_spf13_pflag/LICENSE", "licences/in_yaml_go_yaml_v3/NOTICE", "licences/org_golang_x_image/LICENSE",
	} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	var found []string
	sizes := map[int64]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if twin := sizes[info.Size()]; twin != "" && info.Size() > 1<<20 {
			t.Errorf("%s is as large as %s: one of them will do", path, twin)
		}
		sizes[info.Size()] = path
		if program := filepath.Base(filepath.Dir(path)) == "bin"; program != (info.Mode()&0o111 != 0 && !strings.Contains(path, ".so")) {
			t.Errorf("%s has mode %v", path, info.Mode())
		} else if program {
			found = append(found, d.Name())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(found, programs) {
		t.Errorf("bin holds %v, want %v", found, programs)
	}
}
