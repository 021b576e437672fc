package serve

import (
	"context"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// Model answers predict requests. *savedmodel.Model is one.
type Model interface {
	// Signatures describes what can be called, by name.
	Signatures() map[string]savedmodel.SignatureDef
	// Call runs a signature. Several calls may run at once.
	Call(signature string, inputs map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error)
}

// Animator makes films.
type Animator interface {
	// Animate writes the film a.Result: whole, or nothing under that name. It
	// returns soon after ctx ends. Several calls may run at once.
	Animate(ctx context.Context, a Animation, report Report) error
	// Defaults are the choices of a client that makes none.
	Defaults() Choices
	// Abilities tell which choices there are.
	Abilities() Abilities
}

// Abilities are what not every family of models can do.
type Abilities struct {
	// Relative movement needs keypoints.
	Relative bool
	// SeveralSources means that pictures of the same figure may be given together.
	SeveralSources bool
}

// Report takes news of an animation; its functions may be called from any
// goroutine.
type Report struct {
	// Progress is told the frames done and the frames in all, 0 while unknown.
	Progress func(done, total int)
	// Warn is told what the result will suffer from.
	Warn func(text string)
}

// Animation is the work of one job.
type Animation struct {
	// Source, Driving and Result are paths. Source holds a png or jpg file,
	// Driving a film, whatever their names say; the ending of Result tells the
	// format.
	Source, Driving, Result string
	// Further are more pictures of the same figure, where the animator is able to
	// take several.
	Further []string
	// SourceView and DrivingView are where it may leave what the model sees of
	// both, to be shown beside the result: a png, and a film of Result's format.
	// Empty where nobody wants them.
	SourceView, DrivingView string
	// Limits hold for each source and driving.
	Limits video.Limits
	Choices
}

// Choices are what a client may choose.
type Choices struct {
	// Relative moves the source by how the driving film has moved since its
	// first frame, instead of putting it into the film's pose.
	Relative bool
	// AdaptScale scales that movement by the sizes of the two figures.
	AdaptScale bool
	// FindBestFrame starts from the driving frame that is nearest to the
	// source's pose, BestFrame from that of a number. They, and AdaptScale,
	// belong to relative movement.
	FindBestFrame bool
	BestFrame     int
	// Fit brings pictures to the model's size; empty is the model's own way.
	Fit video.Fit
	// Keypoints draws those of source, driving film and result on them.
	Keypoints bool
	// Audio takes the driving film's sound over.
	Audio bool
	// Format of the result: mp4, webm or gif.
	Format string
	// Unattended jobs are not cancelled when nobody asks about them.
	Unattended bool
}

// mediaTypes are the formats of results and what HTTP calls them.
var mediaTypes = map[string]string{"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif"}

// Backend is what a server serves: either may be nil, its paths then do not
// exist.
type Backend struct {
	Model    Model
	Animator Animator
	// About tells people what the model was trained on, in a phrase such as
	// "drawn figures, 64x64 pixels"; empty when that is not known.
	About string
	// Examples may be chosen on the page in place of files. May be empty.
	Examples []Example
}
