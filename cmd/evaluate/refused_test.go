package main

import (
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/tf/savedmodel/forged"
)

// TestForgedModels: no model that does more than compute comes in by any flag.
func TestForgedModels(t *testing.T) {
	run := untrained(t, "prioritycut")
	for _, flag := range []string{"saved_model", "keypoint_model", "embedding_model", "mask_model"} {
		t.Run(flag, func(t *testing.T) {
			forged.Refused(t, func(model string) (int, string) {
				flags := []string{"--" + flag + "=" + model, "--out=" + filepath.Join(t.TempDir(), "out"), "--data=shapes", "--num_videos=1", "--device=cpu"}
				if flag != "saved_model" {
					flags = append(flags, "--checkpoint="+run)
				}
				code, _, stderr := measure(flags...)
				return code, stderr
			})
		})
	}
}
