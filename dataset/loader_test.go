package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/video"
)

func everything() AugmentationParams {
	return AugmentationParams{
		FlipParam:   FlipParam{HorizontalFlip: true, TimeFlip: true},
		ResizeParam: ResizeParam{Ratio: [2]float64{0.9, 1.1}},
		CropParam:   CropParam{Size: [2]int{6, 8}},
		JitterParam: JitterParam{Brightness: 0.1, Contrast: 0.1, Saturation: 0.1, Hue: 0.1},
	}
}

// Two loaders, one asked in order ahead, the other at random: the same batches.
func TestBatchesAreAPureFunctionOfSeedAndAttempt(t *testing.T) {
	p := params(t, "")
	p.AugmentationParams = everything()
	first := loader(t, drawnSet(t, p, 7, 20), LoaderParams{Seed: 5, BatchSize: 3, NumRepeats: 2})
	second := loader(t, drawnSet(t, p, 7, 20), LoaderParams{Seed: 5, BatchSize: 3, NumRepeats: 2})
	ahead := first.Prefetch(context.Background(), 2)
	defer ahead.Close()
	for attempt := int64(2); attempt < 40; attempt++ {
		got, err := ahead.Next()
		if err != nil {
			t.Fatal(err)
		}
		batch(t, second, (attempt*17)%101)
		if diff := cmp.Diff(batch(t, second, attempt), got); diff != "" {
			t.Fatalf("attempt %d (-want +got):\n%s", attempt, diff)
		}
	}
	other := loader(t, drawnSet(t, p, 7, 20), LoaderParams{Seed: 6, BatchSize: 3, NumRepeats: 2})
	if cmp.Equal(batch(t, first, 0), batch(t, other, 0)) {
		t.Error("another seed gives the same batch")
	}
	if cmp.Equal(batch(t, first, 0).Items, batch(t, first, 4).Items) {
		t.Error("two epochs begin alike")
	}
}

