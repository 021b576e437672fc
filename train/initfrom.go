package train

import (
	"fmt"
	"strings"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// openInitial opens what --init_from names.
func openInitial(path string) (*checkpoint.Checkpoint, error) {
	c, err := infer.OpenCheckpoint(path)
	if err != nil {
		return nil, fmt.Errorf("init_from: %w", err)
	}
	return c, nil
}

// initFrom takes over what a finished run gives to one that goes on from it:
// the animator's weights and averages, all of them; the optimisers' slots of the
// networks that are trained; of the discriminator what the configuration says,
// without slots. It tells what was taken and what starts anew.
func initFrom(c *checkpoint.Checkpoint, s *graph.Scope, conf *config.Config) (values, error) {
	if err := fitsNotes(c, conf); err != nil {
		return nil, fmt.Errorf("init_from: %w", err)
	}
	i := &initializer{from: c, players: conf.Family().Players(), all: values{}}
	i.read()
	if i.err != nil {
		return nil, fmt.Errorf("init_from: %w", i.err)
	}
	i.animator(s)
	i.moments(s)
	i.discriminator(s, conf.Train.InitDiscriminator)
	if i.err != nil {
		return nil, fmt.Errorf("init_from: %w", i.err)
	}
	return i.all, nil
}

// fitsNotes refuses a checkpoint whose notes tell that its networks are others.
// A converted one need not have any.
func fitsNotes(c *checkpoint.Checkpoint, conf *config.Config) error {
	meta, err := rundir.DecodeMeta(c.Meta)
	if err != nil {
		return nil
	}
	was, known := model.Variant(meta.Variant).Traits()
	if now := conf.FamilyName(); known && was.Family != now {
		return fmt.Errorf("%s holds networks of %s (variant %s) and this run has those of %s (variant %s): name a checkpoint of that family, or another variant", c.Dir, was.Family, meta.Variant, now, conf.Variant)
	}
	if meta.AlignCorners != conf.Model.AlignCorners {
		return fmt.Errorf("%s was trained with model_params.align_corners %t and this run has %t: set it alike", c.Dir, meta.AlignCorners, conf.Model.AlignCorners)
	}
	return nil
}

// initializer gathers the values that a checkpoint gives.
type initializer struct {
	from           *checkpoint.Checkpoint
	players        []model.Player
	weights, slots map[string]*tensorflow.Tensor
	all            values
	err            error
}

func (i *initializer) read() {
	i.weights, i.slots = map[string]*tensorflow.Tensor{}, map[string]*tensorflow.Tensor{}
	for _, group := range i.from.Groups() {
		into := i.weights
		switch group {
		case rundir.Optimizer:
			into = i.slots
		case rundir.Weights, rundir.State:
		default:
			continue
		}
		tensors, err := infer.Stored(i.from, group)
		if err != nil {
			i.err = err
			return
		}
		for name, t := range tensors {
			into[name] = t
		}
	}
}

// vars are weights and averages of the networks that judge, or of those that
// animate.
func (i *initializer) vars(s *graph.Scope, critics bool) []*graph.Variable {
	var vars []*graph.Variable
	for _, v := range s.Variables(graph.Trainable, graph.State) {
		if p, ok := model.OwnerOf(i.players, v.Name); ok && p.Critic == critics {
			vars = append(vars, v)
		}
	}
	return vars
}

// animator takes the weights and averages of the networks that animate: all
// must be there.
func (i *initializer) animator(s *graph.Scope) {
	taken, wrong := infer.Match(i.vars(s, false), i.weights)
	if len(wrong) > 0 {
		i.err = fmt.Errorf("%s does not fit this model: %s", i.from.Dir, infer.Some(wrong))
		return
	}
	for v, t := range taken {
		i.all[v] = t
	}
	glog.Infof("init_from: %d tensors of the networks that animate are taken from %s", len(taken), i.from.Dir)
}

// moments takes what the optimisers know of the networks that animate and are
// trained: of each player's as a whole or not at all.
func (i *initializer) moments(s *graph.Scope) {
	for _, p := range i.players {
		if p.Critic {
			continue
		}
		var vars []*graph.Variable
		for _, v := range s.Variables(graph.Slot) {
			if name, ok := strings.CutPrefix(v.Name, slotScope+"."); ok && p.Keeps(name) {
				vars = append(vars, v)
			}
		}
		if len(vars) == 0 {
			glog.Infof("init_from: %s is not trained, it keeps its weights", p.Name)
			continue
		}
		if missing := i.lacking(vars); missing != "" {
			glog.Warningf("`init_from`: the optimiser starts anew for %s: %s", p.Name, missing)
			continue
		}
		for _, v := range vars {
			i.all[v] = i.slots[v.Name]
		}
		glog.Infof("init_from: the optimiser goes on for %s (%d tensors)", p.Name, len(vars))
	}
}

// lacking says why slots cannot be taken, if so.
func (i *initializer) lacking(vars []*graph.Variable) string {
	for _, v := range vars {
		if t, ok := i.slots[v.Name]; !ok || !v.Fits(t) {
			return v.Name + " is missing or of another shape"
		}
	}
	return ""
}

// discriminator takes the tensors of equal name, after discs.1., and equal
// shape, if asked. Its moments start anew.
func (i *initializer) discriminator(s *graph.Scope, how config.InitDiscriminator) {
	vars := i.vars(s, true)
	if len(vars) == 0 {
		return
	}
	if how != config.MatchingDiscriminator {
		glog.Infof("init_from: the discriminator starts anew (init_discriminator: %s)", how)
		return
	}
	stored := map[string]*tensorflow.Tensor{}
	for name, t := range i.weights {
		stored[plainName(name)] = t
	}
	var taken, left []string
	for _, v := range vars {
		if t, ok := stored[plainName(v.Name)]; ok && v.Fits(t) {
			i.all[v] = t
			taken = append(taken, v.Name)
			continue
		}
		left = append(left, v.Name)
	}
	glog.Infof("init_from: of the discriminator %d tensors are taken: %s", len(taken), strings.Join(taken, ", "))
	glog.Infof("init_from: of the discriminator %d tensors start anew: %s", len(left), strings.Join(left, ", "))
}

// slotScope is where a step keeps its optimisers.
const slotScope = "optimizer"

// plainName takes the scale out of the names of a multi-scale discriminator's
// variables, so that they compare with a U-Net's.
func plainName(name string) string {
	return strings.Replace(name, "discriminator.discs.1.", "discriminator.", 1)
}
