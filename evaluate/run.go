package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/prioritycut"
	"github.com/prioritycut/prioritycut/tf"
)

// defaultVideos is the largest number of videos where no configuration says
// another: the reference's.
const defaultVideos = 1000

// Outcome is what an evaluation found.
type Outcome struct {
	*result.Evaluation
	// Skipped are the videos that could not be read, and why.
	Skipped []result.VideoRow
	// Joints are the keypoints, over all frames, where they were measured.
	Joints []result.JointRow
	// Page is the path of the page, where one was asked for.
	Page string
	// Detectors are the models that looked at frames, and how long that took.
	Detectors []DetectorTime
	// Doubts say which detectors were not trained on what they looked at.
	Doubts []string
	// Resumed counts the videos that an earlier call had done.
	Resumed int
}

// Run evaluates: every frame of the test videos is predicted from the video's
// first frame and compared. Frames stream through; what is finished stays
// finished when the run is interrupted, and the same request goes on. A
// *RequestError says that something else has to be asked for.
func Run(ctx context.Context, q Request) (_ *Outcome, err error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	_, err = os.Stat(q.Out)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(q.Out, 0o755); err != nil {
		return nil, &RequestError{err}
	}
	lock, err := folderlock.Acquire(q.Out)
	if err != nil {
		return nil, err
	}
	e, err := prepare(ctx, &q)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // what it cut short is no failure
		}
		err = errors.Join(err, lock.Discard())
		if fresh {
			_ = os.Remove(q.Out) // made for nothing; one with something in it stays
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	defer func() { err = errors.Join(err, e.close()) }()
	return e.run(ctx)
}

// evaluation is a run at work.
type evaluation struct {
	q           *Request
	description result.Run
	subject     subject
	data        *dataset.Dataset
	videos      []dataset.TestVideo
	saliency    *saliency
	keypoints   *vectorPair
	joints      *jointTable // nil where no keypoints are measured
	embeddings  *vectorPair
	doubts      []string // of detectors
	meter       *meter
	frames      *frameFolder // nil where they are not wanted
	store       *result.Store
	writing     result.Writing
	progress    *videosDone
}

