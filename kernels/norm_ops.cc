// The TensorFlow op of norm.h and its gradient.

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/norm.h"
#include "kernels/op_gradient.h"
#include "kernels/op_runtime.h"
#include "tensorflow/cc/framework/grad_op_registry.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

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
using tensorflow::errors::ResourceExhausted;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

absl::Status List(InferenceContext* c, int input, DimensionHandle channels) {
  ShapeHandle list;
  DimensionHandle merged;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(input), 1, &list));
  return c->Merge(c->Dim(list, 0), channels, &merged);
}

absl::Status NormShapes(InferenceContext* c) {
  ShapeHandle x;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
  const DimensionHandle channels = c->Dim(x, 3);
  TF_RETURN_IF_ERROR(List(c, 1, channels));
  TF_RETURN_IF_ERROR(List(c, 2, channels));
  bool each_sample, pool;
  TF_RETURN_IF_ERROR(c->GetAttr("each_sample", &each_sample));
  TF_RETURN_IF_ERROR(c->GetAttr("pool", &pool));
  DimensionHandle height = c->Dim(x, 1), width = c->Dim(x, 2);
  if (pool) {
    TF_RETURN_IF_ERROR(c->Divide(height, 2, false, &height));
    TF_RETURN_IF_ERROR(c->Divide(width, 2, false, &width));
  }
  c->set_output(0, c->MakeShape({c->Dim(x, 0), height, width, channels}));
  const ShapeHandle groups =
      each_sample ? c->Matrix(c->Dim(x, 0), channels) : c->Vector(channels);
  for (int i = 1; i < 4; ++i) c->set_output(i, groups);
  return absl::OkStatus();
}

absl::Status NormGradientShapes(InferenceContext* c) {
  ShapeHandle dy, x;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &dy));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 4, &x));
  c->set_output(0, x);
  c->set_output(1, c->Vector(c->Dim(x, 3)));
  c->set_output(2, c->Vector(c->Dim(x, 3)));
  return absl::OkStatus();
}

REGISTER_OP("PriorityCutNorm")
    .Input("x: float")
    .Input("weight: float")
    .Input("bias: float")
    .Output("y: float")
    .Output("mean: float")
    .Output("variance: float")
    .Output("unbiased: float")
    .Attr("each_sample: bool = false")
    .Attr("pool: bool = false")
    .Attr("slope: float = 0.0")
    .Attr("epsilon: float = 0.00001")
    .SetShapeFn(NormShapes)
    .Doc(R"doc(
Normalises the channels of maps by their own mean and variance, over the batch
or in each sample, with a leaky ReLU and 2 x 2 average pooling behind it.

Its gradient keeps x, and no other map. The statistics have none.

x: Maps [N, H, W, C].
weight: [C].
bias: [C].
y: [N, H, W, C], or with half the sides, rounded down.
mean: [C], or [N, C] of each sample.
variance: The biased ones, which y is computed with.
unbiased: The unbiased ones.
each_sample: Each sample has its own statistics.
pool: Averages squares of 2 x 2 pixels at the end.
slope: Of negative values; 1 leaves them as they are.
)doc");

REGISTER_OP("PriorityCutNormGrad")
    .Input("dy: float")
    .Input("x: float")
    .Input("weight: float")
    .Input("bias: float")
    .Input("mean: float")
    .Input("variance: float")
    .Output("dx: float")
    .Output("dweight: float")
    .Output("dbias: float")
    .Attr("each_sample: bool = false")
    .Attr("pool: bool = false")
    .Attr("slope: float = 0.0")
    .Attr("epsilon: float = 0.00001")
    .SetShapeFn(NormGradientShapes)
    .Doc("The gradients of PriorityCutNorm at x, weight and bias.");

class NormOpBase : public OpKernel {
 public:
  explicit NormOpBase(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("each_sample", &each_sample_));
    OP_REQUIRES_OK(context, context->GetAttr("pool", &pool_));
    OP_REQUIRES_OK(context, context->GetAttr("slope", &slope_));
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon_));
  }

 protected:
  absl::Status ShapeOf(const Tensor& x, const Tensor& weight,
                       const Tensor& bias, NormShape* s) const {
    if (x.dims() != 4) {
      return InvalidArgument("maps have shape ", x.shape().DebugString());
    }
    *s = {x.dim_size(0), x.dim_size(1), x.dim_size(2), x.dim_size(3),
          each_sample_,  pool_,         slope_,        epsilon_};
    if (x.NumElements() == 0) {
      return InvalidArgument("maps ", x.shape().DebugString(), " are empty");
    }
    const TensorShape list({s->channels});
    if (weight.shape() != list || bias.shape() != list) {
      return InvalidArgument("lists ", weight.shape().DebugString(), " and ",
                             bias.shape().DebugString(), " do not suit maps ",
                             x.shape().DebugString());
    }
    return absl::OkStatus();
  }

  TensorShape Statistics(const NormShape& s) const {
    return each_sample_ ? TensorShape({s.samples, s.channels})
                        : TensorShape({s.channels});
  }

  TensorShape Out(const NormShape& s) const {
    return TensorShape({s.samples, s.OutHeight(), s.OutWidth(), s.channels});
  }

  bool pool_;

 private:
  bool each_sample_;
  float slope_, epsilon_;
};

