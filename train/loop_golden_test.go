package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// update writes the numbers of the loop anew. A change of them changes what
// every run means, also of those that are gone on with.
var update = flag.Bool("update", false, "write the training loop's golden numbers anew")

const (
	loopFile = "testdata/loop.txt"
	// The run of loopFile crosses the borders of epochs after 80 and 160 steps.
	// The step of number 120 is the first one after a resume.
	loopSteps  = 210
	loopResume = 120
)

// loopRefused are attempts at which the run of loopFile is refused a step.
var loopRefused = map[int64]bool{37: true, 120: true, 121: true}

// loopConfig trains on films, with every augmentation and a schedule whose
// milestones and warm-up end within loopSteps.
func loopConfig(t *testing.T, sets ...string) *config.Config {
	t.Helper()
	return tiny(t, model.PriorityCut, append([]string{
		"dataset_params.root_dir=" + films(t), "seed=11", "num_repeats=32", fmt.Sprintf("steps=%d", loopSteps),
		"augmentation_params.flip_param={horizontal_flip: true, time_flip: true}",
		"augmentation_params.resize_param={ratio: [0.9, 1.2]}", "augmentation_params.crop_param={size: [32, 32]}",
		"augmentation_params.jitter_param={brightness: 0.1, contrast: 0.2, saturation: 0.3, hue: 0.1}",
		"step_milestones=[{step: 100, factor: 0.1}, {step: 190, factor: 0.03}]", "epoch_milestones=[2]", "cons_warmup_steps=70",
		"loss_weights.consistency=0.7", "lr_discriminator=1.0e-4",
	}, sets...)...)
}

