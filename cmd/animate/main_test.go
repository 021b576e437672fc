package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/video"
)

// run is the folder of the model of all tests.
var run string

func TestMain(m *testing.M) { clitest.Main(withRun{m}, main) }

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

// withRun makes the model before the tests.
type withRun struct{ tests *testing.M }

func (m withRun) Run() int {
	dir, err := os.MkdirTemp("", "animate")
	if err == nil {
		defer os.RemoveAll(dir)
		run = filepath.Join(dir, "run")
		err = tinymodel.Write(run, 1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.tests.Run()
}

// start returns the command with flags, to be run in dir.
func start(t *testing.T, dir string, flags ...string) *clitest.Program {
	t.Helper()
	return clitest.New(t, dir, append(flags, "--cpu")...)
}

// complete runs the command to its end.
func complete(t *testing.T, dir string, flags ...string) (stdout, stderr string) {
	t.Helper()
	c := start(t, dir, flags...)
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", flags, err, &c.Out, &c.Errs)
	}
	return c.Out.String(), c.Errs.String()
}

func ffmpeg(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ffmpeg", append([]string{"-v", "error", "-nostdin", "-y"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %v: %v: %s (these tests need ffmpeg in PATH)", args, err, out)
	}
}

// inputs makes a source picture and driving videos of two seconds: a film with
// sound and a folder.
func inputs(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	ffmpeg(t, "-f", "lavfi", "-i", "mandelbrot=size=60x40:rate=1:start_scale=2", "-frames:v", "1", filepath.Join(dir, "source.png"))
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=48x64:rate=30000/1001:duration=2", "-f", "lavfi", "-i", "sine=duration=2",
		"-pix_fmt", "yuv420p", "-c:a", "aac", filepath.Join(dir, "driving.mp4"))
	if err := os.Mkdir(filepath.Join(dir, "frames"), 0o777); err != nil {
		t.Fatal(err)
	}
	ffmpeg(t, "-i", filepath.Join(dir, "driving.mp4"), "-frames:v", "7", filepath.Join(dir, "frames", "%03d.png"))
	return dir
}

// stream is what ffprobe says.
type stream struct {
	Type   string `json:"codec_type"`
	Codec  string `json:"codec_name"`
	W      int    `json:"width"`
	H      int    `json:"height"`
	Rate   string `json:"r_frame_rate"`
	Frames string `json:"nb_read_frames"`
}

