package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// resized makes a film whose pictures change their size after 0.4 s.
func resized(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	list := ""
	for _, size := range []string{"64x48", "96x128"} {
		ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size="+size+":rate=10:duration=0.4", "-c:v", "libvpx", "-auto-alt-ref", "0", filepath.Join(dir, size+".webm"))
		list += "file " + size + ".webm\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "list"), []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	ffmpeg(t, "-f", "concat", "-i", filepath.Join(dir, "list"), "-c", "copy", path)
}

// Results of pairs have their driving films' rates and lengths, and whoever
// waits for them is told what becomes of pictures that change their size.
func TestPairsOfFilms(t *testing.T) {
	dir := t.TempDir()
	test := filepath.Join(dir, "data", "test")
	for _, d := range []string{test, filepath.Join(dir, "data", "train")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=12:duration=0.5", "-pix_fmt", "yuv420p", filepath.Join(test, "steady.mp4"))
	// Five pictures 0.04 s apart, then five 0.1 s apart.
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=0.4", "-vf", "settb=1/1000,setpts='if(lt(N,5),N*40,200+(N-5)*100)'",
		"-fps_mode", "passthrough", "-enc_time_base", "1/1000", "-c:v", "libvpx", "-auto-alt-ref", "0", filepath.Join(test, "uneven.webm"))
	resized(t, filepath.Join(test, "resized.mkv"))
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=0.2", filepath.Join(dir, "data", "train", "a.mp4"))
	table := "source,driving\nsteady.mp4,steady.mp4\nsteady.mp4,uneven.webm\nsteady.mp4,resized.mkv\n"
	if err := os.WriteFile(filepath.Join(dir, "pairs.csv"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	out, warnings := complete(t, dir, "--checkpoint="+run, "--data=data", "--pairs=pairs.csv", "--out=out")
	for name, want := range map[string]struct {
		rate   string
		length float64
	}{"steady.mp4-steady.mp4": {"12/1", 0.5}, "uneven.webm-steady.mp4": {"25/1", 0.65}, "resized.mkv-steady.mp4": {"10/1", 0.8}} {
		film, _, length := streams(t, filepath.Join(dir, "out", name+".mp4"))
		if film.Rate != want.rate || length < want.length-0.05 || length > want.length+0.05 {
			t.Errorf("%s: %+v, %.3f s; want %+v\n%s", name, film, length, want, out)
		}
	}
	if told := "resized.mkv-steady.mp4: driving video: its pictures change their size, from 64x48 to 96x128"; strings.Count(warnings, told) != 1 {
		t.Errorf("want once %q in %s", told, warnings)
	}
	complete(t, dir, "--checkpoint="+run, "--data=data", "--pairs=pairs.csv", "--out=all", "--fps=30")
	if film, _, _ := streams(t, filepath.Join(dir, "all", "uneven.webm-steady.mp4.mp4")); film.Rate != "30/1" || film.Frames != "10" {
		t.Errorf("with --fps: %+v", film)
	}
	if _, warnings := complete(t, dir, "--checkpoint="+run, "--source_image="+firstPicture(t, test), "--driving_video="+filepath.Join(test, "resized.mkv"),
		"--result_video=one.mp4"); !strings.Contains(warnings, "change their size") {
		t.Errorf("one film: %s", warnings)
	}
}

func firstPicture(t *testing.T, test string) string {
	t.Helper()
	path := filepath.Join(test, "..", "first.png")
	ffmpeg(t, "-i", filepath.Join(test, "steady.mp4"), "-frames:v", "1", path)
	return path
}
