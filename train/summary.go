package train

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf/events"
)

// Measure is a row of summary.csv: what the finished run reached on unseen
// videos.
type Measure struct {
	FormatVersion int    `csv:"format_version"`
	Step          int64  `csv:"step"`
	Measure       string `csv:"measure"`
	Value         Number `csv:"value"`
	Meaning       string `csv:"meaning"`
}

// finish measures a complete run on its test videos and tells where to look.
func (s *session) finish(ctx context.Context) error {
	at, attempts := s.checkpoints.meta.Step, s.checkpoints.meta.Attempt
	if refused := attempts - at; refused > 0 {
		fmt.Fprintf(s.out, "%d attempts at a step were refused since the run began (see the log)\n", refused)
	}
	if at == 0 {
		fmt.Fprintln(s.out, "stopped before a step was taken")
		return nil
	}
	if at < s.total() {
		fmt.Fprintf(s.out, "stopped and saved after step %d of %d; the same command goes on\n", at, s.total())
		return nil
	}
	videos := s.data.Test()
	if len(videos) == 0 || s.config.Train.ValidationVideos == 0 {
		return s.writeSummary(at, nil)
	}
	fmt.Fprintln(s.out, "measuring the result on unseen videos")
	o := s.finalOptions(len(videos))
	found, err := evaluate.Validate(ctx, s.session, s.reconstructor, videos, o)
	if err == nil {
		err = s.drawUnseenLast(ctx, at, videos)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(s.out, "all steps are taken and saved; the same command measures the result")
		return nil
	}
	if err != nil {
		return err
	}
	return s.writeSummary(at, found)
}

// mostFinalFrames bounds how many frames are reconstructed at the end of a run:
// a minute or two at most. Beyond it frames are spread over the videos.
const mostFinalFrames = 2000

// finalOptions take all frames of all test videos as far as they are few.
func (s *session) finalOptions(videos int) evaluate.Options {
	o := evaluate.Options{Videos: min(s.config.Reconstruction.NumVideos, videos), BGThreshold: s.config.PriorityCut.BGThreshold}
	scale := float64(64*64) / float64(s.options.Height*s.options.Width)
	most := max(int(mostFinalFrames*min(scale, 1)), 64)
	o.Videos = min(o.Videos, most)
	o.Frames = max(most/o.Videos, 1)
	return o
}

// unseenRows is the number of test videos in a picture of them.
const unseenRows = 8

// unseenHook draws what the model makes of test videos whenever it was validated;
// what it makes of them at the end is drawn with the summary.
type unseenHook struct {
	ctx     context.Context
	session *session
	events  *eventLog
}

// After implements Hook. A run that was asked to stop does not keep anybody
// waiting for pictures.
func (h *unseenHook) After(m *Moment) error {
	if m.Validation == nil || m.Last() {
		return nil
	}
	err := h.session.drawUnseen(h.ctx, m.Step, h.session.data.Test(), h.events)
	if h.ctx.Err() != nil {
		return nil
	}
	return err
}

// End implements Hook.
func (h *unseenHook) End(*Moment) error { return nil }

// drawUnseenLast draws what the finished model makes of test videos.
func (s *session) drawUnseenLast(ctx context.Context, at int64, videos []dataset.TestVideo) error {
	log := &eventLog{files: s.folder.files, dir: s.folder.dir.Events(), patience: s.checkpoints.patience}
	err := log.write(at+1, func(*events.Writer) error { return nil }) // what the steps have said stays
	if err == nil {
		err = s.drawUnseen(ctx, at, videos, log)
	}
	if err != nil {
		return err
	}
	return log.close()
}

// drawUnseen draws what the model makes of test videos.
func (s *session) drawUnseen(ctx context.Context, at int64, videos []dataset.TestVideo, log *eventLog) error {
	o := evaluate.Options{Videos: unseenRows, BGThreshold: s.config.PriorityCut.BGThreshold}
	grid, err := s.reconstructor.Grid(ctx, s.session, videos, o, s.style)
	if err != nil {
		return err
	}
	drawn, err := grid.Draw()
	if err != nil {
		return err
	}
	encoded, err := picture.PNG(drawn)
	if err != nil {
		return err
	}
	patience := s.checkpoints.patience
	err = s.folder.files.MkdirAll(s.folder.dir.Pictures())
	if err == nil {
		err = durable.WriteFileOn(s.folder.files, filepath.Join(s.folder.dir.Pictures(), fmt.Sprintf("unseen-%08d.png", at)), encoded)
	}
	if err := patience.Wrote(pictures, err); err != nil {
		return err
	}
	return log.write(at, func(w *events.Writer) error { return w.Image(at, "unseen_videos", encoded) })
}

