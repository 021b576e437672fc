package dataset

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/video"
)

// rawFrames reads a film's frames from the cache.
type rawFrames struct {
	file    string
	n, w, h int
	// again decodes the film anew when somebody emptied the cache, or the file cannot
	// be read, or is damaged: why says which.
	again func(ctx context.Context, why error) (frames, error)
}

func (r *rawFrames) length() int { return r.n }

func (r *rawFrames) at(ctx context.Context, indices ...int) ([]*video.Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out, err := r.read(indices)
	if err == nil {
		return out, nil
	}
	anew, err := r.again(ctx, err)
	if err != nil {
		return nil, err
	}
	if anew.length() != r.n {
		return nil, fmt.Errorf("a film has %d frames, and had %d before (%s)", anew.length(), r.n, r.file)
	}
	return anew.at(ctx, indices...)
}

func (r *rawFrames) read(indices []int) ([]*video.Frame, error) {
	f, _, err := localfile.Open(r.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := make([]*video.Frame, len(indices))
	for k, i := range indices {
		out[k] = video.NewFrame(r.w, r.h)
		if err := r.one(f, i, out[k].Pix); err != nil {
			return nil, fmt.Errorf("decoded frames %s, frame %d: %w", r.file, i, err)
		}
	}
	return out, nil
}

// one reads a frame and compares it with its checksum.
func (r *rawFrames) one(f io.ReaderAt, i int, pix []byte) error {
	size := int64(len(pix))
	if _, err := f.ReadAt(pix, cacheHeader+int64(i)*size); err != nil {
		return err
	}
	var sum [cacheSum]byte
	if _, err := f.ReadAt(sum[:], cacheHeader+int64(r.n)*size+int64(i)*cacheSum); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(sum[:]) != frameSum(pix) {
		return errors.New("it is damaged")
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frameSum is the checksum of a frame.
func frameSum(pix []byte) uint32 { return crc32.Checksum(pix, castagnoli) }

// distrust removes a file that cannot be read as it was written, or is not any
// more what it was.
func (c *cache) distrust(file string, why error) {
	glog.Warningf("the film is decoded again: %v", why)
	c.mu.Lock()
	c.damaged++
	many := c.damaged > mostDamaged
	c.mu.Unlock()
	if err := os.Remove(file); many || err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.stop(why)
	}
}
