package serve

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf"
)

// OpenOptions say how a model is opened.
type OpenOptions struct {
	// Session says where it computes.
	Session tf.SessionConfig
	// Batch is how many frames of a job are computed at once, 0 for what suits
	// the size of the pictures.
	Batch int
	// Work is that of Options.
	Work string
}

// Opened is a model that is ready to be served.
type Opened struct {
	Backend
	// Version is the SavedModel's, or a checkpoint's step; at least 1.
	Version int64

	closers []func() error
}

// Close releases the networks. The server that uses them is closed before.
func (m *Opened) Close() error {
	var errs []error
	for _, c := range m.closers {
		errs = append(errs, c())
	}
	m.closers = nil
	return errors.Join(errs...)
}

// OpenSavedModel opens an exported model. One that cannot animate, such as
// another program's, has its signatures served and no page.
func OpenSavedModel(path string, o OpenOptions) (*Opened, error) {
	m := &Opened{Version: 1}
	if err := m.openSignatures(path, o.Session); err != nil {
		return nil, err
	}
	a, err := animate.OpenSavedModel(path, animate.Options{Session: o.Session, Batch: o.Batch})
	if err != nil {
		glog.Warningf("the signatures are served, the page for films is not: %v", err)
		return m, nil
	}
	m.animator(a)
	return m, nil
}

// OpenCheckpoint opens a training run, a folder of checkpoints, or a
// checkpoint. For its signatures it is exported to a folder that is removed
// again.
func OpenCheckpoint(ctx context.Context, path string, o OpenOptions) (*Opened, error) {
	loaded, err := infer.Load(path)
	if err != nil {
		return nil, err
	}
	m := &Opened{Version: max(loaded.Meta.Step, 1)}
	if err := m.exportSignatures(ctx, loaded, o); err != nil {
		return nil, err
	}
	a, err := animate.New(loaded, animate.Options{Session: o.Session, Batch: o.Batch})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	m.animator(a)
	return m, nil
}

func (m *Opened) animator(a *animate.Animator) {
	m.Animator = NewAnimator(a)
	m.closers = append(m.closers, a.Close)
}

// openSignatures takes the version from the name of the folder, as TensorFlow
// Serving does.
func (m *Opened) openSignatures(path string, session tf.SessionConfig) error {
	saved, err := tf.OpenSavedModel(path, session)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseInt(filepath.Base(saved.Dir), 10, 64); err == nil && n > 0 {
		m.Version = n
	}
	m.Model = saved
	m.closers = append(m.closers, saved.Close)
	return nil
}

func (m *Opened) exportSignatures(ctx context.Context, loaded *infer.Model, o OpenOptions) (err error) {
	work, err := openWork(o.Work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	plan, err := export.Prepare(loaded, export.Options{Out: filepath.Join(work.dir, "model"), Version: m.Version, Frozen: true})
	if err == nil {
		_, err = plan.Write(ctx)
	}
	if err != nil {
		return fmt.Errorf("exporting %s: %w", loaded.Dir, err)
	}
	return m.openSignatures(plan.Dir, o.Session)
}
