// The TensorFlow op PriorityCutMask: registration, shapes, checks, CPU kernel.

#include <cmath>
#include <string>

#include "prioritycut/kernels/priority_cut_mask.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/types.h"
#include "tensorflow/core/util/work_sharder.h"

#if defined(PRIORITYCUT_CUDA)
#include "kernels/device/op_stream.h"
#include "prioritycut/kernels/priority_cut_mask_gpu.h"
#endif

namespace prioritycut {
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

absl::Status MaskShape(InferenceContext* c) {
  ShapeHandle occlusion, background, map, k;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &occlusion));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 4, &background));
  TF_RETURN_IF_ERROR(c->Merge(occlusion, background, &map));
  DimensionHandle one, batch;
  TF_RETURN_IF_ERROR(c->WithValue(c->Dim(map, 3), 1, &one));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(2), 1, &k));
  TF_RETURN_IF_ERROR(c->Merge(c->Dim(map, 0), c->Dim(k, 0), &batch));
  map = c->MakeShape({batch, c->Dim(map, 1), c->Dim(map, 2), one});
  c->set_output(0, map);
  c->set_output(1, map);
  c->set_output(2, c->Vector(batch));
  return absl::OkStatus();
}

REGISTER_OP("PriorityCutMask")
    .Input("occlusion: T")
    .Input("background: T")
    .Input("k: float")
    .Output("mask: T")
    .Output("foreground: T")
    .Output("background_fraction: T")
    .Attr("bg_threshold: tensor")
    .Attr("k_of: {'foreground', 'image'} = 'foreground'")
    .Attr(
        "polarity: {'fake_at_occluded', 'real_at_occluded'} = "
        "'fake_at_occluded'")
    .Attr("T: {float, double} = DT_FLOAT")
    .SetShapeFn(MaskShape)
    .Doc(R"doc(
Marks the most occluded foreground pixels of each sample: PriorityCut's mask.

A pixel is background where its background alpha exceeds bg_threshold. The
foreground map of Eq. 1 is 1 on the background and the occlusion map elsewhere.
The n foreground pixels of least value are cut, n = floor(k * base) with the
product in double; of equal values the pixel of lower row-major index is cut
first. The background is never cut. Selection takes time O(H * W) for any input.

The mask is a constant: no gradient is registered, on purpose.

Where a map of a sample holds a NaN or an infinity, or its k is outside [0, 1],
all outputs of that sample are NaN, on any device; a GPU could not say more
without waiting for it. Shapes that disagree are InvalidArgument errors.

occlusion: Occlusion map [N, H, W, 1]; 0 = fully occluded, 1 = visible. H and W
  are at least 1.
background: Alpha of the background [N, H, W, 1].
k: Fraction to cut per sample, [N], each in [0, 1].
mask: [N, H, W, 1] of 0 and 1, with the polarity's value at the cut pixels.
foreground: The foreground map of Eq. 1, [N, H, W, 1].
background_fraction: Share of background pixels per sample, [N], in [0, 1].
bg_threshold: A scalar of type double. (A float attribute of an op has 24 bits:
  0.9 would become 0.89999998.)
k_of: 'foreground': base is the sample's number of foreground pixels.
  'image': base is H * W, and n is at most the number of foreground pixels.
polarity: 'fake_at_occluded': 0 at the cut pixels, 1 elsewhere, so that
  mask * real + (1 - mask) * fake shows the fake where it is cut.
  'real_at_occluded': 1 at the cut pixels, 0 elsewhere.
)doc");

