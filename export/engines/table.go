package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/npz"
	"github.com/prioritycut/prioritycut/tf"
)

// ours are the rows of TensorFlow's C library under Go, as tf.OpenSavedModel
// calls it.
func ours(ctx context.Context, dir string, atMost time.Duration) ([]row, error) {
	in, want, err := readCalls(filepath.Join(dir, "calls.npz"))
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, model := range []string{"plain", "frozen"} {
		saved, err := tf.OpenSavedModel(filepath.Join(dir, model), tf.SessionConfig{Device: "cpu"})
		if err != nil {
			return nil, err
		}
		r := row{Engine: "TensorFlow, Go", Version: tensorflow.Version(), Model: model, Difference: new(float64), MS: map[string]float64{}}
		for signature := range in {
			r.Signatures = append(r.Signatures, signature)
			out, err := saved.Call(signature, in[signature])
			if err == nil {
				var d float64
				d, err = farthest(out, want[signature])
				*r.Difference = max(*r.Difference, d)
			}
			if err == nil && (signature == infer.SigDefault || signature == infer.SigFrame) {
				r.MS[signature], err = median(ctx, atMost, func() error { _, err := saved.Call(signature, in[signature]); return err })
			}
			if err != nil {
				saved.Close()
				return nil, err
			}
		}
		if err := saved.Close(); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// tensorsOf are tensors by signature and name.
type tensorsOf map[string]map[string]*tensorflow.Tensor

func readCalls(path string) (in, out tensorsOf, err error) {
	f, err := npz.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	in, out = tensorsOf{}, tensorsOf{}
	for _, name := range f.Names() {
		a, err := f.Array(name)
		if err != nil {
			return nil, nil, err
		}
		t, err := tf.NewTensor(a.Float32s(), a.Shape...)
		if err != nil {
			return nil, nil, err
		}
		parts := strings.Split(name, "/")
		side := in
		if parts[0] == "out" {
			side = out
		}
		if side[parts[1]] == nil {
			side[parts[1]] = map[string]*tensorflow.Tensor{}
		}
		side[parts[1]][parts[2]] = t
	}
	return in, out, nil
}

func farthest(got, want map[string]*tensorflow.Tensor) (float64, error) {
	worst := 0.0
	for key, w := range want {
		a, err := tf.Values[float32](got[key])
		if err != nil {
			return 0, err
		}
		b, err := tf.Values[float32](w)
		if err != nil {
			return 0, err
		}
		size := float64(max(1, slices.Max(b), -slices.Min(b)))
		for i := range b {
			worst = max(worst, float64(max(a[i]-b[i], b[i]-a[i]))/size)
		}
	}
	return worst, nil
}

// median is the time of a call in milliseconds.
func median(ctx context.Context, atMost time.Duration, call func() error) (float64, error) {
	var times []float64
	for end := time.Now().Add(atMost); len(times) == 0 || time.Now().Before(end) && len(times) < 50; {
		begun := time.Now()
		if err := errors.Join(call(), ctx.Err()); err != nil {
			return 0, err
		}
		times = append(times, 1000*time.Since(begun).Seconds())
	}
	sort.Float64s(times)
	return times[len(times)/2], nil
}

// writeTable prints rows as Markdown.
func writeTable(w io.Writer, rows []row) error {
	var b strings.Builder
	b.WriteString("| engine | version | model | signatures | difference | serving_default, ms | animate_frame, ms | |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		slices.Sort(r.Signatures)
		list := strings.Join(r.Signatures, ", ")
		if len(r.Signatures) == 5 {
			list = "all five"
		}
		difference := "not run"
		if r.Difference != nil {
			difference = fmt.Sprintf("%.1g", *r.Difference)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Engine, r.Version, r.Model, list, difference,
			milliseconds(r, infer.SigDefault), milliseconds(r, infer.SigFrame), r.Note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func milliseconds(r row, signature string) string {
	ms, ok := r.MS[signature]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.3g", ms)
}

// tooFar is an error that names the rows beyond tolerance, but for those that
// say that they compute in fewer bits.
func tooFar(rows []row, tolerance float64) error {
	var far []string
	for _, r := range rows {
		if r.Difference != nil && *r.Difference > tolerance && !strings.Contains(r.Note, "bf16") {
			far = append(far, fmt.Sprintf("%s %s (%s): %.2g in %s", r.Engine, r.Version, r.Model, *r.Difference, r.At))
		}
	}
	if len(far) == 0 {
		return nil
	}
	return fmt.Errorf("too far from the checkpoint: %s", strings.Join(far, "; "))
}
