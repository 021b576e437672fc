// Batch norm over the maps of several processes: norm.h in halves, between
// which the processes exchange their sums.

#include <vector>

#include "kernels/norm.h"
#include "kernels/op_gradient.h"
#include "kernels/op_runtime.h"
#include "tensorflow/cc/framework/grad_op_registry.h"
#include "tensorflow/core/framework/common_shape_fns.h"
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

REGISTER_OP("PriorityCutMoments")
    .Input("x: float")
    .Output("mean: double")
    .Output("variance: double")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle x;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
      c->set_output(0, c->Vector(c->Dim(x, 3)));
      c->set_output(1, c->Vector(c->Dim(x, 3)));
      return absl::OkStatus();
    })
    .Doc(R"doc(
The mean and biased variance [C] of each channel of maps [N, H, W, C].
)doc");

REGISTER_OP("PriorityCutNormShared")
    .Input("x: float")
    .Input("weight: float")
    .Input("bias: float")
    .Input("mean: float")
    .Input("variance: float")
    .Input("group_size: int32")
    .Input("group_key: int32")
    .Output("y: float")
    .Attr("pool: bool = false")
    .Attr("slope: float = 0.0")
    .Attr("epsilon: float = 0.00001")
    .Attr("timeout_seconds: float = 0.0")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle x;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
      bool pool;
      TF_RETURN_IF_ERROR(c->GetAttr("pool", &pool));
      DimensionHandle height = c->Dim(x, 1), width = c->Dim(x, 2);
      if (pool) {
        TF_RETURN_IF_ERROR(c->Divide(height, 2, false, &height));
        TF_RETURN_IF_ERROR(c->Divide(width, 2, false, &width));
      }
      c->set_output(0,
                    c->MakeShape({c->Dim(x, 0), height, width, c->Dim(x, 3)}));
      return absl::OkStatus();
    })
    .Doc(R"doc(
PriorityCutNorm by the mean and biased variance over the maps of all processes
of a group, each of which has as many. Its gradient at x is the one through the
statistics too, and exchanges sums with the other processes; those at weight and
bias are of the maps here.

x: Maps [N, H, W, C].
weight: [C].
bias: [C].
mean: [C], of the maps of all processes.
variance: [C], the biased one.
group_size: The number of processes.
group_key: The group's, as in CollectiveReduceV2.
timeout_seconds: As in CollectiveReduceV2.
)doc");

REGISTER_OP("PriorityCutNormSums")
    .Input("dy: float")
    .Input("x: float")
    .Input("weight: float")
    .Input("bias: float")
    .Input("mean: float")
    .Input("variance: float")
    .Output("sums: double")
    .Output("dweight: float")
    .Output("dbias: float")
    .Attr("pool: bool = false")
    .Attr("slope: float = 0.0")
    .Attr("epsilon: float = 0.00001")
    .SetShapeFn([](InferenceContext* c) {
      ShapeHandle x;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 4, &x));
      c->set_output(0, c->Matrix(2, c->Dim(x, 3)));
      c->set_output(1, c->Vector(c->Dim(x, 3)));
      c->set_output(2, c->Vector(c->Dim(x, 3)));
      return absl::OkStatus();
    })
    .Doc(R"doc(
What PriorityCutNormInput needs of all processes: sums [2, C] of the gradients
and of their products with x - mean; and the gradients at weight and bias.
)doc");

REGISTER_OP("PriorityCutNormInput")
    .Input("dy: float")
    .Input("x: float")
    .Input("weight: float")
    .Input("bias: float")
    .Input("mean: float")
    .Input("variance: float")
    .Input("sums: double")
    .Input("group_size: int32")
    .Output("dx: float")
    .Attr("pool: bool = false")
    .Attr("slope: float = 0.0")
    .Attr("epsilon: float = 0.00001")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->input(1));
      return absl::OkStatus();
    })
    .Doc("The gradient of PriorityCutNormShared at x, from the sums of all.");

class MomentsOp : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    OP_REQUIRES(context, x.dims() == 4 && x.NumElements() > 0,
                InvalidArgument("maps have shape ", x.shape().DebugString()));
    const NormShape s{x.dim_size(0),
                      x.dim_size(1),
                      x.dim_size(2),
                      x.dim_size(3),
                      false,
                      false,
                      0,
                      0};
    Tensor *mean, *variance;
    const TensorShape list({s.channels});
    OP_REQUIRES_OK(context, context->allocate_output(0, list, &mean));
    OP_REQUIRES_OK(context, context->allocate_output(1, list, &variance));
    OpRuntime runtime(context);
    OP_REQUIRES(
        context,
        WideMoments(s, x.flat<float>().data(), mean->flat<double>().data(),
                    variance->flat<double>().data(), ChosenVectors(), runtime),
        ResourceExhausted("no memory for a norm's scratch space"));
  }
};

// The inputs that all three operations have, the first of them at place from.
class SharedOpBase : public OpKernel {
 public:
  explicit SharedOpBase(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("pool", &pool_));
    OP_REQUIRES_OK(context, context->GetAttr("slope", &slope_));
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon_));
  }

 protected:
  absl::Status ShapeOf(OpKernelContext* context, int from, NormShape* s) const {
    const Tensor& x = context->input(from);
    if (x.dims() != 4 || x.NumElements() == 0) {
      return InvalidArgument("maps have shape ", x.shape().DebugString());
    }
    *s = {x.dim_size(0), x.dim_size(1), x.dim_size(2), x.dim_size(3),
          false,         pool_,         slope_,        epsilon_};
    for (int i = from + 1; i < from + 5; ++i) {
      const TensorShape& list = context->input(i).shape();
      if (list != TensorShape({s->channels})) {
        return InvalidArgument("a list ", list.DebugString(),
                               " does not suit maps ", x.shape().DebugString());
      }
    }
    if (from > 0 && context->input(0).shape() != Out(*s)) {
      return InvalidArgument(
          "gradients ", context->input(0).shape().DebugString(),
          " are not those of maps ", x.shape().DebugString());
    }
    return absl::OkStatus();
  }

  static TensorShape Out(const NormShape& s) {
    return TensorShape({s.samples, s.OutHeight(), s.OutWidth(), s.channels});
  }

  // The values of an input.
  static const float* In(OpKernelContext* context, int i) {
    return context->input(i).flat<float>().data();
  }

  static NormStatistics StatisticsOf(OpKernelContext* context, int from) {
    return {In(context, from + 3), In(context, from + 4)};
  }

 private:
  bool pool_;
  float slope_, epsilon_;
};

