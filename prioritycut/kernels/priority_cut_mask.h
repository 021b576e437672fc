// The PriorityCut mask of one sample, free of TensorFlow: plain pointers in,
// plain pointers out.

#ifndef PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_H_
#define PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_H_

#include <cstdint>

#include "prioritycut/kernels/priority_cut_mask_device.h"
#include "prioritycut/kernels/priority_cut_mask_keys.h"

namespace prioritycut {

// What k is a fraction of.
enum class Base { kForeground, kImage };

// Which value the mask has at the most occluded pixels.
enum class Polarity { kFakeAtOccluded, kRealAtOccluded };

struct MaskOptions {
  // A pixel is background where its background alpha exceeds the threshold.
  // The comparison is exact for float maps too: nothing is rounded.
  double bg_threshold;
  Base base;
  Polarity polarity;
};

// Sides of a map are bounded so that a pixel count fits 31 bits.
inline constexpr int64_t kMaxPixels = INT32_MAX;

// The key of the largest T that is not above the threshold: a value of T
// exceeds the threshold exactly if its key exceeds this one.
template <typename T>
KeyOf<T> ThresholdKey(double threshold);

// Computes the outputs of one sample of `pixels` pixels (1 .. kMaxPixels):
//
//   foreground[i] = 1 where i is background, else occlusion[i]    (Eq. 1)
//   mask[i]       = 0 (fake) or 1 (real), the polarity's value at the n
//                   foreground pixels of least occlusion value; of equal
//                   values the lower index goes first
//
// with n = floor(k * foreground pixels), or floor(k * pixels) and at most the
// foreground; the product is taken in double. Returned is the share of
// background pixels, in [0, 1].
//
// Where a map holds a NaN or an infinity, or k does not lie in [0, 1], all that
// is computed is NaN (std::numeric_limits' quiet one): whoever looks at the
// outputs, or at what is made of them, sees it, on any device.
//
// Values are ordered by their bits, hence -0 equals +0 and denormals keep
// their order whatever the thread's floating-point mode is. The time is
// O(pixels) for any input; nothing is allocated. mask and foreground overlap
// neither each other nor the inputs.
float ComputeMask(const float* occlusion, const float* background, float k,
                  int64_t pixels, const MaskOptions& options, float* mask,
                  float* foreground);
double ComputeMask(const double* occlusion, const double* background, float k,
                   int64_t pixels, const MaskOptions& options, double* mask,
                   double* foreground);

// The arguments of the GPU's kernel that the options decide; the pointers are
// left for the caller.
template <typename T>
MaskArguments<T> MaskArgumentsOf(const MaskOptions& options, int64_t pixels) {
  MaskArguments<T> a = {};
  a.pixels = pixels;
  a.threshold = ThresholdKey<T>(options.bg_threshold);
  a.of_image = options.base == Base::kImage;
  a.occluded = options.polarity == Polarity::kFakeAtOccluded ? T{0} : T{1};
  a.rest = T{1} - a.occluded;
  return a;
}

}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_H_
