package prepare

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/prepare/preparetest"
	"github.com/prioritycut/prioritycut/video"
)

// clipOf makes a clip of n frames.
func clipOf(identity string, n int) *clip {
	return &clip{in: &input{name: identity + ".mp4", identity: identity}, identity: identity, Span: look.Span{First: 0, End: n}, record: -1}
}

func TestDivideByIdentity(t *testing.T) {
	o := options("in", "out")
	for seed := int64(0); seed < 20; seed++ {
		var clips []*clip
		for i := 0; i < 30; i++ {
			clips = append(clips, clipOf(fmt.Sprintf("id%02d", i%10), 50+i))
		}
		o.Seed = seed
		out, d, err := divide(clips, &o)
		if err != nil || len(d.warnings) != 0 {
			t.Fatal(err, d.warnings)
		}
		frames := map[string]int{}
		for _, c := range out {
			frames[c.partition] += c.frames()
		}
		share := float64(frames[test]) / float64(frames[test]+frames[train])
		if share < 0.12 || share > 0.28 || frames[""] != 0 {
			t.Errorf("seed %d: %v, a test share of %.2f", seed, frames, share)
		}
	}
	// Two identities: the smaller one is the test, and one is left to train on.
	out, _, err := divide([]*clip{clipOf("a", 500), clipOf("b", 40)}, &o)
	if err != nil || out[0].partition != train || out[1].partition != test {
		t.Errorf("%v, %v, %v", out[0].partition, out[1].partition, err)
	}
}

func TestGivenSidesStay(t *testing.T) {
	o := options("in", "out")
	a, b, c := clipOf("a", 10), clipOf("b", 10), clipOf("a", 10)
	a.partition = test
	if _, _, err := divide([]*clip{a, b, c}, &o); err != nil || c.partition != test || b.partition != train {
		t.Errorf("b %q, c %q: an identity follows its given side; %v", b.partition, c.partition, err)
	}
	b, c = clipOf("b", 10), clipOf("b", 10)
	b.partition, c.partition = train, test
	if _, d, err := divide([]*clip{b, c}, &o); err != nil || len(d.warnings) != 1 {
		t.Errorf("an identity on both sides gives warnings %v, %v", d.warnings, err)
	}
	b.in.kind, c.in.kind = records, records
	if _, d, err := divide([]*clip{b, c}, &o); err != nil || len(d.warnings) != 0 {
		t.Errorf("record files of one name give warnings %v, %v", d.warnings, err)
	}
}

// Records are divided by their files, and not called people.
func TestHowRecordsAreDivided(t *testing.T) {
	o := options("in", "out")
	for _, kind := range []kind{film, records} {
		a, b := clipOf("a", 100), clipOf("b", 40)
		a.in.kind, b.in.kind = kind, kind
		_, d, err := divide([]*clip{a, b}, &o)
		if err != nil || strings.Contains(d.how, "nobody") != (kind == film) || strings.Contains(d.how, "file of records") != (kind == records) {
			t.Errorf("kind %v: %q, %v", kind, d.how, err)
		}
	}
}

func TestDivideByTime(t *testing.T) {
	o := options("in", "out")
	o.Gap = 3
	c := clipOf("a", 100)
	out, d, err := divide([]*clip{c}, &o)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]look.Span{}
	for _, c := range out {
		got[c.partition] = c.Span
	}
	if diff := cmp.Diff(map[string]look.Span{train: {First: 0, End: 80}, test: {First: 83, End: 100}}, got); diff != "" {
		t.Error(diff)
	}
	if d.gap != 3 {
		t.Errorf("a gap of %d", d.gap)
	}
	// Of several scenes whole ones go to the test where the border is near.
	in := &input{name: "a.mp4"}
	var scenes []*clip
	for i := 0; i < 5; i++ {
		scenes = append(scenes, &clip{in: in, identity: "a", Span: look.Span{First: 20 * i, End: 20*i + 20}, record: -1})
	}
	out, _, err = divide(scenes, &o)
	if err != nil || len(out) != 5 || out[3].partition != train || out[4].partition != test {
		t.Errorf("%d clips, %v", len(out), err)
	}
	o.Split = SplitIdentity
	if _, _, err := divide([]*clip{clipOf("a", 100)}, &o); err == nil {
		t.Error("one identity was divided by identity")
	}
}

