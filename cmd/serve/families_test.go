package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/browser"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/video"
)

// TestFamilies asks the other families' models for frames, signature by
// signature and by one alone, for films, and on the page.
func TestFamilies(t *testing.T) {
	m := newMedia(t)
	for _, f := range []struct {
		variant model.Variant
		poses   string   // its signature
		pose    []string // what it gives
		several bool
	}{
		{model.MonkeyNet, "keypoints", []string{"value", "variance"}, false},
		{model.X2Face, "pose", []string{"grid"}, true},
	} {
		t.Run(string(f.variant), func(t *testing.T) {
			dir := t.TempDir()
			run := filepath.Join(dir, "run")
			if err := tinymodel.WriteVariant(run, 1, f.variant, "frame_shape=[32,32,3]"); err != nil {
				t.Fatal(err)
			}
			p := begin(t, "--checkpoint="+run, "--name=one", "--work="+filepath.Join(dir, "work"), "--grace=0s")
			defer p.stop(t, m)
			p.inPieces(t, f.poses, f.pose)
			second := filepath.Join(dir, "second")
			if err := os.Rename(newMedia(t).source, second); err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{true: "", false: "takes one picture"}[f.several]
			p.wants(t, want, m, "source", second)
			want = map[bool]string{true: "no keypoints", false: ""}[f.several]
			p.wants(t, want, m, "relative", "true")
			p.formOf(t, m, f.several)
		})
	}
}

// predicted calls a signature with inputs by name.
func (r *running) predicted(t *testing.T, signature string, inputs map[string]any) (outputs map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"signature_name": signature, "inputs": inputs})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Outputs any }
	request, err := http.NewRequest(http.MethodPost, r.url+"/v1/models/one:predict", bytes.NewReader(body))
	r.ask(t, request, err, &answer)
	if named, ok := answer.Outputs.(map[string]any); ok {
		return named
	}
	return map[string]any{"": answer.Outputs} // one alone has no name in JSON
}

// inPieces encodes a picture once and moves it to poses of two others; the
// signature that does all at once says the same.
func (r *running) inPieces(t *testing.T, poses string, names []string) {
	t.Helper()
	source, driving := numbers(square(1)), []any{numbers(square(2)), numbers(square(3))}
	inputs := r.predicted(t, "encode_source", map[string]any{"source": []any{source}})
	delete(inputs, "confidence") // of several sources, to average them
	if alone, ok := inputs[""]; ok {
		inputs = map[string]any{"face": alone}
	}
	pose := r.predicted(t, poses, map[string]any{"image": driving})
	prefix := "driving_"
	if poses == "keypoints" {
		prefix = "kp_driving_"
	}
	for _, name := range names {
		part, ok := pose[name]
		if !ok {
			part = pose[""]
		}
		inputs[prefix+name] = part
	}
	got := values(r.predicted(t, "animate_frame", inputs)[""], nil)
	whole := r.predicted(t, "absolute", map[string]any{"source": []any{source, source}, "driving": driving})
	frames, ok := whole["prediction"]
	if !ok {
		frames = whole[""]
	}
	want := values(frames, nil)
	far, low, high := 0.0, math.Inf(1), math.Inf(-1)
	for i := range want {
		far, low, high = max(far, math.Abs(got[i]-want[i])), min(low, want[i]), max(high, want[i])
	}
	if len(got) != 2*32*32*3 || len(got) != len(want) || far > 1e-4 || high-low < 0.02 {
		t.Errorf("in pieces %d values, at once %d; they differ by %g and lie in [%g, %g]", len(got), len(want), far, low, high)
	}
}

// values are all numbers of nested lists.
func values(of any, list []float64) []float64 {
	switch v := of.(type) {
	case float64:
		return append(list, v)
	case []any:
		for _, e := range v {
			list = values(e, list)
		}
	}
	return list
}

// square is the left half of a picture.
func square(n int) *video.Frame {
	whole, half := frame(n), video.NewFrame(32, 32)
	for y := 0; y < 32; y++ {
		copy(half.Pix[3*32*y:3*32*(y+1)], whole.Pix[3*width*y:])
	}
	return half
}

// wants posts a job with one field more: a film comes of it, or it is refused
// with these words.
func (r *running) wants(t *testing.T, refusal string, m media, name, value string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	files := [][2]string{{"source", m.source}, {"driving", m.driving}}
	if name == "source" {
		files = append(files, [2]string{name, value})
	} else if err := form.WriteField(name, value); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		part, err := form.CreateFormFile(f[0], "name")
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(f[1])
		if err != nil {
			t.Fatal(err)
		}
		part.Write(data)
	}
	form.Close()
	if refusal == "" {
		request, err := http.NewRequest(http.MethodPost, r.url+"/jobs", &b)
		request.Header.Set("Content-Type", form.FormDataContentType())
		var job status
		r.ask(t, request, err, &job)
		r.until(t, &job)
		if job.State != "done" || job.Frames != frames {
			t.Errorf("with %s: %+v", name, job)
		}
		return
	}
	answer, err := http.Post(r.url+"/jobs", form.FormDataContentType(), &b)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var said struct{ Error string }
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(said.Error, refusal) {
		t.Errorf("with %s: %d %q (%v), want %q", name, answer.StatusCode, said.Error, err, refusal)
	}
}

// formOf uses the page, which offers what the model is able to do only.
func (r *running) formOf(t *testing.T, m media, several bool) {
	p := browser.Open(t, 1000, 800)
	p.Go(r.url)
	var has []bool
	p.Eval(`return [document.getElementById("source").multiple, !document.getElementById("relative"), !document.getElementById("find_best_frame")]`, &has)
	for _, v := range has {
		if v != several {
			t.Errorf("the form has %v", has)
		}
	}
	p.Type("#source", m.source)
	if several {
		p.Type("#source", m.source) // a second one beside it
		p.Until("both pictures", "document.getElementById('source').files.length == 2")
	}
	p.Type("#driving", m.driving)
	p.Click("#create > button[type=submit]")
	p.Until("the film", "document.getElementById('result') && document.getElementById('result').readyState >= 2")
	p.Keep(fmt.Sprintf("several-%v", several))
	if said := p.Complaints(); len(said) > 0 {
		t.Errorf("the browser says %q", said)
	}
}