class NormSharedOp : public SharedOpBase {
 public:
  using SharedOpBase::SharedOpBase;

  void Compute(OpKernelContext* context) override {
    NormShape s;
    OP_REQUIRES_OK(context, ShapeOf(context, 0, &s));
    Tensor* y;
    OP_REQUIRES_OK(context, context->allocate_output(0, Out(s), &y));
    OpRuntime runtime(context);
    OP_REQUIRES(context,
                Normalise(s, In(context, 0), StatisticsOf(context, 0),
                          In(context, 1), In(context, 2),
                          y->flat<float>().data(), ChosenVectors(), runtime),
                ResourceExhausted("no memory for a norm's scratch space"));
  }
};

class NormSumsOp : public SharedOpBase {
 public:
  using SharedOpBase::SharedOpBase;

  void Compute(OpKernelContext* context) override {
    NormShape s;
    OP_REQUIRES_OK(context, ShapeOf(context, 1, &s));
    const TensorShape list({s.channels});
    Tensor *sums, *dweight, *dbias;
    OP_REQUIRES_OK(context, context->allocate_output(
                                0, TensorShape({2, s.channels}), &sums));
    OP_REQUIRES_OK(context, context->allocate_output(1, list, &dweight));
    OP_REQUIRES_OK(context, context->allocate_output(2, list, &dbias));
    double* sum = sums->flat<double>().data();
    OpRuntime runtime(context);
    OP_REQUIRES(
        context,
        NormaliseSums(s, In(context, 1), StatisticsOf(context, 1),
                      In(context, 2), In(context, 3), In(context, 0), sum,
                      sum + s.channels, dweight->flat<float>().data(),
                      dbias->flat<float>().data(), ChosenVectors(), runtime),
        ResourceExhausted("no memory for a norm's scratch space"));
  }
};

class NormInputOp : public SharedOpBase {
 public:
  using SharedOpBase::SharedOpBase;

  void Compute(OpKernelContext* context) override {
    NormShape s;
    OP_REQUIRES_OK(context, ShapeOf(context, 1, &s));
    const Tensor &sums = context->input(6), &size = context->input(7);
    OP_REQUIRES(
        context,
        sums.shape() == TensorShape({2, s.channels}) && size.NumElements() == 1,
        InvalidArgument("sums ", sums.shape().DebugString(), " do not suit ",
                        s.channels, " channels"));
    Tensor* dx;
    OP_REQUIRES_OK(context,
                   context->allocate_output(0, context->input(1).shape(), &dx));
    const double* sum = sums.flat<double>().data();
    const double count =
        static_cast<double>(s.Count()) * size.flat<int32_t>()(0);
    OpRuntime runtime(context);
    OP_REQUIRES(context,
                NormaliseInput(
                    s, In(context, 1), StatisticsOf(context, 1), In(context, 2),
                    In(context, 3), In(context, 0), sum, sum + s.channels,
                    count, dx->flat<float>().data(), ChosenVectors(), runtime),
                ResourceExhausted("no memory for a norm's scratch space"));
  }
};

REGISTER_KERNEL_BUILDER(Name("PriorityCutMoments").Device(DEVICE_CPU),
                        MomentsOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutNormShared").Device(DEVICE_CPU),
                        NormSharedOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutNormSums").Device(DEVICE_CPU),
                        NormSumsOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutNormInput").Device(DEVICE_CPU),
                        NormInputOp);

absl::Status NormSharedGradient(const tensorflow::Scope& scope,
                                const tensorflow::Operation& op,
                                const std::vector<tensorflow::Output>& dy,
                                std::vector<tensorflow::Output>* gradients) {
  const std::vector<std::string> attributes{"pool", "slope", "epsilon"};
  float timeout;
  TF_RETURN_IF_ERROR(
      GetNodeAttr(op.node()->attrs(), "timeout_seconds", &timeout));
  std::vector<tensorflow::Output> inputs{dy[0]};
  for (int i = 0; i < 5; ++i) inputs.push_back(op.input(i));
  tensorflow::Node *sums, *all, *dx;
  TF_RETURN_IF_ERROR(AddNode(scope, "PriorityCutNormSums", inputs,
                             op.node()->attrs(), attributes, &sums));
  TF_RETURN_IF_ERROR(AddReduction(scope, tensorflow::Output(sums, 0),
                                  op.input(5), op.input(6), timeout, &all));
  inputs.push_back(tensorflow::Output(all, 0));
  inputs.push_back(op.input(5));
  TF_RETURN_IF_ERROR(AddNode(scope, "PriorityCutNormInput", inputs,
                             op.node()->attrs(), attributes, &dx));
  *gradients = {tensorflow::Output(dx, 0), tensorflow::Output(sums, 1),
                tensorflow::Output(sums, 2)};
  gradients->resize(7, tensorflow::Output(nullptr, -1));
  return absl::OkStatus();
}
REGISTER_GRADIENT_OP("PriorityCutNormShared", NormSharedGradient);

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
