package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// calculator is a Model in Go.
type calculator struct {
	call func(signature string, inputs map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error)
}

var (
	pair   = savedmodel.TensorSpec{Tensor: "a:0", DType: tensorflow.Float, Shape: []int64{-1, 2}}
	scalar = savedmodel.TensorSpec{Tensor: "f:0", DType: tensorflow.Float, Shape: []int64{}}
	image2 = savedmodel.TensorSpec{Tensor: "s:0", DType: tensorflow.String, Shape: []int64{-1}}
)

func specs(named ...any) map[string]savedmodel.TensorSpec {
	m := make(map[string]savedmodel.TensorSpec)
	for i := 0; i < len(named); i += 2 {
		m[named[i].(string)] = named[i+1].(savedmodel.TensorSpec)
	}
	return m
}

func of(t tensorflow.DataType, shape ...int64) savedmodel.TensorSpec {
	return savedmodel.TensorSpec{Tensor: "x:0", DType: t, Shape: shape}
}

func (calculator) Signatures() map[string]savedmodel.SignatureDef {
	return map[string]savedmodel.SignatureDef{
		// sum [N, 2] = a + b
		"serving_default": {Name: "serving_default", Inputs: specs("a", pair, "b", pair), Outputs: specs("sum", pair)},
		// text: what came
		"echo": {Name: "echo", Inputs: specs("x", pair), Outputs: specs("x", pair)},
		"types": {Name: "types", Inputs: specs("d", of(tensorflow.Double, -1), "i", of(tensorflow.Int32, -1), "l", of(tensorflow.Int64, -1),
			"u", of(tensorflow.Uint8, -1), "t", of(tensorflow.Bool, -1), "s", of(tensorflow.String, -1)), Outputs: specs("d", of(tensorflow.Double, -1))},
		"bytes":         {Name: "bytes", Inputs: specs("picture_bytes", image2), Outputs: specs("copy_bytes", image2, "size", of(tensorflow.Int64, -1))},
		"scaled":        {Name: "scaled", Inputs: specs("f", scalar, "x", pair), Outputs: specs("x", pair)},
		"animate_frame": {Name: "animate_frame", Inputs: specs("a", pair, "b", pair), Outputs: specs("sum", pair)},
		"half":          {Name: "half", Inputs: specs("h", of(tensorflow.Half, -1)), Outputs: specs("h", of(tensorflow.Half, -1))},
		"any":           {Name: "any", Inputs: specs("h", savedmodel.TensorSpec{DType: tensorflow.Float}), Outputs: specs("h", pair)},
	}
}

func (c calculator) Call(signature string, in map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
	if c.call != nil {
		return c.call(signature, in)
	}
	out := make(map[string]*tensorflow.Tensor)
	switch signature {
	case "serving_default", "animate_frame":
		a, _ := tf.Values[float32](in["a"])
		b, _ := tf.Values[float32](in["b"])
		for i := range b {
			b[i] += a[i%len(a)]
		}
		out["sum"], _ = tf.NewTensor(b, in["b"].Shape()...)
	case "bytes":
		texts := in["picture_bytes"].Value().([]string)
		sizes := make([]int64, len(texts))
		for i, t := range texts {
			sizes[i] = int64(len(t))
		}
		out["copy_bytes"] = in["picture_bytes"]
		out["size"], _ = tf.NewTensor(sizes, int64(len(sizes)))
	default:
		for name, t := range in {
			if len(t.Shape()) > 0 {
				out[name] = t
			}
		}
	}
	return out, nil
}

func (s *site) predict(body string) answered {
	s.t.Helper()
	return s.do(http.MethodPost, "/v1/models/prioritycut:predict", map[string]string{"Content-Type": "application/json"}, strings.NewReader(body))
}

