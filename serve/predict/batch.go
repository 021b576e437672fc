package predict

import (
	"context"
	"fmt"

	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// Limits bound a request, and count what it has used up.
type Limits struct {
	// Batch bounds the examples, Pixels those of a picture.
	Batch, Pixels int64
	// Together bounds the pixels of all pictures, of which seen have come.
	Together, seen int64
	// Ctx ends when the client goes: nobody wants the rest then.
	Ctx context.Context
}

// picture looks at a picture before TensorFlow believes what it says, takes out
// of it what would only cost time, and returns its pixels.
func (l *Limits) picture(file *string) (pixels int64, err error) {
	if err := l.Ctx.Err(); err != nil {
		return 0, err
	}
	harmless, pixels, err := video.Harmless([]byte(*file), video.Limits{MaxPixels: l.Pixels, PixelsBy: "the server's max_pixels"})
	if err != nil {
		return 0, fmt.Errorf("the picture: %w", err)
	}
	if l.seen += pixels; l.seen > l.Together {
		return 0, fmt.Errorf("the pictures of the request have more than %d pixels together (the server's max_request_pixels)", l.Together)
	}
	*file = string(harmless)
	return pixels, nil
}

// Batch is the inputs of a request.
type Batch struct {
	// N is the number of examples.
	N       int64
	readers map[string]*tensorReader
}

// atOnce is the pixels of pictures that are decoded in one call. A call cannot
// be stopped.
const atOnce = 1 << 22

// Pieces divides the examples between calls, so that work for a client that has
// gone can be dropped between them: all are one piece where there are no large
// pictures, or where examples do not stand for themselves.
func (b *Batch) Pieces(signature savedmodel.SignatureDef) [][2]int64 {
	whole := [][2]int64{{0, b.N}}
	pixels := make([]int64, b.N)
	for _, reader := range b.readers {
		if !reader.batched() || reader.shape[0] != b.N {
			return whole
		}
		if t, ok := reader.values.(*texts); ok && t.pictures {
			for i, size := range t.sizes {
				pixels[i] += size
			}
		}
	}
	for _, spec := range signature.Outputs {
		if len(spec.Shape) == 0 || spec.Shape[0] >= 0 {
			return whole
		}
	}
	var list [][2]int64
	first, sum := int64(0), int64(0)
	for i, size := range pixels {
		if sum+size > atOnce && int64(i) > first {
			list = append(list, [2]int64{first, int64(i)})
			first, sum = int64(i), 0
		}
		sum += size
	}
	return append(list, [2]int64{first, b.N})
}

// ByExample reports whether every output has one value for each example.
func (a *Answer) ByExample() bool {
	for _, o := range a.outputs {
		if len(o.shape) == 0 || o.shape[0] != int64(a.n) {
			return false
		}
	}
	return true
}

// Join puts the answers of pieces behind each other.
func Join(parts []*Answer, rows bool) (*Answer, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	all := &Answer{rows: rows}
	for i, o := range parts[0].outputs {
		together := output{name: o.name, shape: append([]int64{0}, o.shape[1:]...)}
		each := product(o.shape[1:])
		var from []func([]byte, int) []byte // of each example
		var first []int
		for _, part := range parts {
			piece := part.outputs[i]
			if len(piece.shape) != len(o.shape) || product(piece.shape[1:]) != each {
				return nil, badRequest("the output %q differs in shape between examples: send fewer at once", o.name)
			}
			for range piece.shape[0] {
				from, first = append(from, piece.append), append(first, int(together.shape[0]))
			}
			together.shape[0] += piece.shape[0]
		}
		together.append = func(to []byte, at int) []byte {
			example := at / each
			return from[example](to, at-first[example]*each)
		}
		all.outputs = append(all.outputs, together)
	}
	for _, part := range parts {
		all.n += part.n
	}
	return all, nil
}
