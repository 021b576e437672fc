package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
)

// together is a run with other workers. Nothing is written before all of them
// have found that they mean the same.
func (s *session) together(ctx context.Context, o RunOptions) error {
	var err error
	if s.crew, err = join(ctx, *o.Cluster, s.config); err != nil {
		if ctx.Err() != nil {
			s.tellNothingDone()
			return nil
		}
		return err
	}
	defer s.crew.leave()
	s.options.Replicas = s.crew.replicas
	if err = s.options.checkShares(); err == nil {
		err = digestVGG(&s.config.VGG19)
	}
	if err == nil {
		err = s.openData(context.WithoutCancel(ctx)) // the others wait
	}
	if err := s.crew.agree(err); err != nil {
		return err
	}
	if err := s.crew.muster(ctx, s.config, s.data.Digest()); err != nil {
		return err
	}
	if s.crew.stopped {
		s.tellNothingDone()
		return nil
	}
	defer s.close()
	if s.crew.chief() {
		return s.lead(ctx, o)
	}
	return s.follow(ctx)
}

// lead is the chief's part of a run: it has the folder.
func (s *session) lead(ctx context.Context, o RunOptions) error {
	f, err := openFolder(rundir.Dir(o.Dir), s.config, o.Files)
	if err == nil {
		defer f.close()
		s.folder = f
		s.warnOfData()
	}
	told := orders{Failed: err != nil}
	if err == nil {
		told = s.orders()
		told.Complete = f.meta.Step >= s.total() && !f.meta.ValidationDue
	}
	if _, lost := s.crew.order(told); err != nil || lost != nil {
		return errors.Join(err, lost)
	}
	if f.complete(s.total()) {
		f.tellComplete(s.out)
		return nil
	}
	if err = s.prepare(); told.Complete && err == nil { // the others have gone
		if err = s.train(ctx); err == nil {
			err = s.finish(ctx)
		}
		return err
	}
	if err := s.crew.agree(err); err != nil {
		return err
	}
	if err := s.shareState(); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d workers share each batch of %d pairs\n", s.crew.cluster.Size(), s.options.Batch)
	if err := s.train(ctx); err != nil {
		return err
	}
	return s.finish(ctx)
}

// follow is every other worker's part: it takes the chief's state and steps until
// the chief has none left.
func (s *session) follow(ctx context.Context) error {
	told, err := s.crew.order(orders{})
	if err != nil || told.Complete {
		return err
	}
	if told.Failed {
		return errChief
	}
	s.obey(told)
	if err = s.open(); err == nil {
		glog.Infof("computing %s", s.session.Placement())
		err = s.checkMemory()
	}
	if err := s.crew.agree(err); err != nil {
		return err
	}
	if err := s.shareState(); err != nil {
		return err
	}
	t := s.trainer()
	t.at = told.Position
	pictures := s.pictures()
	pictures.helps = true
	t.hooks = []Hook{pictures, s.dataNews, newHunger()}
	batches := s.loader.Prefetch(context.WithoutCancel(ctx), t.at.Attempt)
	defer batches.Close()
	t.batches = batches
	glog.Infof("worker %d of %d goes on behind step %d", s.crew.cluster.Rank, s.crew.cluster.Size(), t.at.Step)
	defer s.dataNews.tell()
	return t.loop(ctx)
}

// errChief says that the chief ends the run.
var errChief = errors.New("the chief (worker 0) cannot go on: its own message says why")

// shareState gives all replicas the variables of the first, the chief's.
func (s *session) shareState() error {
	_, err := s.runner().Run(nil, nil, []*tensorflow.Operation{s.shared})
	tf.Reclaim()
	return err
}

// orders are the chief's at the start.
func (s *session) orders() orders {
	c := &s.config.Train
	return orders{
		Position: Position{Step: s.folder.meta.Step, Attempt: s.folder.meta.Attempt},
		Steps:    c.Steps, Milestones: c.StepMilestones, Planned: c.PlanSeconds == 0,
	}
}

// obey takes over the length that the chief gives the run.
func (s *session) obey(o orders) { o.into(&s.config.Train) }

// stopping reports whether the run is asked to stop: of several workers when all
// know.
func (t *trainer) stopping(ctx context.Context) bool {
	if t.crew != nil {
		return t.crew.stopped
	}
	return ctx.Err() != nil
}

// signals are what this worker tells with the step to come.
func (t *trainer) signals(ctx context.Context) (list [numSignals]float64) {
	if t.crew == nil {
		return list
	}
	if ctx.Err() != nil {
		list[signalStop] = 1
	}
	if t.crew.chief() && t.busyAfter(t.at.Step+1) {
		list[signalPause] = 1
	}
	return list
}

// busyAfter reports whether hooks may take long after a step. The others then
// wait without a limit.
func (t *trainer) busyAfter(step int64) bool {
	c := &t.config.Train
	m := Moment{Position: Position{Step: step}}
	return step < t.total && (c.PlanSeconds > 0 || m.due(c.ValidationSteps) || m.due(c.CheckpointSteps) ||
		m.due(c.PictureSteps) || m.due(int64(c.CheckpointFreq)*t.perEpoch))
}

// heed takes what all replicas said of a step off its numbers. The error is that of
// a refusal.
func (t *trainer) heed(fetched []*tensorflow.Tensor) ([]*tensorflow.Tensor, error) {
	last := len(fetched) - 1
	verdict, err := floats(fetched[last])
	if err != nil {
		return nil, err
	}
	if t.crew != nil {
		t.crew.stopped = t.crew.stopped || verdict[signalStop] > 0
		t.paused = verdict[signalPause] > 0
	}
	if verdict[numSignals] > 0 {
		return nil, &tf.Error{Code: tf.InvalidArgument, Doing: "a step", Message: refusedMark}
	}
	return fetched[:last], nil
}

// meet waits, where the last step was one after which all do, until the chief has
// done what it did beside it. Err is what came of that.
func (t *trainer) meet(err error) error {
	if t.crew == nil || !t.paused || t.crew.lost != nil {
		return err
	}
	t.paused = false
	c := &t.config.Train
	told, lost := t.crew.order(orders{
		Position: t.at, Steps: c.Steps, Milestones: c.StepMilestones, Planned: c.PlanSeconds == 0, Failed: err != nil,
	})
	switch {
	case err != nil:
		return err
	case lost != nil:
		return lost
	case told.Failed:
		return errChief
	}
	told.into(c)
	t.total = c.TotalSteps(t.perEpoch)
	return nil
}

// into gives a run the length that the chief has chosen.
func (o orders) into(c *config.TrainParams) {
	c.Steps, c.StepMilestones = o.Steps, o.Milestones
	if o.Planned {
		c.PlanSeconds = 0
	}
}
