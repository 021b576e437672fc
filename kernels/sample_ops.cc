// The TensorFlow op of sample.h and its gradients.

#include <string>
#include <vector>

#include "kernels/op_gradient.h"
#include "kernels/op_runtime.h"
#include "kernels/sample.h"
#include "tensorflow/cc/framework/grad_op_registry.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

#if defined(PRIORITYCUT_CUDA)
#include "kernels/device/op_stream.h"
#include "kernels/sample_gpu.h"
#endif

namespace prioritycut {
namespace kernels {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::errors::InvalidArgument;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// Samples of the result: as many as there are maps, or grids if there is one
// map.
DimensionHandle Samples(InferenceContext* c, DimensionHandle maps,
                        DimensionHandle grids) {
  if (!c->ValueKnown(maps) || !c->ValueKnown(grids)) return c->UnknownDim();
  return c->Value(maps) == 1 ? grids : maps;
}

absl::Status SampleShapes(InferenceContext* c) {
  ShapeHandle x, grid;
  DimensionHandle two;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 3, &grid));
  TF_RETURN_IF_ERROR(c->WithValue(c->Dim(grid, 2), 2, &two));
  c->set_output(0, c->MakeShape({Samples(c, c->Dim(x, 0), c->Dim(grid, 0)),
                                 c->Dim(grid, 1), c->Dim(x, 3)}));
  return absl::OkStatus();
}

absl::Status MapGradientShapes(InferenceContext* c) {
  ShapeHandle x;
  TF_RETURN_IF_ERROR(c->MakeShapeFromShapeTensor(0, &x));
  TF_RETURN_IF_ERROR(c->WithRank(x, 4, &x));
  c->set_output(0, x);
  return absl::OkStatus();
}

absl::Status GridGradientShapes(InferenceContext* c) {
  c->set_output(0, c->input(1));
  return absl::OkStatus();
}

REGISTER_OP("PriorityCutSample")
    .Input("x: float")
    .Input("grid: float")
    .Output("y: float")
    .Attr("align_corners: bool = false")
    .Attr("reflect: bool = false")
    .SetShapeFn(SampleShapes)
    .Doc(R"doc(
Samples maps bilinearly. Its gradients at both inputs are registered.

x: Maps [N, H, W, C], or [1, H, W, C] for all.
grid: Points [N, points, 2], or one list for all: (x, y) in [-1, 1].
y: [N, points, C].
align_corners: -1 and 1 are the centres of the border pixels, else their outer
  edges.
reflect: Outside the maps are mirrored, else there are zeros.
)doc");

REGISTER_OP("PriorityCutSampleMapGrad")
    .Input("x_shape: int32")
    .Input("grid: float")
    .Input("dy: float")
    .Output("dx: float")
    .Attr("align_corners: bool = false")
    .Attr("reflect: bool = false")
    .SetShapeFn(MapGradientShapes)
    .Doc("The gradient of PriorityCutSample at x.");

REGISTER_OP("PriorityCutSampleGridGrad")
    .Input("x: float")
    .Input("grid: float")
    .Input("dy: float")
    .Output("dgrid: float")
    .Attr("align_corners: bool = false")
    .Attr("reflect: bool = false")
    .SetShapeFn(GridGradientShapes)
    .Doc("The gradient of PriorityCutSample at grid.");

