// The TensorFlow ops of conv.h, which conv_shape_ops.cc defines: checks, CPU
// kernels, and the gradient that TF_AddGradients finds.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/conv.h"
#include "kernels/conv_attributes.h"
#include "kernels/op_gradient.h"
#include "kernels/op_runtime.h"
#include "tensorflow/cc/framework/grad_op_registry.h"
#include "tensorflow/cc/framework/scope.h"
#include "tensorflow/core/framework/op_kernel.h"
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

bool HasPixels(const ConvShape& s) {
  return s.height >= 1 && s.width >= 1 && s.OutHeight() >= 1 &&
         s.OutWidth() >= 1;
}

// Whether a map gives one without pixels, which TensorFlow's convolution takes
// for a result.
bool IsEmpty(const ConvShape& s) {
  const int64_t least = std::min(s.OutHeight(), s.OutWidth());
  return !s.upsample && s.height >= 0 && s.width >= 0 && least == 0;
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
        a.upsample,         a.parts};
  const bool sides = HasPixels(*s) || (forward && IsEmpty(*s));
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
    if (keep_) usage_ = Usage::kKept;
  }

 protected:
  // What forward passes ask besides.
  absl::Status GetInference(OpKernelConstruction* context) {
    bool inference;
    TF_RETURN_IF_ERROR(context->GetAttr("inference", &inference));
    if (keep_ && inference) usage_ = Usage::kInference;
    return absl::OkStatus();
  }

  // Packs the kernel, or finds it packed, and convolves.
  absl::Status Convolve(OpKernelContext* context, Conv conv, const ConvShape& s,
                        bool turned, const Tensor& maps, const Tensor& kernel,
                        const Epilogue& epilogue, Tensor* result) {
    if (result->NumElements() == 0) return absl::OkStatus();
    OpRuntime runtime(context);
    Tensor packed;
    TF_RETURN_IF_ERROR(
        Packed(context, s, turned, kernel, runtime, &conv, &packed));
    if (!conv.Run(maps.flat<float>().data(), packed.flat<float>().data(),
                  epilogue, result->flat<float>().data(), runtime)) {
      return OutOfMemory();
    }
    return absl::OkStatus();
  }

  ConvAttributes attributes_;
  bool keep_ = false;
  Usage usage_ = Usage::kOnce;

 private:
  absl::Status Packed(OpKernelContext* context, const ConvShape& s, bool turned,
                      const Tensor& kernel, Runtime& runtime, Conv* conv,
                      Tensor* packed) {
    const int64_t floats = conv->PackedFloats();
    if (floats == 0) {
      *packed = kernel;
      return absl::OkStatus();
    }
    const KeptKernels::Key key = {
        kernel.flat<float>().data(),
        {s.kernel, s.in, s.out, s.upsample, turned,
         static_cast<int64_t>(conv->method()), floats},
        &ChosenVectors()};
    std::lock_guard<std::mutex> lock(mutex_);
    if (keep_ && kept_ != nullptr && key_ == key) {
      *packed = kept_->packed;
      return absl::OkStatus();
    }
    // What was kept is of an older kernel.
    kept_ = keep_ ? KeptKernels::Get().Find(key) : nullptr;
    if (kept_ == nullptr) {
      // To be packed when it is used again: the first picture comes sooner, and
      // what is used once is not packed at all.
      const bool again = keep_ && key_ == key;
      key_ = key;
      if (!again && conv->UsePlain()) {
        *packed = kernel;
        return absl::OkStatus();
      }
      TF_RETURN_IF_ERROR(context->allocate_temp(tensorflow::DT_FLOAT,
                                                TensorShape({floats}), packed));
      if (!conv->Pack(kernel.flat<float>().data(), packed->flat<float>().data(),
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
    OP_REQUIRES_OK(context, GetInference(context));
    fused_ = context->num_inputs() == 4;
    if (fused_) OP_REQUIRES_OK(context, context->GetAttr("relu", &relu_));
    OP_REQUIRES_OK(context, context->GetAttr("kernel_side", &side_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    const Tensor& kernel = context->input(1);
    ConvShape s;
    OP_REQUIRES_OK(context, ShapeOf(attributes_, x, kernel, true, &s));
    OP_REQUIRES(context, side_ == 0 || side_ == s.kernel,
                InvalidArgument("a kernel has ", s.kernel,
                                " pixels a side, its graph says ", side_));
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
    const Conv conv = Conv::Forward(s, ChosenVectors(), usage_);
    OP_REQUIRES_OK(context,
                   Convolve(context, conv, s, false, x, kernel, epilogue, y));
  }

 private:
  bool fused_, relu_ = false;
  int side_;
};

// y = conv(x, kernel) + bias + residual, and relu(y * scale + shift).
class ResidualOp : public ConvOp {
 public:
  explicit ResidualOp(OpKernelConstruction* context) : ConvOp(context) {
    OP_REQUIRES_OK(context, GetInference(context));
    OP_REQUIRES(context, context->num_outputs() <= 2,
                InvalidArgument("norms is more than 1"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    const Tensor& kernel = context->input(1);
    ConvShape s;
    OP_REQUIRES_OK(context, ShapeOf(attributes_, x, kernel, true, &s));
    const TensorShape shape({s.batch, s.OutHeight(), s.OutWidth(), s.out});
    for (int i = 2; i < context->num_inputs(); ++i) {
      const TensorShape want = i == kResidual ? shape : TensorShape({s.out});
      OP_REQUIRES(context, context->input(i).shape() == want,
                  InvalidArgument("input ", i, " has shape ",
                                  context->input(i).shape().DebugString(),
                                  ", want ", want.DebugString()));
    }
    const Conv conv = Conv::Forward(s, ChosenVectors(), usage_);
    Epilogue epilogue;
    epilogue.shift = context->input(2).flat<float>().data();
    epilogue.residual = context->input(kResidual).flat<float>().data();
    Tensor *y, *normed;
    if (conv.AddsInPlace()) {
      OP_REQUIRES_OK(context, context->forward_input_or_allocate_output(
                                  {kResidual}, 0, shape, &y));
    } else {
      OP_REQUIRES_OK(context, context->allocate_output(0, shape, &y));
    }
    if (context->num_outputs() == 2) {
      OP_REQUIRES_OK(context, context->allocate_output(1, shape, &normed));
      epilogue.norm_scale = context->input(4).flat<float>().data();
      epilogue.norm_shift = context->input(5).flat<float>().data();
      epilogue.normed = normed->flat<float>().data();
    }
    OP_REQUIRES_OK(context,
                   Convolve(context, conv, s, false, x, kernel, epilogue, y));
  }

 private:
  static constexpr int kResidual = 3;
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
    const Conv conv = Conv::InputGradient(s, ChosenVectors(), usage_);
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
    Tensor *dkernel, *dbias, *sum;
    OP_REQUIRES_OK(context, context->allocate_output(
                                0, context->input(1).shape(), &dkernel));
    OP_REQUIRES_OK(context, context->allocate_output(1, {s.out}, &dbias));
    OP_REQUIRES_OK(context, context->allocate_output(2, {s.out}, &sum));
    if (dy.NumElements() == 0) {
      dkernel->flat<float>().setZero();
      dbias->flat<float>().setZero();
      sum->flat<double>().setZero();
      return;
    }
    OpRuntime runtime(context);
    OP_REQUIRES(
        context,
        KernelGradient(s, x.flat<float>().data(), dy.flat<float>().data(),
                       dkernel->flat<float>().data(),
                       sum->flat<double>().data(), runtime, ChosenVectors()),
        OutOfMemory());
    dbias->flat<float>() = sum->flat<double>().cast<float>();
  }

 private:
  ConvAttributes attributes_;
};

REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2D").Device(DEVICE_CPU),
                        ForwardOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2DFused").Device(DEVICE_CPU),
                        ForwardOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2DResidual").Device(DEVICE_CPU),
                        ResidualOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2DInputGrad").Device(DEVICE_CPU),
                        InputGradientOp);
REGISTER_KERNEL_BUILDER(Name("PriorityCutConv2DKernelGrad").Device(DEVICE_CPU),
                        KernelGradientOp);

absl::Status ConvGradient(const tensorflow::Scope& scope,
                          const tensorflow::Operation& op,
                          const std::vector<tensorflow::Output>& dy,
                          std::vector<tensorflow::Output>* gradients) {
  const tensorflow::AttrSlice attributes = op.node()->attrs();
  std::vector<std::string> names = {"pad_before", "pad_after", "upsample",
                                    "parts"};
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
