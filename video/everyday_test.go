package video

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// vp8 are the packets of a VP8 film made by a filter of ffmpeg's.
func vp8(t *testing.T, source string) [][]byte {
	t.Helper()
	path := film(t, filepath.Join(t.TempDir(), "a.ivf"), source, "-pix_fmt", "yuv420p", "-c:v", "libvpx", "-b:v", "200k", "-auto-alt-ref", "0")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for at := 32; at+12 <= len(data); {
		n := int(binary.LittleEndian.Uint32(data[at:]))
		all = append(all, data[at+12:at+12+n])
		at += 12 + n
	}
	return all
}

// recorded is a webm as browsers record it: without length and rate, in one
// cluster without end.
func recorded(t *testing.T, path string, packets [][]byte, ms []int, w, h byte) string {
	t.Helper()
	element := func(id string, body ...[]byte) []byte {
		data := bytes.Join(body, nil)
		out := append([]byte(id), 1)
		return append(append(out, binary.BigEndian.AppendUint64(nil, uint64(len(data)))[1:]...), data...)
	}
	const endless = "\x01\xff\xff\xff\xff\xff\xff\xff"
	out := element("\x1a\x45\xdf\xa3", element("\x42\x86", []byte{1}), element("\x42\xf7", []byte{1}), element("\x42\xf2", []byte{4}),
		element("\x42\xf3", []byte{8}), element("\x42\x82", []byte("webm")), element("\x42\x87", []byte{4}), element("\x42\x85", []byte{2}))
	out = append(out, "\x18\x53\x80\x67"+endless...)
	out = append(out, element("\x15\x49\xa9\x66", element("\x2a\xd7\xb1", []byte{0x0f, 0x42, 0x40}))...)
	out = append(out, element("\x16\x54\xae\x6b", element("\xae", element("\xd7", []byte{1}), element("\x73\xc5", []byte{1}), element("\x83", []byte{1}),
		element("\x86", []byte("V_VP8")), element("\xe0", element("\xb0", []byte{w}), element("\xba", []byte{h}))))...)
	out = append(out, "\x1f\x43\xb6\x75"+endless...)
	out = append(out, element("\xe7", []byte{0})...)
	for i, p := range packets {
		key := byte(0)
		if p[0]&1 == 0 {
			key = 0x80
		}
		out = append(out, element("\xa3", []byte{0x81, byte(ms[i] >> 8), byte(ms[i]), key}, p)...)
	}
	return writeFile(t, path, out)
}

