package infer

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer/decode"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// Signatures are the functions of an exported model in a graph of ours; all share
// its weights.
type Signatures struct {
	// Notes say what the model is.
	Notes Notes
	// Scope holds the graph and its variables.
	Scope *graph.Scope
	// List has them in an order in which each takes what those before give.
	List []savedmodel.SignatureDef

	networks model.Animator
	infer    *graph.Scope
	feeds    map[string]tensorflow.Output // by tensor name
}

// NewSignatures makes the graph of all signatures of a trained model, in
// inference mode.
func NewSignatures(m *Model, notes Notes) (*Signatures, error) {
	scope := graph.New(tensorflow.Float)
	return addSignatures(scope, m.Config.Family().NewAnimator(scope), notes)
}

func addSignatures(scope *graph.Scope, networks model.Animator, notes Notes) (*Signatures, error) {
	b := &Signatures{
		Notes: notes, Scope: scope, networks: networks, infer: scope.WithTraining(false), feeds: map[string]tensorflow.Output{},
	}
	b.serving()
	b.absolute()
	b.poses()
	b.encodeSource()
	b.animateFrame()
	if err := b.predictBytes(); err != nil {
		return nil, err
	}
	if err := scope.Err(); err != nil {
		return nil, fmt.Errorf("building the signatures: %w", err)
	}
	return b, nil
}

// Named returns the signatures by name.
func (b *Signatures) Named() map[string]savedmodel.SignatureDef {
	named := make(map[string]savedmodel.SignatureDef, len(b.List))
	for _, s := range b.List {
		named[s.Name] = s
	}
	return named
}

// Call runs a signature on named tensors and returns its model.Tensors by name. It is
// an error when a name is unknown or missing, or when a tensor's type, rank or a
// size that the signature fixes is another.
func (b *Signatures) Call(run graph.Runner, name string, inputs map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
	s, ok := b.Named()[name]
	if !ok {
		return nil, fmt.Errorf("signature %q: the model has none of this name", name)
	}
	if err := s.Check(inputs); err != nil {
		return nil, fmt.Errorf("signature %q: %w", name, err)
	}
	fed, wanted := feeds{}, model.Tensors{}
	for key, t := range inputs {
		fed[b.feeds[s.Inputs[key].Tensor]] = t
	}
	for key, spec := range s.Outputs {
		wanted[key] = b.feeds[spec.Tensor]
	}
	results, err := fetch(run, fed, wanted)
	if err != nil {
		return nil, fmt.Errorf("signature %q: %w", name, err)
	}
	return results, nil
}

// picture adds an input of pictures [N, H, W, 3].
func (b *Signatures) picture(s *graph.Scope, name string) tensorflow.Output {
	shape := b.Notes.FrameShape
	return s.Placeholder(name, tensorflow.Float, -1, int64(shape[0]), int64(shape[1]), int64(shape[2]))
}

// add records a signature; its model.Tensors get their names in the graph.
func (b *Signatures) add(s *graph.Scope, name string, in, out model.Tensors) {
	sig := savedmodel.SignatureDef{Name: name, Inputs: map[string]savedmodel.TensorSpec{}, Outputs: map[string]savedmodel.TensorSpec{}}
	for key, o := range in {
		sig.Inputs[key] = b.spec(o)
	}
	for _, key := range sorted(out) {
		sig.Outputs[key] = b.spec(s.Identity(key, out[key]))
	}
	b.List = append(b.List, sig)
}

func (b *Signatures) spec(o tensorflow.Output) savedmodel.TensorSpec {
	if o.Op == nil {
		return savedmodel.TensorSpec{} // the scope has an error
	}
	spec := savedmodel.SpecOf(o)
	b.feeds[spec.Tensor] = o
	return spec
}

// pose detects in pictures of a name.
func (b *Signatures) pose(s *graph.Scope, name string, pictures tensorflow.Output) model.Tensors {
	return b.networks.Pose(s.At("detect_"+name), pictures)
}

// decode predicts, and tells the maps at the size of the pictures.
func (b *Signatures) decode(s *graph.Scope, source, pose model.Tensors) model.Tensors {
	return sized(s, b.networks.Decode(s, source, pose), b.Notes.FrameShape[0], b.Notes.FrameShape[1])
}

