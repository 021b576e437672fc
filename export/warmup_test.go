package export

import (
	"errors"
	"io"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	servingpb "github.com/wamuir/graft/tensorflow/serving/apis_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/tfrecord"
)

type warmRequest struct {
	model, signature string
	inputs           map[string]*tensorflow.Tensor
}

func readWarmup(t testing.TB, path string) []warmRequest {
	t.Helper()
	r, err := tfrecord.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var list []warmRequest
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		var log servingpb.PredictionLog
		if err := proto.Unmarshal(record, &log); err != nil {
			t.Fatal(err)
		}
		request := log.GetPredictLog().GetRequest()
		w := warmRequest{request.GetModelSpec().GetName(), request.GetModelSpec().GetSignatureName(), map[string]*tensorflow.Tensor{}}
		for key, p := range request.GetInputs() {
			w.inputs[key] = fromProto(t, p)
		}
		list = append(list, w)
	}
}

// fromProto has TensorFlow itself read a stored tensor.
func fromProto(t testing.TB, p *tensorpb.TensorProto) *tensorflow.Tensor {
	t.Helper()
	text, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	g := tensorflow.NewGraph()
	in, err := tensorflow.NewTensor(string(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := g.AddOperation(tensorflow.OpSpec{Type: "Const", Attrs: map[string]any{"dtype": tensorflow.String, "value": in}})
	if err != nil {
		t.Fatal(err)
	}
	dtype := tensorflow.Float
	if p.GetDtype() == typespb.DataType_DT_STRING {
		dtype = tensorflow.String
	}
	parsed, err := g.AddOperation(tensorflow.OpSpec{Type: "ParseTensor", Input: []tensorflow.Input{c.Output(0)}, Attrs: map[string]any{"out_type": dtype}})
	if err != nil {
		t.Fatal(err)
	}
	session, err := tensorflow.NewSession(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	out, err := session.Run(nil, []tensorflow.Output{parsed.Output(0)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}
