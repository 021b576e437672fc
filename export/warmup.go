package export

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math"
	"sort"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	servingpb "github.com/wamuir/graft/tensorflow/serving/apis_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/tfrecord"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// warmup returns one request for each signature, with N = 1, as TensorFlow
// Serving replays them before a model serves.
func warmup(name string, signatures []savedmodel.SignatureDef) ([]byte, error) {
	file, err := smallPNG()
	if err != nil {
		return nil, err
	}
	var records [][]byte
	for _, s := range signatures {
		request := &servingpb.PredictRequest{
			ModelSpec: &servingpb.ModelSpec{Name: name, SignatureName: s.Name},
			Inputs:    map[string]*tensorpb.TensorProto{},
		}
		for key, spec := range s.Inputs {
			request.Inputs[key] = warmTensor(key, spec, file)
		}
		log := &servingpb.PredictionLog{LogType: &servingpb.PredictionLog_PredictLog{PredictLog: &servingpb.PredictLog{Request: request}}}
		record, err := proto.MarshalOptions{Deterministic: true}.Marshal(log)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return tfrecord.Records(records...)
}

// warmTensor is an input whose open sizes are 1: grey pictures, keypoints in
// the middle, Jacobians and variances that are the identity. A value that repeats is stored
// once, as TensorFlow allows.
func warmTensor(key string, spec savedmodel.TensorSpec, file []byte) *tensorpb.TensorProto {
	dims := make([]int64, len(spec.Shape))
	for i, d := range spec.Shape {
		dims[i] = max(d, 1)
	}
	t := &tensorpb.TensorProto{Dtype: typespb.DataType(spec.DType), TensorShape: shapeOf(dims...)}
	switch {
	case spec.DType == tensorflow.String:
		t.StringVal = [][]byte{file}
	case strings.HasSuffix(key, infer.Variance) && dims[2] == 1:
		t.FloatVal = []float32{1}
	case strings.HasSuffix(key, infer.Jacobian), strings.HasSuffix(key, infer.Variance):
		for k := int64(0); k < dims[1]; k++ {
			for _, v := range []float32{1, 0, 0, 1} {
				t.TensorContent = binary.LittleEndian.AppendUint32(t.TensorContent, math.Float32bits(v))
			}
		}
	case strings.HasSuffix(key, infer.Value):
		t.FloatVal = []float32{0}
	default:
		t.FloatVal = []float32{0.5}
	}
	return t
}

// smallPNG is a grey picture of 8x8 pixels.
func smallPNG() ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{Y: 128}.Y
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}

// sortedSpecs lists named tensors in the order of their names.
func sortedSpecs(specs map[string]savedmodel.TensorSpec) []string {
	names := make([]string, 0, len(specs))
	for name := range specs {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
