package prepare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/prepare/twins"
)

// scan is what looking at a video found. It is kept, since looking takes as
// long as decoding.
type scan struct {
	W, H, Frames int
	// Damage says why the video ended early; empty if it did not.
	Damage string `json:",omitempty"`
	// Remarks are what was learned of the video while it was read.
	Remarks []string `json:",omitempty"`
	// Parts are the scenes, cut into pieces, or the stretches asked for.
	Parts []part
	// SignatureSum is the checksum of the file of signatures.
	SignatureSum string
}

// part is a stretch of a video.
type part struct {
	look.Span
	Motion float64
	// Box is the square of CropMotion or CropKeypoints; zero: the whole picture.
	Box rect
}

// scans keeps what was found, in files of a folder.
type scans struct {
	dir      string
	options  *Options
	detector detector
	// model names the detector in keys.
	model string
	// insist writes, again if need be; nil writes once.
	insist func(what string, write func() error) error
}

func (s *scans) key(in *input, wanted []look.Span) string {
	o := s.options
	sum := sha256.New()
	fmt.Fprintln(sum, 4, in.name, in.stamp, o.FPS, o.MaxFrames, o.Crop, o.Margin, o.Size, s.model, wanted)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// of looks at a video, or remembers. Wanted are stretches to measure; nil: the
// scenes.
func (s *scans) of(ctx context.Context, in *input, wanted []look.Span) (*scan, *signatures, error) {
	key := s.key(in, wanted)
	path := filepath.Join(s.dir, key+".json")
	known := &signatures{path: filepath.Join(s.dir, key+".signatures")}
	if found, err := readScan(path); err == nil {
		if known.sum() == found.SignatureSum {
			return found, known, nil
		}
	}
	l, err := lookAt(ctx, in, s.options, s.detector)
	if err != nil {
		return nil, nil, err
	}
	if len(l.Frames) == 0 {
		return nil, nil, errors.New(l.damage)
	}
	found := s.measure(l, wanted)
	keep := func() error {
		if found.SignatureSum, err = known.write(s.options.Files, l); err != nil {
			return err
		}
		return writeJSON(s.options.Files, path, found)
	}
	if s.insist == nil {
		return found, known, outputError(keep())
	}
	return found, known, s.insist("what was found in "+in.name, keep)
}

func (s *scans) measure(l *sight, wanted []look.Span) *scan {
	found := &scan{W: l.W, H: l.H, Frames: len(l.Frames), Damage: l.damage, Remarks: l.remarks}
	if wanted == nil {
		for _, scene := range l.parts {
			wanted = append(wanted, look.Pieces(scene, s.options.MaxFrames)...)
		}
	}
	for _, w := range wanted {
		w.End = min(w.End, len(l.Frames))
		if w.First = min(w.First, w.End); w.Len() == 0 {
			found.Parts = append(found.Parts, part{Span: w})
			continue
		}
		p := part{Span: w, Motion: l.Motion(w)}
		switch s.options.Crop {
		case CropMotion:
			p.Box = newRect(l.MotionBox(w, s.options.Margin, s.options.Size))
		case CropKeypoints:
			p.Box = newRect(l.PointsBox(w, s.options.Margin, s.options.Size))
		}
		found.Parts = append(found.Parts, p)
	}
	return found
}

// maxScan bounds what is read back, which this program wrote itself.
const maxScan = 1 << 28

func readScan(path string) (*scan, error) {
	data, err := localfile.Read(path, maxScan)
	if err != nil {
		return nil, err
	}
	found := &scan{}
	return found, json.Unmarshal(data, found)
}

func writeJSON(files durable.FileSystem, path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return durable.WriteFileOn(files, path, append(data, '\n'))
}

// signatures is a file with the signature of every frame of a video.
type signatures struct{ path string }

// write stores the signatures of a video and returns their checksum.
func (s *signatures) write(files durable.FileSystem, l *sight) (string, error) {
	data := make([]byte, 0, len(l.Frames)*twins.Size)
	for i := range l.Frames {
		data = twins.Sign(&l.Frames[i].Cells).Pack(data)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12]), durable.WriteFileOn(files, s.path, data)
}

func (s *signatures) sum() string {
	data, err := localfile.Read(s.path, maxScan)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12])
}

// of reads the signatures of a stretch.
func (s *signatures) of(w look.Span) ([]twins.Signature, error) {
	f, _, err := localfile.Open(s.path)
	if err != nil {
		return nil, outputError(err)
	}
	defer f.Close()
	data := make([]byte, w.Len()*twins.Size)
	if _, err := f.ReadAt(data, int64(w.First)*twins.Size); err != nil {
		return nil, outputError(fmt.Errorf("%s: %w; remove it to have it made again", s.path, err))
	}
	return twins.Unpack(data), nil
}
