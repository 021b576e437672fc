package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/machine"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
	"github.com/prioritycut/prioritycut/tf/events"
)

// RunOptions say what to train, where to keep it and where to talk about it.
type RunOptions struct {
	// Config is the resolved configuration.
	Config *config.Config
	// Dir is the run's folder; one that has a run already is gone on with.
	Dir string
	// Out is where a person looks: progress and results. A terminal gets a bar.
	Out io.Writer
	// Finished is told of a run that has been completed, for what may come next;
	// may be nil.
	Finished func(rundir.Dir)
	// Cluster says which workers train together, this one among them; nil is one
	// process by itself. The chief alone has the run's folder.
	Cluster *tf.Cluster
	// Replicas is the number of devices of this process that share each batch; 0 and 1
	// are one. A worker of a cluster has one.
	Replicas int
	// Files is what the run's folder is written to; nil is the operating system.
	// Tests put faults there.
	Files durable.FileSystem
}

// Run trains until the run is complete or ctx is done; then the step that has
// begun is finished, the state is saved, and nil is returned. A run that is
// complete says so.
func Run(ctx context.Context, o RunOptions) error {
	if o.Files == nil {
		o.Files = durable.OS{}
	}
	style, err := styleOf(o.Config.Visualizer)
	if err != nil {
		return err
	}
	options, err := o.stepOptions()
	if err != nil {
		return err
	}
	s := &session{config: o.Config, folder: &folder{}, out: o.Out, finished: o.Finished, options: options, style: style, begun: time.Now()}
	if o.Cluster != nil {
		return s.together(ctx, o)
	}
	f, err := openFolder(rundir.Dir(o.Dir), o.Config, o.Files)
	if err != nil {
		return err
	}
	defer f.close()
	if f.complete(o.Config.Train.Steps) {
		f.tellComplete(o.Out)
		return nil
	}
	s.folder = f
	if err := s.openData(ctx); err != nil {
		if ctx.Err() != nil {
			s.tellNothingDone()
			err = nil
		}
		return err
	}
	s.warnOfData()
	if f.complete(s.total()) {
		f.tellComplete(o.Out)
		return nil
	}
	defer s.close()
	if err := s.prepare(); err != nil {
		return err
	}
	if err := s.train(ctx); err != nil {
		return err
	}
	return s.finish(ctx)
}

func (s *session) tellNothingDone() { fmt.Fprintln(s.out, "stopped before a step was taken") }

// session is a run at work.
type session struct {
	config   *config.Config
	folder   *folder
	out      io.Writer
	finished func(rundir.Dir) // may be nil

	begun         time.Time
	data          *dataset.Dataset
	dataNews      *dataHook
	loader        *dataset.Loader
	scope         *graph.Scope
	step          *Step
	options       StepOptions
	style         picture.Style
	reconstructor *evaluate.Reconstructor
	session       *tf.Session
	checkpoints   *checkpointHook
	columns       columns // of metrics.csv
	// mayHold says that there is memory to keep the state after a step while the
	// next one is computed.
	mayHold bool
	// abandoned says that a step was left while it was being computed.
	abandoned bool

	crew   *crew                 // nil for a process by itself
	shared *tensorflow.Operation // gives all replicas the first one's state
}

func (s *session) close() {
	if s.session == nil {
		return
	}
	if s.abandoned || s.crew != nil && s.crew.lost != nil {
		return // a step is being computed in it; it ends with the process
	}
	if err := s.session.Close(); err != nil {
		glog.Warning(err)
	}
}

// openData opens the data set and tells what it holds.
func (s *session) openData(ctx context.Context) error {
	var err error
	if s.data, err = named.Open(ctx, s.config.Dataset); err != nil {
		return usage.WrapUnless(ctx, err)
	}
	if err := s.data.CanTrain(); err != nil {
		return usage.Wrap(err)
	}
	glog.Infof("data: %v", s.data)
	s.dataNews = &dataHook{data: s.data, every: s.config.Train.LogSteps, told: map[string]bool{}}
	s.dataNews.tell()
	s.loader, err = s.data.Loader(loaderOf(s.config, s.options.Replicas))
	return err
}

func (s *session) warnOfData() {
	if changed := s.dataChanged(); changed != "" {
		glog.Warningf("data: %s: the run goes on with other batches than it would have had", changed)
	}
}

