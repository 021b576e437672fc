package video

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A lossless film gives back exactly the pictures it was made of.
func TestLosslessFilm(t *testing.T) {
	dir := t.TempDir()
	var want []*Frame
	for i := 0; i < 7; i++ {
		want = append(want, noise(51, 33, int64(i)))
		if err := WritePNG(filepath.Join(dir, fmt.Sprintf("%02d.png", i)), want[i]); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "odd size; $(name) %d 'x'.mkv")
	ffmpeg(t, "-framerate", "5", "-i", filepath.Join(dir, "%02d.png"), "-c:v", "ffv1", "-pix_fmt", "bgr0", path)
	r, err := OpenFilm(context.Background(), path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if i, err := Probe(context.Background(), path, Limits{}); err != nil || i.W != 51 || i.H != 33 || i.Rate != 5 || i.Codec != "ffv1" || i.Duration < time.Second {
		t.Errorf("Probe says %+v, error %v", i, err)
	}
	got, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Pix, want[i].Pix) {
			t.Errorf("frame %d differs", i)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	collected(t, r)
}

func TestContainers(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"a.mp4":  {"-pix_fmt", "yuv420p"},
		"a.mov":  {"-pix_fmt", "yuv420p"},
		"a.webm": {"-c:v", "libvpx", "-b:v", "1M"},
		"a.gif":  nil,
		"a.avi":  {"-c:v", "mjpeg", "-q:v", "2"},
	} {
		path := film(t, filepath.Join(dir, name), "testsrc2=size=66x50:rate=10:duration=1", args...)
		r, err := Open(context.Background(), path, 0, 0, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		frames, err := readAll(r)
		if err != nil || len(frames) != 10 || frames[0].W != 66 || frames[0].H != 50 {
			t.Errorf("%s: %d frames, error %v", name, len(frames), err)
		}
		r.Close()
	}
}

// A gif of uneven delays gives each stored picture once, in RGB, without the
// copies that a constant rate would need.
func TestGifOfVariableRate(t *testing.T) {
	anim := &gif.GIF{}
	palette := color.Palette{color.RGBA{250, 0, 0, 255}, color.RGBA{0, 250, 0, 255}, color.RGBA{0, 0, 250, 255}}
	for i := range palette {
		img := image.NewPaletted(image.Rect(0, 0, 20, 10), palette)
		for j := range img.Pix {
			img.Pix[j] = byte(i)
		}
		anim.Image = append(anim.Image, img)
		anim.Delay = append(anim.Delay, []int{2, 300, 7}[i])
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, anim); err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "a.GIF"), b.Bytes())
	r, err := Open(context.Background(), path, 0, 0, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	frames, err := readAll(r)
	if err != nil || len(frames) != 3 {
		t.Fatalf("%d frames of 3, error %v", len(frames), err)
	}
	for i, f := range frames {
		want := make([]byte, 3)
		want[i] = 250
		if !bytes.Equal(f.Pix[:3], want) {
			t.Errorf("frame %d starts with %v, want %v", i, f.Pix[:3], want)
		}
	}
}

// At a constant rate every frame is the picture that is shown at its time, from
// the first picture on, whatever the sound does.
func TestConstantRateOfVariableFilm(t *testing.T) {
	dir := t.TempDir()
	all := film(t, filepath.Join(dir, "all.mkv"), "testsrc2=size=32x32:rate=30:duration=2", "-c:v", "ffv1", "-pix_fmt", "bgr0")
	want := open(t, all)
	some := filepath.Join(dir, "some.mkv") // its header does not say how uneven it is
	// The first 20 pictures, then one of four; half a second late.
	ffmpeg(t, "-itsoffset", "0.5", "-i", all, "-f", "lavfi", "-i", "sine=duration=2", "-vf", "select='lt(n,20)+not(mod(n,4))'", "-vsync", "vfr",
		"-c:v", "ffv1", "-pix_fmt", "bgr0", "-c:a", "pcm_s16le", some)
	r, err := OpenFilmAt(context.Background(), some, "30", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := readAll(r)
	if err != nil || len(got) < 57 || len(got) > 60 {
		t.Fatalf("%d frames, error %v; want 57 to 60, the last picture shown for up to four", len(got), err)
	}
	for i, f := range got {
		shown := i
		if i >= 20 {
			shown = i / 4 * 4
		}
		if !bytes.Equal(f.Pix, want[shown].Pix) {
			t.Errorf("frame %d is not picture %d", i, shown)
		}
	}
	if _, err := OpenFilmAt(context.Background(), some, "0", Limits{}); err == nil || !strings.Contains(err.Error(), "no rate") {
		t.Errorf("no rate: %v", err)
	}
}

// Pictures are those of "ffmpeg -pix_fmt rgb24", bit for bit, which imageio
// hands to the reference: of halved colour planes too.
func TestPicturesAreThoseOfFFmpeg(t *testing.T) {
	dir := t.TempDir()
	const source = "testsrc2=size=50x34:rate=5:duration=1"
	for name, args := range map[string][]string{
		"601.mp4":  {"-pix_fmt", "yuv420p"},
		"709.mp4":  {"-vf", "scale=out_color_matrix=bt709", "-pix_fmt", "yuv420p", "-colorspace", "bt709"},
		"full.avi": {"-c:v", "mjpeg", "-pix_fmt", "yuvj422p"},
		"444.webm": {"-c:v", "libvpx-vp9", "-pix_fmt", "yuv444p"},
	} {
		path := film(t, filepath.Join(dir, name), source, args...)
		want, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for _, f := range open(t, path) {
			got = append(got, f.Pix...)
		}
		if len(got) != 5*3*50*34 || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, not the %d of ffmpeg", name, len(got), len(want))
		}
	}
}