// Loaders of parts of a batch make together what one makes of the whole.
func TestPartsAreTheWhole(t *testing.T) {
	p := params(t, "")
	p.AugmentationParams = everything()
	set := drawnSet(t, p, 7, 20)
	whole := loader(t, set, LoaderParams{Seed: 5, BatchSize: 4, NumRepeats: 2})
	for attempt := int64(0); attempt < 9; attempt++ {
		want, got := batch(t, whole, attempt), &Batch{Attempt: attempt}
		for part := range 2 {
			l := loader(t, set, LoaderParams{Seed: 5, BatchSize: 4, NumRepeats: 2, Parts: 2, Part: part})
			b := batch(t, l, attempt)
			got.N, got.H, got.W = got.N+b.N, b.H, b.W
			got.Source, got.Driving, got.Items = append(got.Source, b.Source...), append(got.Driving, b.Driving...), append(got.Items, b.Items...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("attempt %d (-whole +parts):\n%s", attempt, diff)
		}
	}
	for _, p := range []LoaderParams{{Parts: 3}, {Parts: 2, Groups: 4}, {Groups: 3}, {Groups: -1}, {Parts: 2, Part: 2}, {Parts: 2, Part: -1}, {Parts: -1}} {
		p.BatchSize, p.NumRepeats = 4, 1
		if _, err := set.Loader(p); err == nil || !strings.Contains(err.Error(), "parts must be equal") {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// Of a batch in micro-batches every part has its piece of each.
func TestPartsShareMicroBatches(t *testing.T) {
	set := drawnSet(t, params(t, ""), 7, 20)
	whole := batch(t, loader(t, set, LoaderParams{Seed: 5, BatchSize: 12, NumRepeats: 2}), 0)
	var got []Item
	parts := make([]*Batch, 2)
	for part := range parts {
		parts[part] = batch(t, loader(t, set, LoaderParams{Seed: 5, BatchSize: 12, NumRepeats: 2, Parts: 2, Part: part, Groups: 3}), 0)
	}
	for group := range 3 {
		for _, b := range parts {
			got = append(got, b.Items[2*group:2*group+2]...)
		}
	}
	if diff := cmp.Diff(whole.Items, got); diff != "" {
		t.Errorf("(-whole +parts):\n%s", diff)
	}
}

// The draws below must never change: runs on disc depend on them.
func TestDrawsNeverChange(t *testing.T) {
	p := params(t, "")
	p.AugmentationParams = everything()
	l := loader(t, drawnSet(t, p, 7, 20), LoaderParams{Seed: 5, BatchSize: 3, NumRepeats: 2})
	var got []string
	for _, attempt := range []int64{0, 9} {
		for _, it := range batch(t, l, attempt).Items {
			got = append(got, fmt.Sprintf("%d %d %d %v %v %.3f %d %d %.3f %.3f %.3f %.3f %v", it.Video, it.Source, it.Driving,
				it.TimeFlip, it.HorizontalFlip, it.Resize, it.CropX, it.CropY,
				it.Brightness, it.Contrast, it.Saturation, it.Hue, it.JitterOrder))
		}
	}
	want := []string{
		"5 6 15 false false 1.049 0 0 0.988 0.952 1.005 0.042 [0 1 2 3]",
		"6 2 11 false false 1.083 0 0 0.950 1.076 0.957 -0.008 [1 3 0 2]",
		"3 7 12 false false 0.925 0 0 1.003 1.098 0.937 0.098 [3 1 0 2]",
		"3 1 5 false true 0.965 0 0 0.985 1.079 0.927 0.002 [1 3 2 0]",
		"4 0 5 false false 0.927 0 0 0.991 0.938 1.072 -0.007 [0 3 1 2]",
		"6 7 3 true false 0.935 0 0 0.948 1.088 0.926 -0.073 [3 0 1 2]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("draws changed (-want +got):\n%s", diff)
	}
}

// An epoch holds every item NumRepeats times, but for the dropped rest, and is
// shuffled anew each time.
func TestEpochs(t *testing.T) {
	l := loader(t, drawnSet(t, params(t, ""), 7, 4), LoaderParams{Seed: 1, BatchSize: 4, NumRepeats: 3})
	if l.BatchesPerEpoch() != 5 {
		t.Fatalf("%d batches of 4 in 21 items, want 5", l.BatchesPerEpoch())
	}
	var epochs [3][]int
	for e := range epochs {
		counts := map[int]int{}
		for i := 0; i < 5; i++ {
			for _, it := range batch(t, l, int64(5*e+i)).Items {
				counts[it.Video]++
				epochs[e] = append(epochs[e], it.Video)
			}
		}
		missing := 0
		for v := 0; v < 7; v++ {
			if counts[v] > 3 {
				t.Errorf("epoch %d: video %d comes %d times", e, v, counts[v])
			}
			missing += 3 - counts[v]
		}
		if missing != 1 {
			t.Errorf("epoch %d: %d items are missing, want 1", e, missing)
		}
	}
	if cmp.Equal(epochs[0], epochs[1]) {
		t.Error("two epochs have the same order")
	}
}

// Frames are drawn with replacement and sorted; every augmentation comes as
// often as it should, the horizontal flip only without the flip in time.
func TestPairsAndFlipsAsSpecified(t *testing.T) {
	p := params(t, "")
	p.AugmentationParams.FlipParam = FlipParam{HorizontalFlip: true, TimeFlip: true}
	l := loader(t, drawnSet(t, p, 8, 5), LoaderParams{Seed: 3, BatchSize: 8, NumRepeats: 1})
	var same, timeFlips, flips, n float64
	pairs := map[[2]int]float64{}
	for i := int64(0); i < 500; i++ {
		for _, it := range batch(t, l, i).Items {
			n++
			a, b := it.Source, it.Driving
			if it.TimeFlip {
				a, b = b, a
				timeFlips++
			}
			if a > b {
				t.Fatalf("%+v: the source is later", it)
			}
			if it.HorizontalFlip {
				flips++
				if it.TimeFlip {
					t.Fatal("both flips at once")
				}
			}
			if a == b {
				same++
			}
			pairs[[2]int{a, b}]++
		}
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if got < want-0.035 || got > want+0.035 {
			t.Errorf("share of %s is %.3f, want %.3f", what, got, want)
		}
	}
	near("equal frames", same/n, 0.2)
	near("frames 1 and 3", pairs[[2]int{1, 3}]/n, 2.0/25)
	near("flips in time", timeFlips/n, 0.5)
	near("horizontal flips", flips/n, 0.25)

	p.AugmentationParams.FlipParam.TimeFlip = false
	l = loader(t, drawnSet(t, p, 8, 5), LoaderParams{Seed: 3, BatchSize: 8, NumRepeats: 1})
	flips = 0
	for i := int64(0); i < 500; i++ {
		for _, it := range batch(t, l, i).Items {
			if it.HorizontalFlip {
				flips++
			}
		}
	}
	near("horizontal flips alone", flips/n, 0.5)
}

func TestPicturesAreWhatItemsSay(t *testing.T) {
	root := t.TempDir()
	for i := 0; i < 6; i++ {
		folder(t, filepath.Join(root, "train", fmt.Sprintf("v%d", i)), i, 9)
	}
	folder(t, filepath.Join(root, "test", "v9"), 9, 3)
	p := params(t, root)
	p.AugmentationParams.FlipParam = FlipParam{HorizontalFlip: true, TimeFlip: true}
	p.MemoryMB = 0
	d := open(t, p)
	l := loader(t, d, LoaderParams{Seed: 2, BatchSize: 5, NumRepeats: 4})
	for i := int64(0); i < 20; i++ {
		checkPixels(t, d, batch(t, l, i))
	}
}

func TestLoaderRefuses(t *testing.T) {
	d := drawnSet(t, params(t, ""), 3, 2)
	for name, p := range map[string]LoaderParams{
		"no batch":   {BatchSize: 0, NumRepeats: 1},
		"no repeat":  {BatchSize: 1, NumRepeats: 0},
		"never full": {BatchSize: 7, NumRepeats: 2},
		"huge batch": {BatchSize: 1 << 40, NumRepeats: 1 << 40},
		"huge epoch": {BatchSize: 1, NumRepeats: 1 << 60},
	} {
		if _, err := d.Loader(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := loader(t, d, LoaderParams{BatchSize: 1, NumRepeats: 1}).Batch(-1); err == nil {
		t.Error("batch -1: no error")
	}
}

// slow counts how many frames are drawn ahead.
type slow struct {
	drawn
	calls chan struct{}
}

func (s slow) Frame(i int) (*video.Frame, error) {
	s.calls <- struct{}{}
	return s.drawn.Frame(i)
}

func TestPrefetchIsBoundedAndStops(t *testing.T) {
	before := runtime.NumGoroutine()
	p := params(t, "")
	p.Prefetch = 3
	p.MemoryMB = 0
	calls := make(chan struct{}, 1000)
	d, err := FromSource(drawnSource{train: []Video{slow{drawn{0, 4, 8, 6}, calls}}}, p)
	if err != nil {
		t.Fatal(err)
	}
	l := loader(t, d, LoaderParams{BatchSize: 1, NumRepeats: 100})
	ahead := l.Prefetch(context.Background(), 0)
	for i := 0; len(calls) < 2*3 && i < 3000; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // for what must not come
	if n := len(calls); n != 2*3 {
		t.Errorf("%d frames were made before anybody asked, want those of 3 batches", n)
	}
	for i := int64(0); i < 10; i++ {
		b, err := ahead.Next()
		if err != nil || b.Attempt != i {
			t.Fatalf("batch %d: %v", i, err)
		}
	}
	ahead.Close()
	ahead.Close()
	if _, err := ahead.Next(); err == nil {
		t.Error("a batch after Close")
	}
	ctx, cancel := context.WithCancel(context.Background())
	ahead = l.Prefetch(ctx, 0)
	cancel()
	for i := 0; i < 10; i++ {
		if _, err = ahead.Next(); err != nil {
			break
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	ahead.Close()
	for i := 0; runtime.NumGoroutine() > before && i < 3000; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, and %d before", n, before)
	}
}

// Which videos are broken changes draws of their samples only, and not with
// the order in which they are found.
func TestBrokenVideosAreSkippedByName(t *testing.T) {
	root := t.TempDir()
	for i := 0; i < 8; i++ {
		folder(t, filepath.Join(root, "train", fmt.Sprintf("v%d", i)), i, 3)
	}
	folder(t, filepath.Join(root, "test", "v9"), 9, 3)
	p := params(t, root)
	whole := loader(t, open(t, p), LoaderParams{Seed: 4, BatchSize: 4, NumRepeats: 1})
	var old []*Batch
	for i := int64(0); i < 10; i++ {
		old = append(old, batch(t, whole, i))
	}
	for i := 0; i < 3; i++ { // header and all are right, the pixels are missing
		write(t, filepath.Join(root, "train", "v3", fmt.Sprintf("%03d.png", i)), cutPNG(t))
	}
	d := open(t, p)
	l := loader(t, d, LoaderParams{Seed: 4, BatchSize: 4, NumRepeats: 1})
	late := loader(t, open(t, p), LoaderParams{Seed: 4, BatchSize: 4, NumRepeats: 1})
	want9 := batch(t, late, 9)
	redrawn := 0
	for i := int64(0); i < 10; i++ {
		b := batch(t, l, i)
		checkPixels(t, d, b)
		for k, it := range b.Items {
			if it.Name == "v3" {
				t.Errorf("attempt %d: the broken video was used", i)
			}
			if old[i].Items[k].Name == "v3" {
				redrawn++
			} else if diff := cmp.Diff(old[i].Items[k], it); diff != "" {
				t.Errorf("attempt %d, sample %d changed:\n%s", i, k, diff)
			}
		}
		if i == 9 && !cmp.Equal(b, want9) {
			t.Error("what was read before changes a batch")
		}
	}
	if redrawn == 0 {
		t.Error("the broken video never came: the test shows nothing")
	}
	if broken := d.Broken(); len(broken) != 1 || broken[0].Name != "train/v3" || !strings.Contains(broken[0].Err.Error(), "cut off") {
		t.Errorf("broken are %v", broken)
	}
	p.MaxBroken = 0
	strict := loader(t, open(t, p), LoaderParams{Seed: 4, BatchSize: 4, NumRepeats: 1})
	var err error
	for i := int64(0); i < 4 && err == nil; i++ {
		_, err = strict.Batch(i)
	}
	if err == nil || !strings.Contains(err.Error(), "max_broken") || !strings.Contains(err.Error(), "v3") {
		t.Errorf("max_broken 0: %v", err)
	}
}

func cutPNG(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	f := video.NewFrame(8, 6)
	for i := range f.Pix {
		f.Pix[i] = byte(i * i * 7)
	}
	if err := video.EncodePNG(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()[:60]
}

func TestOnlyBrokenVideosAreAClearError(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"train/a.png", "train/b.mp4", "train/c.gif", "test/d.mp4"} {
		write(t, filepath.Join(root, name), "")
	}
	_, err := Open(context.Background(), params(t, root))
	if err == nil || !strings.Contains(err.Error(), "none of the 3 train videos can be read") || !strings.Contains(err.Error(), "a.png") {
		t.Errorf("error %v", err)
	}
}
