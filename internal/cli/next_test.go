package cli

import (
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
)

func TestNext(t *testing.T) {
	var b strings.Builder
	Next(&b, Step{Program("animate", "--checkpoint=runs/a b"), "see it move"}, Step{"tensorboard", "watch"})
	want := "next:\n  bazel run //cmd:animate -- '--checkpoint=runs/a b'  # see it move\n  tensorboard                                         # watch\n"
	if b.String() != want {
		t.Error(b.String())
	}
}

// A shell gives back what was quoted.
func TestQuote(t *testing.T) {
	for _, word := range []string{"", "plain/path-1.mp4", "a b", "it's", "$HOME", "`ls`", "a\nb", "*", "ä"} {
		out, err := exec.Command("sh", "-c", "printf %s "+Quote(word)).Output()
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