// pictures are the inputs of SigDefault: there is no initial frame where there is
// nothing that motion could be relative to.
func (b *Signatures) pictures() []string {
	if b.Notes.NumKP == 0 {
		return []string{Source, Driving}
	}
	return []string{Source, Driving, DrivingInitial}
}

// predict predicts from pictures: by relative motion where there are keypoints.
func (b *Signatures) predict(s *graph.Scope, in model.Tensors) model.Tensors {
	encoded, pose := b.networks.Encode(s, in[Source]), b.pose(s, Driving, in[Driving])
	if initial, ok := in[DrivingInitial]; ok {
		pose = b.networks.Relate(s, encoded, pose, b.pose(s, DrivingInitial, initial), tensorflow.Output{}, b.Notes.UseRelativeJacobian)
	}
	return model.Tensors{Prediction: b.decode(s, encoded, pose)[Prediction]}
}

func (b *Signatures) serving() {
	s := b.infer.At(SigDefault)
	in := model.Tensors{}
	for _, name := range b.pictures() {
		in[name] = b.picture(s, name)
	}
	b.add(s, SigDefault, in, b.predict(s, in))
}

func (b *Signatures) absolute() {
	s := b.infer.At(SigAbsolute)
	in := model.Tensors{Source: b.picture(s, Source), Driving: b.picture(s, Driving)}
	b.add(s, SigAbsolute, in, b.decode(s, b.networks.Encode(s, in[Source]), b.pose(s, Driving, in[Driving])))
}

// posing is the signature that finds poses, and what begins the names of a
// pose's parts where a source is moved to it.
func (b *Signatures) posing() (signature, prefix string) {
	if b.Notes.NumKP == 0 {
		return SigPose, driving
	}
	return SigKeypoints, kpDriving
}

func (b *Signatures) poses() {
	signature, _ := b.posing()
	s := b.infer.At(signature)
	in := model.Tensors{Image: b.picture(s, Image)}
	b.add(s, signature, in, b.pose(s, Image, in[Image]))
}

func (b *Signatures) encodeSource() {
	s := b.infer.At(SigEncode)
	in := model.Tensors{Source: b.picture(s, Source)}
	b.add(s, SigEncode, in, b.networks.Encode(s, in[Source]))
}

// animateFrame takes what encodeSource gives and a pose as poses gives it, in
// the same shapes.
func (b *Signatures) animateFrame() {
	s := b.infer.At(SigFrame)
	named := b.Named()
	in, source, pose := model.Tensors{}, model.Tensors{}, model.Tensors{}
	for _, key := range sorted(named[SigEncode].Outputs) {
		if key == Confidence {
			continue // it is for those who blend several sources
		}
		spec := named[SigEncode].Outputs[key]
		source[key] = s.Placeholder(key, spec.DType, spec.Shape...)
		in[key] = source[key]
	}
	signature, prefix := b.posing()
	for _, part := range sorted(named[signature].Outputs) {
		spec := named[signature].Outputs[part]
		pose[part] = s.Placeholder(prefix+part, spec.DType, spec.Shape...)
		in[prefix+part] = pose[part]
	}
	frames := b.decode(s, b.networks.Spread(s, source, pose), pose)
	b.add(s, SigFrame, in, model.Tensors{Prediction: frames[Prediction]})
}

// predictBytes decodes and fits files, then does as serving.
func (b *Signatures) predictBytes() error {
	s := b.infer.At(SigBytes)
	in, pictures := model.Tensors{}, model.Tensors{}
	for _, name := range b.pictures() {
		files, decoded, err := decode.Files(b.Scope.Graph(), SigBytes+"/"+Bytes(name), b.Notes.FrameShape[0], b.Notes.FrameShape[1], b.Notes.Fit)
		if err != nil {
			return fmt.Errorf("building signature %s: %w", SigBytes, err)
		}
		in[Bytes(name)], pictures[name] = files, decoded
	}
	b.add(s, SigBytes, in, b.predict(s, pictures))
	return nil
}
