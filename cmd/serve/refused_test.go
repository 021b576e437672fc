package main

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/tf/savedmodel/forged"
)

func TestForgedModels(t *testing.T) {
	forged.Refused(t, func(model string) (int, string) {
		p := command()
		var out, errs bytes.Buffer
		p.Stdout, p.Stderr = &out, &errs
		code := p.Run([]string{"--saved_model=" + model, "--address=127.0.0.1:0", "--work=" + filepath.Join(t.TempDir(), "work"), "--device=cpu"},
			func([]string) error { return p.run(context.Background()) })
		return code, errs.String()
	})
}