class SampleOpBase : public OpKernel {
 public:
  explicit SampleOpBase(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("align_corners", &align_corners_));
    OP_REQUIRES_OK(context, context->GetAttr("reflect", &reflect_));
  }

 protected:
  absl::Status ShapeOf(const TensorShape& x, const TensorShape& grid,
                       SampleShape* s) const {
    if (x.dims() != 4 || grid.dims() != 3 || grid.dim_size(2) != 2) {
      return InvalidArgument("maps ", x.DebugString(), " and points ",
                             grid.DebugString(),
                             " are not of the ranks wanted");
    }
    *s = {x.dim_size(0), grid.dim_size(0), x.dim_size(1),  x.dim_size(2),
          x.dim_size(3), grid.dim_size(1), align_corners_, reflect_};
    const bool suit = s->maps == s->grids || s->maps == 1 || s->grids == 1;
    if (!suit || x.num_elements() == 0 || grid.num_elements() == 0) {
      return InvalidArgument("maps ", x.DebugString(), " cannot be sampled at ",
                             grid.DebugString());
    }
    return absl::OkStatus();
  }

  static TensorShape Out(const SampleShape& s) {
    return TensorShape({s.Samples(), s.points, s.channels});
  }

  absl::Status CheckGradient(const SampleShape& s, const Tensor& dy) const {
    if (dy.shape() == Out(s)) return absl::OkStatus();
    return InvalidArgument("gradients ", dy.shape().DebugString(),
                           " are not those of samples ", Out(s).DebugString());
  }

 private:
  bool align_corners_, reflect_;
};

class SampleOp : public SampleOpBase {
 public:
  using SampleOpBase::SampleOpBase;

  void Compute(OpKernelContext* context) override {
    const Tensor &x = context->input(0), &grid = context->input(1);
    SampleShape s;
    OP_REQUIRES_OK(context, ShapeOf(x.shape(), grid.shape(), &s));
    Tensor* y;
    OP_REQUIRES_OK(context, context->allocate_output(0, Out(s), &y));
    Fill(context, s, x.flat<float>().data(), grid.flat<float>().data(),
         y->flat<float>().data());
  }

 protected:
  virtual void Fill(OpKernelContext* context, const SampleShape& s,
                    const float* x, const float* grid, float* y) {
    OpRuntime runtime(context);
    Sample(s, x, grid, y, runtime);
  }
};

class MapGradientOp : public SampleOpBase {
 public:
  using SampleOpBase::SampleOpBase;

  void Compute(OpKernelContext* context) override {
    const Tensor &sizes = context->input(0), &grid = context->input(1),
                 &dy = context->input(2);
    TensorShape x;
    OP_REQUIRES_OK(context, tensorflow::TensorShapeUtils::MakeShape(
                                sizes.flat<int32_t>(), &x));
    SampleShape s;
    OP_REQUIRES_OK(context, ShapeOf(x, grid.shape(), &s));
    OP_REQUIRES_OK(context, CheckGradient(s, dy));
    Tensor* dx;
    OP_REQUIRES_OK(context, context->allocate_output(0, x, &dx));
    Fill(context, s, grid.flat<float>().data(), dy.flat<float>().data(),
         dx->flat<float>().data());
  }

 protected:
  virtual void Fill(OpKernelContext* context, const SampleShape& s,
                    const float* grid, const float* dy, float* dx) {
    OpRuntime runtime(context);
    SampleMapGradient(s, grid, dy, dx, runtime);
  }
};

class GridGradientOp : public SampleOpBase {
 public:
  using SampleOpBase::SampleOpBase;

  void Compute(OpKernelContext* context) override {
    const Tensor &x = context->input(0), &grid = context->input(1),
                 &dy = context->input(2);
    SampleShape s;
    OP_REQUIRES_OK(context, ShapeOf(x.shape(), grid.shape(), &s));
    OP_REQUIRES_OK(context, CheckGradient(s, dy));
    Tensor* dgrid;
    OP_REQUIRES_OK(context, context->allocate_output(0, grid.shape(), &dgrid));
    Fill(context, s, x.flat<float>().data(), grid.flat<float>().data(),
         dy.flat<float>().data(), dgrid->flat<float>().data());
  }

 protected:
  virtual void Fill(OpKernelContext* context, const SampleShape& s,
                    const float* x, const float* grid, const float* dy,
                    float* dgrid) {
    OpRuntime runtime(context);
    SampleGridGradient(s, x, grid, dy, dgrid, runtime);
  }
};

