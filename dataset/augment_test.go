package dataset

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

// positions is a picture whose pixels say where they are.
func positions(w, h int) *video.Frame {
	f := video.NewFrame(w, h)
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			copy(f.Pix[3*(y*w+x):], []byte{byte(x), byte(y), 9})
		}
	}
	return f
}

func TestHorizontalFlip(t *testing.T) {
	f := positions(5, 3)
	out := make([]byte, len(f.Pix))
	it := Item{HorizontalFlip: true, Resize: 1}
	it.flipScaleCrop(f, out)
	for y := 0; y < 3; y++ {
		for x := 0; x < 5; x++ {
			if px := out[3*(5*y+x):]; int(px[0]) != 4-x || int(px[1]) != y {
				t.Fatalf("pixel (%d, %d) is from (%d, %d)", x, y, px[0], px[1])
			}
		}
	}
}

// naive does the same in the plain steps of the specification: flip, scale by
// nearest neighbour, pad by repeating the border, cut the window.
func naive(f *video.Frame, it Item) []byte {
	type pixel [3]byte
	var rows [][]pixel
	for y := 0; y < f.H; y++ {
		var row []pixel
		for x := 0; x < f.W; x++ {
			from := x
			if it.HorizontalFlip {
				from = f.W - 1 - x
			}
			row = append(row, pixel(f.Pix[3*(y*f.W+from):]))
		}
		rows = append(rows, row)
	}
	w, h := int(float64(f.W)*it.Resize), int(float64(f.H)*it.Resize)
	var scaled [][]pixel
	for y := 0; y < h; y++ {
		var row []pixel
		for x := 0; x < w; x++ {
			row = append(row, rows[(2*y+1)*f.H/(2*h)][(2*x+1)*f.W/(2*w)])
		}
		scaled = append(scaled, row)
	}
	grow := func(n, want int) (before, after int) {
		if n >= want {
			return 0, 0
		}
		return (want - n) / 2, (want - n + 1) / 2
	}
	left, right := grow(w, f.W)
	for y, row := range scaled {
		for i := 0; i < left; i++ {
			row = append([]pixel{row[0]}, row...)
		}
		for i := 0; i < right; i++ {
			row = append(row, row[len(row)-1])
		}
		scaled[y] = row
	}
	above, below := grow(h, f.H)
	for i := 0; i < above; i++ {
		scaled = append([][]pixel{scaled[0]}, scaled...)
	}
	for i := 0; i < below; i++ {
		scaled = append(scaled, scaled[len(scaled)-1])
	}
	var out []byte
	for y := 0; y < f.H; y++ {
		for x := 0; x < f.W; x++ {
			px := scaled[it.CropY+y][it.CropX+x]
			out = append(out, px[:]...)
		}
	}
	return out
}

func TestResizeAndCrop(t *testing.T) {
	a := AugmentationParams{
		FlipParam:   FlipParam{HorizontalFlip: true},
		ResizeParam: ResizeParam{Ratio: [2]float64{0.5, 1.6}},
		CropParam:   CropParam{Size: [2]int{13, 20}},
	}
	f := positions(20, 13)
	got := make([]byte, len(f.Pix))
	corners := map[[2]bool]bool{}
	for i := uint64(0); i < 300; i++ {
		var it Item
		a.draw(random.New(1, i), 20, 13, &it)
		it.flipScaleCrop(f, got)
		if !bytes.Equal(got, naive(f, it)) {
			t.Fatalf("%+v differs from the plain steps", it)
		}
		if it.Resize < 0.5 || it.Resize > 1.6 {
			t.Errorf("factor %v", it.Resize)
		}
		w, h := scaledSize(20, 13, it.Resize)
		if it.CropX < 0 || it.CropX > max(0, w-20) || it.CropY < 0 || it.CropY > max(0, h-13) {
			t.Errorf("window at (%d, %d) of %dx%d", it.CropX, it.CropY, w, h)
		}
		corners[[2]bool{it.CropX > 0 && it.CropX == w-20, it.CropY > 0 && it.CropY == h-13}] = true
	}
	if len(corners) < 3 {
		t.Error("windows never reach the far edge")
	}
}

