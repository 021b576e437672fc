// The TensorFlow ops of conv.h: registration, shapes, checks, CPU kernels, and
// the gradient that TF_AddGradients finds.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/conv.h"
#include "kernels/op_gradient.h"
#include "kernels/op_runtime.h"
#include "tensorflow/cc/framework/grad_op_registry.h"
#include "tensorflow/cc/framework/scope.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/framework/tensor.h"

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

constexpr int kLargestKernel = 63;

// The attributes that all of these ops have.
struct ConvAttributes {
  int before, after;
  bool upsample;

  template <typename Context>
  static absl::Status Get(Context* c, ConvAttributes* a) {
    TF_RETURN_IF_ERROR(c->GetAttr("pad_before", &a->before));
    TF_RETURN_IF_ERROR(c->GetAttr("pad_after", &a->after));
    return c->GetAttr("upsample", &a->upsample);
  }

  // Side of the output, or of the input from the output's.
  int64_t Out(int64_t side, int kernel) const {
    return (upsample ? 2 * side : side) + before + after - kernel + 1;
  }
  int64_t In(int64_t out, int kernel) const {
    const int64_t side = out - before - after + kernel - 1;
    return upsample ? side / 2 : side;
  }

  absl::Status Check(int64_t kernel) const {
    if (kernel < 1 || kernel > kLargestKernel) {
      return InvalidArgument("kernels of 1 to ", kLargestKernel,
                             " pixels are supported, not of ", kernel);
    }
    if (before < 0 || after < 0 || before >= kernel || after >= kernel) {
      return InvalidArgument("pads of ", before, " and ", after,
                             " pixels do not suit a kernel of ", kernel);
    }
    if (upsample && (kernel != 3 || before != 1 || after != 1)) {
      return InvalidArgument(
          "up-sampling needs a kernel of 3 pixels and pads of 1");
    }
    return absl::OkStatus();
  }
};

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
  if (n < 1) {
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

absl::Status ForwardShape(InferenceContext* c) {
  ConvAttributes a;
  TF_RETURN_IF_ERROR(ConvAttributes::Get(c, &a));
  ShapeHandle x, kernel;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 4, &kernel));
  DimensionHandle merged, height, width;
  TF_RETURN_IF_ERROR(c->Merge(c->Dim(x, 3), c->Dim(kernel, 2), &merged));
  for (int i = 2; i < c->num_inputs(); ++i) {
    TF_RETURN_IF_ERROR(Vector(c, i, c->Dim(kernel, 3)));
  }
  const DimensionHandle k = c->Dim(kernel, 0);
  TF_RETURN_IF_ERROR(c->Merge(k, c->Dim(kernel, 1), &merged));
  TF_RETURN_IF_ERROR(Side(c, a, c->Dim(x, 1), k, true, &height));
  TF_RETURN_IF_ERROR(Side(c, a, c->Dim(x, 2), k, true, &width));
  c->set_output(0,
                c->MakeShape({c->Dim(x, 0), height, width, c->Dim(kernel, 3)}));
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
    .Attr("keep_kernel: bool = false")
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
keep_kernel: Keeps the transformed kernel as long as kernel stays the same
  buffer. Right at any time, and worth its memory where the kernel rests.
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
    .Attr("relu: bool = false")
    .Attr("keep_kernel: bool = false")
    .SetShapeFn(ForwardShape)
    .Doc(R"doc(
PriorityCutConv2D followed by y = conv * scale + shift for each channel, and by
a ReLU if relu is true. Without a gradient.

scale: [out].
shift: [out].
)doc");

REGISTER_OP("PriorityCutConv2DInputGrad")
    .Input("kernel: float")
    .Input("dy: float")
    .Output("dx: float")
    .Attr("pad_before: int >= 0 = 0")
    .Attr("pad_after: int >= 0 = 0")
    .Attr("upsample: bool = false")
    .Attr("keep_kernel: bool = false")
    .SetShapeFn(InputGradientShape)
    .Doc("The gradient of PriorityCutConv2D at x.");

REGISTER_OP("PriorityCutConv2DKernelGrad")
    .Input("x: float")
    .Input("kernel: float")
    .Input("dy: float")
    .Output("dkernel: float")
    .Output("dbias: float")
    .Attr("pad_before: int >= 0 = 0")
    .Attr("pad_after: int >= 0 = 0")
    .Attr("upsample: bool = false")
    .SetShapeFn(KernelGradientShape)
    .Doc(
        "The gradients of PriorityCutConv2D at kernel and bias. Of kernel only "
        "the shape is read.");

// A packed kernel that ops keep. As long as it lives it owns a reference to the
// kernel's buffer: no other tensor can get that address, and TensorFlow's
// optimisers and assignments write to a new buffer instead of this one.
struct KeptKernel {
  Tensor kernel, packed;
};

// The packed kernels of a process, shared by the ops that use the same one.
class KeptKernels {
 public:
  // Address, packing and instructions.
  using Key = std::tuple<const void*, std::vector<int64_t>, const Vectors*>;

