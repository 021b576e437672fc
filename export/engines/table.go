package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/npz"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// calls are the inputs of signatures, and what the checkpoint gives for them.
type calls struct{ in, want tensorsOf }

// ours are the rows of TensorFlow's C library under Go, as savedmodel.Open
// calls it.
func (c calls) ours(ctx context.Context, dir string, atMost time.Duration) ([]row, error) {
	var rows []row
	for _, model := range []string{"plain", "frozen"} {
		r, err := c.row(ctx, filepath.Join(dir, model), atMost)
		if err != nil {
			return nil, err
		}
		r.Model = model
		rows = append(rows, r)
	}
	return rows, nil
}

// again are rows of models that TensorFlow and Keras in Python loaded and saved
// again, as animate --saved_model opens them. A failure of one is told after
// all.
func (c calls) again(ctx context.Context, dir string, atMost time.Duration) ([]row, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // none of them ran
	}
	var rows []row
	failed := []error{err}
	for _, entry := range entries {
		r, err := c.savedAgain(ctx, filepath.Join(dir, entry.Name()), atMost)
		if err != nil {
			failed = append(failed, fmt.Errorf("saved again by %s: %w", entry.Name(), err))
			continue
		}
		r.Model, r.Note = "plain", "loaded and saved again by "+entry.Name()
		rows = append(rows, r)
	}
	return rows, errors.Join(failed...)
}

func (c calls) savedAgain(ctx context.Context, dir string, atMost time.Duration) (row, error) {
	engine, err := infer.OpenSavedModel(dir, infer.Options{Session: tf.SessionConfig{Device: "cpu"}})
	if err != nil {
		return row{}, err
	}
	if err := errors.Join(engine.Animates(), engine.Close()); err != nil {
		return row{}, err
	}
	return c.row(ctx, dir, atMost)
}

// row calls every signature of a model.
func (c calls) row(ctx context.Context, dir string, atMost time.Duration) (r row, err error) {
	saved, err := savedmodel.Open(dir, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, saved.Close()) }()
	r = row{Engine: "TensorFlow, Go", Version: tensorflow.Version(), Difference: new(float64), MS: map[string]float64{}}
	for signature, inputs := range c.in {
		r.Signatures = append(r.Signatures, signature)
		out, err := saved.Call(signature, inputs)
		if err != nil {
			return row{}, err
		}
		d, err := farthest(out, c.want[signature])
		if err != nil {
			return row{}, fmt.Errorf("%s: %w", signature, err)
		}
		if d > *r.Difference {
			*r.Difference, r.At = d, signature
		}
		if signature != infer.SigDefault && signature != infer.SigFrame {
			continue
		}
		if r.MS[signature], err = median(ctx, atMost, func() error { _, err := saved.Call(signature, inputs); return err }); err != nil {
			return row{}, err
		}
	}
	return r, nil
}

// tensorsOf are tensors by signature and name.
type tensorsOf map[string]map[string]*tensorflow.Tensor

func readCalls(path string) (c calls, err error) {
	f, err := npz.Open(path)
	if err != nil {
		return calls{}, err
	}
	defer f.Close()
	c = calls{tensorsOf{}, tensorsOf{}}
	for _, name := range f.Names() {
		a, err := f.Array(name)
		if err != nil {
			return calls{}, err
		}
		t, err := tf.NewTensor(a.Float32s(), a.Shape...)
		if err != nil {
			return calls{}, err
		}
		parts := strings.Split(name, "/")
		side := c.in
		if parts[0] == "out" {
			side = c.want
		}
		if side[parts[1]] == nil {
			side[parts[1]] = map[string]*tensorflow.Tensor{}
		}
		side[parts[1]][parts[2]] = t
	}
	return c, nil
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

// tooFar is an error that names the rows beyond tolerance, but for loose ones.
func tooFar(rows []row, tolerance float64) error {
	var far []string
	for _, r := range rows {
		if r.Difference != nil && *r.Difference > tolerance && !r.Loose {
			far = append(far, fmt.Sprintf("%s %s (%s): %.2g in %s", r.Engine, r.Version, r.Model, *r.Difference, r.At))
		}
	}
	if len(far) == 0 {
		return nil
	}
	return fmt.Errorf("too far from the checkpoint: %s", strings.Join(far, "; "))
}
