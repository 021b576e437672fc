package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// benchRun names the folder of a run to measure; without it networks of the
// default preset with random weights are, which are as fast and as large.
const benchRun = "PRIORITYCUT_BENCH_RUN"

// BenchmarkLength animates 10 seconds and 10 minutes of 64x64 pixels and
// reports the frames per second and the peak memory of both. It fails if the
// longer one takes a tenth more memory. It takes minutes:
//
//	go test -run='^$' -bench=Length -benchtime=1x ./cmd/animate
func BenchmarkLength(b *testing.B) {
	dir := b.TempDir()
	model := os.Getenv(benchRun)
	if model == "" {
		model = filepath.Join(dir, "run")
		if err := tinymodel.WriteSized(model, 1, config.Options{Preset: config.DefaultPreset}); err != nil {
			b.Fatal(err)
		}
	}
	film := func(seconds int) string {
		path := filepath.Join(dir, fmt.Sprintf("%d.mp4", seconds))
		out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=64x64:rate=25:duration=%d", seconds),
			"-pix_fmt", "yuv420p", "-preset", "ultrafast", path).CombinedOutput()
		if err != nil {
			b.Fatalf("ffmpeg: %v: %s", err, out)
		}
		return path
	}
	source := filepath.Join(dir, "source.png")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-i", film(1), "-frames:v", "1", source).CombinedOutput(); err != nil {
		b.Fatalf("ffmpeg: %v: %s", err, out)
	}
	for i := 0; i < b.N; i++ {
		var peaks []float64
		for _, seconds := range []int{10, 600} {
			path := film(seconds)
			begun := time.Now()
			c := clitest.New(b, "", "--cpu", "--checkpoint="+model, "--source_image="+source, "--driving_video="+path,
				"--result_video="+filepath.Join(dir, "result.mp4"))
			if err := c.Run(); err != nil {
				b.Fatalf("%v: %s", err, &c.Errs)
			}
			took := time.Since(begun).Seconds()
			// Kibibytes, of the program itself: not of ffmpeg.
			peak := float64(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024
			peaks = append(peaks, peak)
			b.ReportMetric(peak, fmt.Sprintf("MiB-%ds", seconds))
			b.ReportMetric(float64(25*seconds)/took, fmt.Sprintf("frames/s-%ds", seconds))
			b.Log(strings.TrimSpace(c.Out.String()))
			os.Remove(path)
		}
		if peaks[1] > 1.1*peaks[0] {
			b.Errorf("10 minutes take %.0f MiB, 10 seconds %.0f", peaks[1], peaks[0])
		}
	}
}
