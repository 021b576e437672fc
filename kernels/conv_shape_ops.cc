// The convolution ops as TensorFlow's graphs know them: inputs, outputs,
// attributes and shapes. conv_ops.cc computes them.

#include "kernels/conv_attributes.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace prioritycut {
namespace kernels {
namespace {

using tensorflow::errors::InvalidArgument;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// Side of the result in a shape function, where sides may be open.
absl::Status Side(InferenceContext* c, const ConvAttributes& a,
                  DimensionHandle side, DimensionHandle kernel, bool forward,
                  DimensionHandle* result) {
  *result = c->UnknownDim();
  if (!c->ValueKnown(kernel)) return absl::OkStatus();
  TF_RETURN_IF_ERROR(a.Check(c->Value(kernel)));
  if (!c->ValueKnown(side)) return absl::OkStatus();
  const int k = static_cast<int>(c->Value(kernel));
  const int64_t n =
      forward ? a.Out(c->Value(side), k) : a.In(c->Value(side), k);
  // Of a forward pass maps without pixels may come.
  if (n < (forward ? 0 : 1)) {
    return InvalidArgument("maps of ", c->Value(side),
                           " pixels are smaller than a kernel of ", k);
  }
  *result = c->MakeDim(n);
  return absl::OkStatus();
}

absl::Status Vector(InferenceContext* c, int input, DimensionHandle size) {
  ShapeHandle list;
  DimensionHandle merged;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(input), 1, &list));
  return c->Merge(c->Dim(list, 0), size, &merged);
}

// The shape of y, from x and kernel.
absl::Status MapShape(InferenceContext* c) {
  ConvAttributes a;
  TF_RETURN_IF_ERROR(ConvAttributes::Get(c, &a));
  ShapeHandle x, kernel;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 4, &kernel));
  DimensionHandle merged, height, width;
  TF_RETURN_IF_ERROR(c->Merge(c->Dim(x, 3), c->Dim(kernel, 2), &merged));
  const DimensionHandle k = c->Dim(kernel, 0);
  TF_RETURN_IF_ERROR(c->Merge(k, c->Dim(kernel, 1), &merged));
  TF_RETURN_IF_ERROR(Side(c, a, c->Dim(x, 1), k, true, &height));
  TF_RETURN_IF_ERROR(Side(c, a, c->Dim(x, 2), k, true, &width));
  c->set_output(0,
                c->MakeShape({c->Dim(x, 0), height, width, c->Dim(kernel, 3)}));
  return absl::OkStatus();
}

// Inputs from the third on are lists for the channels of y.
absl::Status ForwardShape(InferenceContext* c) {
  TF_RETURN_IF_ERROR(MapShape(c));
  for (int i = 2; i < c->num_inputs(); ++i) {
    TF_RETURN_IF_ERROR(Vector(c, i, c->Dim(c->output(0), 3)));
  }
  return absl::OkStatus();
}

absl::Status ResidualShape(InferenceContext* c) {
  TF_RETURN_IF_ERROR(MapShape(c));
  ShapeHandle y;
  TF_RETURN_IF_ERROR(c->Merge(c->output(0), c->input(3), &y));
  for (int i = 0; i < c->num_outputs(); ++i) c->set_output(i, y);
  for (int i = 2; i < c->num_inputs(); ++i) {
    if (i != 3) TF_RETURN_IF_ERROR(Vector(c, i, c->Dim(y, 3)));
  }
  return absl::OkStatus();
}

absl::Status InputGradientShape(InferenceContext* c) {
  ConvAttributes a;
  TF_RETURN_IF_ERROR(ConvAttributes::Get(c, &a));
  ShapeHandle kernel, dy;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &kernel));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 4, &dy));
  DimensionHandle merged, height, width;
  TF_RETURN_IF_ERROR(c->Merge(c->Dim(dy, 3), c->Dim(kernel, 3), &merged));
  const DimensionHandle k = c->Dim(kernel, 0);
  TF_RETURN_IF_ERROR(c->Merge(k, c->Dim(kernel, 1), &merged));
  TF_RETURN_IF_ERROR(Side(c, a, c->Dim(dy, 1), k, false, &height));
  TF_RETURN_IF_ERROR(Side(c, a, c->Dim(dy, 2), k, false, &width));
  c->set_output(
      0, c->MakeShape({c->Dim(dy, 0), height, width, c->Dim(kernel, 2)}));
  return absl::OkStatus();
}

absl::Status KernelGradientShape(InferenceContext* c) {
  ShapeHandle x, kernel, dy;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 4, &kernel));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(2), 4, &dy));
  c->set_output(0, kernel);
  c->set_output(1, c->Vector(c->Dim(kernel, 3)));
  c->set_output(2, c->Vector(c->Dim(kernel, 3)));
  return absl::OkStatus();
}