func streams(t *testing.T, path string) (film, sound stream, length float64) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe %s: %v: %s", path, err, out)
	}
	var answer struct {
		Streams []stream
		Format  struct{ Duration string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	for _, s := range answer.Streams {
		if s.Type == "video" {
			film = s
		} else {
			sound = s
		}
	}
	length, _ = strconv.ParseFloat(answer.Format.Duration, 64)
	return film, sound, length
}

func TestFilms(t *testing.T) {
	dir := inputs(t)
	animateIn := func(flags ...string) (string, string) {
		return complete(t, dir, append(flags, "--checkpoint="+run, "--source_image=source.png")...)
	}
	out, _ := animateIn("--driving_video=driving.mp4", "--keypoints_csv=kp.csv")
	film, sound, length := streams(t, filepath.Join(dir, "result.mp4"))
	if film.Frames != "60" || film.Rate != "30000/1001" || film.W != 32 || film.H != 32 || film.Codec != "h264" ||
		sound.Codec != "aac" || length < 1.95 || length > 2.1 {
		t.Errorf("%+v, %+v, %.3f s", film, sound, length)
	}
	for _, want := range []string{"result.mp4: 60 frames of 32x32 pixels, 30000/1001 a second, sound copied (aac)", "frames/s"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
	checkKeypoints(t, filepath.Join(dir, "kp.csv"), 60, 5)

	animateIn("--driving_video=driving.mp4", "--audio=false", "--result_video=new/silent.webm", "--find_best_frame", "--adapt_scale", "--fit=pad", "--batch=7")
	if film, sound, _ := streams(t, filepath.Join(dir, "new", "silent.webm")); film.Frames != "60" || film.Codec != "vp9" || sound.Codec != "" {
		t.Errorf("%+v, %+v", film, sound)
	}
	animateIn("--driving_video=frames", "--result_video=a.gif", "--fps=10", "--relative=false")
	if film, _, length := streams(t, filepath.Join(dir, "a.gif")); film.Frames != "7" || length != 0.7 {
		t.Errorf("%+v, %v s", film, length)
	}
	animateIn("--driving_video=frames", "--result_video=pictures/", "--best_frame=2")
	names, err := video.ListFrames(filepath.Join(dir, "pictures"), video.Limits{})
	if err != nil || len(names) != 7 {
		t.Errorf("%v, %v", names, err)
	}
}

// TestUneven animates a film that leaves most pictures out in its second half,
// which its sound does not: every picture keeps its time.
func TestUneven(t *testing.T) {
	dir := inputs(t)
	ffmpeg(t, "-i", filepath.Join(dir, "driving.mp4"), "-vf", "select='lt(n,30)+not(mod(n,5))'", "-vsync", "vfr", "-qp", "0", "-c:a", "copy", filepath.Join(dir, "uneven.mp4"))
	for _, name := range []string{"driving", "uneven"} {
		complete(t, dir, "--checkpoint="+run, "--source_image=source.png", "--driving_video="+name+".mp4", "--result_video="+name+".mkv", "--keypoints_csv="+name+".csv")
	}
	film, sound, length := streams(t, filepath.Join(dir, "uneven.mkv"))
	if n, _ := strconv.Atoi(film.Frames); n < 56 || n > 60 || film.Rate != "30000/1001" || sound.Codec != "aac" || length < 1.85 || length > 2.1 {
		t.Errorf("%+v, %+v, %.3f s", film, sound, length)
	}
	all, some := xs(t, filepath.Join(dir, "driving.csv")), xs(t, filepath.Join(dir, "uneven.csv"))
	for _, i := range []int{0, 10, 29, 35, 40, 50, 55} {
		if math.Abs(all[i]-some[i]) > 0.02 {
			t.Errorf("frame %d: a keypoint at %.3f, not at %.3f", i, some[i], all[i])
		}
	}
	if math.Abs(all[0]-all[55]) < 0.1 {
		t.Fatalf("the keypoint hardly moves: %v", all)
	}
}

// xs are the places of the first keypoint from frame to frame.
func xs(t *testing.T, path string) (xs []float64) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if row[0] != "source" && row[1] == "0" {
			x, _ := strconv.ParseFloat(row[2], 64)
			xs = append(xs, x)
		}
	}
	return xs
}

func checkKeypoints(t *testing.T, path string, frames, k int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 1+k*(frames+1) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if strings.Join(rows[0], ",") != "frame,keypoint,x,y,jacobian_xx,jacobian_xy,jacobian_yx,jacobian_yy" || rows[1][0] != "source" ||
		rows[k+1][0] != "0" || rows[len(rows)-1][0] != strconv.Itoa(frames-1) {
		t.Errorf("%v, %v, %v", rows[0], rows[1], rows[len(rows)-1])
	}
	for _, row := range rows[1:] {
		for _, cell := range row[2:4] {
			if v, err := strconv.ParseFloat(cell, 64); err != nil || v < -1.00001 || v > 1.00001 {
				t.Fatalf("row %v", row)
			}
		}
	}
}

