package prepare

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/prioritycut/prioritycut/internal/filename"
	"github.com/prioritycut/prioritycut/prepare/look"
)

// clip is one video of the data set to be.
type clip struct {
	in        *input
	identity  string
	partition string // train, test or not yet known
	name      string // IDENTITY#VIDEO#FIRST#END
	given     string // the name that a published list implies; else empty
	look.Span        // frames that are taken of the input
	skip      []int  // of them, frames that are left out
	box       rect
	motion    float64
	measured  bool // motion is known
	line      int  // of the file of cuts, 0 without one
	record    int  // of a file of records, -1 for other inputs
	note      string
	known     *signatures // nil if the input was not looked at
}

// frames is the number of frames that the clip should have.
func (c *clip) frames() int { return c.Len() - len(c.skip) }

// file is where the clip stands in the data set. Clips of published lists end
// in .mp4 although they are folders: published lists of pairs name them so.
func (c *clip) file(f Format) string {
	if f == MP4 || c.given != "" {
		return path.Join(c.partition, c.name+".mp4")
	}
	return path.Join(c.partition, c.name)
}

// spec says all that the bytes of a clip depend on, other than the parameters
// of the run. Name and partition do not count: a clip can be moved.
func (c *clip) spec() string {
	data, _ := json.Marshal([]any{c.in.name, c.in.stamp, c.First, c.End, c.skip, c.box, c.record}) // plain values
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// dropped is what did not become a clip, and why.
type dropped struct {
	video, identity, partition string
	line                       int
	first, end                 int // stored frames; 0, 0 for all
	reason                     string
	// fault is set where input is wrong or unreadable, not merely unfit.
	fault bool
}

// drop makes the notice of a clip that is left out.
func (c *clip) drop(reason string, fault bool) dropped {
	d := dropped{video: c.in.name, identity: c.identity, partition: c.partition, line: c.line, reason: reason, fault: fault}
	d.first, d.end = c.storedSpan()
	return d
}

// storedSpan is the span in frames of the film as it is stored; of a record it
// is the number of the record.
func (c *clip) storedSpan() (first, end int) {
	if c.record >= 0 {
		return c.record, c.record + 1
	}
	return c.in.stored(c.First), c.in.stored(c.End-1) + 1
}

// nameClips gives every clip its name. The same names in every run: clips are
// taken in order.
func nameClips(clips []*clip) {
	taken := map[string]bool{}
	for _, c := range clips {
		first, end := c.storedSpan()
		base := fmt.Sprintf("%s#%s#%06d#%06d", safe(c.identity, true), safe(c.in.label(c.identity), false), first, end)
		if c.given != "" {
			if base = letters(c.given, false); base[0] == '.' {
				base = "_" + base
			}
		}
		if len(base) > filename.Longest {
			id, rest, _ := strings.Cut(base, "#")
			tail := fmt.Sprintf("#%06d#%06d", first, end)
			video := strings.TrimSuffix(rest, tail)
			base = filename.Cut(id, 64) + "#" + filename.Cut(video, 64) + "-" + filename.Sum(base) + tail
		}
		name := base
		for n := 2; taken[strings.ToLower(name)]; n++ { // some file systems ignore case
			name = fmt.Sprintf("%s#%d", base, n)
		}
		taken[strings.ToLower(name)] = true
		c.name = name
	}
}

// label is what an input is called behind its identity.
func (in *input) label(identity string) string {
	rest := in.name
	if in.partition != "" {
		rest = strings.TrimPrefix(rest, in.partition+"/")
	}
	if below, ok := strings.CutPrefix(rest, identity+"/"); ok {
		rest = below
	}
	dir, base := path.Split(rest)
	base = stem(base)
	if below, ok := strings.CutPrefix(base, identity+"#"); ok {
		base = below
	}
	return strings.ReplaceAll(dir, "/", "-") + base
}

// safe makes the beginning of a file's name: letters that are neither hidden nor
// taken for an option.
func safe(name string, identity bool) string {
	s := letters(name, identity)
	if s == "" || s[0] == '.' || s[0] == '-' {
		s = "_" + s
	}
	return s
}

// letters leaves nothing that a shell or a file system takes for more than a
// letter. In an identity '#' would end it.
func letters(name string, identity bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '#' && !identity:
			return r
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("-_.+=@", r):
			return r
		}
		return '_'
	}, strings.ToValidUTF8(name, "_"))
}

// sortClips puts clips in the order of their inputs, lines and frames.
func sortClips(clips []*clip) {
	sort.SliceStable(clips, func(i, j int) bool {
		a, b := clips[i], clips[j]
		switch {
		case a.in.name != b.in.name:
			return a.in.name < b.in.name
		case a.record != b.record:
			return a.record < b.record
		case a.First != b.First:
			return a.First < b.First
		case a.End != b.End:
			return a.End < b.End
		}
		return a.line < b.line
	})
}

// told chooses between two texts: files of records are of nobody and no videos,
// and where all clips come from such files the report does not speak of people.
func told(clips []*clip, ofVideos, ofRecords string) string {
	if slices.ContainsFunc(clips, func(c *clip) bool { return c.in.kind != records }) {
		return ofVideos
	}
	return ofRecords
}
