package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
)

// prepare makes what a case's processes read: models, once for each
// configuration, kept in the cache.
func (b *bench) prepare(ctx context.Context, o *outcome) error {
	if !slices.Contains([]string{measureFrame, measureStart, measureFidelity}, o.job.Measure) {
		return nil
	}
	own, err := b.made(ctx, o, ours, writeModel, "model", "")
	if err != nil {
		return err
	}
	o.job.Model = own
	for _, t := range slices.Clone(o.turns) {
		r, _ := rivalNamed(t.side)
		var err error
		switch {
		case r.group == groupEngines:
			err = b.prepareEngine(ctx, o, r)
		case r.group == groupPyTorch && o.job.Measure == measureStart:
			o.peerModel[t.side], err = b.made(ctx, o, t.side, writeModel, t.side+".pth", "")
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			b.fails(o, t, err)
		}
	}
	return nil
}

// prepareAll prepares all cases, and has what compiles do so once.
func (b *bench) prepareAll(ctx context.Context, groups [][]benchCase) error {
	for _, c := range slices.Concat(groups...) {
		o := newOutcome(c)
		if err := b.prepare(ctx, o); err != nil {
			return err
		}
		o.job.Warmup, o.job.Repeats = 1, 1
		for _, t := range o.turns {
			if !slices.Contains(strings.Split(t.way, "+"), partCompile) || o.failed[t] != "" {
				continue
			}
			b.tell("compiling: %s, %s", o.name(), t)
			if _, err := b.measure(ctx, o, t); err != nil {
				b.fails(o, t, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return errors.Join(b.failures...)
}

// prepareEngine makes the files of an engine: LiteRT's from our export, the
// others' from PyTorch's.
func (b *bench) prepareEngine(ctx context.Context, o *outcome, r rival) error {
	if r.arg == "litert" {
		saved, err := b.made(ctx, o, ours, exportModel, "saved_model", o.job.Model)
		if err != nil {
			return err
		}
		o.savedModel = saved
	} else {
		onnx, err := b.made(ctx, o, exporter, writeONNX, "onnx", "")
		if err != nil {
			return err
		}
		o.peerModel[r.name] = onnx
	}
	_, err := b.made(ctx, o, r.name, prepareEngine, r.name, o.job.Model)
	return err
}

// plainConvolutions is what package internal/startup/plain sets for export, which
// takes minutes for pictures of 512x512 without.
const plainConvolutions = "TF_ENABLE_ONEDNN_OPTS=0"

// exporter is the peer that writes the models of engines.
const exporter = "pytorch-2.5"

// made has a side make what a job of the measure makes, unless the cache has
// it, and returns its path.
func (b *bench) made(ctx context.Context, o *outcome, side, measure, name, from string) (string, error) {
	path := filepath.Join(b.options.cache, b.keyOf(o.job), name)
	mark := path + ".complete"
	if _, err := os.Stat(mark); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return "", err
	}
	s, ok := b.sides[side]
	if !ok {
		return "", fmt.Errorf("%s writes the model, and it is not among --peers", side)
	}
	// A run that was stopped may have left a part, which nobody goes on with.
	if err := os.RemoveAll(path); err != nil {
		return "", err
	}
	b.tell("preparing: %s, %s", o.name(), name)
	job := o.job
	job.Measure, job.Model, job.SavedModel, job.Way, job.Reference = measure, path, o.savedModel, wayEager, b.options.reference
	var env []string
	switch measure {
	case exportModel:
		job.Model, job.SavedModel = from, path
		if isaBest() == isaAVX2 {
			env = append(env, plainConvolutions)
		}
	case prepareEngine:
		job.Model = o.peerModel[side]
	}
	if _, err := s.run(ctx, job, env); err != nil {
		return "", err
	}
	return path, os.WriteFile(mark, nil, 0o666)
}

// keyOf names the folder of a configuration's models: another configuration,
// or other programs of the peers, have another.
func (b *bench) keyOf(job Job) string {
	sum := sha256.New()
	io.WriteString(sum, job.Resolved)
	sum.Write(b.peerSum)
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// writeModelOf writes a model of the configuration's sizes, with weights drawn
// at random, into a folder: in a process of its own, whose memory nobody
// measures.
func writeModelOf(c *config.Config, job Job) error {
	return tinymodel.WriteSized(job.Model, c.Seed, config.Options{Preset: c.Preset, Variant: string(c.Variant), Sets: job.Sets})
}

// exportModelOf exports the model for engines, with a call of every signature
// and what it must return.
func exportModelOf(ctx context.Context, job Job) error {
	m, err := infer.Load(job.Model)
	if err != nil {
		return err
	}
	plan, err := export.Prepare(m, export.Options{
		Out: job.SavedModel, Version: 1, Signatures: []string{infer.SigKeypoints, infer.SigEncode, infer.SigFrame}, Default: infer.SigFrame,
	})
	if err != nil {
		return err
	}
	if _, err := plan.Write(ctx); err != nil {
		return err
	}
	calls, err := plan.Calls(ctx)
	if err != nil {
		return err
	}
	return export.WriteCalls(filepath.Join(job.SavedModel, "calls.npz"), calls)
}