// films writes five films of 7 to 11 frames whose pixels are integers of a
// closed form: coloured waves that move. Nothing else is needed to make them
// again.
func films(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for v := 0; v < 5; v++ {
		for f := 0; f < 7+v; f++ {
			m := image.NewRGBA(image.Rect(0, 0, 32, 32))
			for y := 0; y < 32; y++ {
				for x := 0; x < 32; x++ {
					dx, dy := x-8-(2+v%3)*f/2, y-24+2*f
					ring := max(0, 255-2*(dx*dx+dy*dy))
					m.SetRGBA(x, y, color.RGBA{byte(max(ring, 7*x)), byte(8 * ((y + v) % 32)), byte((40*v + 3*x*y/8 + ring/2) % 256), 255})
				}
			}
			for _, part := range []string{"train", "test"} {
				if part == "test" && v > 0 {
					continue
				}
				dir := filepath.Join(root, part, fmt.Sprintf("film%d", v))
				encoded, err := picture.PNG(m)
				if err == nil {
					err = errors.Join(os.MkdirAll(dir, 0o777), os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.png", f)), encoded, 0o666))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return root
}

// loopSession is a run that begins or goes on at a position, without networks:
// what a step is fed does not depend on them.
func loopSession(t *testing.T, c *config.Config, at Position) *session {
	t.Helper()
	s := &session{config: c, options: OptionsOf(c), step: &Step{}, out: io.Discard, folder: &folder{
		resumed: at.Step > 0, meta: rundir.Meta{Step: at.Step, Attempt: at.Attempt, TrainVideos: 5},
	}}
	if err := s.openData(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// trainerOf is the loop of a session with its data.
func trainerOf(t *testing.T, s *session) *trainer {
	t.Helper()
	tr := s.trainer()
	batches := s.loader.Prefetch(context.Background(), tr.at.Attempt)
	t.Cleanup(func() { batches.Close() })
	tr.batches = batches
	return tr
}

// TestLoopGolden compares all that is fed to the steps of a run, exactly, with
// what it was when the file was written: a run that is gone on with by another
// version of the program has to go on as it would have.
func TestLoopGolden(t *testing.T) {
	c := loopConfig(t)
	tr := trainerOf(t, loopSession(t, c, Position{}))
	if tr.perEpoch != 80 || tr.total != loopSteps {
		t.Fatalf("%d steps of %d in an epoch", tr.total, tr.perEpoch)
	}
	lines := loopHead
	resumed := false
	for tr.at.Step < tr.total {
		if tr.at.Step == loopResume && !resumed {
			resumed = true
			tr = trainerOf(t, loopSession(t, c, tr.at))
		}
		batch, err := tr.batches.NextUntil(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		lines += loopLine(tr.at, tr.valuesOf(batch))
		if !loopRefused[tr.at.Attempt] {
			tr.at.Step++
		}
		tr.at.Attempt++
	}
	compareGolden(t, loopFile, lines)
}

const loopHead = `# What the training loop feeds its steps, one attempt a line, two samples each.
# Fractions are exact: the shortest decimals that give the same float64 (k: float32).
# theta and control are the SHA-256 of all numbers' bits, shortened, after the first number.
`

// loopLine tells everything that an attempt at a step is fed but the pixels.
func loopLine(at Position, v StepValues) string {
	var b strings.Builder
	fmt.Fprintf(&b, "step=%d attempt=%d rates=%s,%s,%s warmup=%s", at.Step, at.Attempt,
		exact(v.Rates["generator"]), exact(v.Rates["discriminator"]), exact(v.Rates["kp_detector"]), exact(v.Warmup))
	for _, it := range v.Batch.Items {
		fmt.Fprintf(&b, " video=%d:%s frames=%d,%d flips=%d,%d jitter=%s,%s,%s,%s order=%d crop=%s,%d,%d", it.Video, it.Name, it.Source, it.Driving,
			bit(it.TimeFlip), bit(it.HorizontalFlip), exact(it.Brightness), exact(it.Contrast), exact(it.Saturation), exact(it.Hue),
			it.JitterOrder, exact(it.Resize), it.CropX, it.CropY)
	}
	fmt.Fprintf(&b, " theta=%s control=%s k=", digest(v.Draws["theta"].([]float64)), digest(v.Draws["control_params"].([]float64)))
	for i, k := range v.Draws["k"].([]float32) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatFloat(float64(k), 'g', -1, 32))
	}
	fmt.Fprintf(&b, " boxes=%d\n", v.Draws["boxes"].([]int32))
	return b.String()
}

func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// digest is the first of some numbers and a hash of the bits of all.
func digest(values []float64) string {
	h := sha256.New()
	for _, v := range values {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
		h.Write(b[:])
	}
	return fmt.Sprintf("%s:%d:%x", exact(values[0]), len(values), h.Sum(nil)[:8])
}

// compareGolden compares texts word by word and names the first words that
// differ.
func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(stored, []byte(got)) {
		return
	}
	have, want := strings.Split(got, "\n"), strings.Split(string(stored), "\n")
	if len(have) != len(want) {
		t.Errorf("%d lines, %s has %d", len(have), path, len(want))
	}
	shown := 0
	for i := 0; i < min(len(have), len(want)) && shown < 5; i++ {
		if have[i] == want[i] {
			continue
		}
		shown++
		a, b := strings.Fields(have[i]), strings.Fields(want[i])
		for j := 0; j < max(len(a), len(b)); j++ {
			if j >= len(a) || j >= len(b) || a[j] != b[j] {
				t.Errorf("%s:%d:\n got %v\nwant %v", path, i+1, a[min(j, len(a)):], b[min(j, len(b)):])
				break
			}
		}
	}
	t.Error("what the steps of a run are fed has changed: runs begun before would go on as others")
}

// TestLoopGoldenSeesEverything makes sure that the stored run has what it is
// there for: flips, every jitter, borders of epochs, milestones, the warm-up.
func TestLoopGoldenSeesEverything(t *testing.T) {
	stored, err := os.ReadFile(loopFile)
	if err != nil {
		t.Fatal(err)
	}
	text := string(stored)
	c := loopConfig(t)
	rate, tenth := c.Train.LRGenerator, 0.1
	for _, want := range []string{
		"flips=1,0", "flips=0,1", "flips=0,0", "order=[3 ", "step=37 attempt=37 ", "step=37 attempt=38 ", "step=120 attempt=123 ",
		"step=0 attempt=0 rates=" + exact(rate) + ",0.0001,", "step=209 attempt=212 ", "warmup=0 ", "step=70 attempt=71 rates=" + exact(rate) + ",0.0001," + exact(rate) + " warmup=1 ",
		fmt.Sprintf("step=100 attempt=101 rates=%s,", exact(rate*tenth)), fmt.Sprintf("step=160 attempt=163 rates=%s,", exact(rate*(tenth*tenth))),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s has no %q", loopFile, want)
		}
	}
}