// A signal in the middle leaves neither a result nor anything else behind, and
// what was there before stays.
func TestInterrupt(t *testing.T) {
	dir := inputs(t)
	ffmpeg(t, "-stream_loop", "2000", "-i", filepath.Join(dir, "driving.mp4"), "-c", "copy", filepath.Join(dir, "long.mp4"))
	old := filepath.Join(dir, "result.mp4")
	if err := os.WriteFile(old, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	c := start(t, dir, "--checkpoint="+run, "--source_image=source.png", "--driving_video=long.mp4", "--max_frames=1000000", "--keypoints_csv=kp.csv")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	writing(t, c)
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := c.Wait()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		t.Errorf("%v\n%s%s", err, &c.Out, &c.Errs)
	}
	if !strings.Contains(c.Errs.String(), "nothing was written to result.mp4") {
		t.Errorf("it says\n%s", &c.Errs)
	}
	if after := files(t, dir); after != before {
		t.Errorf("before: %s\nafter: %s", before, after)
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "old" {
		t.Errorf("the old result: %q, %v", text, err)
	}
}

// TestKill takes the program away without a chance to tidy up: nothing stands
// under the result's name, and the next run tidies up.
func TestKill(t *testing.T) {
	dir := inputs(t)
	ffmpeg(t, "-stream_loop", "2000", "-i", filepath.Join(dir, "driving.mp4"), "-c", "copy", filepath.Join(dir, "long.mp4"))
	c := start(t, dir, "--checkpoint="+run, "--source_image=source.png", "--driving_video=long.mp4", "--max_frames=1000000", "--keypoints_csv=kp.csv")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	writing(t, c)
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // killed
	if _, err := os.Stat(filepath.Join(dir, "result.mp4")); !os.IsNotExist(err) {
		t.Errorf("a result stands: %v", err)
	}
	if got := files(t, dir); !strings.Contains(got, ".film-") || !strings.Contains(got, ".keypoints-") {
		t.Fatalf("the killed run left nothing: %s", got)
	}
	complete(t, dir, "--checkpoint="+run, "--source_image=source.png", "--driving_video=frames", "--keypoints_csv=kp.csv")
	if got := files(t, dir); got != "driving.mp4 frames kp.csv long.mp4 result.mp4 source.png" {
		t.Errorf("afterwards there are %s", got)
	}
}

// files lists a folder.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// writing waits until a film has begun to grow.
func writing(t *testing.T, c *clitest.Program) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		films, _ := filepath.Glob(filepath.Join(c.Dir, ".film-*"))
		for _, path := range films {
			if info, err := os.Stat(path); err == nil && info.Size() > 0 {
				return
			}
		}
	}
	t.Fatalf("no film begins\n%s", &c.Errs)
}

func TestPairs(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "data")
	for _, part := range []string{"train", "test"} {
		for i, name := range []string{"a", "b"} {
			folder := filepath.Join(root, part, name)
			if err := os.MkdirAll(folder, 0o777); err != nil {
				t.Fatal(err)
			}
			ffmpeg(t, "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=32x32:rate=10:duration=1,hue=h=%d", 90*i), "-frames:v", "4", filepath.Join(folder, "%02d.png"))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "pairs.csv"), []byte("distance,source,driving,frame\n0.1,a,b,0\n0.2,b,a,1\n0.3,b,gone,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--checkpoint=" + run, "--data=data", "--pairs=pairs.csv", "--out=out"}
	out, warnings := complete(t, dir, flags...)
	if !strings.Contains(out, "out: 2 pairs") || !strings.Contains(warnings, "1 pairs of pairs.csv are dropped") {
		t.Errorf("%s%s", out, warnings)
	}
	if got := files(t, filepath.Join(dir, "out")); got != "a-b.mp4 b-a.mp4 pairs.json" {
		t.Errorf("out holds %s", got)
	}
	if film, _, _ := streams(t, filepath.Join(dir, "out", "a-b.mp4")); film.Frames != "4" || film.Rate != "25/1" {
		t.Errorf("%+v", film)
	}
	if err := os.Remove(filepath.Join(dir, "out", "b-a.mp4")); err != nil {
		t.Fatal(err)
	}
	kept, err := os.Stat(filepath.Join(dir, "out", "a-b.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	// The clock was set back meanwhile. The CSV after a blank is the same command.
	if err := fault.SetTimes(dir, time.Now().AddDate(9, 0, 0)); err != nil {
		t.Fatal(err)
	}
	flags[2] = "--pairs"
	if out, _ = complete(t, dir, append(flags, "pairs.csv")...); !strings.Contains(out, "1 of them done before") || !strings.Contains(out, "b-a.mp4") || strings.Contains(out, ": a-b.mp4") {
		t.Errorf("again: %s", out)
	}
	if now, err := os.Stat(filepath.Join(dir, "out", "a-b.mp4")); err != nil || !os.SameFile(kept, now) {
		t.Errorf("what was done was done again: %v", err)
	}
	c := start(t, dir, append(flags, "--adapt_scale")...)
	if err := c.Run(); err == nil || !strings.Contains(c.Errs.String(), "another model or other flags") {
		t.Errorf("pairs of other flags count as done: %v\n%s", err, &c.Errs)
	}
	out, _ = complete(t, dir, "--checkpoint="+run, "--data=data", "--pairs", "--out=random", "--format=png")
	if got := files(t, filepath.Join(dir, "random")); got != "a-a a-b b-a b-b pairs.json" {
		t.Errorf("random holds %s: %s", got, out)
	}
	// The configuration's own table is taken as far as num_pairs goes.
	if err := tinymodel.Write(filepath.Join(dir, "own"), 1, "pairs_list="+filepath.Join(dir, "pairs.csv"), "num_pairs=1"); err != nil {
		t.Fatal(err)
	}
	_, warnings = complete(t, dir, "--checkpoint=own", "--data=data", "--pairs", "--out=first")
	if got := files(t, filepath.Join(dir, "first")); got != "b-a.mp4 pairs.json" || !strings.Contains(warnings, "the first 1 of 2 pairs") {
		t.Errorf("first holds %s: %s", got, warnings)
	}
}

// TestDemo makes the clip of a run on its own unseen videos.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	runs := filepath.Join(dir, filepath.Dir(defaultRun()))
	if err := os.Mkdir(runs, 0o777); err != nil {
		t.Fatal(err)
	}
	c := start(t, dir)
	if err := c.Run(); err == nil || !strings.Contains(c.Errs.String(), "bazel run //cmd:train") {
		t.Errorf("without a run: %v\n%s", err, &c.Errs)
	}
	if err := os.Symlink(run, filepath.Join(dir, defaultRun())); err != nil {
		t.Fatal(err)
	}
	out, _ := complete(t, dir)
	path := filepath.Join(defaultRun(), demoName)
	if !strings.Contains(out, path) {
		t.Errorf("it does not say where the clip is:\n%s", out)
	}
	film, _, _ := streams(t, filepath.Join(dir, path))
	if n, _ := strconv.Atoi(film.Frames); n < 10 || film.Rate != "12/1" || film.W < 3*animate.ReadableWidth || film.H < demoRows*animate.ReadableWidth {
		t.Errorf("%+v", film)
	}
	os.Remove(filepath.Join(run, demoName))
}

