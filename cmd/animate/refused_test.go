package main

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/tf/savedmodel/forged"
)

func TestForgedModels(t *testing.T) {
	dir := inputs(t)
	forged.Refused(t, func(model string) (int, string) {
		p := command()
		var out, errs bytes.Buffer
		p.Stdout, p.Stderr = &out, &errs
		code := p.Run([]string{
			"--saved_model=" + model, "--source_image=" + filepath.Join(dir, "source.png"), "--driving_video=" + filepath.Join(dir, "driving.mp4"),
			"--result_video=" + filepath.Join(t.TempDir(), "result.mp4"), "--cpu",
		}, func([]string) error { return p.run(context.Background()) })
		return code, errs.String()
	})
}
