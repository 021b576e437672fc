package ablation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/joints"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// Nothing in place of a detector's folder measures without one.
const Nothing = evaluate.FromNowhere

// quickJointSteps is the training of the joint detector in a quick ablation.
const quickJointSteps = 6

// Detectors say how the runs are measured beside the pixels. Empty fields take
// what fits the data: on drawn figures the truth for salient parts, and a joint
// detector that is trained first.
type Detectors struct {
	// KeypointModel and EmbeddingModel are SavedModels, Nothing for none.
	KeypointModel, EmbeddingModel string
	// Masks is a folder of masks or a word, as evaluate takes it.
	Masks string
	// TrustSavedModel lets the SavedModels do more than compute: see
	// tf.SessionConfig.
	TrustSavedModel bool `json:",omitempty"`
}

// check refuses, before hours of training, what would be refused after them.
func (d Detectors) check() error {
	for flag, path := range map[string]string{"keypoint_model": d.KeypointModel, "embedding_model": d.EmbeddingModel} {
		if path == "" || path == Nothing {
			continue
		}
		if err := savedmodel.Check(path, d.TrustSavedModel); err != nil {
			return fmt.Errorf("`%s`: %w", flag, err)
		}
	}
	switch d.Masks {
	case "", Nothing, evaluate.FromTruth, evaluate.FromModel:
		return nil
	}
	if info, err := os.Stat(d.Masks); err != nil {
		return fmt.Errorf("`masks`: %w; give a folder, truth, model or none", err)
	} else if !info.IsDir() {
		return fmt.Errorf("`masks`=%s is no folder; give a folder, truth, model or none", d.Masks)
	}
	return nil
}

// evaluation is the folder of a run's evaluation.
func (r *Run) evaluation() string { return filepath.Join(r.Dir, compare.DefaultEvaluation) }

// jointsPath is where the ablation's own joint detector lies: a quick one is no
// good for others.
func (p *Plan) jointsPath() string {
	name, shape := "joints", p.Runs[0].Config.Dataset.FrameShape
	if figures, _ := dataset.DrawnFigures(p.Runs[0].Config.Dataset.RootDir); figures != "" {
		name += "-" + figures
	}
	if p.quick {
		name += "-quick"
	}
	return filepath.Join(p.Out, fmt.Sprintf("%s-%dx%d", name, shape[1], shape[0]))
}

// keypointModel is the detector of keypoints, trained where it is the
// ablation's own and not there yet; empty where there is none.
func (p *Plan) keypointModel(ctx context.Context, out io.Writer) (string, error) {
	c := p.Runs[0].Config
	figures, drawn := dataset.DrawnFigures(c.Dataset.RootDir)
	switch asked := p.detectors.KeypointModel; {
	case asked == Nothing:
		return "", nil
	case asked != "":
		return asked, nil
	case !drawn:
		return "", nil
	}
	path := p.jointsPath()
	if _, err := os.Stat(path); err == nil {
		return path, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	o := joints.DefaultOptions(shapes.Figures(figures))
	o.Height, o.Width = c.Dataset.FrameShape[0], c.Dataset.FrameShape[1]
	if err := joints.CheckSize(o.Width, o.Height); err != nil {
		_, err = fmt.Fprintf(out, "AKD and MKR are not measured: %v\n", err)
		return "", err
	}
	if o.Session.Device = c.Run.Device; p.quick {
		o.Steps, o.HeldOut = quickJointSteps, 8
	}
	fmt.Fprintf(out, "training a joint detector for AKD and MKR: %d steps\n", o.Steps)
	j := job{Joints: &jointsJob{Options: o, Path: path}}
	err := j.run(ctx, p.logPath("joints"), func(lines []string) {
		fmt.Fprintf(out, "joint detector, on real frames: %s\n", strings.Join(lines, "\n"))
	})
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("training the joint detector: %w", err)
	}
	return path, nil
}

// measure evaluates a complete run that has taken so many steps; an evaluation
// that was begun goes on, one of fewer steps is done anew.
func (p *Plan) measure(ctx context.Context, r *Run, step int64, out io.Writer) error {
	keypoints, err := p.keypointModel(ctx, out)
	if err != nil {
		return err
	}
	q := evaluate.NewRequest()
	q.Checkpoint, q.Name, q.Out = r.Dir, r.Name, r.evaluation()
	q.Masks, q.KeypointModel, q.Device = p.detectors.Masks, keypoints, r.Config.Run.Device
	q.TrustSavedModel, q.Own = p.detectors.TrustSavedModel, true
	if p.detectors.EmbeddingModel != Nothing {
		q.EmbeddingModel = p.detectors.EmbeddingModel
	}
	if err := r.clear(step); err != nil {
		return err
	}
	if _, err := result.Read(q.Out); err == nil {
		return nil
	}
	fmt.Fprintf(out, "measuring %s\n", r.Name)
	j := job{Measure: &q}
	if err = j.run(ctx, p.logPath(r.Name), nil); ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// clear removes an evaluation that is not of the run's last step.
func (r *Run) clear(step int64) error {
	was, err := result.ReadRun(r.evaluation())
	if errors.Is(err, fs.ErrNotExist) || err == nil && was.Step == step {
		return nil
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(r.evaluation())
}

// detectorsFile says how the runs of an ablation were last asked to be measured.
const detectorsFile = "detectors.json"

// settle removes the evaluations of all runs where they are asked to be measured
// otherwise than before: a table must not mix them.
func (p *Plan) settle() error {
	path := filepath.Join(p.Out, detectorsFile)
	asked, err := json.Marshal(struct {
		Detectors
		Quick bool
	}{p.detectors, p.quick})
	if err != nil {
		return err
	}
	was, err := localfile.Read(path, maxTable)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if bytes.Equal(bytes.TrimSpace(was), asked) {
		return nil
	}
	runs, err := localfile.ReadDir(p.Out)
	if err != nil {
		return err
	}
	for _, run := range runs { // also those of variants that are not asked for now
		if !run.IsDir() {
			continue
		}
		if err := os.RemoveAll(filepath.Join(p.Out, run.Name(), compare.DefaultEvaluation)); err != nil {
			return err
		}
	}
	return newWriting(p.Out).File(detectorsFile, path, append(asked, '\n'))
}

// measured reads the evaluations of the runs that have one of their last step.
func (p *Plan) measured(states []State) ([]*result.Evaluation, error) {
	all := make([]*result.Evaluation, len(p.Runs))
	for i := range p.Runs {
		e, err := result.Read(p.Runs[i].evaluation())
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, result.ErrUnfinished):
		case err != nil:
			return nil, err
		case states[i].Complete && e.Run.Step == states[i].Step:
			all[i] = e
		}
	}
	return all, nil
}
