package serve

import (
	"path/filepath"
	"strconv"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer"
)

// Opened is a model that is ready to be served.
type Opened struct {
	Backend
	// Version is the SavedModel's, or a checkpoint's step; at least 1.
	Version int64

	engine *infer.Engine
}

// Config is what the model was trained with; nil of one that does not tell.
func (m *Opened) Config() *config.Config { return m.engine.Config }

// Close releases the networks. The server that uses them is closed before.
func (m *Opened) Close() error { return m.engine.Close() }

// OpenSavedModel opens an exported model. One that cannot animate, such as
// another program's, has its signatures served and no page. The version is the
// name of the folder, as TensorFlow Serving has it.
func OpenSavedModel(path string, o infer.Options) (*Opened, error) {
	e, err := infer.OpenSavedModel(path, o)
	if err != nil {
		return nil, err
	}
	m := opened(e, 1)
	if n, err := strconv.ParseInt(filepath.Base(e.Name), 10, 64); err == nil && n > 0 {
		m.Version = n
	}
	return m, nil
}

// OpenCheckpoint opens a training run, a folder of checkpoints, or a
// checkpoint, with the signatures that its export would have.
func OpenCheckpoint(path string, o infer.Options) (*Opened, error) {
	loaded, err := infer.Load(path)
	if err != nil {
		return nil, err
	}
	o.Signatures = true
	e, err := infer.New(loaded, o)
	if err != nil {
		return nil, err
	}
	return opened(e, loaded.Meta.Step), nil
}

func opened(e *infer.Engine, version int64) *Opened {
	m := &Opened{Version: max(version, 1), engine: e}
	m.Model = e
	if a, err := animate.New(e); err != nil {
		glog.Warningf("the signatures are served, the page for films is not: %v", err)
	} else {
		m.Animator = NewAnimator(a)
	}
	return m
}
