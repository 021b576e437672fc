package main

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/pypartner"
)

func TestParseResult(t *testing.T) {
	job := Job{Repeats: 2}
	const good = `{"engine":"PyTorch 2.5.1","seconds":[0.5,0.25],"cpu_seconds":1,"setup_seconds":2,"peak_bytes":3,"counts":{"discriminator":4},"losses":{"gen_gan":0.5}}`
	r, err := parseResult([]byte("a notice\n"+good+"\n\n"), job)
	if err != nil {
		t.Fatal(err)
	}
	want := &Result{
		Engine: "PyTorch 2.5.1", Seconds: []float64{0.5, 0.25}, CPUSeconds: 1, SetupSeconds: 2, PeakBytes: 3,
		Counts: map[string]int64{"discriminator": 4}, Losses: map[string]float64{"gen_gan": 0.5},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for text, want := range map[string]string{
		"":                                     "printed no result",
		good + "\nbye":                         "no result",
		good[:40]:                              "no result",
		"null":                                 "0 times",
		`{"seconds":[1]}`:                      "1 times, asked for 2",
		`{"seconds":"ab"}`:                     "no result",
		strings.Replace(good, "0.25", "-1", 1): "-1 seconds",
		strings.Replace(good, `"peak_bytes":3`, `"a":1`, 1): "0 bytes",
		strings.Replace(good, `:0.5}}`, `:NaN}}`, 1):        "no result",
	} {
		if _, err := parseResult([]byte(text), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	r.Losses["gen_gan"] = math.Inf(1)
	if err := r.check(job); err == nil || !strings.Contains(err.Error(), "gen_gan is +Inf") {
		t.Errorf("%v", err)
	}
}

func TestCoresAreBound(t *testing.T) {
	c := exec.Command("nproc")
	c.Env = []string{"PATH=" + os.Getenv("PATH")} // OMP_NUM_THREADS would count
	var out bytes.Buffer
	c.Stdout = &out
	if err := startBound(c.Start, 0, 1); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || strings.TrimSpace(out.String()) != "1" {
		t.Errorf("a process bound to one core sees %q, %v", &out, err)
	}
}

func TestMeter(t *testing.T) {
	m := newMeter(Job{Warmup: 2, Repeats: 3})
	begun := time.Now()
	for !m.done() {
		for spun := time.Now(); time.Since(spun) < 4*time.Millisecond; {
		}
		if err := m.lap(2); err != nil {
			t.Fatal(err)
		}
	}
	total := time.Since(begun).Seconds()
	r, err := m.result()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.check(m.job); err != nil || m.laps != 5 {
		t.Errorf("%v, %d laps", err, m.laps)
	}
	for _, s := range r.Seconds {
		if s < 2e-3 || s > total/2 {
			t.Errorf("a lap of two units of 2 ms took %v s each, all of it %v", s, total)
		}
	}
	// Ticks of the processor's clock may be as coarse as the laps.
	if r.CPUSeconds > total {
		t.Errorf("%v s of processor time in %v s", r.CPUSeconds, total)
	}
}

func TestTail(t *testing.T) {
	var kept tail
	all := strings.Repeat("0123456789", 3*tailBytes/20)
	for _, part := range []string{all[:7], all[7:tailBytes], all[tailBytes:]} {
		if n, err := kept.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if kept.String() != all[len(all)-tailBytes:] {
		t.Errorf("%d bytes are kept", kept.Len())
	}
	if _, err := kept.Write([]byte(all)); err != nil || kept.String() != all[len(all)-tailBytes:] {
		t.Errorf("%d bytes are kept, %v", kept.Len(), err)
	}
}

// The peer's programs need PyTorch; that they are Python at all is seen without.
func TestPeerIsPython(t *testing.T) {
	dir, _, err := writePeers(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.py"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	c := exec.Command(pypartner.Python(t), append([]string{"-c", "import ast, sys\nfor f in sys.argv[1:]: ast.parse(open(f).read(), f)"}, files...)...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// The cores of a process begin where it is told.
func TestBoundFrom(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one core: there is nothing to choose")
	}
	for _, from := range []int{0, 1} {
		c := exec.Command("sh", "-c", "grep Cpus_allowed_list /proc/self/status")
		var out bytes.Buffer
		c.Stdout = &out
		if err := startBound(c.Start, from, 1); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
		if fields := strings.Fields(out.String()); len(fields) != 2 || strings.ContainsAny(fields[1], ",-") || from == 0 && fields[1] != firstCore(t) || from == 1 && fields[1] == firstCore(t) {
			t.Errorf("from %d: %s", from, &out)
		}
	}
}

// firstCore is the first of the cores of this process.
func firstCore(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "Cpus_allowed_list:")
	return strings.FieldsFunc(rest, func(r rune) bool { return !('0' <= r && r <= '9') })[0]
}
