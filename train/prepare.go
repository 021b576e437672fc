package train

import (
	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// prepare builds the graph and gives every variable its value.
func (s *session) prepare() error {
	if err := s.open(); err != nil {
		return err
	}
	glog.Infof("computing %s", s.session.Placement())
	if err := s.checkMemory(); err != nil {
		return err
	}
	if err := s.assign(); err != nil || len(s.step.Mirrors) == 0 {
		return err
	}
	return s.shareState()
}

// open makes the graph and the session that computes it.
func (s *session) open() error {
	if err := s.build(); err != nil {
		return err
	}
	sessions := sessionConfigOf(s.config.Run)
	if s.crew != nil {
		sessions = s.crew.sessions
	}
	var err error
	s.session, err = tf.NewReplicatedSession(s.step.Graphs(s.scope), sessions)
	return err
}

// runner runs what waits for other replicas.
func (s *session) runner() graph.Runner {
	if s.crew != nil {
		return s.crew.over(s.session)
	}
	return s.step.Over(s.session)
}

// build adds training step and validation to one graph, and a training step to that
// of every other device.
func (s *session) build() error {
	s.scope = graph.New(tensorflow.Float)
	var err error
	if s.step, err = BuildStep(s.scope, s.options); err != nil {
		return err
	}
	if err = s.step.BuildMirrors(s.scope, s.options); err != nil {
		return err
	}
	if s.options.Replicas.Size > 1 {
		if s.shared, err = s.step.share(s.scope, s.crew == nil || s.crew.chief()); err != nil {
			return err
		}
	}
	s.reconstructor, err = evaluate.NewReconstructor(s.scope, s.step.Training.Animator(), s.options.Height, s.options.Width)
	return err
}

// checkMemory refuses what would not fit, before anything large is allocated.
func (s *session) checkMemory() error {
	m, err := EstimateMemory(s.scope, s.step, s.options)
	if err != nil {
		return err
	}
	glog.Infof("memory: %v", m)
	if limit, ok := s.session.DeviceMemory(); ok {
		return checkDeviceMemory(m, s.options, limit) // nothing is kept twice there
	}
	together := 1
	if s.crew != nil {
		together = s.crew.cluster.Together()
	}
	s.mayHold = m.mayHold(s.options, together)
	return checkMemory(m, s.options, together)
}

// assign gives all variables their first values, in one run: those of VGG-19's
// file and of a checkpoint, the others drawn from the seed.
func (s *session) assign() error {
	all := values{}
	for _, load := range []func() (values, error){s.loadVGG, s.loadInitial, s.loadCheckpoint} {
		loaded, err := load()
		if err != nil {
			return err
		}
		for v, t := range loaded {
			all[v] = t
		}
	}
	return graph.InitializeWith(s.session, s.scope.Variables(), s.config.Seed, all)
}

func (s *session) loadVGG() (values, error) {
	v := s.config.VGG19
	if s.step.Training.VGG() == nil {
		return nil, nil // no term compares features
	}
	if v.SHA256 == "" {
		glog.Warning("`vgg19`: the perceptual loss compares random fixed features, not those that the paper trained with (`vgg19`=FILE)")
		return nil, nil
	}
	glog.Infof("VGG-19: weights of %s", v.File)
	return vggValues(s.step.Training.VGG(), v)
}

// loadInitial takes over what --init_from names, when the run begins.
func (s *session) loadInitial() (values, error) {
	if s.config.InitFrom == "" || s.folder.resumed {
		return nil, nil
	}
	c, err := openInitial(s.config.InitFrom)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return initFrom(c, s.scope, s.config)
}

func (s *session) loadCheckpoint() (values, error) {
	if !s.folder.resumed {
		return nil, nil
	}
	c, err := s.folder.store.Open(s.folder.meta.Step)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return restore(c, s.scope)
}
