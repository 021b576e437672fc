package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/usage"
)

func TestNext(t *testing.T) {
	var b strings.Builder
	Next(&b, Step{Program("animate", "--checkpoint=runs/a b"), "see it move"}, Step{"tensorboard", "watch"})
	want := "next:\n  bazel run //cmd:animate -- '--checkpoint=runs/a b'  # see it move\n  tensorboard                                         # watch\n"
	if b.String() != want {
		t.Error(b.String())
	}
}

func TestAsTyped(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "the archive", "bin")
	if err := os.MkdirAll(filepath.Join(bin, "serve"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"train": 0o755, "export": 0o644} {
		if err := os.WriteFile(filepath.Join(bin, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	const text = "type bazel run //cmd:train -- --data=x, `bazel run //cmd:train`, bazel run //cmd:serve or bazel run //cmd:export"
	for from, train := range map[string]string{
		dir:              "'./the archive/bin/train'",
		bin:              "./train",
		bin + "/serve":   "'" + bin + "/train'",
		"":               "'" + bin + "/train'",
		"/no/such/place": "'" + bin + "/train'",
	} {
		want := "type " + train + " --data=x, `" + train + "`, bazel run //cmd:serve or bazel run //cmd:export"
		if got := asTyped(text, bin, from); got != want {
			t.Errorf("from %s: %s", from, got)
		}
	}
}

// A shell gives back what was quoted.
func TestQuote(t *testing.T) {
	for _, word := range []string{"", "plain/path-1.mp4", "a b", "it's", "$HOME", "`ls`", "a\nb", "*", "ä"} {
		out, err := exec.Command("sh", "-c", "printf %s "+usage.Quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q becomes %q, %v", word, out, err)
		}
	}
}

func TestVersion(t *testing.T) {
	c, _, out, _ := trainer()
	if done, _, err := c.Parse([]string{"--version"}); !done || err != nil {
		t.Error(done, err)
	}
	if !strings.HasPrefix(out.String(), "train of PriorityCut "+Release) {
		t.Errorf("%q", out)
	}
	got := revision([]debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}})
	if got != ", revision 0123456789ab with changes" || revision(nil) != "" {
		t.Errorf("%q", got)
	}
}
