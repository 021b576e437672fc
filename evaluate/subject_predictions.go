package evaluate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/video"
)

// predictionSubject reads frames that any program made.
type predictionSubject struct {
	root    string
	p       dataset.Params
	current *storedVideo // nil where there is none for the video
	length  int
	warned  bool
}

// openPredictions looks at the first prediction for the size of them all.
func openPredictions(ctx context.Context, q *Request) (*predictionSubject, error) {
	s := &predictionSubject{root: q.Predictions, p: dataset.DefaultParams()}
	s.p.Fit = q.Fit
	if s.p.Fit == "" {
		s.p.Fit = video.Stretch
		if strings.HasPrefix(q.Data, config.SamplePrefix) {
			s.p.Fit = video.Crop
		}
	}
	s.p.IDSampling = q.IDSampling
	w, h, err := q.Width, q.Height, error(nil)
	if w == 0 || h == 0 {
		if w, h, err = firstSize(ctx, q.Predictions); err != nil {
			return nil, &RequestError{err}
		}
	}
	s.p.FrameShape = [3]int{h, w, 3}
	return s, nil
}

// firstSize is the size of the frames of the first video in a folder. A strip
// is taken to be of squares.
func firstSize(ctx context.Context, root string) (w, h int, err error) {
	entries, err := localfile.ReadDir(root)
	if err != nil {
		return 0, 0, fmt.Errorf("predictions: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return 0, 0, err
		}
		switch video.KindOf(e.Name(), info.IsDir()) {
		case video.Folder:
			names, err := video.ListFrames(path, video.DefaultLimits)
			if err != nil {
				continue // it may be something else
			}
			return video.PictureSize(filepath.Join(path, names[0]), video.DefaultLimits)
		case video.Strip:
			_, h, err := video.PictureSize(path, video.DefaultLimits)
			return h, h, err
		case video.FilmFile:
			info, err := video.Probe(ctx, path, video.DefaultLimits)
			return info.W, info.H, err
		}
	}
	return 0, 0, fmt.Errorf("%s holds no predictions: for each test video a folder of png frames, a png with the frames side by side, or a lossless film, of the test video's name", root)
}

func (s *predictionSubject) describe(r *result.Run) {
	r.Kind, r.From = result.Predictions, s.root
	r.Height, r.Width, r.Fit = s.p.FrameShape[0], s.p.FrameShape[1], string(s.p.Fit)
}

func (s *predictionSubject) params() dataset.Params { return s.p }

func (s *predictionSubject) batch() int { return infer.BatchOf(s.p.FrameShape[0], s.p.FrameShape[1]) }

// expect refuses a folder with predictions of none of the videos. The files are
// told apart by their names, sizes and times: reading them all twice would cost
// as much as the evaluation.
func (s *predictionSubject) expect(all []dataset.TestVideo, n int) (inputs string, err error) {
	stamp := sha256.New()
	found := 0
	for i, v := range all {
		path, err := findStored(s.root, v.Name())
		if err != nil {
			return "", err
		}
		if path == "" {
			continue
		}
		if i < n {
			found++
		}
		if err := addStamp(stamp, path); err != nil {
			return "", err
		}
	}
	if found == 0 {
		return "", refuse("%s holds predictions of none of the %d test videos, such as %s: name them as the test videos are named, for example %s",
			s.root, n, all[0].Name(), filepath.Join(s.root, all[0].Name(), "0000000.png"))
	}
	return "predictions@" + short(hex.EncodeToString(stamp.Sum(nil))), nil
}

// addStamp adds the name, size and time of a film or strip, or of the pictures
// in a folder.
func addStamp(to io.Writer, path string) error {
	fmt.Fprintf(to, "%q\n", filepath.Base(path))
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		fmt.Fprintf(to, "%d %d\n", info.Size(), info.ModTime().UnixNano())
		return nil
	}
	entries, err := localfile.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if video.KindOf(e.Name(), e.IsDir()) != video.Strip {
			continue
		}
		info, err := os.Stat(filepath.Join(path, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(to, "%q %d %d\n", e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return nil
}

func (s *predictionSubject) begin(ctx context.Context, v dataset.TestVideo, _ *video.Frame) error {
	s.length, s.current = 0, nil
	path, err := findStored(s.root, v.Name())
	if err != nil || path == "" {
		return err
	}
	length, err := v.Len(ctx)
	if err != nil {
		return &readError{fmt.Errorf("video %s: %w", v.Name(), err)}
	}
	if video.KindOf(path, false) == video.FilmFile && !s.warned {
		if info, err := video.Probe(ctx, path, video.DefaultLimits); err == nil && !lossless[info.Codec] {
			s.warned = true
			glog.Warningf("%s is compressed by %s, which changes the pictures and with them every metric: png frames are compared as they were made", path, info.Codec)
		}
	}
	s.length = length
	s.current, err = openStored(ctx, path, s.p.FrameShape[1], s.p.FrameShape[0], length, video.DefaultLimits)
	return err
}

// lossless are ffmpeg's names of compressions that change nothing.
var lossless = map[string]bool{"ffv1": true, "png": true, "apng": true, "rawvideo": true, "huffyuv": true, "ffvhuff": true, "utvideo": true, "qtrle": true}

func (s *predictionSubject) predict(_ context.Context, first int, driving []*video.Frame) ([]guess, error) {
	out := make([]guess, len(driving))
	for i := range driving {
		var f *video.Frame
		if s.current != nil {
			var err error
			if f, err = s.current.frame(first + i); err != nil {
				return nil, err
			}
		}
		if f == nil {
			continue // there is none
		}
		out[i] = guess{pix: unit(f.Pix), frame: f}
	}
	return out, nil
}

func (s *predictionSubject) end() error {
	if s.current == nil {
		return nil
	}
	err := s.current.rest(s.length)
	if closed := s.current.close(); err == nil {
		err = closed
	}
	s.current = nil
	return err
}

func (s *predictionSubject) close() error {
	err := s.current.close()
	s.current = nil
	return err
}
