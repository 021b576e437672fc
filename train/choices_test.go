package train

import (
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// TestChoicesThatThePaperLeavesOpen: each is a key that reaches the step. With
// equal weights and draws, the first row of a run differs where the choice counts.
func TestChoicesThatThePaperLeavesOpen(t *testing.T) {
	first := func(variant model.Variant, sets ...string) Row {
		t.Helper()
		dir := t.TempDir()
		complete(t, dir, tiny(t, variant, append(sets, "steps=1", "validation_videos=0")...))
		rows, err := ReadMetrics(rundir.Dir(dir).Metrics())
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v: %d rows, %v", sets, len(rows), err)
		}
		return rows[0]
	}
	base := map[string]Row{}
	for _, c := range []struct {
		variant                  model.Variant
		without, choice, changes string // settings, and a column
	}{
		{model.PriorityCut, "", "bg_threshold=0.1", "background_fraction"},
		{model.PriorityCut, "bg_threshold=0.25", "k_of=image", "real_fraction"}, // untrained masks are near a quarter
		{model.PriorityCut, "", "k_max=0.2", "real_fraction"},
		{model.PriorityCut, "", "k_law=fixed", "real_fraction"},
		{model.PriorityCut, "", "k_law=beta k_alpha=5", "real_fraction"},
		{model.PriorityCut, "", "k_per=batch", "real_fraction"},
		{model.PriorityCut, "", "mask_at=motion", "disc_cons"},
		{model.PriorityCut, "", "polarity=real_at_occluded", "real_fraction"},
		{model.PriorityCut, "", "adversarial_loss=bce", "disc_enc"},
		{model.PriorityCut, "", "decoder_matching=[1,1]", "feature_matching"},
		{model.PriorityCut, "", "enc_head=global", "disc_enc"},
		{model.PriorityCut, "", "decoder_scale=1", "disc_dec"},
		{model.PriorityCut, "", "use_kp=false", "disc_enc"},
		{model.PriorityCut, "", "sn=true", "disc_enc"},
		{model.PriorityCut, "", "cons_warmup_epochs=0", "cons_warmup"},
		{model.CutMix, "", "cutmix_pair=other", "disc_cons"},
		{model.CutMix, "batch_size=8", "cutmix_invert=false", "real_fraction"},
	} {
		key := string(c.variant) + " " + c.without
		if _, ok := base[key]; !ok {
			base[key] = first(c.variant, strings.Fields(c.without)...)
		}
		is := first(c.variant, strings.Fields(c.without+" "+c.choice)...)
		was, now := base[key].Value(c.changes), is.Value(c.changes)
		if !was.Known || !now.Known || was == now {
			t.Errorf("%s, %s: %s is %v, and %v without", c.variant, c.choice, c.changes, now, was)
		}
	}
}
