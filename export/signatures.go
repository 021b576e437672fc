package export

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
)

// builder adds the signatures of one model to a graph; all share its weights.
type builder struct {
	notes    Notes
	scope    *graph.Scope
	animator *fomm.Animator
	list     []tf.SignatureDef
}

// tensors are named inputs or outputs of a signature.
type tensors map[string]tensorflow.Output

// build makes the graph of all signatures, in inference mode.
func build(notes Notes, p fomm.Params) (*builder, error) {
	scope := graph.New(tensorflow.Float)
	b := &builder{notes: notes, scope: scope.WithTraining(false), animator: fomm.NewAnimator(scope, p)}
	b.serving(SigDefault)
	b.absolute()
	b.keypoints()
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

// picture adds an input of pictures [N, H, W, 3].
func (b *builder) picture(s *graph.Scope, name string) tensorflow.Output {
	shape := b.notes.FrameShape
	return s.Placeholder(name, tensorflow.Float, -1, int64(shape[0]), int64(shape[1]), int64(shape[2]))
}

// add records a signature; its outputs get their names in the graph.
func (b *builder) add(s *graph.Scope, name string, in, out tensors) {
	sig := tf.SignatureDef{Name: name, Inputs: map[string]tf.TensorSpec{}, Outputs: map[string]tf.TensorSpec{}}
	for key, o := range in {
		sig.Inputs[key] = tf.SpecOf(o)
	}
	for key, o := range out {
		if o.Op == nil {
			continue // the model has none
		}
		sig.Outputs[key] = tf.SpecOf(s.Identity(key, o))
	}
	b.list = append(b.list, sig)
}

func (b *builder) detect(s *graph.Scope, name string, picture tensorflow.Output) fomm.Keypoints {
	return b.animator.KPDetector.Detect(s.At("detect_"+name), picture).Keypoints
}

// relative predicts by relative motion from pictures.
func (b *builder) relative(s *graph.Scope, source, driving, initial tensorflow.Output) tensorflow.Output {
	kpSource := b.detect(s, Source, source)
	kp := fomm.Relative(s, kpSource, b.detect(s, Driving, driving), b.detect(s, DrivingInitial, initial),
		tensorflow.Output{}, b.notes.UseRelativeJacobian)
	return b.animator.Generator.Generate(s, source, kpSource, kp).Prediction
}

func (b *builder) serving(name string) {
	s := b.scope.At(name)
	in := tensors{Source: b.picture(s, Source), Driving: b.picture(s, Driving), DrivingInitial: b.picture(s, DrivingInitial)}
	b.add(s, name, in, tensors{Prediction: b.relative(s, in[Source], in[Driving], in[DrivingInitial])})
}

func (b *builder) absolute() {
	s := b.scope.At(SigAbsolute)
	in := tensors{Source: b.picture(s, Source), Driving: b.picture(s, Driving)}
	g := b.animator.Generator.Generate(s, in[Source], b.detect(s, Source, in[Source]), b.detect(s, Driving, in[Driving]))
	// Maps come at the size of the pictures that they belong to.
	large := func(m tensorflow.Output) tensorflow.Output {
		return s.ResizeBilinear(m, b.notes.FrameShape[0], b.notes.FrameShape[1])
	}
	out := tensors{Prediction: g.Prediction, Background: large(g.Background(s))}
	if g.OcclusionMap.Op != nil {
		out[OcclusionMap] = large(g.OcclusionMap)
	}
	b.add(s, SigAbsolute, in, out)
}

func (b *builder) keypoints() {
	s := b.scope.At(SigKeypoints)
	in := tensors{Image: b.picture(s, Image)}
	kp := b.detect(s, Image, in[Image])
	b.add(s, SigKeypoints, in, tensors{Value: kp.Value, Jacobian: kp.Jacobian})
}

func (b *builder) encodeSource() {
	s := b.scope.At(SigEncode)
	in := tensors{Source: b.picture(s, Source)}
	kp := b.detect(s, Source, in[Source])
	e := b.animator.Generator.Encode(s, in[Source])
	b.add(s, SigEncode, in, tensors{
		Small: e.Small, Features: e.Features, KPSourceValue: kp.Value, KPSourceJacobian: kp.Jacobian,
	})
}

// animateFrame takes what encodeSource gives, in the same shapes.
func (b *builder) animateFrame() {
	s := b.scope.At(SigFrame)
	encode := b.list[len(b.list)-1]
	in := tensors{}
	for key, spec := range encode.Outputs {
		in[key] = s.Placeholder(key, spec.DType, spec.Shape...)
	}
	k := int64(b.notes.NumKP)
	in[KPDrivingValue] = s.Placeholder(KPDrivingValue, tensorflow.Float, -1, k, 2)
	if b.notes.Jacobians {
		in[KPDrivingJacobian] = s.Placeholder(KPDrivingJacobian, tensorflow.Float, -1, k, 2, 2)
	}
	source := fomm.Keypoints{Value: in[KPSourceValue], Jacobian: in[KPSourceJacobian]}
	driving := fomm.Keypoints{Value: in[KPDrivingValue], Jacobian: in[KPDrivingJacobian]}

	// Zeros [N, 1, 1, 1], which repeat the features of one source for N frames.
	first := s.Slice(driving.Value, []int{0, 0, 0}, []int{-1, 1, 1})
	zeros := s.Scale(s.ExpandDims(first, 3), 0)
	e := fomm.Encoded{Small: s.Add(in[Small], zeros), Features: s.Add(in[Features], zeros)}
	g := b.animator.Generator.Decode(s, e, source, driving)
	b.add(s, SigFrame, in, tensors{Prediction: g.Prediction})
}

// predictBytes decodes and fits files, then does as serving.
func (b *builder) predictBytes() error {
	s := b.scope.At(SigBytes)
	in, pictures := tensors{}, map[string]tensorflow.Output{}
	for _, name := range []string{Source, Driving, DrivingInitial} {
		files, decoded, err := decodeFiles(b.scope.Graph(), SigBytes+"/"+Bytes(name), b.notes)
		if err != nil {
			return fmt.Errorf("building signature %s: %w", SigBytes, err)
		}
		in[Bytes(name)], pictures[name] = files, decoded
	}
	b.add(s, SigBytes, in, tensors{Prediction: b.relative(s, pictures[Source], pictures[Driving], pictures[DrivingInitial])})
	return nil
}
