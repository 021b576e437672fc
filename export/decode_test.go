package export

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// drawing is a picture with edges and slopes.
func drawing(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			c := color.NRGBA{uint8(255 * u), uint8(255 * v), uint8(127 + 127*math.Sin(9*u+5*v)), 255}
			if (x/7+y/5)%3 == 0 {
				c.R = 255 - c.R
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func greyOf(img image.Image) *image.Gray {
	b := img.Bounds()
	grey := image.NewGray(b)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			grey.Set(x, y, img.At(x, y))
		}
	}
	return grey
}

// translucent has an alpha that must not dim the colours.
func translucent(img *image.NRGBA) *image.NRGBA {
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = uint8(i * 7 % 256)
	}
	return img
}

func files(t testing.TB, list ...[]byte) *tensorflow.Tensor {
	t.Helper()
	text := make([]string, len(list))
	for i, f := range list {
		text[i] = string(f)
	}
	v, err := tensorflow.NewTensor(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// decoder runs the decoding of one fit by itself.
func decoder(t testing.TB, n Notes) func(list ...[]byte) ([]float32, error) {
	t.Helper()
	g := tensorflow.NewGraph()
	in, out, err := decodeFiles(g, "files", n)
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(g, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return func(list ...[]byte) ([]float32, error) {
		got, err := session.Run(map[tensorflow.Output]*tensorflow.Tensor{in: files(t, list...)}, []tensorflow.Output{out}, nil)
		if err != nil {
			return nil, err
		}
		return valuesOf(t, got[0]), nil
	}
}

// Files mean in the graph what they mean to all other programs of the project:
// video.DecodePicture, then video.Fit.
func TestFilesAreFittedAsVideoDoes(t *testing.T) {
	r := random.New(3)
	for _, fit := range []video.Fit{video.Crop, video.Pad, video.Stretch} {
		decode := decoder(t, Notes{FrameShape: [3]int{height, width, 3}, Fit: fit})
		list := [][]byte{
			pngOf(t, drawing(100, 50)),                         // as wide as the model's
			pngOf(t, translucent(drawing(33, 70))),             // alpha
			pngOf(t, greyOf(drawing(200, 41))),                 // grey
			pngOf(t, drawing(width, height)),                   // the model's own size
			pngOf(t, drawing(1, 1)), pngOf(t, drawing(3, 300)), // extreme
			pngOf(t, drawing(192, 99)), pngOf(t, drawing(640, 11)), // bars whose edges lie on half pixels
		}
		for i := 0; i < 8; i++ {
			list = append(list, pngOf(t, drawing(1+int(r.Uniform(0, 200)), 1+int(r.Uniform(0, 200)))))
		}
		got, err := decode(list...)
		if err != nil {
			t.Fatal(err)
		}
		const size = 3 * height * width
		for i, file := range list {
			frame, err := video.DecodePicture(bytes.NewReader(file), video.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := fit.Apply(frame, width, height)
			if err != nil {
				t.Fatal(err)
			}
			off := 0
			for j, v := range got[i*size : (i+1)*size] {
				level := math.Abs(float64(v)*255 - float64(want.Pix[j]))
				if level > 1.001 {
					t.Fatalf("%s, picture %d of %dx%d: value %d is off by %.2f levels", fit, i, frame.W, frame.H, j, level)
				}
				if level > 0.001 {
					off++
				}
			}
			// Sums in another order may round the other way, rarely.
			if off > size/50 {
				t.Errorf("%s, picture %d of %dx%d: %d of %d values are one level off", fit, i, frame.W, frame.H, off, size)
			}
		}
	}
}

// JPEG leaves decoders some freedom (inverse DCT, chroma between samples).
func TestJPEGIsDecodedNearly(t *testing.T) {
	decode := decoder(t, Notes{FrameShape: [3]int{height, width, 3}, Fit: video.Crop})
	file := jpegOf(t, drawing(320, 240))
	got, err := decode(file)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := video.DecodePicture(bytes.NewReader(file), video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := video.Crop.Apply(frame, width, height)
	if err != nil {
		t.Fatal(err)
	}
	sum, far := 0.0, 0.0
	for j, v := range got {
		d := math.Abs(float64(v)*255 - float64(want.Pix[j]))
		sum, far = sum+d, max(far, d)
	}
	t.Logf("JPEG, TensorFlow against Go: mean %.3f, at most %.1f of 255 levels", sum/float64(len(got)), far)
	if mean := sum / float64(len(got)); mean > 1.5 || far > 16 {
		t.Errorf("JPEG differs by %.3f levels in the mean, %.1f at most", mean, far)
	}
}

func TestNoPictureIsAnError(t *testing.T) {
	decode := decoder(t, Notes{FrameShape: [3]int{height, width, 3}, Fit: video.Pad})
	whole := pngOf(t, drawing(20, 20))
	for name, file := range map[string][]byte{"text": []byte("no picture"), "nothing": nil, "half": whole[:len(whole)/2]} {
		if _, err := decode(whole, file); err == nil {
			t.Errorf("%s counts as a picture", name)
		}
	}
	if _, err := decode(whole); err != nil {
		t.Errorf("after errors: %v", err)
	}
}
