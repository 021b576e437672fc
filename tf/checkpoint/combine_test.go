package checkpoint

import (
	"hash/crc32"
	"testing"

	"github.com/prioritycut/prioritycut/internal/random"
)

// The checksum of a whole follows from those of its pieces, wherever it is cut.
func TestJoinSums(t *testing.T) {
	text := make([]byte, 70001)
	r := random.New(3)
	for i := range text {
		text[i] = byte(r.IntN(256))
	}
	whole := crc32.Checksum(text, castagnoli)
	for _, cut := range []int{0, 1, 2, 63, 64, 4096, 65535, 65536, len(text) - 1, len(text)} {
		first, second := text[:cut], text[cut:]
		if got := joinSums(crc32.Checksum(first, castagnoli), crc32.Checksum(second, castagnoli), int64(len(second))); got != whole {
			t.Errorf("cut at %d: %08x, want %08x", cut, got, whole)
		}
	}
	// A piece of zeros beyond 4 GiB, whose checksum is that of halves.
	half := crc32.Checksum(make([]byte, 1<<20), castagnoli)
	size := int64(1 << 20)
	for ; size < 8<<30; size *= 2 {
		half = joinSums(half, half, size)
	}
	once := half
	for range 3 {
		once = joinSums(once, half, size)
	}
	if twice := joinSums(half, half, size); joinSums(twice, twice, 2*size) != once {
		t.Errorf("four pieces of %d bytes depend on the order in which they are joined", size)
	}
}