class NormOp : public NormOpBase {
 public:
  using NormOpBase::NormOpBase;

  void Compute(OpKernelContext* context) override {
    const Tensor &x = context->input(0), &weight = context->input(1),
                 &bias = context->input(2);
    NormShape s;
    OP_REQUIRES_OK(context, ShapeOf(x, weight, bias, &s));
    Tensor *y, *mean, *variance, *unbiased;
    const TensorShape statistics = Statistics(s);
    OP_REQUIRES_OK(context, context->allocate_output(0, Out(s), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, statistics, &mean));
    OP_REQUIRES_OK(context, context->allocate_output(2, statistics, &variance));
    OP_REQUIRES_OK(context, context->allocate_output(3, statistics, &unbiased));
    OpRuntime runtime(context);
    const Vectors& v = ChosenVectors();
    float* m = mean->flat<float>().data();
    float* var = variance->flat<float>().data();
    const float* from = x.flat<float>().data();
    OP_REQUIRES(context,
                Moments(s, from, m, var, v, runtime) &&
                    Normalise(s, from, {m, var}, weight.flat<float>().data(),
                              bias.flat<float>().data(),
                              y->flat<float>().data(), v, runtime),
                ResourceExhausted("no memory for a norm's scratch space"));
    // Of a single value there is no unbiased variance; TensorFlow gives this.
    const float n = static_cast<float>(s.Count());
    unbiased->flat<float>() =
        variance->flat<float>() * (n / std::max(n - 1, 1.0f));
  }
};

class NormGradientOp : public NormOpBase {
 public:
  using NormOpBase::NormOpBase;

  void Compute(OpKernelContext* context) override {
    const Tensor &dy = context->input(0), &x = context->input(1),
                 &weight = context->input(2), &bias = context->input(3),
                 &mean = context->input(4), &variance = context->input(5);
    NormShape s;
    OP_REQUIRES_OK(context, ShapeOf(x, weight, bias, &s));
    OP_REQUIRES(
        context,
        dy.shape() == Out(s) && mean.shape() == Statistics(s) &&
            variance.shape() == Statistics(s),
        InvalidArgument("gradients ", dy.shape().DebugString(), " and means ",
                        mean.shape().DebugString(), " are not those of maps ",
                        x.shape().DebugString()));
    const float* from = dy.flat<float>().data();
    Tensor *dx, *dweight, *dbias;
    OP_REQUIRES_OK(context, pool_ ? context->allocate_output(0, x.shape(), &dx)
                                  : context->forward_input_or_allocate_output(
                                        {0}, 0, x.shape(), &dx));
    OP_REQUIRES_OK(context,
                   context->allocate_output(1, weight.shape(), &dweight));
    OP_REQUIRES_OK(context, context->allocate_output(2, bias.shape(), &dbias));
    OpRuntime runtime(context);
    OP_REQUIRES(
        context,
        NormaliseGradient(
            s, x.flat<float>().data(),
            {mean.flat<float>().data(), variance.flat<float>().data()},
            weight.flat<float>().data(), bias.flat<float>().data(), from,
            dx->flat<float>().data(), dweight->flat<float>().data(),
            dbias->flat<float>().data(), ChosenVectors(), runtime),
        ResourceExhausted("no memory for a norm's scratch space"));
  }
};

REGISTER_KERNEL_BUILDER(Name("PriorityCutNorm").Device(DEVICE_CPU), NormOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutNormGrad").Device(DEVICE_CPU),
                        NormGradientOp);

absl::Status NormGradient(const tensorflow::Scope& scope,
                          const tensorflow::Operation& op,
                          const std::vector<tensorflow::Output>& dy,
                          std::vector<tensorflow::Output>* gradients) {
  tensorflow::Node* node;
  TF_RETURN_IF_ERROR(AddNode(
      scope, "PriorityCutNormGrad",
      {dy[0], op.input(0), op.input(1), op.input(2), op.output(1),
       op.output(2)},
      op.node()->attrs(), {"each_sample", "pool", "slope", "epsilon"}, &node));
  *gradients = {tensorflow::Output(node, 0), tensorflow::Output(node, 1),
                tensorflow::Output(node, 2)};
  return absl::OkStatus();
}
REGISTER_GRADIENT_OP("PriorityCutNorm", NormGradient);

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