// TestMistakes types what cannot work.
func TestMistakes(t *testing.T) {
	dir := inputs(t)
	other := filepath.Join(dir, "other.yaml")
	if err := os.WriteFile(other, []byte("model_params: {common_params: {num_kp: 7}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	both := []string{"--checkpoint=" + run, "--source_image=source.png", "--driving_video=driving.mp4"}
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--source_image=source.png"}, "give both"},
		{[]string{"--checkpoint=x", "--saved_model=y"}, "one of them"},
		{[]string{"--checkpoint=none", "--source_image=a", "--driving_video=b"}, "no such file"},
		{[]string{"--saved_model=none", "--source_image=a", "--driving_video=b"}, "none"},
		{append(both, "--best_frame=3", "--find_best_frame"), "one of them"},
		{append(both, "--relative=false", "--adapt_scale"), "relative motion"},
		{append(both, "--fit=squash"), "stretch, crop, pad"},
		{append(both, "--fps=12"), "a film's own rate"},
		{append(both, "--result_video=a.avi"), "must end in one of"},
		{append(both, "--result_video=driving.mp4"), "would replace"},
		{append(both, "--keypoints_csv=source.png"), "would replace"},
		{append(both, "--keypoints_csv=./result.mp4"), "two names"},
		{append(both, "pairs.csv"), "unexpected argument"},
		{append(both, "--max_frames=10"), "max_frames"},
		{append(both, "--config=other.yaml"), "other networks"},
		{append(both, "--config=none.yaml"), "no such file"},
		{append(both, "--source_image=source.png"), "takes one picture"},
		{append(both, "--out=x"), "about --pairs"},
		{append(both, "--data=x"), "about test videos"},
		{append(both, "--device=gpu"), "one of them"},
		{[]string{both[0], "--source_image=driving.mp4", "--driving_video=driving.mp4"}, "is a video"},
		{[]string{both[0], "--source_image=source.png", "--driving_video=none.mp4"}, "no such file"},
		{[]string{both[0], "--pairs=none.csv", "--out=x"}, "no such file"},
		{[]string{both[0], "--pairs", "--format=avi"}, "--format"},
	} {
		p := start(t, dir, c.flags...)
		err := p.Run()
		exit, _ := err.(*exec.ExitError)
		if exit == nil || exit.ExitCode() != 2 || !strings.Contains(p.Errs.String(), c.want) || strings.Contains(p.Errs.String(), "goroutine ") {
			t.Errorf("%v: %v, want %q:\n%s", c.flags, err, c.want, &p.Errs)
		}
	}
	if got := files(t, dir); strings.Contains(got, "result") || strings.Contains(got, ".film") {
		t.Errorf("left behind: %s", got)
	}
}
