package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/tf/savedmodel/forged"
)

// TestForgedModels: an ablation refuses detectors before it trains for hours.
func TestForgedModels(t *testing.T) {
	for _, flag := range []string{"keypoint_model", "embedding_model"} {
		t.Run(flag, func(t *testing.T) {
			forged.Refused(t, func(model string) (int, string) {
				p := command()
				var out, errs bytes.Buffer
				p.Stdout, p.Stderr = &out, &errs
				code := p.Run([]string{"--" + flag + "=" + model, "--quick", "--out=" + filepath.Join(t.TempDir(), "out")}, func([]string) error { return p.run() })
				return code, errs.String()
			})
		})
	}
}