// TestPredict compares answers with TensorFlow Serving's format.
func TestPredict(t *testing.T) {
	s := start(t, Backend{Model: calculator{}}, nil)
	picture := base64.StdEncoding.EncodeToString(pngOf(3, 2))
	for _, c := range []struct{ request, want string }{
		{`{"instances": [{"a": [1, 2], "b": [0.5, -3e1]}, {"b": [0, 0], "a": [7, 8]}]}`, `{"predictions": [[1.5, -28], [7, 8]]}`},
		{`{"inputs": {"a": [[1, 2]], "b": [[10, 20]]}, "signature_name": "serving_default"}`, `{"outputs": [[11, 22]]}`},
		{`{"signature_name": "echo", "instances": [[1, 2], {"x": [3, 4]}]}`, `{"predictions": [[1, 2], [3, 4]]}`},
		{`{"signature_name": "echo", "inputs": [[1, 2]]}`, `{"outputs": [[1, 2]]}`},
		{"\n{ \"signature_name\" :\t\"echo\" , \"inputs\" : { \"\\u0078\" : [ [ 1 , 2 ] , [ 3 , 4 ] ] } }\n", `{"outputs": [[1, 2], [3, 4]]}`},
		{`{"signature_name": "scaled", "inputs": {"f": 3, "x": [[1, 2]]}}`, `{"outputs": [[1, 2]]}`},
		{`{"signature_name": "animate_frame", "inputs": {"a": [[1, 2]], "b": [[10, 20], [30, 40]]}}`, `{"outputs": [[11, 22], [31, 42]]}`},
		{`{"signature_name": "types", "instances": [{"d": 1e300, "i": -7, "l": 9007199254740993, "u": 255, "t": true, "s": "a\"\u00e9"}]}`,
			`{"predictions": [{"d": 1e300, "i": -7, "l": 9007199254740993, "u": 255, "t": true, "s": "a\"é"}]}`},
		{`{"signature_name": "bytes", "instances": [{"b64": "` + picture + `"}]}`,
			`{"predictions": [{"copy_bytes": {"b64": "` + picture + `"}, "size": ` + fmt.Sprint(len(pngOf(3, 2))) + `}]}`},
		{`{"signature_name": "bytes", "inputs": {"picture_bytes": [{"b64": "` + strings.TrimRight(picture, "=") + `"}]}}`,
			`{"outputs": {"copy_bytes": [{"b64": "` + picture + `"}], "size": [` + fmt.Sprint(len(pngOf(3, 2))) + `]}}`},
	} {
		a := s.predict(c.request)
		if a.status != http.StatusOK || !sameJSON(t, string(a.body), c.want) {
			t.Errorf("%s\nanswers %d %s, want %s", c.request, a.status, a.body, c.want)
		}
	}
	if got := s.metric(`prioritycut_predictions_total{result="ok",signature="echo"}`); got != "3" {
		t.Errorf("predictions of echo: %s", got)
	}
	if got := s.metric(`prioritycut_predict_examples_total{signature="serving_default"}`); got != "3" {
		t.Errorf("examples: %s", got)
	}
	// As in TensorFlow Serving's documentation: curl calls it a form; a version.
	a := s.do(http.MethodPost, "/v1/models/prioritycut/versions/1:predict", map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		strings.NewReader(`{"signature_name": "echo", "inputs": [[1, 2]]}`))
	if a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	decode := func(text string) (v any) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return numbered(v)
	}
	return reflect.DeepEqual(decode(a), decode(b))
}

// numbered makes equal numbers equal, whatever their spelling, without losing
// digits of integers.
func numbered(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = numbered(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbered(v[k])
		}
	}
	return v
}

