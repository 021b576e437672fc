package dataset

import (
	"container/list"
	"sync"

	"github.com/prioritycut/prioritycut/video"
)

// memoryKey names a decoded frame, or all frames of a strip (frame -1).
type memoryKey struct {
	clip  *clip
	frame int
}

// memory keeps the decoded frames that were used last, up to a number of bytes.
type memory struct {
	mu    sync.Mutex
	left  int64
	byKey map[memoryKey]*list.Element
	used  list.List // of *kept, most recent first
}

type kept struct {
	key    memoryKey
	frames []*video.Frame
	bytes  int64
}

func newMemory(bytes int64) *memory {
	return &memory{left: bytes, byKey: map[memoryKey]*list.Element{}}
}

// get returns what was kept, or makes it. Two goroutines may both make the
// same thing; that is rarer than waiting would be slow.
func (m *memory) get(key memoryKey, make func() ([]*video.Frame, error)) ([]*video.Frame, error) {
	m.mu.Lock()
	if e := m.byKey[key]; e != nil {
		m.used.MoveToFront(e)
		m.mu.Unlock()
		return e.Value.(*kept).frames, nil
	}
	m.mu.Unlock()
	frames, err := make()
	if err == nil {
		m.put(key, frames)
	}
	return frames, err
}

func (m *memory) put(key memoryKey, frames []*video.Frame) {
	const overhead = 200 // bytes for a frame's and an entry's own structures
	bytes := int64(overhead)
	for _, f := range frames {
		bytes += overhead + int64(len(f.Pix))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byKey[key] != nil {
		return
	}
	for m.left < bytes && m.used.Len() > 0 {
		oldest := m.used.Remove(m.used.Back()).(*kept)
		delete(m.byKey, oldest.key)
		m.left += oldest.bytes
	}
	if m.left < bytes {
		return
	}
	m.left -= bytes
	m.byKey[key] = m.used.PushFront(&kept{key, frames, bytes})
}
