// What the convolution ops of TensorFlow have in common: their attributes.

#ifndef PRIORITYCUT_KERNELS_CONV_ATTRIBUTES_H_
#define PRIORITYCUT_KERNELS_CONV_ATTRIBUTES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "tensorflow/core/platform/errors.h"

namespace prioritycut {
namespace kernels {

constexpr int kLargestKernel = 63;
constexpr int64_t kMostParts = 1 << 20;

// The attributes that all of these ops have.
struct ConvAttributes {
  int before, after;
  bool upsample;
  int64_t parts;

  template <typename Context>
  static absl::Status Get(Context* c, ConvAttributes* a) {
    TF_RETURN_IF_ERROR(c->GetAttr("pad_before", &a->before));
    TF_RETURN_IF_ERROR(c->GetAttr("pad_after", &a->after));
    TF_RETURN_IF_ERROR(c->GetAttr("parts", &a->parts));
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
      return tensorflow::errors::InvalidArgument(
          "kernels of 1 to ", kLargestKernel, " pixels are supported, not of ",
          kernel);
    }
    if (parts > kMostParts) {
      return tensorflow::errors::InvalidArgument("a batch of ", parts,
                                                 " parts");
    }
    if (before < 0 || after < 0 || before >= kernel || after >= kernel) {
      return tensorflow::errors::InvalidArgument(
          "pads of ", before, " and ", after,
          " pixels do not suit a kernel of ", kernel);
    }
    if (upsample && (kernel != 3 || before != 1 || after != 1)) {
      return tensorflow::errors::InvalidArgument(
          "up-sampling needs a kernel of 3 pixels and pads of 1");
    }
    return absl::OkStatus();
  }
};

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_CONV_ATTRIBUTES_H_