// TestHostilePredict sends what TensorFlow must never see.
func TestHostilePredict(t *testing.T) {
	s := start(t, Backend{Model: calculator{call: func(string, map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
		t.Error("the model is called")
		return nil, errors.New("called")
	}}}, func(o *Options) { o.MaxBatch, o.MaxPixels, o.MaxBody = 3, 1000, 1<<16 })
	b64 := func(data []byte) string { return `{"b64": "` + base64.StdEncoding.EncodeToString(data) + `"}` }
	for _, c := range []struct {
		request string
		status  int
		want    string
	}{
		{``, 400, "no JSON object"},
		{`[]`, 400, "no JSON object"},
		{`{"instances": [[1, 2]]`, 400, "no JSON object"},
		{`{"instances": [[1, NaN]]}`, 400, "no JSON object: byte 20"},
		{`{"instances": [[1, Infinity]]}`, 400, "no JSON object"},
		{`{"instances": [[1, 2]]} {}`, 400, "no JSON object"},
		{`{}`, 400, "missing"},
		{`{"instances": [], "inputs": []}`, 400, "exclude each other"},
		{`{"signatur_name": "echo", "inputs": [[1, 2]]}`, 400, `unknown field "signatur_name"`},
		{`{"signature_name": 7, "inputs": [[1, 2]]}`, 400, "no string"},
		{`{"signature_name": "nobody", "inputs": [[1, 2]]}`, 404, "no signature \"nobody\", only animate_frame, any,"},
		{`{"signature_name": "echo", "inputs": [[1, 2], [3]]}`, 400, "a list of 1 elements instead of 2: want the shape [?, 2]"},
		{`{"signature_name": "echo", "inputs": [[1, 2, 3]]}`, 400, "more than 2 elements"},
		{`{"signature_name": "echo", "inputs": [1, 2]}`, 400, "found 1 where a list belongs"},
		{`{"signature_name": "echo", "inputs": [[[1], [2]]]}`, 400, "found a list where a value of type float32 belongs"},
		{`{"signature_name": "echo", "inputs": [[1, "2"]]}`, 400, `found "2" where`},
		{`{"signature_name": "echo", "inputs": [[1, null]]}`, 400, "found null where"},
		{`{"signature_name": "echo", "inputs": [[1, {}]]}`, 400, "found an object where"},
		{`{"signature_name": "echo", "inputs": [[1, 1e39]]}`, 400, "found 1e39 where"},
		{`{"signature_name": "echo", "inputs": []}`, 400, "empty"},
		{`{"signature_name": "echo", "inputs": [[]]}`, 400, "empty"},
		{`{"signature_name": "echo", "instances": []}`, 400, "empty"},
		{`{"signature_name": "echo", "instances": {"x": [1, 2]}}`, 400, "no list"},
		{`{"signature_name": "echo", "instances": [[1,2],[1,2],[1,2],[1,2]]}`, 400, "more than 3 instances"},
		{`{"signature_name": "echo", "inputs": [[1,2],[1,2],[1,2],[1,2]]}`, 400, "4 examples, more than 3"},
		{`{"signature_name": "echo", "inputs": {"y": [[1, 2]]}}`, 400, `no input "y", only x`},
		{`{"inputs": {"a": [[1, 2]]}}`, 400, `the input "b" is missing`},
		{`{"inputs": {"a": [[1, 2]], "a": [[1, 2]]}}`, 400, `"a" comes twice`},
		{`{"inputs": [[1, 2]]}`, 400, "no object with the inputs a, b"},
		{`{"instances": [[1, 2]]}`, 400, "instance 0 is no object with the inputs a, b"},
		{`{"inputs": {"a": [[1, 2]], "b": [[1, 2], [3, 4]]}}`, 400, "differ in their number of examples"},
		{`{"signature_name": "animate_frame", "inputs": {"a": [[1, 2], [1, 2]], "b": [[1, 2], [3, 4], [5, 6]]}}`, 400, "differ"},
		{`{"signature_name": "scaled", "instances": [{"f": 1, "x": [1, 2]}]}`, 400, "no batch dimension"},
		{`{"signature_name": "types", "instances": [{"i": 2147483648}]}`, 400, "found 2147483648 where a value of type int32"},
		{`{"signature_name": "types", "instances": [{"i": 1.5}]}`, 400, "found 1.5"},
		{`{"signature_name": "types", "instances": [{"u": -1}]}`, 400, "found -1"},
		{`{"signature_name": "types", "instances": [{"t": 1}]}`, 400, "found 1"},
		{`{"signature_name": "types", "instances": [{"s": 1}]}`, 400, "want a string"},
		{`{"signature_name": "types", "instances": [{"s": {"b64": "!"}}]}`, 400, "not base64"},
		{`{"signature_name": "types", "instances": [{"s": {"b64": "aa", "b65": ""}}]}`, 400, "other fields"},
		{`{"signature_name": "types", "instances": [{"s": {"b64": ["aa"]}}]}`, 400, "want a string"},
		{`{"signature_name": "bytes", "instances": ["no picture at all"]}`, 400, "neither png nor jpg"},
		{`{"signature_name": "bytes", "instances": [` + b64(hugePNG(60000, 60000)) + `]}`, 400, "claims 60000x60000 pixels, more than the limit of 1000"},
		{`{"signature_name": "bytes", "instances": [` + b64(pngOf(3, 2)[:20]) + `]}`, 400, "the picture: ends too early"},
		{`{"signature_name": "half", "instances": [1]}`, 501, "type that this server cannot read"},
		{`{"signature_name": "any", "instances": [1]}`, 501, "open rank"},
		{`{"inputs": ` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, 400, "exceeded max depth"},
		{`{"inputs": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 400, "no object with"},
		{`{"inputs": "` + strings.Repeat("x", 1<<16) + `"}`, 413, "limit"},
	} {
		a := s.predict(c.request)
		if a.status != c.status || !strings.Contains(a.error(), c.want) {
			t.Errorf("%.100s\nanswers %d %s, want %d %q", c.request, a.status, a.body, c.status, c.want)
		}
	}
	for _, c := range []struct {
		method, path, kind string
		status             int
	}{
		{"POST", "/v1/models/prioritycut:predict", "text/plain", 415},
		{"POST", "/v1/models/other:predict", "", 404},
		{"POST", "/v1/models/prioritycut/versions/2:predict", "", 404},
		{"POST", "/v1/models/prioritycut/labels/stable:predict", "", 404},
		{"POST", "/v1/models/prioritycut:classify", "", 404},
		{"POST", "/v1/models/prioritycut", "", 404},
		{"GET", "/v1/models/prioritycut:predict", "", 405},
		{"GET", "/v1/models/prioritycut/versions/x", "", 404},
		{"GET", "/v1/models/", "", 404},
		{"DELETE", "/v1/models/prioritycut", "", 405},
		{"GET", "/", "", 404}, // there is no animator, so there is no page
	} {
		if a := s.do(c.method, c.path, map[string]string{"Content-Type": c.kind}, nil); a.status != c.status || a.error() == "" {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, a.status, a.body, c.status)
		}
	}
}

// TestModelFailures are those of the model itself.
func TestModelFailures(t *testing.T) {
	var call func() (map[string]*tensorflow.Tensor, error)
	s := start(t, Backend{Model: calculator{call: func(string, map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) { return call() }}}, nil)
	nan, err := tf.NewTensor([]float32{1, float32(math.NaN())}, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		call   func() (map[string]*tensorflow.Tensor, error)
		status int
		want   string
	}{
		"invalid": {func() (map[string]*tensorflow.Tensor, error) {
			return nil, &tf.Error{Code: tf.InvalidArgument, Doing: "running", Message: "odd\nstack"}
		}, 400, "odd"},
		"memory":   {func() (map[string]*tensorflow.Tensor, error) { return nil, &tf.Error{Code: tf.ResourceExhausted} }, 503, "memory"},
		"internal": {func() (map[string]*tensorflow.Tensor, error) { return nil, errors.New("secret") }, 500, "internal error; the server's log says more"},
		"panic":    {func() (map[string]*tensorflow.Tensor, error) { panic("secret") }, 500, "internal error; the server's log says more"},
		"nan":      {func() (map[string]*tensorflow.Tensor, error) { return map[string]*tensorflow.Tensor{"x": nan}, nil }, 400, "not finite"},
	} {
		call = c.call
		a := s.predict(`{"signature_name": "echo", "instances": [[1, 2]]}`)
		if a.status != c.status || !strings.Contains(a.error(), c.want) || strings.Contains(a.error(), "stack") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	call = func() (map[string]*tensorflow.Tensor, error) { return map[string]*tensorflow.Tensor{"x": nan}, nil }
	if a := s.predict(`{"signature_name": "echo", "instances": [[1, 2], [3, 4]]}`); a.status != 500 && a.status != 400 {
		t.Errorf("an output of another size: %d %s", a.status, a.body)
	}
}

// heldModel is a Model that works until it is told to go on.
func heldModel() (m calculator, begun, goOn chan bool) {
	begun, goOn = make(chan bool, 10), make(chan bool, 10)
	return calculator{call: func(_ string, in map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
		begun <- true
		<-goOn
		return in, nil
	}}, begun, goOn
}

const echo = `{"signature_name": "echo", "instances": [[1, 2]]}`

// ask predicts beside the test, until ctx ends; 0 is no answer.
func (s *site) ask(ctx context.Context) <-chan int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/models/prioritycut:predict", strings.NewReader(echo))
	if err != nil {
		s.t.Fatal(err)
	}
	status := make(chan int, 1)
	go func() {
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			status <- 0
			return
		}
		answer.Body.Close()
		status <- answer.StatusCode
	}()
	return status
}

// TestPredictTurns fills the places, and lets a waiting client go.
func TestPredictTurns(t *testing.T) {
	m, begun, goOn := heldModel()
	s := start(t, Backend{Model: m}, func(o *Options) { o.Predicts, o.PredictQueue = 1, 1 })
	places := func(n int) func() bool { return func() bool { return s.turns.load() == n } }
	first := s.ask(context.Background())
	within(t, begun, "the first")
	ctx, leave := context.WithCancel(context.Background())
	second := s.ask(ctx)
	waitFor(t, "the second waits", places(2))
	if a := s.predict(echo); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" {
		t.Errorf("a third: %d %s", a.status, a.body)
	}
	leave()
	if got := within(t, second, "the second goes"); got != 0 {
		t.Errorf("an answer without the model: %d", got)
	}
	waitFor(t, "the place of one who went is free", places(1))
	waitFor(t, "it is counted", func() bool { return s.metric(`prioritycut_http_requests_total{code="499",route="predict"}`) == "1" })

	s.turns.patience = 10 * time.Millisecond
	if a := s.predict(echo); a.status != http.StatusServiceUnavailable || !strings.Contains(a.error(), "waited 10ms") {
		t.Errorf("one who waits too long: %d %s", a.status, a.body)
	}
	goOn <- true
	if got := within(t, first, "the first's answer"); got != http.StatusOK {
		t.Errorf("the first: %d", got)
	}
	if len(begun) > 0 {
		t.Error("the model has run for one who went")
	}
}

// TestModelInfo compares with TensorFlow Serving's answers.
func TestModelInfo(t *testing.T) {
	s := start(t, Backend{Model: calculator{}}, func(o *Options) { o.Name, o.Version = "faces", 700 })
	for _, path := range []string{"/v1/models/faces", "/v1/models/faces/versions/700"} {
		a := s.get(path)
		want := `{"model_version_status": [{"version": "700", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]}`
		if a.status != 200 || !sameJSON(t, string(a.body), want) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	a := s.get("/v1/models/faces/metadata")
	var m struct {
		Spec struct{ Name, Version string } `json:"model_spec"`
		Meta struct {
			Def struct {
				Def map[string]struct {
					Inputs map[string]struct {
						DType string
						Shape struct {
							Dim []struct{ Size string }
						} `json:"tensor_shape"`
					}
				} `json:"signature_def"`
			} `json:"signature_def"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatal(err)
	}
	input := m.Meta.Def.Def["serving_default"].Inputs["a"]
	if m.Spec.Name != "faces" || m.Spec.Version != "700" || input.DType != "DT_FLOAT" || len(input.Shape.Dim) != 2 || input.Shape.Dim[0].Size != "-1" {
		t.Errorf("%s", a.body)
	}
}