REGISTER_OP("PriorityCutConv2D")
    .Input("x: float")
    .Input("kernel: float")
    .Input("bias: float")
    .Output("y: float")
    .Attr("pad_before: int >= 0 = 0")
    .Attr("pad_after: int >= 0 = 0")
    .Attr("upsample: bool = false")
    .Attr("parts: int >= 1 = 1")
    .Attr("keep_kernel: bool = false")
    .Attr("inference: bool = false")
    .Attr("kernel_side: int >= 0 = 0")
    .SetShapeFn(ForwardShape)
    .Doc(R"doc(
Convolution with bias and stride 1.

Its gradients are registered, so that TF_AddGradients differentiates it once.

x: Maps [N, H, W, in].
kernel: [side, side, in, out].
bias: [out].
y: [N, H', W', out] with H' = H + pad_before + pad_after - side + 1.
pad_before: Zeros before the first row and column, less than side.
pad_after: Zeros behind the last ones, less than side.
upsample: Repeats each pixel of x to a square of 2 x 2 first; side is 3 and the
  pads are 1.
parts: The samples are one of so many equal parts of a batch, in each of which a
  sample gets the same bits.
keep_kernel: Keeps the transformed kernel as long as kernel stays the same
  buffer. Right at any time, and worth its memory where the kernel rests.
inference: With keep_kernel, allows what is quicker and rounds more, where y moves
  no gradient.
kernel_side: The side that a kernel must have, when it runs; 0 takes any.
)doc");

REGISTER_OP("PriorityCutConv2DFused")
    .Input("x: float")
    .Input("kernel: float")
    .Input("scale: float")
    .Input("shift: float")
    .Output("y: float")
    .Attr("pad_before: int >= 0 = 0")
    .Attr("pad_after: int >= 0 = 0")
    .Attr("upsample: bool = false")
    .Attr("parts: int >= 1 = 1")
    .Attr("relu: bool = false")
    .Attr("keep_kernel: bool = false")
    .Attr("inference: bool = false")
    .Attr("kernel_side: int >= 0 = 0")
    .SetShapeFn(ForwardShape)
    .Doc(R"doc(
PriorityCutConv2D followed by y = conv * scale + shift for each channel, and by
a ReLU if relu is true. Without a gradient.

scale: [out].
shift: [out].
)doc");

REGISTER_OP("PriorityCutConv2DResidual")
    .Input("x: float")
    .Input("kernel: float")
    .Input("bias: float")
    .Input("residual: float")
    .Input("scale: norms * float")
    .Input("shift: norms * float")
    .Output("y: float")
    .Output("normed: norms * float")
    .Attr("norms: int >= 0 = 0")
    .Attr("pad_before: int >= 0 = 0")
    .Attr("pad_after: int >= 0 = 0")
    .Attr("upsample: bool = false")
    .Attr("parts: int >= 1 = 1")
    .Attr("keep_kernel: bool = false")
    .Attr("inference: bool = false")
    .SetShapeFn(ResidualShape)
    .Doc(R"doc(
The end of a residual block and the beginning of the next: y = PriorityCutConv2D
+ residual, and normed = ReLU(y * scale + shift). Without a gradient.

residual: A map of y's shape.
scale: [out], where norms is 1.
shift: [out], where norms is 1.
norms: 1 with a normed map, else 0.
)doc");

REGISTER_OP("PriorityCutConv2DInputGrad")
    .Input("kernel: float")
    .Input("dy: float")
    .Output("dx: float")
    .Attr("pad_before: int >= 0 = 0")
    .Attr("pad_after: int >= 0 = 0")
    .Attr("upsample: bool = false")
    .Attr("parts: int >= 1 = 1")
    .Attr("keep_kernel: bool = false")
    .SetShapeFn(InputGradientShape)
    .Doc("The gradient of PriorityCutConv2D at x.");

REGISTER_OP("PriorityCutConv2DKernelGrad")
    .Input("x: float")
    .Input("kernel: float")
    .Input("dy: float")
    .Output("dkernel: float")
    .Output("dbias: float")
    .Output("dbias_sum: double")
    .Attr("pad_before: int >= 0 = 0")
    .Attr("pad_after: int >= 0 = 0")
    .Attr("upsample: bool = false")
    .Attr("parts: int >= 1 = 1")
    .SetShapeFn(KernelGradientShape)
    .Doc(
        "The gradients of PriorityCutConv2D at kernel and bias, and the latter "
        "before it is rounded. Of kernel only the shape is read.");

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
