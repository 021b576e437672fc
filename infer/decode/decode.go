// Package decode decodes files of pictures inside a graph, with TensorFlow's own
// operations: for exported models that take files, and fit them to their size by
// themselves.
package decode

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// decodeFunction is the function that decodes and fits one file.
const decodeFunction = "decode_and_fit"

// Files adds a placeholder of files, string [N], under the given name, and their
// pictures, float [N, H, W, 3] in [0, 1], brought to h by w pixels by fit. Each
// file, a JPEG or PNG (also GIF or BMP, first picture), is decoded and fitted by
// itself (TensorFlow decodes one at a time), through a function that is mapped
// over them. All calls for a graph must have the same size and fit.
func Files(g *tensorflow.Graph, name string, h, w int, fit video.Fit) (files, pictures tensorflow.Output, err error) {
	shape := shapeOf(int64(h), int64(w), 3)
	decoded := name + "/decoded"
	// What is imported takes the graph's version down to its own.
	empty, err := tf.GraphDefOf(tensorflow.NewGraph())
	if err != nil {
		return files, pictures, err
	}
	def := &graphpb.GraphDef{
		Versions: empty.GetVersions(),
		Library:  &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{fitFunction(h, w, fit)}},
		Node: []*nodepb.NodeDef{
			{Name: name, Op: "Placeholder", Attr: attrs{"dtype": typeOf(typespb.DataType_DT_STRING), "shape": shapeAttr(shapeOf(-1))}},
			{Name: decoded, Op: "MapDefun", Input: []string{name}, Attr: attrs{
				"Targuments":    typesOf(typespb.DataType_DT_STRING),
				"Tcaptured":     typesOf(),
				"output_types":  typesOf(typespb.DataType_DT_FLOAT),
				"output_shapes": {Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{Shape: []*shapepb.TensorShapeProto{shape}}}},
				"f":             {Value: &attrpb.AttrValue_Func{Func: &attrpb.NameAttrList{Name: decodeFunction}}},
			}},
		},
	}
	text, err := proto.Marshal(def)
	if err != nil {
		return files, pictures, err
	}
	if err := g.Import(text, ""); err != nil {
		return files, pictures, fmt.Errorf("importing the decoder: %w", err)
	}
	a, b := g.Operation(name), g.Operation(decoded)
	if a == nil || b == nil {
		return files, pictures, fmt.Errorf("the decoder %s is not in the graph", name)
	}
	return a.Output(0), b.Output(0), nil
}

// fitFunction is the function from a file, a scalar string, to a picture of the
// model, by the meaning that video.Fit has: the part `from` of the file's
// picture goes to the part `to` of the model's, resampled with the same
// Catmull-Rom kernel, which widens where the picture shrinks, and rounded to 8
// bits. Sizes are computed in float64, (height, width).
func fitFunction(height, width int, fit video.Fit) *funcpb.FunctionDef {
	f := &function{}
	h, w := float64(height), float64(width)
	decoded := f.add("image", "DecodeImage:image", attrs{
		"channels": intOf(3), "dtype": typeOf(typespb.DataType_DT_UINT8), "expand_animations": boolOf(false),
	}, "contents")
	shape := f.add("shape", "Shape:output", attrs{"T": typeOf(typespb.DataType_DT_UINT8), "out_type": typeOf(typespb.DataType_DT_INT32)}, decoded)
	sides := f.add("sides", "Slice:output", attrs{"T": typeOf(typespb.DataType_DT_INT32), "Index": typeOf(typespb.DataType_DT_INT32)},
		shape, f.ints("zero", 0), f.ints("two", 2))
	size := f.cast("size", sides, typespb.DataType_DT_INT32, typespb.DataType_DT_DOUBLE)
	target := f.doubles("target", h, w)

	scale, translation := f.placing(fit, size, target, h, w)

	batch := f.add("batch", "ExpandDims:output", attrs{"T": typeOf(typespb.DataType_DT_UINT8), "Tdim": typeOf(typespb.DataType_DT_INT32)},
		decoded, f.scalarInt("axis", 0))
	resized := f.add("resized", "ScaleAndTranslate:resized_images",
		attrs{"T": typeOf(typespb.DataType_DT_UINT8), "kernel_type": textOf("keyscubic"), "antialias": boolOf(true)},
		batch, f.ints("out", int32(h), int32(w)),
		f.cast("scale_single", scale, typespb.DataType_DT_DOUBLE, typespb.DataType_DT_FLOAT),
		f.cast("translation_single", translation, typespb.DataType_DT_DOUBLE, typespb.DataType_DT_FLOAT))
	single := attrs{"T": typeOf(typespb.DataType_DT_FLOAT)}
	rounded := f.add("rounded", "Floor:y", single, f.add("half", "AddV2:z", single, resized, f.single("one_half", 0.5)))
	clipped := f.add("clipped", "Minimum:z", single, f.add("positive", "Maximum:z", single, rounded, f.single("black", 0)), f.single("white", 255))
	unit := f.add("unit", "RealDiv:z", single, clipped, f.single("levels", 255))
	picture := f.add("picture", "Reshape:output", attrs{"T": typeOf(typespb.DataType_DT_FLOAT), "Tshape": typeOf(typespb.DataType_DT_INT32)},
		unit, f.ints("form", int32(h), int32(w), 3))
	return f.def(decodeFunction, "contents", "picture", picture)
}

// placing returns scale and translation (y, x) of TensorFlow's
// ScaleAndTranslate: output = scale * input + translation.
func (f *function) placing(fit video.Fit, size, target string, h, w float64) (scale, translation string) {
	// across is the length of one side that goes with the whole of the other
	// one where the aspect is kept: of the file's picture (crop) or of the
	// model's (pad).
	swapped := f.add("swapped", "ReverseV2:output", attrs{"T": typeOf(typespb.DataType_DT_DOUBLE), "Tidx": typeOf(typespb.DataType_DT_INT32)},
		size, f.ints("first", 0))
	switch fit {
	case video.Crop:
		across := f.div("across", f.mul("turned", swapped, target), f.doubles("target_swapped", w, h))
		from := f.binary("from", "Minimum", size, across)
		margin := f.div("margin", f.binary("cut", "Sub", size, from), f.doubles("both", 2))
		scale = f.div("scale", target, from)
		return scale, f.mul("translation", f.unary("outwards", "Neg", margin), scale)
	case video.Pad:
		across := f.div("across", f.mul("turned", size, f.doubles("target_swapped", w, h)), swapped)
		length := f.binary("length", "Minimum", target, across)
		margin := f.div("margin", f.binary("free", "Sub", target, length), f.doubles("both", 2))
		// Whole pixels, at least one, so that bars have sharp edges.
		lo := f.round("lo", margin)
		hi := f.binary("hi", "Maximum", f.round("end", f.binary("far", "Sub", target, margin)), f.binary("next", "AddV2", lo, f.doubles("one", 1)))
		return f.div("scale", f.binary("inside", "Sub", hi, lo), size), lo
	}
	return f.div("scale", target, size), f.doubles("translation", 0, 0)
}
