package train

import (
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// tinyFamily is tiny for another family of networks.
func tinyFamily(t *testing.T, sets []string, more ...string) *config.Config {
	t.Helper()
	return resolve(t, config.Options{Variant: strings.TrimPrefix(sets[0], "variant="), Sets: append(append(sets[1:len(sets):len(sets)],
		"batch_size=2", "step_milestones=[]", "steps=4", "log_steps=1", "checkpoint_steps=100", "checkpoint_freq=0",
		"validation_steps=0", "validation_videos=2", "validation_frames=3", "picture_steps=0", "reconstruction_params.num_videos=1",
		"run_params.deterministic=true",
	), more...)})
}

// TestOtherFamilies trains Monkey-Net and X2Face, looks which terms and pictures
// they have, and stops and goes on: the state is the same bit by bit.
func TestOtherFamilies(t *testing.T) {
	for name, c := range map[string]struct {
		sets    []string
		terms   []string
		players []string
	}{
		"monkeynet": {tinymodel.MonkeyNet(), []string{"disc_gan", "gen_gan", "layer-0_rec", "layer-1_rec", "layer-2_rec"},
			[]string{"discriminator", "generator", "kp_detector"}},
		"x2face": {tinymodel.X2Face(), []string{"photometric"}, []string{"generator"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			once, twice := filepath.Join(dir, "once"), filepath.Join(dir, "twice")
			complete(t, once, tinyFamily(t, c.sets))
			complete(t, twice, tinyFamily(t, c.sets, "steps=2"))
			complete(t, twice, tinyFamily(t, c.sets))
			compareCheckpoints(t, once, twice, 4)

			rows, err := ReadMetrics(rundir.Dir(once).Metrics())
			if err != nil || len(rows) != 4 {
				t.Fatalf("%d rows (%v)", len(rows), err)
			}
			var terms, players []string
			terms = termsOf(rows[3])
			for name := range rows[3].Values {
				player, ok := strings.CutPrefix(name, ratePrefix)
				if ok && rows[3].Values[gradientPrefix+player] > 0 {
					players = append(players, player)
				}
			}
			sort.Strings(terms)
			sort.Strings(players)
			if diff := cmp.Diff(c.terms, terms) + cmp.Diff(c.players, players); diff != "" {
				t.Errorf("terms and players (-want +got):\n%s", diff)
			}
			if rows[3].VGG19 != "" || !rows[3].Value(valL1).Known || rows[3].Value(valBackgroundIoU).Known != (name == "monkeynet") {
				t.Errorf("the last row is %+v", rows[3])
			}
			for _, picture := range []string{"train-00000004.png", "unseen-00000004.png"} {
				checkPicture(t, filepath.Join(rundir.Dir(once).Pictures(), picture))
			}
		})
	}
}