// Switching one augmentation leaves the draws of the others as they were.
func TestDrawsAreIndependentOfEachOther(t *testing.T) {
	var all, some Item
	everything().draw(random.New(3), 8, 6, &all)
	AugmentationParams{JitterParam: JitterParam{Hue: 0.1}}.draw(random.New(3), 8, 6, &some)
	if some.Hue != all.Hue || some.JitterOrder != all.JitterOrder {
		t.Errorf("hue and order are %v %v, and %v %v with the rest", some.Hue, some.JitterOrder, all.Hue, all.JitterOrder)
	}
	if some.Brightness != 1 || some.Contrast != 1 || some.Saturation != 1 || some.Resize != 1 || some.HorizontalFlip || some.TimeFlip {
		t.Errorf("what is off was drawn: %+v", some)
	}
}

func TestStrongJitterStaysAboveZero(t *testing.T) {
	a := AugmentationParams{JitterParam: JitterParam{Brightness: 3}}
	for i := uint64(0); i < 200; i++ {
		var it Item
		a.draw(random.New(1, i), 8, 6, &it)
		if it.Brightness < 0 || it.Brightness > 4 {
			t.Errorf("brightness %v, want 0..4", it.Brightness)
		}
	}
}

func TestBothFramesAreVariedAlike(t *testing.T) {
	p := params(t, "")
	p.AugmentationParams = everything()
	// Videos of one picture: source and driving are equal before augmentation.
	l := loader(t, drawnSet(t, p, 5, 1), LoaderParams{Seed: 1, BatchSize: 5, NumRepeats: 1})
	b := batch(t, l, 0)
	if !bytes.Equal(b.Source, b.Driving) {
		t.Error("two equal frames differ after augmentation")
	}
	plain := loader(t, drawnSet(t, params(t, ""), 5, 1), LoaderParams{Seed: 1, BatchSize: 5, NumRepeats: 1})
	if bytes.Equal(b.Source, batch(t, plain, 0).Source) {
		t.Error("augmentation changes nothing")
	}
}

func TestParamsAreValidated(t *testing.T) {
	for want, change := range map[string]func(p *Params){
		"frame_shape":        func(p *Params) { p.FrameShape[1] = 0 },
		"3 channels":         func(p *Params) { p.FrameShape[2] = 1 },
		"max_broken":         func(p *Params) { p.MaxBroken = 1.5 },
		"max_pixels":         func(p *Params) { p.MaxPixels = 0 },
		"max_frames":         func(p *Params) { p.MaxFrames = -1 },
		"memory_mb":          func(p *Params) { p.MemoryMB = -1 },
		"cache_gb":           func(p *Params) { p.CacheGB = -1 },
		"workers":            func(p *Params) { p.Workers = -1 },
		"prefetch":           func(p *Params) { p.Prefetch = 0 },
		"fit":                func(p *Params) { p.Fit = "squash" },
		"jitter_param.hue":   func(p *Params) { p.AugmentationParams.JitterParam.Hue = 0.6 },
		"contrast":           func(p *Params) { p.AugmentationParams.JitterParam.Contrast = -1 },
		"resize_param.ratio": func(p *Params) { p.AugmentationParams.ResizeParam.Ratio = [2]float64{1.1, 0.9} },
		"crop_param.size":    func(p *Params) { p.AugmentationParams.CropParam.Size = [2]int{1, 1} },
		"needs crop_param":   func(p *Params) { p.AugmentationParams.ResizeParam.Ratio = [2]float64{0.9, 1.1} },
	} {
		p := params(t, "")
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
		if _, err := FromSource(drawnSource{train: []Video{drawn{0, 1, 8, 6}}}, p); err == nil {
			t.Errorf("%s: FromSource takes it", want)
		}
	}
	if err := params(t, "").Validate(); err != nil {
		t.Error(err)
	}
}

func TestFromSourceFitsAndRefuses(t *testing.T) {
	p := params(t, "")
	d, err := FromSource(drawnSource{train: []Video{drawn{3, 4, 20, 20}}}, p)
	if err != nil {
		t.Fatal(err)
	}
	b := batch(t, loader(t, d, LoaderParams{BatchSize: 1, NumRepeats: 1}), 0)
	checkPixels(t, d, b)
	if len(d.Test()) != 0 {
		t.Error("test videos out of nothing")
	}
	for name, src := range map[string]drawnSource{
		"nothing":   {},
		"no frames": {train: []Video{drawn{0, 0, 8, 6}}},
		"nil":       {train: []Video{nil}},
	} {
		if _, err := FromSource(src, p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
