package decode

import (
	"bytes"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/drawing"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

const height, width = 32, 64

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
func decoder(t testing.TB, fit video.Fit) func(list ...[]byte) ([]float32, error) {
	t.Helper()
	g := tensorflow.NewGraph()
	in, out, err := Files(g, "files", height, width, fit)
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
		return tf.Values[float32](got[0])
	}
}

// Files mean in the graph what they mean to all other programs of the project:
// video.DecodePicture, then video.Fit.
func TestFilesAreFittedAsVideoDoes(t *testing.T) {
	r := random.New(3)
	for _, fit := range []video.Fit{video.Crop, video.Pad, video.Stretch} {
		decode := decoder(t, fit)
		list := [][]byte{
			drawing.PNG(t, drawing.New(100, 50)),                                   // as wide as the model's
			drawing.PNG(t, drawing.Translucent(drawing.New(33, 70))),               // alpha
			drawing.PNG(t, drawing.Grey(drawing.New(200, 41))),                     // grey
			drawing.PNG(t, drawing.New(width, height)),                             // the model's own size
			drawing.PNG(t, drawing.New(1, 1)), drawing.PNG(t, drawing.New(3, 300)), // extreme
			drawing.PNG(t, drawing.New(192, 99)), drawing.PNG(t, drawing.New(640, 11)), // bars whose edges lie on half pixels
		}
		for i := 0; i < 8; i++ {
			list = append(list, drawing.PNG(t, drawing.New(1+int(r.Uniform(0, 200)), 1+int(r.Uniform(0, 200)))))
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
	decode := decoder(t, video.Crop)
	file := drawing.JPEG(t, drawing.New(320, 240))
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
	decode := decoder(t, video.Pad)
	whole := drawing.PNG(t, drawing.New(20, 20))
	for name, file := range map[string][]byte{"text": []byte("no picture"), "nothing": nil, "half": whole[:len(whole)/2]} {
		if _, err := decode(whole, file); err == nil {
			t.Errorf("%s counts as a picture", name)
		}
	}
	if _, err := decode(whole); err != nil {
		t.Errorf("after errors: %v", err)
	}
}
