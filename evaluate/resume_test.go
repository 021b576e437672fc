package evaluate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/localfile/localfiletest"
	"github.com/prioritycut/prioritycut/video"
)

// TestGoOnAfterInterruption compares what an evaluation leaves that was stopped
// and went on with what an undisturbed one leaves.
func TestGoOnAfterInterruption(t *testing.T) {
	checkpoint := testModel(t, 1)
	whole := mustRun(t, request(t, checkpoint))
	q := request(t, checkpoint)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q.Progress = writerFunc(func([]byte) (int, error) { return 0, nil })
	stopAfter := 30 // frames: within the second video
	e, err := prepare(ctx, &q)
	if err != nil {
		t.Fatal(err)
	}
	e.subject = &stopping{subject: e.subject, after: stopAfter, stop: cancel}
	if _, err := e.run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled run gives %v", err)
	}
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := result.Read(q.Out); !errors.Is(err, result.ErrUnfinished) {
		t.Errorf("the stopped evaluation reads as %v", err)
	}
	again := mustRun(t, q)
	if again.Resumed != 1 {
		t.Errorf("%d videos were kept", again.Resumed)
	}
	for _, path := range []func(result.Folder) string{result.Folder.Frames, result.Folder.Videos, result.Folder.Summary} {
		a, err := os.ReadFile(path(whole.Folder))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path(again.Folder))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(a), string(b)); diff != "" {
			t.Errorf("%s (-whole +stopped):\n%s", path("x"), diff)
		}
	}
	// More of the same goes on; something else is refused.
	q.NumVideos = 3
	if o := mustRun(t, q); o.Resumed != 2 || o.Summary[0].Videos != 3 {
		t.Errorf("three videos: %d kept, %d summed", o.Resumed, o.Summary[0].Videos)
	}
	q.NumVideos = 1
	if o := mustRun(t, q); o.Summary[0].Videos != 1 || o.Summary[0].Frames != 24 {
		t.Errorf("one video: %+v", o.Summary[0])
	}
	q.SSIMWindow = metric.Gaussian
	var refused *RequestError
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "ssim_window") {
		t.Errorf("another window gives %v", err)
	}
	q.SSIMWindow, q.Checkpoint = metric.Uniform, testModel(t, 2)
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "weights") {
		t.Errorf("another model gives %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// stopping cancels after so many frames.
type stopping struct {
	subject
	after int
	stop  func()
}

func (s *stopping) predict(ctx context.Context, first int, driving []*video.Frame) ([]guess, error) {
	if s.after -= len(driving); s.after <= 0 {
		s.stop()
	}
	return s.subject.predict(ctx, first, driving)
}

// TestWrittenFrames writes into a folder as long as it holds frames of the same
// model.
func TestWrittenFrames(t *testing.T) {
	frames := filepath.Join(t.TempDir(), "frames")
	q := request(t, testModel(t, 1))
	q.WriteFrames = frames
	mustRun(t, q)
	if err := os.RemoveAll(filepath.Join(frames, "test-0001")); err != nil {
		t.Fatal(err)
	}
	if o := mustRun(t, q); o.Resumed != 1 {
		t.Errorf("%d videos were kept, one of the two lacks its frames", o.Resumed)
	}
	// Another evaluation of the same model finds its frames there.
	q.Out, q.NumVideos, q.SSIMWindow = filepath.Join(t.TempDir(), "other"), 3, metric.Gaussian
	mustRun(t, q)
	entries, err := os.ReadDir(frames)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{".lock", originFile, "test-0000", "test-0001", "test-0002"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	var refused *RequestError
	q.Checkpoint, q.Out = testModel(t, 2), filepath.Join(t.TempDir(), "new", "out")
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "holds frames of "+testModel(t, 1)) {
		t.Errorf("frames of another model: %v", err)
	}
	if _, err := os.Stat(q.Out); err == nil {
		t.Errorf("the refused evaluation leaves %s", q.Out)
	}
	if err := os.Remove(filepath.Join(frames, originFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "no "+originFile) {
		t.Errorf("frames of nobody: %v", err)
	}
}

// TestPipesInAnEvaluation: in the folder of an evaluation, which may be somebody
// else's, a pipe in place of any file is waited for by nobody.
func TestPipesInAnEvaluation(t *testing.T) {
	dir := t.TempDir()
	name, frames := noisy(t, 0)
	writePNG(t, strip(frames), dir, name+".png")
	q := predictions(t, dir)
	q.NumVideos, q.Page, q.pause = 1, true, time.Millisecond
	mustRun(t, q)
	entries, err := os.ReadDir(q.Out)
	if err != nil || len(entries) < 5 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			path, kept := filepath.Join(q.Out, e.Name()), filepath.Join(t.TempDir(), "kept")
			if err := errors.Join(os.Rename(path, kept), os.Symlink(localfiletest.Pipe(t, e.Name()), path)); err != nil {
				t.Fatal(err)
			}
			o, err := Run(context.Background(), q)
			if err == nil && o.Page == "" {
				t.Error("there is no page")
			}
			if err := os.Rename(kept, path); err != nil {
				t.Fatal(err)
			}
		})
	}
	mustRun(t, q)
}