// dataChanged says how the data set differs from the one that the run was begun
// with; empty if nothing is known to differ.
func (s *session) dataChanged() string {
	was := s.folder.meta
	switch {
	case !s.folder.resumed:
	case was.TrainVideos != s.data.NumItems():
		return fmt.Sprintf("there are %d training items now and were %d when the run was begun", s.data.NumItems(), was.TrainVideos)
	case was.Data != "" && was.Data != s.data.Digest():
		return "its videos have other names than those that the run was begun with"
	}
	return ""
}

// perEpoch is the number of steps in an epoch.
func (s *session) perEpoch() int64 { return int64(s.loader.BatchesPerEpoch()) }

// total is the run's number of steps.
func (s *session) total() int64 { return s.config.Train.TotalSteps(s.perEpoch()) }

// train takes the steps that are left. When they end with an error, the last
// good state is saved before it is returned.
func (s *session) train(ctx context.Context) error {
	t := s.trainer()
	s.checkpoints = s.newCheckpoints(t)
	if t.at.Step >= t.total && !t.due {
		return nil
	}
	if err := s.begin(t); err != nil {
		return err
	}
	log := &eventLog{files: s.folder.files, dir: s.folder.dir.Events(), patience: s.checkpoints.patience}
	err := log.write(s.nextEvent(t.at.Step), func(*events.Writer) error { return nil })
	if err != nil {
		return err
	}
	t.hooks = s.hooks(ctx, t, log)
	defer s.dataNews.tell()
	batches := s.loader.Prefetch(context.WithoutCancel(ctx), t.at.Attempt)
	defer batches.Close()
	t.batches = batches
	err = t.loop(ctx)
	s.abandoned = t.abandoned
	if err == nil {
		return nil
	}
	if errors.Is(err, patience.ErrGaveUp) && s.checkpoints.patience.Failures(checkpoints) > 0 {
		return err // what cannot be saved has just been tried
	}
	if saved := s.checkpoints.save(t.at); s.checkpoints.saved != t.at.Step {
		return errors.Join(err, saved)
	}
	return fmt.Errorf("%w\nthe state after step %d is in %s", err, t.at.Step, s.folder.dir.Checkpoints())
}

// trainer is the loop, without data and hooks.
func (s *session) trainer() *trainer {
	t := s.soloist()
	if s.crew != nil {
		// Others wait for the step that has begun: it is never left.
		t.crew, t.scope = s.crew, nil
	}
	t.run = s.runner()
	t.guard.run = t.run
	return t
}

func (s *session) soloist() *trainer {
	return &trainer{
		config: s.config, options: s.options, step: s.step, run: s.session,
		guard: &guard{step: s.step, run: s.session, most: s.config.Train.MaxRefusedSteps},
		at:    Position{Step: s.folder.meta.Step, Attempt: s.folder.meta.Attempt},
		total: s.total(), perEpoch: s.perEpoch(), due: s.folder.meta.ValidationDue,
		scope: s.scope, mayHold: s.mayHold, say: func(text string) { fmt.Fprintln(s.out, text) },
	}
}

func (s *session) newCheckpoints(t *trainer) *checkpointHook {
	c := &s.config.Train
	return &checkpointHook{
		store: s.folder.store, scope: s.scope, run: s.session,
		everySteps: c.CheckpointSteps, everyEpochs: int64(c.CheckpointFreq), keep: c.KeepCheckpoints,
		meta: s.meta(), saved: s.folder.savedStep(), held: func() []checkpoint.Group { return t.held },
		patience: newPatience(s.folder.dir, c.MaxFailedWrites), after: s.folder.markSaved, pause: time.Second,
	}
}

// nextEvent is the first step whose events are new.
func (s *session) nextEvent(taken int64) int64 {
	if taken == 0 {
		return 0
	}
	return taken + 1
}

