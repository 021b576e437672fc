package train

import (
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// TestVariants trains each row of the ablation and looks which terms it has.
func TestVariants(t *testing.T) {
	always := []string{"perceptual", "equivariance_value", "equivariance_jacobian"}
	adversary := append(always[:3:3], "gen_gan", "feature_matching")
	unet := append(adversary[:5:5], "disc_enc", "disc_dec")
	for variant, want := range map[model.Variant][]string{
		model.FOMM:        always,
		model.FOMMAdv:     append(adversary[:5:5], "disc_gan"),
		model.UNet:        unet,
		model.CutMix:      append(unet[:7:7], "disc_cons", "real_fraction"),
		model.PriorityCut: append(unet[:7:7], "disc_cons", "real_fraction", "background_fraction", "cut_all_fraction"),
	} {
		t.Run(string(variant), func(t *testing.T) {
			dir := t.TempDir()
			complete(t, dir, tiny(t, variant))
			rows, err := ReadMetrics(rundir.Dir(dir).Metrics())
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != 4 {
				t.Fatalf("%d rows, want 4", len(rows))
			}
			for _, r := range rows {
				var have []string
				for name, n := range r.columns() {
					if n.Known {
						have = append(have, name)
					}
					if n.Known && !finite(n.Value) {
						t.Errorf("step %d: %s is %v", r.Step, name, n.Value)
					}
				}
				sort.Strings(have)
				sort.Strings(want)
				if diff := cmp.Diff(want, have); diff != "" {
					t.Fatalf("terms (-want +got):\n%s", diff)
				}
				if hasCritic := variant != model.FOMM; r.GradDiscriminator.Known != hasCritic || r.LRDiscriminator.Known != hasCritic {
					t.Errorf("gradient and rate of a discriminator are noted: %v, %v", r.GradDiscriminator, r.LRDiscriminator)
				}
			}
			if last := rows[3]; !last.ValL1.Known || !last.ValForegroundFro.Known || last.VGG19 != "random" || last.FormatVersion != 1 {
				t.Errorf("the last row lacks the validation, the note on VGG-19 or the version: %+v", last)
			}
		})
	}
}