// Frames that come again after the border are taken out of the test, and
// identities that share frames come to one side.
func TestNoFrameOnBothSides(t *testing.T) {
	dir := t.TempDir()
	known := func(name string, frames []*video.Frame) *signatures {
		s := &signatures{filepath.Join(dir, name)}
		seen := &sight{}
		for _, f := range frames {
			seen.Add(f)
		}
		if _, err := s.write(durable.OS{}, seen); err != nil {
			t.Fatal(err)
		}
		return s
	}
	o := options("in", "out")
	back := preparetest.Scenery(1, 80, 48)
	var frames []*video.Frame
	for i := 0; i < 50; i++ {
		frames = append(frames, preparetest.WithSquare(back, i, 10, 24))
	}
	frames[45], frames[47] = frames[7], frames[33]
	c := clipOf("a", 50)
	c.known = known("again", frames)
	out, d, err := divide([]*clip{c}, &o)
	if err != nil || len(out) != 2 {
		t.Fatalf("%d clips, %v", len(out), err)
	}
	late := out[1]
	for _, want := range []int{45, 47} {
		found := false
		for _, i := range late.skip {
			found = found || i == want
		}
		if !found {
			t.Errorf("frame %d, which train has too, is not among those left out, %v", want, late.skip)
		}
	}
	if d.nearEqual != len(late.skip) || late.frames() < 2 {
		t.Errorf("%d left out, counted %d", len(late.skip), d.nearEqual)
	}

	var clips []*clip
	for i := 0; i < 6; i++ {
		c := clipOf(fmt.Sprintf("id%d", i), 20)
		number := i
		if i == 4 {
			number = 1 // uploaded twice
		}
		frames := preparetest.Moving(10+number, 23, 64, 48)[:20]
		if i == 4 {
			frames = preparetest.Moving(10+number, 23, 64, 48)[2:22] // begins elsewhere
		}
		c.known = known(c.identity, frames)
		clips = append(clips, c)
	}
	for seed := int64(0); seed < 10; seed++ {
		o.Seed = seed
		for _, c := range clips {
			c.partition = ""
		}
		_, d, err := divide(clips, &o)
		if err != nil || d.joined == 0 || clips[1].partition != clips[4].partition {
			t.Fatalf("seed %d: joined %d, sides %s and %s, %v", seed, d.joined, clips[1].partition, clips[4].partition, err)
		}
	}

	// Where the input puts a film and its copy on both sides, train loses it.
	for i, c := range clips {
		c.partition = train
		if i >= 4 {
			c.partition = test
		}
	}
	out, d, err = divide(clips, &o)
	if err != nil || len(out) != 5 || len(d.dropped) != 1 || d.dropped[0].video != "id1.mp4" || !strings.Contains(d.dropped[0].reason, "test video id4.mp4") {
		t.Errorf("%d clips stay, %+v is dropped, %v", len(out), d.dropped, err)
	}
}

func TestNames(t *testing.T) {
	name := func(in *input, identity string, first, end int) string {
		c := &clip{in: in, identity: identity, Span: look.Span{First: first, End: end}, record: -1}
		nameClips([]*clip{c})
		return c.name
	}
	for _, x := range []struct{ path, want string }{
		{"head.mp4", "head#head#000003#000040"},
		{"anna/day 1/x.mp4", "anna#day_1-x#000003#000040"},
		{"train/id1#abc#7.mp4", "id1#abc#7#000003#000040"},
		{"-rf;$(x).mp4", "_-rf___x_#_-rf___x_#000003#000040"},
		{".hidden/é.mp4", "_.hidden#é#000003#000040"},
	} {
		in := newInput("", x.path, film)
		if got := name(in, in.identity, 3, 40); got != x.want {
			t.Errorf("%s: %s, want %s", x.path, got, x.want)
		}
	}
	long := newInput("", "a/"+string(make([]byte, 300))+".mp4", film)
	if got := name(long, "a", 3, 40); len(got) > 200 {
		t.Errorf("a name of %d bytes", len(got))
	}
	in := newInput("", "x.mp4", film)
	same := []*clip{{in: in, identity: "x", Span: look.Span{First: 0, End: 9}, record: -1}, {in: in, identity: "x", Span: look.Span{First: 0, End: 9}, box: rect{1, 1, 5, 5}, record: -1}}
	nameClips(same)
	if same[0].name == same[1].name {
		t.Error("two clips have one name")
	}
}
