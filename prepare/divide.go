package prepare

import (
	"fmt"
	"math"
	"sort"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/prepare/twins"
)

// signatureStride is how often frames are kept to be compared with: a video
// that was uploaded twice has many frames in common. They are compared with
// every frame, since the copy may begin elsewhere.
const signatureStride = 5

// families joins identities that must stay on one side.
type families struct{ parent map[string]string }

func (f *families) root(id string) string {
	for f.parent[id] != "" && f.parent[id] != id {
		id = f.parent[id]
	}
	return id
}

// join makes two identities one family, named by the lesser.
func (f *families) join(a, b string) {
	if a, b = f.root(a), f.root(b); a > b {
		a, b = b, a
	}
	if a != b {
		f.parent[b] = a
	}
}

// division is what dividing did, for the report.
type division struct {
	how string
	// joined identities share nearly equal frames; gap frames were left out
	// between the two sides of a scene, nearEqual test frames because a train
	// frame is nearly the same.
	joined, gap, nearEqual int
	warnings               []string
	dropped                []dropped
}

// divide gives every clip its partition. Clips may be cut in two and test
// frames taken out of them; the clips are returned in order.
func divide(clips []*clip, o *Options) ([]*clip, *division, error) {
	d := &division{}
	open := 0
	for _, c := range clips {
		if c.partition == "" {
			open++
		}
	}
	if open == 0 {
		d.how = "as the input says"
		d.warnOfBoth(clips)
		clips, err := d.withoutTwins(clips)
		return clips, d, err
	}
	f := &families{parent: map[string]string{}}
	var err error
	if o.Split != SplitTime {
		if d.joined, err = f.joinNear(clips); err != nil {
			return nil, nil, err
		}
	}
	sizes := f.sizes(clips)
	switch {
	case o.Split == SplitIdentity && len(sizes) < 2 && open == len(clips):
		return nil, nil, usage.Wrap(fmt.Errorf("`split`=identity: all clips belong to one identity; `split`=time takes the end of each %s for the test", told(clips, "video", "file")))
	case o.Split == SplitTime || len(sizes) < 2 && open == len(clips):
		d.how = told(clips, "by time: the end of each video is the test", "by time: the last records of each file are the test")
		clips, err = d.byTime(clips, o)
		return clips, d, err
	default:
		d.how = told(clips, "by identity: nobody stands on both sides", "by file: no file of records is on both sides")
		f.byIdentity(clips, sizes, o)
	}
	d.warnOfBoth(clips)
	clips, err = d.withoutTwins(clips) // the input may put a family on both sides
	return clips, d, err
}

// joinNear joins identities whose clips share nearly equal frames.
func (f *families) joinNear(clips []*clip) (joined int, err error) {
	x := twins.NewIndex()
	for i, c := range clips {
		if c.known == nil {
			continue
		}
		all, err := c.known.of(c.Span)
		if err != nil {
			return 0, err
		}
		for k := range all {
			x.Find(&all[k], func(owner int) bool {
				if a, b := f.root(clips[owner].identity), f.root(c.identity); a != b {
					f.join(a, b)
					joined++
				}
				return true
			})
		}
		x.AddAll(i, all, signatureStride)
	}
	return joined, nil
}

