package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// Options say how a model is exported.
type Options struct {
	// Out is the folder DIR/NAME of the model; the version becomes a folder in
	// it, as TensorFlow Serving has it.
	Out string
	// Version is its number; 0 takes the step of the training run, or the next
	// number when a version as high is there.
	Version int64
	// Frozen writes weights as constants, with batch norm folded into
	// convolutions: one file without variables to restore.
	Frozen bool
	// Signatures are the names of those to write, all where there are none.
	// Default is the one that is written as infer.SigDefault too, for engines
	// that see no other; empty is the relative motion of pictures, as ever.
	Signatures []string
	Default    string
}

// Plan is what will be written.
type Plan struct {
	// Dir is Out/Version.
	Dir string
	// Name is the model's, Version its number.
	Name    string
	Version int64
	// Notes and Readme lie beside the model, as NotesFile and ReadmeFile.
	Notes  infer.Notes
	Readme string
	// Signatures of the model.
	Signatures []savedmodel.SignatureDef

	model  *infer.Model
	graph  *infer.Signatures
	chosen *selection
}

// modelName is what a server's URL can hold.
var modelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// Prepare builds and checks all that Write writes.
func Prepare(m *infer.Model, o Options) (*Plan, error) {
	name := filepath.Base(filepath.Clean(o.Out))
	if o.Out == "" || !modelName.MatchString(name) {
		return nil, fmt.Errorf("%q does not end in the name of a model: letters, digits, '.', '_' and '-', a letter or digit first", o.Out)
	}
	version, err := pickVersion(o.Out, o.Version, m.Meta.Step)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Dir: filepath.Join(o.Out, strconv.FormatInt(version, 10)), Name: name, Version: version,
		Notes: infer.NotesOf(m, o.Frozen), model: m,
	}
	if p.graph, err = infer.NewSignatures(m, p.Notes); err != nil {
		return nil, err
	}
	if p.chosen, err = choose(p.graph.List, o.Signatures, o.Default); err != nil {
		return nil, err
	}
	p.Signatures = p.chosen.list
	p.Readme = describe(name, p.Notes, p.chosen)
	return p, nil
}

// pickVersion returns the number of the version to write, which must be free.
func pickVersion(out string, asked, step int64) (int64, error) {
	entries, err := localfile.ReadDir(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	newest := int64(0)
	for _, e := range entries {
		n, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || n < 0 {
			continue
		}
		if n == asked && asked > 0 {
			return 0, fmt.Errorf("version %d of %s exists, and is never overwritten: choose another number, or none for the next one", asked, out)
		}
		newest = max(newest, n)
	}
	switch {
	case asked < 0:
		return 0, fmt.Errorf("version %d: numbers start at 1", asked)
	case asked > 0:
		return asked, nil
	case newest == math.MaxInt64:
		return 0, fmt.Errorf("no number comes after version %d of %s: name another model, or choose a lower number that is free", newest, out)
	}
	// Servers take the highest number: it must be the one written last.
	return max(step, newest+1, 1), nil
}

// Written is what Write wrote.
type Written struct {
	// Bytes is the size of all files.
	Bytes int64
	// Difference is the largest by which an output of the written model
	// differed from the checkpoint's in a session of ours, for values beyond 1
	// in proportion to the output's largest one.
	Difference float64
}

// Write writes the model: all of it, or nothing under its name. Before it gets
// its name it is loaded, and its signatures are compared with the checkpoint's.
// An existing version is an error.
func (p *Plan) Write(ctx context.Context) (done Written, err error) {
	lock, err := folderlock.AcquireFor(p.Dir)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, lock.Discard()) }()
	session, err := tf.NewSession(p.graph.Scope.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		return done, err
	}
	defer session.Close()
	saved, err := p.savedModel(session)
	if err != nil {
		return done, err
	}
	saved.Check = func(dir string) error {
		var err error
		if done.Difference, err = p.compare(ctx, session, dir); err != nil {
			return err
		}
		done.Bytes, err = sizeOf(dir)
		return err
	}
	if err := ctx.Err(); err != nil {
		return done, err
	}
	return done, savedmodel.Write(p.Dir, saved)
}

// savedModel is the model to be written; session gets the trained weights.
func (p *Plan) savedModel(session *tf.Session) (savedmodel.Def, error) {
	var saved savedmodel.Def
	variables, err := p.variables(session)
	if err != nil {
		return saved, err
	}
	def, err := tf.GraphDefOf(p.graph.Scope.Graph())
	if err != nil {
		return saved, err
	}
	if p.Notes.Frozen {
		if def, err = freeze(def, p.Signatures, variables); err != nil {
			return saved, fmt.Errorf("freezing: %w", err)
		}
		variables = nil
	}
	extra, err := p.extra()
	if err != nil {
		return saved, err
	}
	saved = savedmodel.Def{Graph: def, Signatures: p.Signatures, Variables: variables, Extra: extra}
	pruned, err := saved.Pruned()
	if err != nil {
		return saved, err
	}
	return saved, requireStandard(pruned)
}

// variables fetches the trained weights from a session, so that they are what
// the graph computes with.
func (p *Plan) variables(session *tf.Session) ([]savedmodel.Variable, error) {
	s := p.graph.Scope
	if err := p.model.Assign(session, s); err != nil {
		return nil, err
	}
	vars := s.Variables()
	values, err := graph.Fetch(session, vars)
	if err != nil {
		return nil, err
	}
	list := make([]savedmodel.Variable, len(vars))
	for i, v := range vars {
		list[i] = savedmodel.Variable{Name: v.Name, Handle: v.Handle().Op.Name(), Value: values[v], Trainable: v.Kind == graph.Trainable}
	}
	return list, nil
}

// sizeOf adds up the files of a folder.
func sizeOf(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}

// extra are the files beside the model.
func (p *Plan) extra() (map[string][]byte, error) {
	notes, err := p.Notes.Encode()
	if err != nil {
		return nil, err
	}
	requests, err := warmup(p.Name, p.Signatures)
	if err != nil {
		return nil, fmt.Errorf("warm-up requests: %w", err)
	}
	return map[string][]byte{
		infer.NotesFile: notes, config.FileName: []byte(p.model.Meta.Config), infer.ReadmeFile: []byte(p.Readme), infer.WarmupFile: requests,
	}, nil
}
