package predict

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// FuzzRequest sees that no request crashes the reader, and that whatever is
// taken has the signature's shape.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"instances": [{"a": [1, 2], "b": [0.5, -3e1]}]}`, `{"inputs": {"a": [[1, 2]], "b": [[10, 20]]}}`,
		`{"signature_name": "bytes", "instances": [{"b64": "aGVsbG8="}]}`, `{"signature_name": "types", "inputs": {"s": ["\""]}}`,
		`{"signature_name": "echo", "inputs": [[1, 2], [3]]}`,
	} {
		f.Add([]byte(seed))
	}
	of := func(t tensorflow.DataType, shape ...int64) savedmodel.TensorSpec {
		return savedmodel.TensorSpec{DType: t, Shape: shape}
	}
	pair := of(tensorflow.Float, -1, 2)
	signatures := map[string]savedmodel.SignatureDef{
		infer.SigDefault: {Inputs: map[string]savedmodel.TensorSpec{"a": pair, "b": pair}},
		"echo":           {Inputs: map[string]savedmodel.TensorSpec{"x": pair}},
		"bytes":          {Inputs: map[string]savedmodel.TensorSpec{"picture_bytes": of(tensorflow.String, -1)}},
		"scaled":         {Inputs: map[string]savedmodel.TensorSpec{"f": of(tensorflow.Float), "x": pair}},
		"types": {Inputs: map[string]savedmodel.TensorSpec{"d": of(tensorflow.Double, -1), "i": of(tensorflow.Int32, -1), "l": of(tensorflow.Int64, -1),
			"u": of(tensorflow.Uint8, -1), "t": of(tensorflow.Bool, -1), "s": of(tensorflow.String, -1)}},
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Parse(body)
		if err != nil {
			return
		}
		signature, ok := signatures[r.Signature]
		if !ok {
			return
		}
		b, err := r.Batch(signature, Limits{Batch: 8, Pixels: 100, Together: 500, Ctx: context.Background()})
		if err != nil {
			return
		}
		inputs, err := b.Tensors([2]int64{0, b.N})
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if err := signature.Check(inputs); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		a, err := NewAnswer(inputs, false, b.N)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var out bytes.Buffer
		if err := a.Write(&out); err != nil || !json.Valid(out.Bytes()) {
			t.Errorf("%s is echoed as %s (%v)", body, out.Bytes(), err)
		}
	})
}
