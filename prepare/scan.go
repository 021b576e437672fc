package prepare

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
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
	span
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
}

func (s *scans) key(in *input, wanted []span) string {
	o := s.options
	sum := sha256.New()
	fmt.Fprintln(sum, 4, in.name, in.stamp, o.FPS, o.MaxFrames, o.Crop, o.Margin, o.Size, s.model, wanted)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// of looks at a video, or remembers. Wanted are stretches to measure; nil: the
// scenes.
func (s *scans) of(ctx context.Context, in *input, wanted []span) (*scan, *signatures, error) {
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
	if len(l.frames) == 0 {
		return nil, nil, errors.New(l.damage)
	}
	found := s.measure(l, wanted)
	if found.SignatureSum, err = known.write(l); err == nil {
		err = writeJSON(path, found)
	}
	return found, known, outputError(err)
}

func (s *scans) measure(l *look, wanted []span) *scan {
	found := &scan{W: l.w, H: l.h, Frames: len(l.frames), Damage: l.damage, Remarks: l.remarks}
	if wanted == nil {
		for _, scene := range l.parts {
			wanted = append(wanted, pieces(scene, s.options.MaxFrames)...)
		}
	}
	for _, w := range wanted {
		w.End = min(w.End, len(l.frames))
		if w.First = min(w.First, w.End); w.len() == 0 {
			found.Parts = append(found.Parts, part{span: w})
			continue
		}
		p := part{span: w, Motion: l.motion(w)}
		switch s.options.Crop {
		case CropMotion:
			p.Box = newRect(l.motionBox(w, s.options.Margin, s.options.Size))
		case CropKeypoints:
			p.Box = newRect(l.pointsBox(w, s.options.Margin, s.options.Size))
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

func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, append(data, '\n'))
}

// signatures is a file with the signature of every frame of a video.
type signatures struct{ path string }

// signatureSize is the size of a signature in the file: hash, thumbnail, flat.
const signatureSize = 8 + thumbSide*thumbSide + 1

func (s signature) pack(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, s.hash)
	to = append(to, s.thumb[:]...)
	if s.flat {
		return append(to, 1)
	}
	return append(to, 0)
}

func (s *signature) unpack(from []byte) {
	s.hash = binary.LittleEndian.Uint64(from)
	copy(s.thumb[:], from[8:])
	s.flat = from[signatureSize-1] != 0
}

// write stores the signatures of a video and returns their checksum.
func (s *signatures) write(l *look) (string, error) {
	data := make([]byte, 0, len(l.frames)*signatureSize)
	for i := range l.frames {
		data = sign(&l.frames[i].cells).pack(data)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12]), durable.WriteFile(s.path, data)
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
func (s *signatures) of(w span) ([]signature, error) {
	f, _, err := localfile.Open(s.path)
	if err != nil {
		return nil, outputError(err)
	}
	defer f.Close()
	data := make([]byte, w.len()*signatureSize)
	if _, err := f.ReadAt(data, int64(w.First)*signatureSize); err != nil {
		return nil, outputError(fmt.Errorf("%s: %w; remove it to have it made again", s.path, err))
	}
	return unpackAll(data), nil
}

func unpackAll(data []byte) []signature {
	all := make([]signature, len(data)/signatureSize)
	for i := range all {
		all[i].unpack(data[i*signatureSize:])
	}
	return all
}