  static KeptKernels& Get() {
    static KeptKernels* const all = new KeptKernels;
    return *all;
  }

  std::shared_ptr<KeptKernel> Find(const Key& key) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = kept_.find(key);
    return found == kept_.end() ? nullptr : found->second.lock();
  }

  void Add(const Key& key, const std::shared_ptr<KeptKernel>& kernel) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto i = kept_.begin(); i != kept_.end();) {
      i = i->second.expired() ? kept_.erase(i) : std::next(i);
    }
    kept_[key] = kernel;
  }

 private:
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<KeptKernel>> kept_;
};

absl::Status OutOfMemory() {
  return ResourceExhausted("no memory for a convolution's scratch space");
}

// Checks a kernel and makes the shape of a forward pass; sides of x are given
// or follow from those of y.
absl::Status ShapeOf(const ConvAttributes& a, const Tensor& maps,
                     const Tensor& kernel, bool forward, ConvShape* s) {
  if (maps.dims() != 4 || kernel.dims() != 4 ||
      kernel.dim_size(0) != kernel.dim_size(1) ||
      kernel.dim_size(forward ? 2 : 3) != maps.dim_size(3)) {
    return InvalidArgument("maps ", maps.shape().DebugString(), " and kernel ",
                           kernel.shape().DebugString(),
                           " do not belong together");
  }
  TF_RETURN_IF_ERROR(a.Check(kernel.dim_size(0)));
  const int k = static_cast<int>(kernel.dim_size(0));
  int64_t height = maps.dim_size(1), width = maps.dim_size(2);
  if (!forward) {
    height = a.In(height, k);
    width = a.In(width, k);
  }
  *s = {maps.dim_size(0),   height, width,    kernel.dim_size(2),
        kernel.dim_size(3), k,      a.before, a.after,
        a.upsample};
  const bool sides = s->height >= 1 && s->width >= 1 && s->OutHeight() >= 1 &&
                     s->OutWidth() >= 1;
  if (!sides || s->in < 1 || s->out < 1 ||
      (!forward && (s->OutHeight() != maps.dim_size(1) ||
                    s->OutWidth() != maps.dim_size(2)))) {
    return InvalidArgument("maps ", maps.shape().DebugString(),
                           " do not suit the kernel ",
                           kernel.shape().DebugString());
  }
  return absl::OkStatus();
}

// What forward pass and input's gradient have in common: a map, a kernel that
// is packed or kept, and another map.
class ConvOp : public OpKernel {
 public:
  explicit ConvOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, ConvAttributes::Get(context, &attributes_));
    OP_REQUIRES_OK(context, context->GetAttr("keep_kernel", &keep_));
  }

 protected:
  // Packs the kernel, or finds it packed, and convolves.
  absl::Status Convolve(OpKernelContext* context, const Conv& conv,
                        const ConvShape& s, bool turned, const Tensor& maps,
                        const Tensor& kernel, const Epilogue& epilogue,
                        Tensor* result) {
    if (s.batch == 0) return absl::OkStatus();
    OpRuntime runtime(context);
    Tensor packed;
    TF_RETURN_IF_ERROR(
        Packed(context, conv, s, turned, kernel, runtime, &packed));
    if (!conv.Run(maps.flat<float>().data(), packed.flat<float>().data(),
                  epilogue, result->flat<float>().data(), runtime)) {
      return OutOfMemory();
    }
    return absl::OkStatus();
  }

  ConvAttributes attributes_;
  bool keep_;

 private:
  absl::Status Packed(OpKernelContext* context, const Conv& conv,
                      const ConvShape& s, bool turned, const Tensor& kernel,
                      Runtime& runtime, Tensor* packed) {
    if (conv.PackedFloats() == 0) {
      *packed = kernel;
      return absl::OkStatus();
    }
    const KeptKernels::Key key = {
        kernel.flat<float>().data(),
        {s.kernel, s.in, s.out, s.upsample, turned,
         static_cast<int64_t>(conv.method()), conv.PackedFloats()},
        &ChosenVectors()};
    std::lock_guard<std::mutex> lock(mutex_);
    if (keep_ && kept_ != nullptr && key_ == key) {
      *packed = kept_->packed;
      return absl::OkStatus();
    }
    // What was kept is of an older kernel.
    kept_ = keep_ ? KeptKernels::Get().Find(key) : nullptr;
    if (kept_ == nullptr) {
      TF_RETURN_IF_ERROR(context->allocate_temp(
          tensorflow::DT_FLOAT, TensorShape({conv.PackedFloats()}), packed));
      if (!conv.Pack(kernel.flat<float>().data(), packed->flat<float>().data(),
                     runtime)) {
        return OutOfMemory();
      }
      if (!keep_) return absl::OkStatus();
      kept_ = std::make_shared<KeptKernel>(KeptKernel{kernel, *packed});
      KeptKernels::Get().Add(key, kept_);
    }
    key_ = key;
    *packed = kept_->packed;
    return absl::OkStatus();
  }

  std::mutex mutex_;
  KeptKernels::Key key_;
  std::shared_ptr<KeptKernel> kept_;
};