func probe1(t *testing.T, path string) Info {
	t.Helper()
	info, err := Probe(context.Background(), path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// steadily reads a film at its steady rate.
func steadily(t *testing.T, path string, info Info) []*Frame {
	t.Helper()
	r, err := OpenFilmAt(context.Background(), path, info.SteadyRate, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := readAll(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return all
}

// near reports a length that is not about what it should be.
func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.Abs(got-want) > by {
		t.Errorf("%s is %.4g, want %.4g within %.2g", what, got, want, by)
	}
}

func TestBrowsersRecording(t *testing.T) {
	dir := t.TempDir()
	ms := []int{0, 47, 64, 131, 133, 199, 262, 271, 344, 356, 407, 441, 512, 533, 598, 612, 688, 701, 765, 790}
	packets := vp8(t, "testsrc=size=64x64:rate=30:duration=0.68")[:20]
	for n, want := range map[int]float64{20: 0.82, 2: 0.094, 1: 0} {
		path := recorded(t, filepath.Join(dir, fmt.Sprintf("%d.webm", n)), packets[:n], ms, 64, 64)
		info := probe1(t, path)
		near(t, "length", info.Duration.Seconds(), want, 0.04)
		if info.Frames != n || info.Rate > 60 {
			t.Errorf("%d pictures: %+v", n, info)
		}
		times, err := Timestamps(context.Background(), path, Limits{})
		if err != nil || len(times) != n || times[n-1] != time.Duration(ms[n-1])*time.Millisecond {
			t.Errorf("%d pictures: times %v, %v", n, times, err)
		}
		if len(open(t, path)) != n {
			t.Errorf("not %d frames", n)
		}
		if n > 1 {
			got := steadily(t, path, info)
			near(t, "length at the steady rate", float64(len(got))/ratio(info.SteadyRate), want, 0.04)
		}
	}
}

// Films of uneven distances whose containers claim a steady rate.
func TestUnevenInEveryContainer(t *testing.T) {
	dir := t.TempDir()
	mp4 := film(t, filepath.Join(dir, "a.mp4"), "testsrc=size=64x64:rate=25:duration=1.2", "-vf", "settb=1/1000,setpts='if(lt(N,10),N*40,400+(N-10)*100)'",
		"-fps_mode", "passthrough", "-enc_time_base", "1/1000", "-pix_fmt", "yuv420p", "-use_editlist", "0") // new releases' lists drop the last picture
	all := []string{mp4}
	for name, args := range map[string][]string{"a.mkv": {}, "a.webm": {"-deadline", "realtime"}, "copied.mkv": {"-c", "copy"}} {
		path := filepath.Join(dir, name)
		ffmpeg(t, append(append([]string{"-i", mp4}, args...), path)...)
		all = append(all, path)
	}
	for _, path := range all {
		info := probe1(t, path)
		if info.Frames != 30 || !info.Variable || ratio(info.SteadyRate) > 50 {
			t.Errorf("%s: %+v", path, info)
		}
		near(t, path+": length", info.Duration.Seconds(), 2.36, 0.06)
		got, want := steadily(t, path, info), open(t, path)
		near(t, path+": frames", float64(len(got)), 2.36*ratio(info.SteadyRate), 3)
		// The picture at 1.5 s is the 22nd.
		if at := int(1.52 * ratio(info.SteadyRate)); !bytes.Equal(got[at].Pix, want[21].Pix) {
			t.Errorf("%s: not its picture at 1.5 s", path)
		}
	}
}

// VP8 may hold packets that are never shown.
func TestHiddenPicturesHaveNoTimes(t *testing.T) {
	path := film(t, filepath.Join(t.TempDir(), "a.webm"), "testsrc2=size=64x64:rate=25:duration=2", "-c:v", "libvpx", "-b:v", "100k",
		"-auto-alt-ref", "1", "-lag-in-frames", "16")
	info := probe1(t, path)
	times, err := Timestamps(context.Background(), path, Limits{})
	if err != nil || len(times) != 50 || info.Frames != 50 || info.Variable || info.Rate != 25 {
		t.Errorf("%d times, %v, %+v", len(times), err, info)
	}
}

func TestVP8OfFullRange(t *testing.T) {
	for _, grey := range []int{20, 100, 240} {
		source := fmt.Sprintf("color=black:size=64x64:rate=25:duration=0.2,format=yuv420p,geq=lum=%d:cb=128:cr=128,setparams=range=pc:colorspace=bt709", grey)
		path := film(t, filepath.Join(t.TempDir(), "a.webm"), source, "-c:v", "libvpx", "-b:v", "1M", "-qmin", "0", "-qmax", "0",
			"-color_range", "pc", "-colorspace", "bt709")
		near(t, "grey", float64(open(t, path)[0].Pix[3*(64*30+30)]), float64(grey), 2)
	}
}

// Pictures that change their size in the middle, with a gap: time is kept, and
// the later ones keep their shape.
func TestSizesThatChange(t *testing.T) {
	// A white square in the middle of every picture, half as high as it.
	square := "color=black:size=%dx%d:rate=25:duration=0.4,drawbox=x=(iw-ih/2)/2:y=ih/4:w=ih/2:h=ih/2:color=white:t=fill"
	packets := vp8(t, fmt.Sprintf(square, 64, 48))
	packets = append(packets, vp8(t, fmt.Sprintf(square, 128, 96))...)
	packets = append(packets, vp8(t, fmt.Sprintf(square, 96, 128))...)
	var ms []int
	for i := range packets {
		ms = append(ms, 40*i+500*(i/10))
	}
	path := recorded(t, filepath.Join(t.TempDir(), "a.webm"), packets, ms, 64, 48)
	info := probe1(t, path)
	near(t, "length", info.Duration.Seconds(), 2.2, 0.05)
	got := steadily(t, path, info)
	near(t, "frames", float64(len(got))/ratio(info.SteadyRate), 2.2, 0.05)
	if told, want := remarks(t, path), "from 64x48 to 128x96 after 0.9 s"; len(told) != 1 || !strings.Contains(told[0], want) {
		t.Errorf("%q, want %q by %s", told, want, release1(t))
	}
	for _, i := range []int{0, len(got) / 2, len(got) - 1} {
		w, h := whiteBox(got[i])
		if got[i].W != 64 || got[i].H != 48 || w < 10 || max(w-h, h-w) > 2 {
			t.Errorf("frame %d is %dx%d, its square %dx%d", i, got[i].W, got[i].H, w, h)
		}
	}
}

// remarks are what a film's reader has learned at its end.
func remarks(t *testing.T, path string) []string {
	t.Helper()
	f, err := OpenFilm(context.Background(), path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := readAll(f); err != nil {
		t.Fatal(err)
	}
	return f.Remarks()
}

// whiteBox is the size of what is brighter than half.
func whiteBox(f *Frame) (w, h int) {
	left, right, top, bottom := f.W, -1, f.H, -1
	f.each(func(x, y int, px []byte) {
		if px[1] > 127 {
			left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
		}
	})
	return right - left + 1, bottom - top + 1
}

func TestPixelsBecomeSquare(t *testing.T) {
	dir := t.TempDir()
	disc := "color=black:size=128x72:rate=25:duration=0.2,geq=lum='if(lt(hypot(X-64,Y-36),28),220,20)':cb=128:cr=128,scale="
	for name, c := range map[string]struct {
		to     string
		w, h   int
		turned bool
	}{
		"wide.mp4":   {"90:72,setsar=64/45", 128, 72, false},
		"narrow.mp4": {"256:72,setsar=1/2", 128, 72, false},
		"turned.mp4": {"90:72,setsar=64/45", 72, 128, true},
		"square.mp4": {"128:72,setsar=1", 128, 72, false},
		"lie.mp4":    {"128:72,setsar=1/100", 128, 72, false},
	} {
		path := film(t, filepath.Join(dir, name), disc+c.to, "-pix_fmt", "yuv420p")
		if c.turned {
			turned := filepath.Join(dir, "turned-"+name)
			lay(t, path, turned)
			path = turned
		}
		info, f := probe1(t, path), open(t, path)[0]
		w, h := whiteBox(f)
		if info.W != c.w || info.H != c.h || f.W != c.w || f.H != c.h || max(w-h, h-w) > 2 || w < 50 {
			t.Errorf("%s: %dx%d, frame of %dx%d, disc of %dx%d", name, info.W, info.H, f.W, f.H, w, h)
		}
	}
}

// A message in the first picture of a stream says how all are turned.
func TestOrientationInTheFirstPicture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.mp4")
	ffmpeg(t, "-f", "lavfi", "-i", "color=black:size=64x32:rate=5:duration=1,drawbox=x=0:y=0:w=20:h=12:color=white:t=fill", "-pix_fmt", "yuv420p",
		"-bsf:v", "h264_metadata=display_orientation=insert:rotate=180", path)
	if info := probe1(t, path); info.Rotation != 180 {
		t.Errorf("%+v", info)
	}
	for i, f := range open(t, path) {
		if f.Pix[0] > 50 || f.Pix[len(f.Pix)-1] < 200 {
			t.Errorf("frame %d is not turned", i)
		}
	}
}

func TestTransportStreamOfAnyName(t *testing.T) {
	dir := t.TempDir()
	ts := film(t, filepath.Join(dir, "a.ts"), "testsrc=size=64x64:rate=25:duration=1", "-pix_fmt", "yuv420p")
	named := filepath.Join(dir, "a.mp4")
	if err := os.Rename(ts, named); err != nil {
		t.Fatal(err)
	}
	if info := probe1(t, named); info.Frames != 25 || info.Rate != 25 || info.Variable {
		t.Errorf("%+v", info)
	}
	if out, err := exec.Command("ffmpeg", "-v", "error", "-i", named, "-f", "null", "-").CombinedOutput(); err != nil {
		// Static builds of release 7 crash at the names in such streams.
		if _, err := OpenFilm(context.Background(), named, Limits{}); err == nil || !strings.Contains(err.Error(), "it crashes (segmentation fault)") {
			t.Errorf("ffmpeg says %q of it, we %v", out, err)
		}
		return
	}
	if n := len(open(t, named)); n != 25 {
		t.Errorf("%d frames", n)
	}
}

// Recorders write times that go back now and then: all pictures come, none
// before the one that precedes it.
func TestTimesThatGoBack(t *testing.T) {
	packets := vp8(t, "testsrc=size=64x64:rate=25:duration=0.4")
	ms := []int{0, 40, 80, 120, 90, 160, 200, 200, 280, 320}
	path := recorded(t, filepath.Join(t.TempDir(), "a.webm"), packets, ms, 64, 64)
	if n := len(open(t, path)); n != len(ms) {
		t.Errorf("%d frames", n)
	}
	info := probe1(t, path)
	near(t, "length", float64(len(steadily(t, path, info)))/ratio(info.SteadyRate), 0.36, 0.06)
}

// One picture is one frame, however long it is shown and whichever ffmpeg reads
// it.
func TestSinglePictureOfAGif(t *testing.T) {
	for _, rate := range []string{"1", "5", "25", "1/5"} {
		path := film(t, filepath.Join(t.TempDir(), "a.gif"), "testsrc=size=32x32:rate="+rate+":duration=5", "-frames:v", "1")
		info := probe1(t, path)
		if n := len(steadily(t, path, info)); n != 1 || info.Frames != 1 {
			t.Errorf("rate %s: %d frames, %+v by %s", rate, n, info, release1(t))
		}
	}
}

// release1 names the ffmpeg at hand.
func release1(t *testing.T) string {
	version, err := exec.Command("ffmpeg", "-version").Output()
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(version), "\n")
	return first
}

// What is no film is named for what it is, with the way out where there is one.
func TestOtherFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	flv := film(t, filepath.Join(dir, "a.flv"), "testsrc=size=64x64:rate=25:duration=0.2")
	renamed := filepath.Join(dir, "a.mp4")
	if err := os.Rename(flv, renamed); err != nil {
		t.Fatal(err)
	}
	raw := func(name, format string, codec ...string) string {
		args := append([]string{"-pix_fmt", "yuv420p", "-c:v"}, codec...)
		return film(t, filepath.Join(dir, name), "testsrc=size=64x64:rate=25:duration=0.2", append(args, "-f", format)...)
	}
	for path, want := range map[string]string{
		renamed:                            "an flv film, which is not read: convert it",
		raw("h264.mp4", "h264", "libx264"): "stored as h264, which is not read: convert it",
		raw("hevc.mov", "hevc", "libx265", "-x265-params", "log-level=none"):                                "stored as hevc, which is not read: convert it",
		raw("ivf.mkv", "ivf", "libvpx"):                                                                     "stored as ivf, which is not read: convert it",
		writeFile(t, filepath.Join(dir, "page.mp4"), []byte("<!DOCTYPE html><html>404</html>")):             "a web page and no film",
		writeFile(t, filepath.Join(dir, "heic.mp4"), []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00")):    "a HEIC picture",
		writeFile(t, filepath.Join(dir, "lfs.mp4"), []byte("version https://git-lfs.github.com/spec/v1\n")): "Git LFS",
		writeFile(t, filepath.Join(dir, "zip.mp4"), []byte("PK\x03\x04\x14\x00\x00\x00")):                   "a zip archive",
	} {
		if _, err := Probe(context.Background(), path, Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