func TestRotationIsObeyed(t *testing.T) {
	dir := t.TempDir()
	// Left half white, right half black.
	source := "color=black:size=64x32:rate=5:duration=1,drawbox=x=0:y=0:w=32:h=32:color=white:t=fill"
	plain := film(t, filepath.Join(dir, "plain.mp4"), source, "-pix_fmt", "yuv420p")
	turned := filepath.Join(dir, "turned.mp4")
	lay(t, plain, turned)
	r, err := OpenFilm(context.Background(), turned, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	info, err := Probe(context.Background(), turned, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if info.W != 32 || info.H != 64 || f.W != 32 || f.H != 64 || info.Rotation%180 != 90 {
		t.Fatalf("frame of %dx%d, info %+v", f.W, f.H, info)
	}
	top, bottom := f.Pix[3*(10*32+16)], f.Pix[3*(54*32+16)]
	if info.Rotation == 90 && (top < 200 || bottom > 50) || info.Rotation == 270 && (top > 50 || bottom < 200) {
		t.Errorf("turned by %d degrees, top is %d and bottom %d", info.Rotation, top, bottom)
	}
}

func TestBadFilmsAreErrorsThatNameTheFile(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	good := film(t, filepath.Join(dir, "good.mp4"), "testsrc2=size=160x120:rate=25:duration=3", "-pix_fmt", "yuv420p", "-movflags", "+faststart")
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	silent := film(t, filepath.Join(dir, "sound.mp4"), "sine=duration=1")
	copied := func(name string) []byte {
		path := filepath.Join(dir, name)
		ffmpeg(t, "-i", good, "-c", "copy", path)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	atEnd, mkv := copied("at-end.mp4"), copied("good.mkv")
	list := "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:4,\n" + good + "\n#EXT-X-ENDLIST\n"
	concat := "ffconcat version 1.0\nfile " + filepath.Base(good) + "\n"
	for path, want := range map[string]string{
		writeFile(t, filepath.Join(dir, "empty.mp4"), nil):                         "empty",
		writeFile(t, filepath.Join(dir, "text.mp4"), []byte("no film at all")):     "",
		writeFile(t, filepath.Join(dir, "head.mp4"), data[:64]):                    "",
		writeFile(t, filepath.Join(dir, "torn.mp4"), atEnd[:len(atEnd)/2]):         "is cut off: the index",
		writeFile(t, filepath.Join(dir, "playlist.mp4"), []byte(list)):             "whitelist",
		writeFile(t, filepath.Join(dir, "concat.mp4"), []byte(concat)):             "whitelist",
		writeFile(t, filepath.Join(dir, "bomb.gif"), gifClaiming(t, 65535, 65535)): "",
		silent:                         "",
		filepath.Join(dir, "none.mp4"): "no such file",
	} {
		_, openErr := OpenFilm(ctx, path, Limits{})
		_, probeErr := Probe(ctx, path, Limits{})
		for _, err := range []error{openErr, probeErr} {
			if err == nil {
				t.Errorf("%s: no error", path)
				continue
			}
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Base(path)) {
				t.Errorf("%s: error %q does not say %q and the file", path, err, want)
			}
			if len(err.Error()) > 1000 || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error is long or has lines: %q", path, err)
			}
		}
	}

	for name, whole := range map[string][]byte{"cut.mp4": data, "cut.mkv": mkv} {
		cut := writeFile(t, filepath.Join(dir, name), whole[:2*len(whole)/3])
		r, err := OpenFilm(ctx, cut, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		frames, err := readAll(r)
		if err == nil || !strings.Contains(err.Error(), "damaged or cut off") {
			t.Errorf("%s: %d frames, error %v", name, len(frames), err)
		}
		if len(frames) == 0 || len(frames) >= 75 {
			t.Errorf("%s gave %d of 75 frames", name, len(frames))
		}
		collected(t, r)
	}
}

func gifClaiming(t *testing.T, w, h int) []byte {
	var b bytes.Buffer
	img := image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.Black, color.White})
	if err := gif.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	data[6], data[7], data[8], data[9] = byte(w), byte(w>>8), byte(h), byte(h>>8)
	return data
}