// y = conv(x, kernel) + bias, or * scale + shift.
class ForwardOp : public ConvOp {
 public:
  explicit ForwardOp(OpKernelConstruction* context) : ConvOp(context) {
    fused_ = context->num_inputs() == 4;
    if (fused_) OP_REQUIRES_OK(context, context->GetAttr("relu", &relu_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    const Tensor& kernel = context->input(1);
    ConvShape s;
    OP_REQUIRES_OK(context, ShapeOf(attributes_, x, kernel, true, &s));
    for (int i = 2; i < context->num_inputs(); ++i) {
      OP_REQUIRES(context, context->input(i).shape() == TensorShape({s.out}),
                  InvalidArgument("a list for ", s.out, " channels has shape ",
                                  context->input(i).shape().DebugString()));
    }
    Epilogue epilogue;
    const int shift = context->num_inputs() - 1;
    epilogue.shift = context->input(shift).flat<float>().data();
    if (fused_) epilogue.scale = context->input(2).flat<float>().data();
    epilogue.relu = relu_;
    Tensor* y;
    OP_REQUIRES_OK(context,
                   context->allocate_output(
                       0, {s.batch, s.OutHeight(), s.OutWidth(), s.out}, &y));
    const Conv conv = Conv::Forward(s, ChosenVectors(), keep_);
    OP_REQUIRES_OK(context,
                   Convolve(context, conv, s, false, x, kernel, epilogue, y));
  }

 private:
  bool fused_, relu_ = false;
};

class InputGradientOp : public ConvOp {
 public:
  using ConvOp::ConvOp;

  void Compute(OpKernelContext* context) override {
    const Tensor& kernel = context->input(0);
    const Tensor& dy = context->input(1);
    ConvShape s;
    OP_REQUIRES_OK(context, ShapeOf(attributes_, dy, kernel, false, &s));
    Tensor* dx;
    OP_REQUIRES_OK(context, context->allocate_output(
                                0, {s.batch, s.height, s.width, s.in}, &dx));
    const Conv conv = Conv::InputGradient(s, ChosenVectors(), keep_);
    OP_REQUIRES_OK(context,
                   Convolve(context, conv, s, true, dy, kernel, {}, dx));
  }
};

class KernelGradientOp : public OpKernel {
 public:
  explicit KernelGradientOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, ConvAttributes::Get(context, &attributes_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    const Tensor& dy = context->input(2);
    ConvShape s;
    OP_REQUIRES_OK(context,
                   ShapeOf(attributes_, x, context->input(1), true, &s));
    OP_REQUIRES(context,
                dy.shape() ==
                    TensorShape({s.batch, s.OutHeight(), s.OutWidth(), s.out}),
                InvalidArgument("gradients ", dy.shape().DebugString(),
                                " are not those of maps ",
                                x.shape().DebugString(), " and kernel ",
                                context->input(1).shape().DebugString()));
    Tensor *dkernel, *dbias;
    OP_REQUIRES_OK(context, context->allocate_output(
                                0, context->input(1).shape(), &dkernel));
    OP_REQUIRES_OK(context, context->allocate_output(1, {s.out}, &dbias));
    if (s.batch == 0) {
      dkernel->flat<float>().setZero();
      dbias->flat<float>().setZero();
      return;
    }
    OpRuntime runtime(context);
    OP_REQUIRES(
        context,
        KernelGradient(s, x.flat<float>().data(), dy.flat<float>().data(),
                       dkernel->flat<float>().data(),
                       dbias->flat<float>().data(), runtime, ChosenVectors()),
        OutOfMemory());
  }

 private:
  ConvAttributes attributes_;
};

REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2D").Device(DEVICE_CPU),
                        ForwardOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2DFused").Device(DEVICE_CPU),
                        ForwardOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2DInputGrad").Device(DEVICE_CPU),
                        InputGradientOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2DKernelGrad").Device(DEVICE_CPU),
                        KernelGradientOp);

absl::Status ConvGradient(const tensorflow::Scope& scope,
                          const tensorflow::Operation& op,
                          const std::vector<tensorflow::Output>& dy,
                          std::vector<tensorflow::Output>* gradients) {
  const tensorflow::AttrSlice attributes = op.node()->attrs();
  std::vector<std::string> names = {"pad_before", "pad_after", "upsample"};
  tensorflow::Node *of_kernel, *of_input;
  TF_RETURN_IF_ERROR(AddNode(scope, "PriorityCutConv2DKernelGrad",
                             {op.input(0), op.input(1), dy[0]}, attributes,
                             names, &of_kernel));
  names.push_back("keep_kernel");
  TF_RETURN_IF_ERROR(AddNode(scope, "PriorityCutConv2DInputGrad",
                             {op.input(1), dy[0]}, attributes, names,
                             &of_input));
  *gradients = {tensorflow::Output(of_input, 0),
                tensorflow::Output(of_kernel, 0),
                tensorflow::Output(of_kernel, 1)};
  return absl::OkStatus();
}
REGISTER_GRADIENT_OP("PriorityCutConv2D", ConvGradient);

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
