package video

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// listening are ffmpeg's options for messages that hearing understands: each
// with its level, those that are no errors too, for pictures that change their
// size are none.
var listening = []string{"-nostats", "-v", "level+info"}

// hearing sorts what ffmpeg says while it reads a film: errors are kept to
// explain why it ended, the first change of the pictures' size is noted, the
// rest is let go. It never blocks ffmpeg.
type hearing struct {
	errors *excerpt
	line   []byte

	mu    sync.Mutex
	first *resizing // the first change; ffmpeg does not tell of all others
}

// resizing is a change of the pictures' size.
type resizing struct {
	from, to [2]int // width, height as stored
	at       time.Duration
}

// maxLine bounds a message.
const maxLine = 4096

func (h *hearing) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		h.line = append(h.line, line[:min(len(line), maxLine-len(h.line))]...)
		if whole {
			h.hear(h.line)
			h.line = h.line[:0]
		}
		rest = after
	}
	return len(p), nil
}

var (
	// "[graph 0 input from stream 0:0 @ 0x55] [info] filter context - w: 64 h: 48 ...,
	// incoming frame - w: 128 h: 96 ... pts_time: 1.514", once per picture or
	// once per change. Nothing that a film says of itself begins so.
	incoming = regexp.MustCompile(`^\[graph [^\]]*\] \[(?:info|warning)\] filter context - w: (\d+) h: (\d+) .*incoming frame - w: (\d+) h: (\d+) .*pts_time: (\S+)`)
	isError  = regexp.MustCompile(`^((?:\[[^\]]*\] )?)\[(?:error|fatal|panic)\] `)
)

func (h *hearing) hear(line []byte) {
	if found := incoming.FindSubmatch(line); found != nil {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(string(found[i+1]))
		}
		h.change([2]int{n[0], n[1]}, [2]int{n[2], n[3]}, seconds(string(found[5])))
		return
	}
	if at := isError.FindSubmatchIndex(line); at != nil {
		_, _ = h.errors.Write(line[at[2]:at[3]]) // an excerpt takes everything
		_, _ = h.errors.Write(append(line[at[1]:], '\n'))
	}
}

// change notes pictures of another size than the film's first one.
func (h *hearing) change(from, to [2]int, at time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first == nil && from != to { // else other properties changed
		h.first = &resizing{from, to, at}
	}
}

// Remarker is a Reader that has learned something of its video while reading
// it, which viewers of its frames should know.
type Remarker interface {
	// Remarks are in the form of Info.Remarks; what they are of has been read.
	Remarks() []string
}

// Remarks tells of pictures that change their size, as far as ffmpeg has read,
// which is a little further than Next.
func (f *Film) Remarks() []string {
	f.hearing.mu.Lock()
	defer f.hearing.mu.Unlock()
	c := f.hearing.first
	if c == nil {
		return nil
	}
	from, to := c.from, c.to
	if f.view.turn > 4 {
		from, to = [2]int{from[1], from[0]}, [2]int{to[1], to[0]}
	}
	return []string{fmt.Sprintf("its pictures change their size, from %dx%d to %dx%d after %.3g s: the later ones are fitted into the first one's, with black beside them",
		from[0], from[1], to[0], to[1], max(0, (c.at-f.first).Seconds()))}
}