func TestLimitsOfFilms(t *testing.T) {
	path := film(t, filepath.Join(t.TempDir(), "a.mp4"), "testsrc2=size=64x64:rate=10:duration=2", "-pix_fmt", "yuv420p")
	for _, large := range []string{path, film(t, filepath.Join(t.TempDir(), "a.gif"), "testsrc2=size=64x64:rate=10:duration=1")} {
		for by, want := range map[string]string{"": "limit of 4095 pixels", "--pixels": "limit of 4095 pixels (--pixels)"} {
			limits := Limits{MaxPixels: 64*64 - 1, PixelsBy: by}
			_, err := OpenFilm(context.Background(), large, limits)
			_, errToo := Probe(context.Background(), large, limits)
			for _, err := range []error{err, errToo} {
				if err == nil || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("%s, too many pixels: %v, want %q", filepath.Base(large), err, want)
				}
			}
		}
	}
	r, err := OpenFilm(context.Background(), path, Limits{MaxFrames: 19})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	frames, err := readAll(r)
	if len(frames) != 19 || err == nil || !strings.HasSuffix(err.Error(), "more than 19 frames: cut it") {
		t.Errorf("%d frames, error %v", len(frames), err)
	}
	collected(t, r)
}

// Stopping in the middle of a film ends ffmpeg at once, whoever stops.
func TestStopping(t *testing.T) {
	path := film(t, filepath.Join(t.TempDir(), "a.avi"), "testsrc2=size=640x480:rate=25:duration=4", "-c:v", "mjpeg")
	begin := time.Now()
	for i := 0; i < 3; i++ {
		r, err := OpenFilm(context.Background(), path, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		r.Close()
		r.Close()
		if _, err := r.Next(); err == nil || err == io.EOF {
			t.Errorf("read after Close: %v", err)
		}
		collected(t, r)
	}

	ctx, cancel := context.WithCancel(context.Background())
	r, err := OpenFilm(ctx, path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := readAll(r); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	collected(t, r)
	if _, err := OpenFilm(ctx, path, Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("opened after cancel: %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

func TestWithoutFFmpeg(t *testing.T) {
	path := film(t, filepath.Join(t.TempDir(), "a.gif"), "testsrc2=size=16x16:rate=1:duration=2")
	t.Setenv("PATH", t.TempDir())
	if _, err := OpenFilm(context.Background(), path, Limits{}); err == nil || !strings.Contains(err.Error(), "apt-get install ffmpeg") {
		t.Errorf("error %v does not say what to install", err)
	}
}

// Damage anywhere gives an error or frames, never a hang, a crash or a frame
// of another size.
func TestDamagedFilms(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.mp4", "a.gif"} {
		path := film(t, filepath.Join(dir, name), "testsrc2=size=48x32:rate=10:duration=1")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < 4; i++ {
			bad := bytes.Clone(data)
			for j := (i + 1) * len(bad) / 6; j < len(bad) && j < (i+1)*len(bad)/6+9; j++ {
				bad[j] ^= 0x5a
			}
			r, err := OpenFilm(context.Background(), writeFile(t, filepath.Join(dir, "bad-"+name), bad), Limits{MaxPixels: 1 << 20})
			if err != nil {
				continue
			}
			if frames, _ := readAll(r); len(frames) > 100 {
				t.Errorf("%s, damage %d: %d frames", name, i, len(frames))
			}
			r.Close()
			collected(t, r)
		}
	}
}

func TestVersionsOfFFmpeg(t *testing.T) {
	for text, want := range map[string]bool{
		"ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright": true, "ffmpeg version 5.0.1": true, "ffmpeg version 5.1.9-0+deb12u1": false,
		"ffmpeg version n7.1": false, "ffmpeg version 10.0": false, "ffmpeg version N-118000-gabc": false, "": false,
	} {
		if before51(text) != want {
			t.Errorf("%q is before 5.1: %v", text, !want)
		}
	}
}

// Whatever a program writes, the header is refused or says a size.
func FuzzFrameHeader(f *testing.F) {
	f.Add([]byte("P6\n4 3\n255\n" + strings.Repeat("x", 36)))
	f.Add([]byte("P6\n99999999999999999999 3\n255\n"))
	f.Add([]byte("P6 4 3 255 "))
	f.Fuzz(func(t *testing.T, data []byte) {
		film := &Film{out: bufio.NewReader(bytes.NewReader(data))}
		w, h, err := film.frameHeader()
		if err == nil && DefaultLimits.size(w, h) == nil && int64(w)*int64(h) > DefaultLimits.MaxPixels {
			t.Errorf("a frame of %dx%d pixels passes", w, h)
		}
	})
}
