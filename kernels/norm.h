// Batch and instance norm of float32 maps [samples, height, width, channels] by
// their own statistics, with a leaky ReLU and the average of 2 x 2 squares
// behind them, forward and backward: one pass over the maps for each step of
// the computation, and nothing kept for the gradient but x and the statistics.
// Sums have the same bits at every number of threads.

#ifndef PRIORITYCUT_KERNELS_NORM_H_
#define PRIORITYCUT_KERNELS_NORM_H_

#include <cstdint>

#include "kernels/conv.h"
#include "kernels/vector.h"

namespace prioritycut {
namespace kernels {

struct NormShape {
  int64_t samples, height, width, channels;
  bool each_sample;  // has its own statistics, else all samples have the same
  bool pool;         // sides are halved, rounded down
  float slope;       // of negative values: 0 is ReLU, 1 changes nothing
  float epsilon;     // is added to the variance

  int64_t Groups() const { return each_sample ? samples : 1; }
  // Values that one mean is of.
  int64_t Count() const { return (each_sample ? 1 : samples) * height * width; }
  int64_t OutHeight() const { return pool ? height / 2 : height; }
  int64_t OutWidth() const { return pool ? width / 2 : width; }
};

// Statistics [groups, channels]; variances are the biased ones.
struct NormStatistics {
  const float *mean, *variance;
};

// Each returns false when memory is short.

bool Moments(const NormShape& s, const float* x, float* mean, float* variance,
             const Vectors& v, Runtime& runtime);
bool WideMoments(const NormShape& s, const float* x, double* mean,
                 double* variance, const Vectors& v, Runtime& runtime);

// y [samples, OutHeight, OutWidth, channels]. Without pooling it may be x.
bool Normalise(const NormShape& s, const float* x,
               const NormStatistics& moments, const float* weight,
               const float* bias, float* y, const Vectors& v, Runtime& runtime);

// The gradients at x, weight and bias, where the moments are those of x.
// Without pooling dx may be dy.
bool NormaliseGradient(const NormShape& s, const float* x,
                       const NormStatistics& moments, const float* weight,
                       const float* bias, const float* dy, float* dx,
                       float* dweight, float* dbias, const Vectors& v,
                       Runtime& runtime);

// The same in two halves, where the moments are also of maps that other
// processes hold: the sums over the maps here, of gradients and of their
// products with x - mean [groups, channels], and the gradients of the weights;
bool NormaliseSums(const NormShape& s, const float* x,
                   const NormStatistics& moments, const float* weight,
                   const float* bias, const float* dy, double* sums,
                   double* products, float* dweight, float* dbias,
                   const Vectors& v, Runtime& runtime);

// and, from the sums over all of the count values, the gradient at x.
bool NormaliseInput(const NormShape& s, const float* x,
                    const NormStatistics& moments, const float* weight,
                    const float* bias, const float* dy, const double* sums,
                    const double* products, double count, float* dx,
                    const Vectors& v, Runtime& runtime);

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_NORM_H_