// hooks are all that happens beside the steps. Validation comes first, since
// the others report it; the checkpoint last, so that a kill in between repeats
// the step rather than losing what the others write.
func (s *session) hooks(ctx context.Context, t *trainer, log *eventLog) []Hook {
	c, dir := &s.config.Train, s.folder.dir
	var hooks []Hook
	if videos := s.data.Test(); c.ValidationVideos > 0 && len(videos) > 0 {
		hooks = append(hooks, &validationHook{
			ctx: ctx, run: s.session, reconstructor: s.reconstructor, videos: videos, every: c.ValidationSteps,
			options: evaluate.Options{Videos: c.ValidationVideos, Frames: c.ValidationFrames, BGThreshold: s.config.PriorityCut.BGThreshold},
		})
	}
	bar := newProgress(s.out, s.step.LossNames, c.LogSteps, t.at.Step, t.total)
	if c.PlanSeconds > 0 {
		hooks = append([]Hook{&planHook{session: s, trainer: t, say: bar.bar.Println, now: time.Now, begun: s.begun}}, hooks...)
	}
	files, patience := s.folder.files, s.checkpoints.patience
	metrics := &metricsHook{files: files, patience: patience, path: dir.Metrics(), columns: s.columns, every: c.LogSteps, vgg: vggNote(s.config.VGG19)}
	s.checkpoints.before = metrics.sync
	pictures, show := s.pictures(), []Hook{s.newCurves(), &unseenHook{ctx: ctx, session: s, events: log}}
	pictures.events, pictures.patience = log, patience
	if s.crew == nil {
		show = append(show, pictures)
	} else { // the others help with them at once, and then wait
		hooks = append([]Hook{pictures}, hooks...)
	}
	hooks = append(append(hooks, metrics), show...)
	return append(hooks,
		&eventsHook{log: log, every: c.LogSteps},
		bar,
		s.dataNews, newHunger(),
		s.checkpoints)
}

// pictures draws what the model makes of training pairs, of the first replica's.
func (s *session) pictures() *picturesHook {
	return &picturesHook{
		step: s.step, options: s.options, variant: s.config.Variant, style: s.style, run: s.runner(),
		files: s.folder.files, dir: s.folder.dir.Pictures(), every: s.config.Train.PictureSteps, rows: s.config.Train.PictureRows,
	}
}

// meta are the notes of this run's checkpoints.
func (s *session) meta() rundir.Meta {
	m := s.folder.meta
	m.TrainVideos, m.Data = s.data.NumItems(), s.data.Digest()
	m.Numerics = machine.Numerics()
	return m
}

// begin makes the folder's files ready and says what is about to happen.
func (s *session) begin(t *trainer) error {
	// What has to be read is read before anything is written.
	rows, err := rowsUntil(t.at.Step, s.folder.dir.Metrics(), s.missingRows)
	if err != nil {
		return err
	}
	if err := s.folder.write(); err != nil {
		return err
	}
	logging.Into(s.folder.dir.Logs())
	if err := os.Remove(s.folder.dir.Summary()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	s.columns = columnsOf(s.step).with(rows)
	if err := writeMetrics(s.folder.files, s.folder.dir.Metrics(), s.columns, rows); err != nil {
		return err
	}
	s.tellNumerics()
	verb := "training"
	if s.folder.resumed {
		verb = fmt.Sprintf("going on at step %d of", t.at.Step)
	}
	length := fmt.Sprintf("%d steps", t.total)
	if seconds := s.config.Train.PlanSeconds; seconds > 0 {
		length = fmt.Sprintf("as many steps as %v allow (the first of them tell)", time.Duration(seconds)*time.Second)
	}
	fmt.Fprintf(s.out, "%s %v: %s of %d pairs, %s\n", verb, s.config, length, s.options.Batch, s.data)
	if r := s.options.Replicas; r.InSession {
		fmt.Fprintf(s.out, "%v share each batch, %s\n", r, s.session.Placement())
	}
	fmt.Fprintf(s.out, "losses %s\nrun folder %s (Ctrl-C saves and stops; the same command goes on)\n", strings.Join(s.step.LossNames, ", "), s.folder.dir)
	return nil
}

// tellNumerics says what changes the last bits of what is computed and is not as
// it was when the run was begun or last went on.
func (s *session) tellNumerics() {
	was := s.folder.meta.Numerics
	if !s.folder.resumed || was == nil {
		return
	}
	if changed := machine.NumericsChanged(was, machine.Numerics()); changed != "" {
		glog.Warningf("numbers may differ in their last bits from those of a run on one machine: %s", changed)
	}
}