// withoutTwins drops train clips that share nearly equal frames with test clips
// of other videos.
func (d *division) withoutTwins(clips []*clip) ([]*clip, error) {
	x := twins.NewIndex()
	for i, c := range clips {
		if c.partition == test && c.known != nil {
			all, err := c.known.of(c.Span)
			if err != nil {
				return nil, err
			}
			x.AddAll(i, all, signatureStride)
		}
	}
	var out []*clip
	for _, c := range clips {
		if c.partition == train && c.known != nil {
			all, err := c.known.of(c.Span)
			if err != nil {
				return nil, err
			}
			if twin := twinOf(x, c, all, clips); twin != nil {
				first, end := twin.storedSpan()
				d.dropped = append(d.dropped, c.drop(fmt.Sprintf(twinReason+"video %s, frames %d to %d", twin.in.name, first, end), false))
				continue
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// twinOf is a clip of another video that has a frame nearly equal to one of a
// clip's; owners of the index are numbers of clips.
func twinOf(x *twins.Index, c *clip, all []twins.Signature, clips []*clip) (twin *clip) {
	for k := range all {
		x.Find(&all[k], func(owner int) bool {
			if clips[owner].in != c.in {
				twin = clips[owner]
			}
			return twin == nil
		})
		if twin != nil {
			break
		}
	}
	return twin
}

// family is what divide draws.
type family struct {
	name   string
	frames int
	side   string // given for one of its clips
}

// sizes lists the families, sorted by name.
func (f *families) sizes(clips []*clip) []family {
	at := map[string]int{}
	var all []family
	for _, c := range clips {
		root := f.root(c.identity)
		i, ok := at[root]
		if !ok {
			i = len(all)
			at[root] = i
			all = append(all, family{name: root})
		}
		all[i].frames += c.frames()
		if c.partition != "" && all[i].side == "" {
			all[i].side = c.partition
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all
}

// byIdentity draws families for the test until they have its share of the
// frames, at least one and not all.
func (f *families) byIdentity(clips []*clip, all []family, o *Options) {
	total, held, left := 0, 0, 0
	sides := map[string]string{}
	for _, m := range all {
		total += m.frames
		sides[m.name] = m.side
		if m.side == test {
			held += m.frames
		}
		if m.side == "" {
			left++
		}
	}
	if !given(all, train) {
		left-- // one has to stay
	}
	wanted := o.TestShare * float64(total)
	for _, m := range drawOrder(all, wanted, o.Seed) {
		switch {
		case m.side != "":
		// Half a family too many is nearer to the share than half too few.
		case left > 0 && (held == 0 || float64(held)+float64(m.frames)/2 <= wanted):
			sides[m.name] = test
			held += m.frames
			left--
		default:
			sides[m.name] = train
		}
	}
	for _, c := range clips {
		if c.partition == "" {
			c.partition = sides[f.root(c.identity)]
		}
	}
}

// drawOrder shuffles families. The first, which goes to the test whatever its
// size, is one of at most twice the wanted frames, or the smallest.
func drawOrder(all []family, wanted float64, seed int64) []family {
	order := make([]family, 0, len(all))
	first := -1
	for _, i := range random.New(seed, random.Label("prepare")).Perm(len(all)) {
		order = append(order, all[i])
		if all[i].side != "" {
			continue
		}
		fits := float64(all[i].frames) <= 2*wanted
		if first < 0 || float64(order[first].frames) > 2*wanted && (fits || all[i].frames < order[first].frames) {
			first = len(order) - 1
		}
	}
	if first > 0 {
		m := order[first]
		copy(order[1:first+1], order[:first])
		order[0] = m
	}
	return order
}

func given(all []family, side string) bool {
	for _, m := range all {
		if m.side == side {
			return true
		}
	}
	return false
}

// byTime gives the end of each input to the test. Where one scene is divided,
// frames are left out between the parts.
func (d *division) byTime(clips []*clip, o *Options) ([]*clip, error) {
	var out []*clip
	for first := 0; first < len(clips); {
		end := first
		for end < len(clips) && clips[end].in == clips[first].in {
			end++
		}
		out = append(out, d.divideInput(clips[first:end], o)...)
		first = end
	}
	return d.withoutKnown(out)
}

// divideInput divides the clips of one input, in order.
func (d *division) divideInput(clips []*clip, o *Options) []*clip {
	total := 0
	for _, c := range clips {
		total += c.frames()
	}
	border := total - max(1, int(math.Round(o.TestShare*float64(total))))
	var out []*clip
	at := 0
	for _, c := range clips {
		before, after := border-at, at+c.frames()-border
		at += c.frames()
		switch {
		case c.partition != "":
		case before <= 0:
			c.partition = test
		case after <= 0:
			c.partition = train
		case c.record < 0 && before >= 2 && after >= 2 && (len(clips) == 1 || min(before, after-o.Gap) >= o.MinFrames):
			c.given = "" // it would name both
			late := *c
			c.partition, late.partition = train, test
			gap := min(o.Gap, after-2)
			d.gap += gap
			c.End = c.First + before
			late.First = c.End + gap
			out = append(out, c, &late)
			continue
		case before >= after && len(clips) > 1:
			c.partition = train
		default:
			c.partition = test
		}
		out = append(out, c)
	}
	return out
}

// withoutKnown takes frames out of the test clips that are nearly equal to
// frames of train clips: all train frames of the same input, some of others.
func (d *division) withoutKnown(clips []*clip) ([]*clip, error) {
	others := twins.NewIndex()
	for i, c := range clips {
		if c.partition == train && c.known != nil {
			all, err := c.known.of(c.Span)
			if err != nil {
				return nil, err
			}
			others.AddAll(i, all, signatureStride)
		}
	}
	var out []*clip
	for first := 0; first < len(clips); {
		end := first
		own := twins.NewIndex()
		for ; end < len(clips) && clips[end].in == clips[first].in; end++ {
			if c := clips[end]; c.partition == train && c.known != nil {
				all, err := c.known.of(c.Span)
				if err != nil {
					return nil, err
				}
				own.AddAll(end, all, 1)
			}
		}
		for _, c := range clips[first:end] {
			if c.partition == test && c.known != nil {
				if err := d.takeOut(c, own, others); err != nil {
					return nil, err
				}
				if c.frames() < 2 {
					d.dropped = append(d.dropped, c.drop("nearly all its frames are in the train clips too", false))
					continue
				}
			}
			out = append(out, c)
		}
		first = end
	}
	return out, nil
}

func (d *division) takeOut(c *clip, indices ...*twins.Index) error {
	all, err := c.known.of(c.Span)
	if err != nil {
		return err
	}
	for k := range all {
		for _, x := range indices {
			found := false
			x.Find(&all[k], func(int) bool { found = true; return false })
			if found {
				c.skip = append(c.skip, c.First+k)
				d.nearEqual++
				break
			}
		}
	}
	return nil
}

// warnOfBoth names identities that the input puts on both sides. The names of
// record files count their records, and are of nobody.
func (d *division) warnOfBoth(clips []*clip) {
	seen := map[string]string{}
	var both []string
	for _, c := range clips {
		if c.in.kind == records {
			continue
		}
		switch side := seen[c.identity]; {
		case side == "":
			seen[c.identity] = c.partition
		case side != c.partition && side != "both" && c.partition != "":
			seen[c.identity] = "both"
			both = append(both, c.identity)
		}
	}
	if len(both) > 0 {
		d.warnings = append(d.warnings, fmt.Sprintf("%d identities stand in train and in test, such as %s: the test does not tell how the model does on unseen people", len(both), both[0]))
	}
}