REGISTER_KERNEL_BUILDER(Name("PriorityCutSample").Device(DEVICE_CPU), SampleOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutSampleMapGrad").Device(DEVICE_CPU),
                        MapGradientOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutSampleGridGrad").Device(DEVICE_CPU),
                        GridGradientOp);

#if defined(PRIORITYCUT_CUDA)
void Report(OpKernelContext* context, const std::string& error) {
  OP_REQUIRES(context, error.empty(), tensorflow::errors::Internal(error));
}

class SampleGpuOp : public SampleOp {
 public:
  using SampleOp::SampleOp;

 protected:
  void Fill(OpKernelContext* context, const SampleShape& s, const float* x,
            const float* grid, float* y) override {
    const SampleArguments a = {s, x, grid, nullptr, y, nullptr, nullptr};
    Report(context, LaunchSample(StreamOf(context), a));
  }
};

class MapGradientGpuOp : public MapGradientOp {
 public:
  using MapGradientOp::MapGradientOp;

 protected:
  void Fill(OpKernelContext* context, const SampleShape& s, const float* grid,
            const float* dy, float* dx) override {
    // The sums, and behind them the largest magnitude. Memory that is let go
    // here is given to later kernels of the stream alone.
    const int64_t sums = s.maps * s.height * s.width * s.channels;
    Tensor scratch;
    OP_REQUIRES_OK(context,
                   context->allocate_temp(tensorflow::DT_INT64,
                                          TensorShape({sums + 1}), &scratch));
    auto* const memory =
        reinterpret_cast<uint64_t*>(scratch.flat<int64_t>().data());
    const SampleArguments a = {s,
                               nullptr,
                               grid,
                               dy,
                               dx,
                               memory,
                               reinterpret_cast<uint32_t*>(memory + sums)};
    Report(context, LaunchSampleMapGradient(StreamOf(context), a));
  }
};

class GridGradientGpuOp : public GridGradientOp {
 public:
  using GridGradientOp::GridGradientOp;

 protected:
  void Fill(OpKernelContext* context, const SampleShape& s, const float* x,
            const float* grid, const float* dy, float* dgrid) override {
    const SampleArguments a = {s, x, grid, dy, dgrid, nullptr, nullptr};
    Report(context, LaunchSampleGridGradient(StreamOf(context), a));
  }
};

REGISTER_KERNEL_BUILDER(
    Name("PriorityCutSample").Device(tensorflow::DEVICE_GPU), SampleGpuOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutSampleMapGrad")
                            .Device(tensorflow::DEVICE_GPU)
                            .HostMemory("x_shape"),
                        MapGradientGpuOp);
REGISTER_KERNEL_BUILDER(
    Name("PriorityCutSampleGridGrad").Device(tensorflow::DEVICE_GPU),
    GridGradientGpuOp);
#endif  // PRIORITYCUT_CUDA

absl::Status SampleGradient(const tensorflow::Scope& scope,
                            const tensorflow::Operation& op,
                            const std::vector<tensorflow::Output>& dy,
                            std::vector<tensorflow::Output>* gradients) {
  const tensorflow::AttrSlice attributes = op.node()->attrs();
  const std::vector<std::string> names = {"align_corners", "reflect"};
  tensorflow::Node *sizes, *of_map, *of_grid;
  TF_RETURN_IF_ERROR(
      AddNode(scope, "Shape", {op.input(0)}, attributes, {}, &sizes));
  TF_RETURN_IF_ERROR(AddNode(scope, "PriorityCutSampleMapGrad",
                             {tensorflow::Output(sizes, 0), op.input(1), dy[0]},
                             attributes, names, &of_map));
  TF_RETURN_IF_ERROR(AddNode(scope, "PriorityCutSampleGridGrad",
                             {op.input(0), op.input(1), dy[0]}, attributes,
                             names, &of_grid));
  *gradients = {tensorflow::Output(of_map, 0), tensorflow::Output(of_grid, 0)};
  return absl::OkStatus();
}
REGISTER_GRADIENT_OP("PriorityCutSample", SampleGradient);

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