template <typename T>
class MaskOp : public OpKernel {
 public:
  explicit MaskOp(OpKernelConstruction* context) : OpKernel(context) {
    Tensor threshold;
    OP_REQUIRES_OK(context, context->GetAttr("bg_threshold", &threshold));
    OP_REQUIRES(
        context,
        threshold.dtype() == tensorflow::DT_DOUBLE && threshold.dims() == 0,
        InvalidArgument("bg_threshold must be a scalar of type double, not ",
                        threshold.DebugString()));
    options_.bg_threshold = threshold.scalar<double>()();
    OP_REQUIRES(context, std::isfinite(options_.bg_threshold),
                InvalidArgument("bg_threshold is ", options_.bg_threshold,
                                ": it must be finite"));
    std::string k_of, polarity;
    OP_REQUIRES_OK(context, context->GetAttr("k_of", &k_of));
    OP_REQUIRES_OK(context, context->GetAttr("polarity", &polarity));
    options_.base = k_of == "image" ? Base::kImage : Base::kForeground;
    options_.polarity = polarity == "real_at_occluded"
                            ? Polarity::kRealAtOccluded
                            : Polarity::kFakeAtOccluded;
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& occlusion = context->input(0);
    const Tensor& background = context->input(1);
    const Tensor& k = context->input(2);
    OP_REQUIRES_OK(context, CheckShapes(occlusion, background, k));

    const TensorShape& shape = occlusion.shape();
    Tensor *mask, *foreground, *fraction;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &mask));
    OP_REQUIRES_OK(context, context->allocate_output(1, shape, &foreground));
    OP_REQUIRES_OK(context, context->allocate_output(2, k.shape(), &fraction));

    const int64_t samples = shape.dim_size(0);
    const int64_t pixels = shape.dim_size(1) * shape.dim_size(2);
    MaskArguments<T> a = MaskArgumentsOf<T>(options_, pixels);
    a.occlusion = occlusion.flat<T>().data();
    a.background = background.flat<T>().data();
    a.k = k.flat<float>().data();
    a.mask = mask->flat<T>().data();
    a.foreground = foreground->flat<T>().data();
    a.fraction = fraction->flat<T>().data();
    ComputeSamples(context, samples, a);
  }

 protected:
  // Computes the outputs where the inputs are.
  virtual void ComputeSamples(OpKernelContext* context, int64_t samples,
                              const MaskArguments<T>& a) = 0;

  const MaskOptions& options() const { return options_; }

 private:
  static absl::Status CheckShapes(const Tensor& occlusion,
                                  const Tensor& background, const Tensor& k) {
    const TensorShape& shape = occlusion.shape();
    if (shape.dims() != 4 || shape.dim_size(3) != 1) {
      return InvalidArgument("occlusion must be [N, H, W, 1], not ",
                             shape.DebugString());
    }
    if (background.shape() != shape) {
      return InvalidArgument("background must have the shape of occlusion, ",
                             shape.DebugString(), ", not ",
                             background.shape().DebugString());
    }
    if (k.dims() != 1 || k.dim_size(0) != shape.dim_size(0)) {
      return InvalidArgument("k must have one value for each of the ",
                             shape.dim_size(0), " samples of occlusion ",
                             shape.DebugString(), ", not the shape ",
                             k.shape().DebugString());
    }
    const int64_t pixels = shape.dim_size(1) * shape.dim_size(2);
    if (pixels < 1 || pixels > kMaxPixels) {
      return InvalidArgument("occlusion ", shape.DebugString(), " has ", pixels,
                             " pixels per sample: between 1 and ", kMaxPixels,
                             " are supported");
    }
    return absl::OkStatus();
  }

  MaskOptions options_;
};

template <typename T>
class MaskCpuOp : public MaskOp<T> {
 public:
  using MaskOp<T>::MaskOp;

 protected:
  void ComputeSamples(OpKernelContext* context, int64_t samples,
                      const MaskArguments<T>& a) override {
    const auto compute = [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        const int64_t at = n * a.pixels;
        a.fraction[n] =
            ComputeMask(a.occlusion + at, a.background + at, a.k[n], a.pixels,
                        this->options(), a.mask + at, a.foreground + at);
      }
    };
    const auto& workers = *context->device()->tensorflow_cpu_worker_threads();
    constexpr int64_t kCyclesPerPixel = 5;
    tensorflow::Shard(workers.num_threads, workers.workers, samples,
                      kCyclesPerPixel * a.pixels, compute);
  }
};

#define REGISTER_MASK_KERNEL(T)                                          \
  REGISTER_KERNEL_BUILDER(                                               \
      Name("PriorityCutMask").Device(DEVICE_CPU).TypeConstraint<T>("T"), \
      MaskCpuOp<T>)
REGISTER_MASK_KERNEL(float);
REGISTER_MASK_KERNEL(double);
#undef REGISTER_MASK_KERNEL

#if defined(PRIORITYCUT_CUDA)
template <typename T>
class MaskGpuOp : public MaskOp<T> {
 public:
  using MaskOp<T>::MaskOp;

 protected:
  void ComputeSamples(OpKernelContext* context, int64_t samples,
                      const MaskArguments<T>& a) override {
    const std::string error =
        LaunchMask<T>(kernels::StreamOf(context), samples, a);
    OP_REQUIRES(context, error.empty(), tensorflow::errors::Internal(error));
  }
};

#define REGISTER_MASK_KERNEL(T)                               \
  REGISTER_KERNEL_BUILDER(Name("PriorityCutMask")             \
                              .Device(tensorflow::DEVICE_GPU) \
                              .TypeConstraint<T>("T"),        \
                          MaskGpuOp<T>)
REGISTER_MASK_KERNEL(float);
REGISTER_MASK_KERNEL(double);
#undef REGISTER_MASK_KERNEL
#endif  // PRIORITYCUT_CUDA

}  // namespace
}  // namespace prioritycut
