package evaluate

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/video"
)

// A maskStore keeps the masks that a model found in real frames, so that all
// evaluations on a data set measure over the same pixels, and only the first one
// looks for them. A mask stands under the digest of its frame, in a file per video
// below a folder of the model's digest: another model, another size or another
// frame finds nothing.
//
// A file is its magic, the size of the frames and the number of masks (uint32
// each, little endian), for each mask the SHA-256 of the frame's pixels, a length
// (uint32) and the mask, a bit per pixel, by DEFLATE; in the end the SHA-256 of all
// that. One that is damaged is made anew.
type maskStore struct {
	folder, data string
	w, h         int
	path         string
	// known and order are the masks of the current video, packed.
	known map[[sha256.Size]byte][]byte
	order [][sha256.Size]byte
	fresh bool
}

const (
	maskMagic = "PCMASKS1"
	// maxMaskFile is more than the masks of a film of two hours have.
	maxMaskFile = 1 << 30
)

// newMaskStore keeps masks of frames of w by h pixels below home, for a model and a
// data set.
func newMaskStore(home, model, data string, w, h int) *maskStore {
	return &maskStore{folder: filepath.Join(home, short(model)), data: data, w: w, h: h}
}

// begin reads what is known of a video.
func (s *maskStore) begin(name string) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %dx%d", s.data, name, s.w, s.h))
	s.path = filepath.Join(s.folder, hex.EncodeToString(sum[:8])+".masks")
	s.known, s.order, s.fresh = map[[sha256.Size]byte][]byte{}, nil, false
	data, err := localfile.Read(s.path, maxMaskFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = s.decode(data)
	}
	if err != nil {
		s.known, s.order = map[[sha256.Size]byte][]byte{}, nil
		glog.Warningf("the masks in %s are found anew: %v", s.path, err)
	}
}

// mask returns the mask [H, W] of a frame, by find where it is not known yet.
func (s *maskStore) mask(f *video.Frame, find func() ([]byte, error)) ([]byte, error) {
	key := sha256.Sum256(f.Pix)
	if packed, ok := s.known[key]; ok {
		if mask, err := unpackMask(packed, s.w*s.h); err == nil {
			return mask, nil
		}
	}
	mask, err := find()
	if err != nil || len(mask) != s.w*s.h {
		return mask, err
	}
	if _, again := s.known[key]; !again {
		s.order = append(s.order, key)
	}
	if s.known[key], err = packMask(mask); err != nil {
		return nil, err
	}
	s.fresh = true
	return mask, nil
}

// end writes what was found in a video. Without it numbers are the same, so a
// failure is told and no more.
func (s *maskStore) end() {
	if !s.fresh {
		return
	}
	s.fresh = false
	err := os.MkdirAll(s.folder, 0o777)
	if err == nil {
		err = durable.WriteFile(s.path, s.encode())
	}
	if err != nil {
		glog.Warningf("masks are not kept for other evaluations: %v", err)
	}
}

func (s *maskStore) encode() []byte {
	out := []byte(maskMagic)
	for _, n := range []int{s.w, s.h, len(s.order)} {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	for _, key := range s.order {
		out = append(out, key[:]...)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(s.known[key])))
		out = append(out, s.known[key]...)
	}
	sum := sha256.Sum256(out)
	return append(out, sum[:]...)
}

var errDamagedMasks = errors.New("the file is damaged")

func (s *maskStore) decode(data []byte) error {
	const head = len(maskMagic) + 12
	if len(data) < head+sha256.Size || string(data[:len(maskMagic)]) != maskMagic {
		return errDamagedMasks
	}
	body := data[:len(data)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], data[len(body):]) {
		return errDamagedMasks
	}
	number := func(at int) int { return int(binary.LittleEndian.Uint32(body[at:])) }
	if number(8) != s.w || number(12) != s.h {
		return fmt.Errorf("they are of frames of %dx%d pixels", number(8), number(12))
	}
	rest := body[head:]
	for range number(16) {
		if len(rest) < sha256.Size+4 {
			return errDamagedMasks
		}
		key := [sha256.Size]byte(rest)
		n := int(binary.LittleEndian.Uint32(rest[sha256.Size:]))
		if rest = rest[sha256.Size+4:]; n > len(rest) {
			return errDamagedMasks
		}
		s.known[key] = rest[:n:n]
		s.order = append(s.order, key)
		rest = rest[n:]
	}
	return nil
}

// packMask makes a bit of each pixel, and what DEFLATE makes of the bits.
func packMask(mask []byte) ([]byte, error) {
	bits := make([]byte, (len(mask)+7)/8)
	for i, v := range mask {
		if v != 0 {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	var out bytes.Buffer
	z, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(bits); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}

func unpackMask(packed []byte, pixels int) ([]byte, error) {
	bits := make([]byte, (pixels+7)/8)
	if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(packed)), bits); err != nil {
		return nil, err
	}
	mask := make([]byte, pixels)
	for i := range mask {
		mask[i] = bits[i/8] >> (i % 8) & 1
	}
	return mask, nil
}