// writeSummary writes summary.csv and says the same in words.
func (s *session) writeSummary(at int64, found *evaluate.Result) error {
	measures := measuresOf(at, found)
	data, err := gocsv.MarshalBytes(measures)
	if err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	err = s.checkpoints.patience.Insist("summary.csv", s.checkpoints.pause, func() error {
		return durable.WriteFileOn(s.folder.files, s.folder.dir.Summary(), data)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "complete after %d steps\n", at)
	if found != nil {
		fmt.Fprint(s.out, inWords(found))
	}
	fmt.Fprintf(s.out, "pictures are in %s, curves in %s, numbers in %s and %s\n",
		s.folder.dir.Pictures(), s.folder.dir.Curves(), s.folder.dir.Metrics(), s.folder.dir.Summary())
	if s.finished != nil {
		s.finished(s.folder.dir)
	}
	return nil
}

// measuresOf are the rows of summary.csv.
func measuresOf(at int64, r *evaluate.Result) []Measure {
	all := []Measure{}
	if r == nil {
		return all
	}
	add := func(name string, v float64, meaning string) {
		all = append(all, Measure{FormatVersion: rundir.FormatVersion, Step: at, Measure: name, Value: known(v), Meaning: meaning})
	}
	add("videos", float64(r.Videos), "unseen videos compared")
	add("frames", float64(r.Frames), "their frames")
	for _, part := range []struct {
		prefix, where string
		errors        *evaluate.Errors
	}{{"", "whole pictures", &r.Whole}, {"foreground_", "the drawn figures", r.Foreground}} {
		e := part.errors
		if e == nil {
			continue
		}
		add(part.prefix+"l1", e.L1, "L1 of the prediction over "+part.where)
		add(part.prefix+"l1_copy_source", e.CopySource, "L1 of copying the source frame over "+part.where)
		add(part.prefix+"l1_mean_frame", e.MeanFrame, "L1 of the video's mean frame over "+part.where)
		add(part.prefix+"l1_frozen", e.Frozen, "L1 with the driving pose replaced by the source's over "+part.where)
		add(part.prefix+"l1_over_copy", ratio(e.L1, e.CopySource), "prediction over copying the source: below 1 is better than copying")
		add(part.prefix+"l1_over_mean", ratio(e.L1, e.MeanFrame), "prediction over the mean frame")
		add(part.prefix+"frozen_over_l1", ratio(e.Frozen, e.L1), "without motion over with: above 1 says that motion was learned")
	}
	if r.HasBackground {
		add("background_iou", r.BackgroundIoU, "background mask against the drawn background")
	}
	return all
}

// inWords says what a validation found.
func inWords(r *evaluate.Result) string {
	w := r.Whole
	text := fmt.Sprintf("on %d frames of %d unseen videos the mean absolute error of a reconstructed frame is %.4f (of 1):\n"+
		"  %.2f of what copying the source frame gives (%.4f), %.2f of the video's mean frame (%.4f)\n",
		r.Frames, r.Videos, w.L1, ratio(w.L1, w.CopySource), w.CopySource, ratio(w.L1, w.MeanFrame), w.MeanFrame)
	if f := r.Foreground; f != nil {
		text += fmt.Sprintf("  over the drawn figures alone %.4f: %.2f of copying (%.4f), %.2f of the mean frame (%.4f)\n"+
			"  with the driving pose frozen their error is %.2f times that (%.4f): above 1, motion was learned\n",
			f.L1, ratio(f.L1, f.CopySource), f.CopySource, ratio(f.L1, f.MeanFrame), f.MeanFrame, ratio(f.Frozen, f.L1), f.Frozen)
		if r.HasBackground {
			text += fmt.Sprintf("  the background mask agrees with the drawn background by an IoU of %.2f\n", r.BackgroundIoU)
		}
	} else {
		text += fmt.Sprintf("  with the driving pose frozen it is %.2f times that (%.4f): above 1, motion was learned\n", ratio(w.Frozen, w.L1), w.Frozen)
	}
	return text
}
