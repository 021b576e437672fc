package serve

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/model"
)

// badTools are what ffmpeg and ffprobe may do to whoever waits for them: each is
// a script that stands before the real tool, which it finds as $real, in PATH.
var badTools = map[string]struct {
	tool, script string
	// patient lets it run into a time limit: it makes progress.
	patient bool
	want    string
}{
	"ffmpeg hangs":                   {"ffmpeg", "exec sleep 600", false, "made no progress"},
	"ffmpeg hangs and takes no TERM": {"ffmpeg", "trap '' TERM HUP INT; sleep 600 & while :; do wait; done", false, "made no progress"},
	"ffprobe hangs":                  {"ffprobe", "exec sleep 600", true, "took longer than 3s"},
	"ffmpeg writes for ever":         {"ffmpeg", `case "$*" in *file:*) exec cat /dev/zero;; *) exec "$real" "$@";; esac`, false, "driving"},
	"ffprobe writes for ever":        {"ffprobe", "exec yes '{'", false, "driving"},
	"ffmpeg complains for ever":      {"ffmpeg", "exec yes 'something is wrong' >&2", true, "longer than"},
	"ffprobe complains for ever":     {"ffprobe", "exec yes 'something is wrong' >&2", true, "longer than"},
	"ffmpeg encodes for ever":        {"ffmpeg", `case "$*" in *file:/*) exec "$real" "$@";; *) exec cat /dev/zero;; esac`, true, "longer than"},
	"ffmpeg fills the disk":          {"ffmpeg", `case "$*" in *"rgb24 -video_size"*) for out; do :; done; exec 3<&0; cat <&3 >/dev/null & i=0; while test $i -lt 2000; do head -c 1000000 /dev/zero; i=$((i+1)); sleep 0.005; done >"${out#file:}";; *) exec "$real" "$@";; esac`, false, "wrote more than"},
	"ffmpeg dies in the middle":      {"ffmpeg", `"$real" "$@" | head -c 20000; exit 1`, false, "driving"},
	"ffmpeg is killed in the middle": {"ffmpeg", `"$real" "$@" | head -c 20000; kill -9 $$`, false, "driving"},
	"ffprobe dies in the middle":     {"ffprobe", `"$real" "$@" | head -c 100; exit 1`, false, "driving"},
}

// TestBadFFmpeg has ffmpeg and ffprobe hang, write for ever, fill the disk or die
// beside the service: the upload or its job fails soon, with words; others are served
// meanwhile; no process is left; and with the real tools the next job is done.
func TestBadFFmpeg(t *testing.T) {
	m := exported(t, model.PriorityCut)
	path := os.Getenv("PATH")
	for name, bad := range badTools {
		t.Run(name, func(t *testing.T) {
			pids := filepath.Join(t.TempDir(), "pids")
			animator := &patientAnimator{Animator: m.Animator}
			animator.patience.Store(int64(time.Second))
			s := start(t, Backend{Model: m.Model, Animator: animator}, func(o *Options) {
				if bad.patient {
					o.JobTimeout, o.probeTime = 5*time.Second, 3*time.Second
				}
			})
			media := files(t) // by the real tools
			t.Setenv("PATH", stand(t, bad.tool, bad.script, pids)+string(filepath.ListSeparator)+path)
			told := make(chan string, 1)
			go func() { told <- s.fails(media) }()
			for len(told) == 0 && len(processes(t, pids)) == 0 {
				time.Sleep(time.Millisecond)
			}
			// The bad tool runs: others are served.
			if a := s.get("/metrics"); a.status != 200 {
				t.Errorf("metrics: %d", a.status)
			}
			if a := s.predict(`{"signature_name": "no such", "instances": [1]}`); a.status != 404 {
				t.Errorf("another client: %d %s", a.status, a.body)
			}
			if said := within(t, told, "the failure"); !strings.Contains(said, bad.want) || strings.Contains(said, "internal") || strings.Contains(said, "/") {
				t.Errorf("the client is told %q", said)
			}
			started := processes(t, pids)
			if len(started) == 0 {
				t.Error("the tool was not called")
			}
			for _, pid := range started {
				gone(t, pid)
			}
			t.Setenv("PATH", path)
			animator.patience.Store(0)
			if bad.patient {
				return // limits are too short for a busy machine
			}
			s.until(s.status(s.post(media, "format", "mp4"), 202).ID, Done)
		})
	}
}

// patientAnimator waits for ffmpeg as long as patience says.
type patientAnimator struct {
	Animator
	patience atomic.Int64
}

func (p *patientAnimator) Animate(ctx context.Context, a Animation, r Report) error {
	a.Limits.Patience = time.Duration(p.patience.Load())
	return p.Animator.Animate(ctx, a, r)
}

// fails sends a film that cannot be animated and returns what is said, at once or
// of the job.
func (s *site) fails(media map[string][]byte) string {
	a := s.post(media, "format", "mp4")
	if a.status != 202 {
		return a.error()
	}
	return s.until(s.status(a, 202).ID, Failed).Error
}

// stand writes a tool that notes its process.
func stand(t *testing.T, tool, script, pids string) (dir string) {
	t.Helper()
	real, err := exec.LookPath(tool)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	text := fmt.Sprintf("#!/bin/sh\nreal=%s\necho $$ >>%s\n%s\n", real, pids, script)
	if err := os.WriteFile(filepath.Join(dir, tool), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func processes(t *testing.T, pids string) []string {
	t.Helper()
	text, err := os.ReadFile(pids)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// gone waits until a process and all of its group have ended.
func gone(t *testing.T, pid string) {
	t.Helper()
	var left string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		left = ""
		all, err := filepath.Glob("/proc/[0-9]*/stat")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range all {
			text, _ := os.ReadFile(path) // it may have ended
			_, rest, _ := strings.Cut(string(text), ") ")
			if f := strings.Fields(rest); len(f) > 2 && f[0] != "Z" && f[2] == pid {
				left = string(text)
			}
		}
		if left == "" {
			return
		}
	}
	t.Errorf("a process is left: %.100s", left)
}