// prepare opens everything and describes it; nothing is computed yet.
func prepare(ctx context.Context, q *Request) (_ *evaluation, err error) {
	e := &evaluation{q: q, writing: q.writing()}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	session, err := e.openSubject(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.openData(ctx); err != nil {
		return nil, err
	}
	if e.description.Inputs, err = e.subject.expect(e.data.Test(), len(e.videos)); err != nil {
		return nil, err
	}
	if err := e.openSources(session); err != nil {
		return nil, err
	}
	if e.meter, err = newMeter(q, &e.description); err != nil {
		return nil, err
	}
	var frames *frameFolder
	if q.WriteFrames != "" {
		if frames, err = newFrameFolder(q.WriteFrames, e.description, e.videos, e.writing); err != nil {
			return nil, &RequestError{err}
		}
	}
	if err := e.openStore(); err != nil {
		return nil, &RequestError{err}
	}
	_, drawn := e.videos[0].Drawn().(truthful)
	if e.joints, err = openJoints(e.description, e.store.Folder(), drawn, e.writing); err != nil {
		return nil, err
	}
	if frames != nil {
		e.frames = frames
		if err := frames.begin(q.Out); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// openStore opens the tables: new ones, those of an earlier call, or those that
// get columns. Where the folder has more columns than are asked for they stay,
// as long as nothing is left to be measured without them.
func (e *evaluation) openStore() (err error) {
	q := e.q
	held, err := result.ReadRun(q.Out)
	more := err == nil && result.Adds(e.description, held)
	if more {
		held.Name, held.From, held.NumVideos = e.description.Name, e.description.From, e.description.NumVideos
		e.description = held
	}
	if e.store, err = result.OpenStoreBy(e.writing, q.Out, e.description, !q.NoFrames); err != nil {
		return err
	}
	asked := map[string]bool{}
	for _, v := range e.videos {
		asked[v.Name()] = true
		if more && !e.store.Done(v.Name()) {
			return fmt.Errorf("%s has columns by %s, and video %s is to be measured: ask for them again, or choose another `out`", q.Out, sources(held), v.Name())
		}
	}
	if lost := e.store.Lost(func(v string) bool { return asked[v] }); len(lost) > 0 {
		return fmt.Errorf("%s has %s that would be lost (%s): give `num_videos`=%d or more to add columns for all, or choose another `out`",
			q.Out, count(len(lost), "video"), lost[0], len(lost)+len(e.videos))
	}
	if n := e.store.Added(); n > 0 {
		e.say("%s holds %s measured otherwise alike: what was not measured is added\n", q.Out, count(n, "video"))
	}
	return nil
}

// sources names what columns of detections come from.
func sources(r result.Run) string {
	var named []string
	for _, s := range []string{r.Masks, r.KeypointsReal, r.EmbeddingsReal} {
		if s != FromNowhere && s != FromTruth {
			named = append(named, s)
		}
	}
	if len(named) == 0 {
		return FromTruth
	}
	return strings.Join(named, ", ")
}

func (e *evaluation) say(format string, args ...any) {
	if e.q.Progress != nil {
		fmt.Fprintf(e.q.Progress, format, args...)
	}
}

// openSubject opens what is evaluated, and says how further models compute.
func (e *evaluation) openSubject(ctx context.Context) (tf.SessionConfig, error) {
	session := tf.SessionConfig{Device: e.q.Device, MemoryGrowth: true, TrustSavedModel: e.q.TrustSavedModel}
	switch q := e.q; {
	case q.Checkpoint != "":
		s, device, err := openCheckpoint(q)
		if err != nil {
			return session, err
		}
		e.subject = s
		session.Device = device
	case q.SavedModel != "":
		s, err := openSavedModel(q, session)
		if err != nil {
			return session, err
		}
		e.subject = s
	default:
		s, err := openPredictions(ctx, q)
		if err != nil {
			return session, err
		}
		e.subject = s
	}
	return session, nil
}

// openData opens the test set and describes the run.
func (e *evaluation) openData(ctx context.Context) error {
	q, r := e.q, &e.description
	p := e.subject.params()
	p.MaxBroken = 1 // broken videos are reported and left out, whatever their number
	if q.Data != "" {
		p.RootDir = q.Data
	}
	if q.Fit != "" {
		p.Fit = q.Fit
	}
	r.FormatVersion, r.Name = result.FormatVersion, q.Name
	e.subject.describe(r)
	if p.RootDir == "" {
		return refuse("%s does not say what it was trained on: give `data` (shapes, sample:NAME or a path)", r.From)
	}
	if r.Name == "" {
		r.Name = NameOf(r.From)
	}
	r.Data, r.Fit, r.DataKind = p.RootDir, string(p.Fit), q.DataKind
	if r.DataKind == "" {
		r.DataKind = kindOfData(p.RootDir, r.Preset)
	}
	r.NumVideos = e.numVideos()
	r.MetricOn, r.SSIMWindow = q.MetricOn, string(q.SSIMWindow)
	var err error
	open := named.OpenOfModel
	if q.Own {
		open = named.Open
	}
	if e.data, err = open(ctx, p); err != nil {
		return &RequestError{err}
	}
	all := e.data.Test()
	r.TestSet = testSetDigest(all)
	e.videos = all[:min(len(all), r.NumVideos)]
	if len(e.videos) == 0 {
		return refuse("data set %s: %w", p.RootDir, ErrNoVideo)
	}
	return nil
}

func (e *evaluation) numVideos() int {
	if e.q.NumVideos > 0 {
		return e.q.NumVideos
	}
	if c := e.config(); c != nil {
		return c.Reconstruction.NumVideos
	}
	return defaultVideos
}

// config is what the evaluated model was trained with; nil where it does not
// tell.
func (e *evaluation) config() *config.Config {
	if s, ok := e.subject.(*modelSubject); ok {
		return s.engine.Config
	}
	return nil
}

// kindOfData guesses what a data set shows.
func kindOfData(data, preset string) string {
	switch {
	case config.Drawn(data), strings.HasPrefix(preset, "taichi"):
		return result.Bodies
	case data == config.SamplePrefix+"talking-head", strings.HasPrefix(preset, "vox"):
		return result.Faces
	}
	return result.Other
}

// openSources opens masks, keypoints and embeddings.
func (e *evaluation) openSources(session tf.SessionConfig) error {
	q, r := e.q, &e.description
	_, drawn := e.videos[0].Drawn().(truthful)
	threshold := prioritycut.DefaultParams().BGThreshold
	if c := e.config(); c != nil {
		threshold = c.PriorityCut.BGThreshold
	}
	var err error
	if q.MaskModel != "" {
		e.saliency, err = newModelSaliency(q.MaskModel, q.MaskHome, r.Data, r.Width, r.Height, session)
	} else {
		e.saliency, err = newSaliency(q.Masks, drawn, threshold, r.Width, r.Height)
	}
	if err != nil {
		return err
	}
	r.Masks = e.saliency.from
	if r.Masks == FromModel {
		r.BGThreshold = threshold
	}
	if e.keypoints, err = openVectors(keypointVectors, q.Keypoints, q.KeypointModel, e.videos, session); err != nil {
		return err
	}
	if e.embeddings, err = openVectors(embeddingVectors, q.Embeddings, q.EmbeddingModel, e.videos, session); err != nil {
		return err
	}
	if err := e.checkDetectors(); err != nil {
		return err
	}
	r.KeypointsReal, r.KeypointsGenerated = e.keypoints.fromReal, e.keypoints.fromGenerated
	r.EmbeddingsReal, r.EmbeddingsGenerated = e.embeddings.fromReal, e.embeddings.fromGenerated
	r.Inputs = strings.Join(strings.Fields(r.Inputs+" "+e.keypoints.input+" "+e.embeddings.input), " ")
	return nil
}

func (e *evaluation) close() error {
	var errs []error
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	errs = append(errs, e.frames.close(), e.saliency.close())
	for _, p := range []*vectorPair{e.keypoints, e.embeddings} {
		if p != nil {
			p.close()
		}
	}
	if e.subject != nil {
		errs = append(errs, e.subject.close())
	}
	return errors.Join(errs...)
}

// run evaluates the videos that are not done yet and sums up.
func (e *evaluation) run(ctx context.Context) (*Outcome, error) {
	o := &Outcome{Doubts: e.doubts}
	e.progress = newVideosDone(e.q.Progress, len(e.videos))
	defer e.progress.bar.End()
	var err error
	if o.Resumed, err = e.all(ctx); err != nil {
		return nil, err
	}
	summary := e.summary()
	before, _ := localfile.Read(result.Folder(e.q.Out).Summary(), maxSummary) // what cannot be read is written anew
	if err := e.store.Finish(summary); err != nil {
		return nil, err
	}
	o.Evaluation = &result.Evaluation{
		Folder: result.Folder(e.q.Out), Run: e.description, Summary: summary, Videos: e.store.Rows(), HasFrames: !e.q.NoFrames,
	}
	if e.joints != nil {
		o.Joints = JointMeans(e.joints.rows)
	}
	o.Detectors = e.detectorTimes()
	for _, r := range o.Videos {
		if r.Error != "" {
			o.Skipped = append(o.Skipped, r)
		}
	}
	for _, b := range e.screened() {
		o.Skipped = append(o.Skipped, result.VideoRow{Video: b.Name, Error: b.Err.Error()})
	}
	if summary[0].Frames == 0 {
		return o, errNothingMeasured
	}
	return o, e.page(ctx, o, before)
}

// maxSummary bounds a summary that is read to see whether it has changed.
const maxSummary = 1 << 24

// page draws the page if it is wanted and not there; before is what the summary
// was until now.
func (e *evaluation) page(ctx context.Context, o *Outcome, before []byte) error {
	if !e.q.Page {
		return nil
	}
	after, err := localfile.Read(o.Folder.Summary(), maxSummary)
	if err != nil {
		return err
	}
	if e.pageStands(before, after) {
		o.Page = filepath.Join(e.q.Out, PageFile)
		return nil
	}
	if err := os.Remove(filepath.Join(e.q.Out, PageFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	e.progress.bar.End()
	return e.writePage(ctx, o)
}

// all evaluates the videos that are not done yet, and tells how many were.
// Videos whose frames could not be written are made again for them, in the end.
func (e *evaluation) all(ctx context.Context) (resumed int, err error) {
	var left []dataset.TestVideo
	for _, v := range e.videos {
		drawn, err := e.frames.has(v)
		if err != nil {
			return 0, err
		}
		if drawn && e.store.Done(v.Name()) {
			resumed++
			e.progress.resumed()
			continue
		}
		left = append(left, v)
	}
	for first := true; len(left) > 0; first = false {
		var again []dataset.TestVideo
		for _, v := range left {
			unread, err := e.video(ctx, v)
			if err != nil {
				return 0, err
			}
			if first {
				e.progress.video()
			}
			if drawn, err := e.frames.has(v); err != nil {
				return 0, err
			} else if !drawn && !unread {
				again = append(again, v)
			}
		}
		if left = again; len(left) > 0 {
			e.frames.again()
		}
	}
	return resumed, nil
}

// screened are the test videos that were found broken when the data set was
// opened; they are not among the videos.
func (e *evaluation) screened() []dataset.Broken {
	known := map[string]bool{}
	for _, v := range e.data.Test() {
		known[v.Name()] = true
	}
	var out []dataset.Broken
	for _, b := range e.data.Broken() {
		folder, name := filepath.Split(b.Name)
		if folder != "train"+string(filepath.Separator) && !known[name] {
			out = append(out, dataset.Broken{Name: name, Err: b.Err})
		}
	}
	return out
}
