package train

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
	event "github.com/wamuir/graft/tensorflow/core/util/event_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// TestVariants trains each row of the ablation and looks which terms it has.
func TestVariants(t *testing.T) {
	always := []string{"perceptual", "reconstruction", "equivariance_value", "equivariance_jacobian"}
	adversary := append(always[:4:4], "gen_gan", "feature_matching")
	unet := append(adversary[:6:6], "disc_enc", "disc_dec")
	for variant, want := range map[model.Variant][]string{
		model.FOMM:        always,
		model.FOMMAdv:     append(adversary[:6:6], "disc_gan"),
		model.UNet:        unet,
		model.CutMix:      append(unet[:8:8], "disc_cons", "real_fraction"),
		model.PriorityCut: append(unet[:8:8], "disc_cons", "real_fraction", "background_fraction", "cut_all_fraction"),
	} {
		t.Run(string(variant), func(t *testing.T) {
			dir := t.TempDir()
			complete(t, dir, tiny(t, variant, "loss_weights.reconstruction=10", "train_params.validation_steps=3"))
			rows, err := ReadMetrics(rundir.Dir(dir).Metrics())
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != 4 {
				t.Fatalf("%d rows, want 4", len(rows))
			}
			for _, r := range rows {
				var have []string
				for _, name := range termsOf(r) {
					have = append(have, name)
					if v := r.Values[name]; !finite(v) {
						t.Errorf("step %d: %s is %v", r.Step, name, v)
					}
				}
				sort.Strings(have)
				sort.Strings(want)
				if diff := cmp.Diff(want, have); diff != "" {
					t.Fatalf("terms (-want +got):\n%s", diff)
				}
				if hasCritic := variant != model.FOMM; r.Value("grad_discriminator").Known != hasCritic || r.Value("lr_discriminator").Known != hasCritic {
					t.Errorf("gradient and rate of a discriminator are noted: %v, %v", r.Value("grad_discriminator"), r.Value("lr_discriminator"))
				}
			}
			checkPicture(t, filepath.Join(rundir.Dir(dir).Pictures(), "train-00000004.png"))
			checkPicture(t, filepath.Join(rundir.Dir(dir).Pictures(), "unseen-00000004.png"))
			checkCurves(t, dir, "unseen-00000003.png")
			checkEvents(t, rundir.Dir(dir).Events(), want)
			if last := rows[3]; !last.Value(valL1).Known || !last.Value(valForegroundFrozen).Known || last.VGG19 != "random" || last.FormatVersion != 1 {
				t.Errorf("the last row lacks the validation, the note on VGG-19 or the version: %+v", last)
			}
		})
	}
}

// checkPicture decodes a picture and looks whether it shows anything.
func checkPicture(t *testing.T, path string) {
	t.Helper()
	m := readPicture(t, path)
	colours := map[[3]uint32]bool{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y += 3 {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x += 3 {
			r, g, b, _ := m.At(x, y).RGBA()
			colours[[3]uint32{r, g, b}] = true
		}
	}
	if size := m.Bounds().Size(); size.X < 300 || size.Y < 200 || len(colours) < 100 {
		t.Errorf("%s has %v pixels and %d colours", path, size, len(colours))
	}
}

// checkEvents reads an event file record by record and looks for what must be
// in it: each loss and measurement, a validation, a picture.
func checkEvents(t *testing.T, dir string, terms []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("event files %v, %v, want one of training and one of its result", files, err)
	}
	var data []byte
	for _, file := range files {
		one, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, one...)
	}
	last := map[string]int64{} // tag to its last step
	for len(data) > 0 {
		n := binary.LittleEndian.Uint64(data)
		var e event.Event
		if err := proto.Unmarshal(data[12:12+n], &e); err != nil {
			t.Fatal(err)
		}
		for _, v := range e.GetSummary().GetValue() {
			last[v.Tag] = e.Step
		}
		data = data[12+n+4:]
	}
	tags := []string{"validation/l1", "validation/foreground_l1_frozen", "learning_rate/generator", "time/seconds_per_step", "training_pairs", "unseen_videos"}
	for _, name := range terms {
		group := "loss/"
		if _, isStat := map[string]bool{"real_fraction": true, "background_fraction": true, "cut_all_fraction": true}[name]; isStat {
			group = "measured/"
		}
		tags = append(tags, group+name)
	}
	for _, tag := range tags {
		if last[tag] != 4 {
			t.Errorf("%s was last written at step %d, want 4", tag, last[tag])
		}
	}
}
