#include "kernels/norm.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {
namespace {

// Values of a list: each channel's, as often as makes whole vectors, and enough
// of them that a sum need not wait for the one before it.
int64_t PeriodOf(int64_t channels, const Vectors& v) {
  int64_t period = channels;
  while (period % v.lanes != 0 || period < 8 * v.lanes) period *= 2;
  return period;
}

void Repeat(const float* list, int64_t channels, int64_t period, float* to) {
  for (int64_t i = 0; i < period; i += channels) {
    std::copy(list, list + channels, to + i);
  }
}

double Fold(const float* list, int64_t channels, int64_t period, int64_t c) {
  double sum = 0;
  for (int64_t i = c; i < period; i += channels) sum += list[i];
  return sum;
}

// Some rows of one sample, which stay in cache.
struct Part {
  int64_t sample, row, rows;
};

class Parts {
 public:
  explicit Parts(const NormShape& s) : s_(s) {
    constexpr int64_t kFloats = 16 * 1024;
    rows_ = std::clamp<int64_t>(kFloats / (s.width * s.channels), 1, s.height);
    if (s.pool) rows_ = RoundUp(rows_, 2);
    per_sample_ = (s.height + rows_ - 1) / rows_;
  }

  int64_t total() const { return s_.samples * per_sample_; }
  int64_t cost() const { return rows_ * s_.width * s_.channels; }
  int64_t group(int64_t i) const {
    return s_.each_sample ? i / per_sample_ : 0;
  }
  Part at(int64_t i) const {
    const int64_t row = i % per_sample_ * rows_;
    return {i / per_sample_, row, std::min(rows_, s_.height - row)};
  }
  int64_t pixels(int64_t i) const { return at(i).rows * s_.width; }

 private:
  const NormShape& s_;
  int64_t rows_, per_sample_;
};

// A normalisation with its lists, made once for all parts.
class Norm {
 public:
  Norm(const NormShape& s, const float* x, const NormStatistics& moments,
       const float* weight, const float* bias, const Vectors& v)
      : s_(s),
        v_(v),
        parts_(s),
        x_(x),
        period_(PeriodOf(s.channels, v)),
        line_(s.width * s.channels),
        lists_(s.Groups() * kLists * period_) {
    std::vector<float> scale(s.channels);
    for (int64_t g = 0; g < s.Groups(); ++g) {
      for (int64_t c = 0; c < s.channels; ++c) {
        scale[c] = weight[c] * Rsqrt(moments.variance[g * s.channels + c]);
      }
      Set(g, kMean, moments.mean + g * s.channels);
      Set(g, kScale, scale.data());
      Set(g, kShift, bias);
    }
  }

  bool Run(float* y, Runtime& runtime) const {
    return ForParts(runtime, [&](int64_t i, const Part& p, float* scratch) {
      if (!s_.pool) {
        v_.norm_values(RunOf(i, p.sample, p.row, p.rows),
                       y + At(p.sample, p.row));
        return;
      }
      for (int64_t row = p.row; row + 1 < p.row + p.rows; row += 2) {
        v_.norm_values(RunOf(i, p.sample, row, 2), scratch);
        AverageLines(scratch, y + OutAt(p.sample, row / 2));
      }
    });
  }

  // Sums of the gradients and of their products with x - mean [groups,
  // channels].
  bool Sums(const float* dy, double* sums, double* products,
            Runtime& runtime) const {
    const int64_t channels = s_.channels;
    std::vector<float> parts(parts_.total() * 2 * channels);
    const bool summed =
        ForParts(runtime, [&](int64_t i, const Part& p, float* scratch) {
          float* sum = scratch + 2 * line_;
          float* product = sum + period_;
          std::fill(sum, product + period_, 0.0f);
          ForLines(i, p, dy, scratch,
                   [&](const NormRun& run, const float* g, int64_t) {
                     v_.norm_sums(run, g, sum, product);
                   });
          float* to = parts.data() + i * 2 * channels;
          for (int64_t c = 0; c < channels; ++c) {
            to[c] = Fold(sum, channels, period_, c);
            to[channels + c] = Fold(product, channels, period_, c);
          }
        });
    if (!summed) return false;
    std::fill(sums, sums + s_.Groups() * channels, 0.0);
    std::fill(products, products + s_.Groups() * channels, 0.0);
    for (int64_t i = 0; i < parts_.total(); ++i) {
      const float* from = parts.data() + i * 2 * channels;
      const int64_t to = parts_.group(i) * channels;
      for (int64_t c = 0; c < channels; ++c) {
        sums[to + c] += from[c];
        products[to + c] += from[channels + c];
      }
    }
    return true;
  }

  // The weights' gradients from those sums.
  void WeightGradients(const NormStatistics& moments, const double* sums,
                       const double* products, float* dweight,
                       float* dbias) const {
    for (int64_t c = 0; c < s_.channels; ++c) {
      double weight = 0, bias = 0;
      for (int64_t g = 0; g < s_.Groups(); ++g) {
        const int64_t at = g * s_.channels + c;
        bias += sums[at];
        weight += products[at] * Rsqrt(moments.variance[at]);
      }
      dweight[c] = static_cast<float>(weight);
      dbias[c] = static_cast<float>(bias);
    }
  }

  // The gradient at x, whose moments are of count values.
  bool Gradient(const NormStatistics& moments, const double* sums,
                const double* products, double count, const float* dy,
                float* dx, Runtime& runtime) {
    std::vector<float> base(s_.channels), factor(s_.channels);
    for (int64_t g = 0; g < s_.Groups(); ++g) {
      for (int64_t c = 0; c < s_.channels; ++c) {
        const int64_t at = g * s_.channels + c;
        const double rsqrt = Rsqrt(moments.variance[at]);
        const double scale = List(g, kScale)[c];
        base[c] = static_cast<float>(scale * sums[at] / count);
        factor[c] =
            static_cast<float>(scale * rsqrt * rsqrt * products[at] / count);
      }
      Set(g, kBase, base.data());
      Set(g, kFactor, factor.data());
    }
    return ForParts(runtime, [&](int64_t i, const Part& p, float* scratch) {
      const int64_t g = parts_.group(i);
      ForLines(i, p, dy, scratch,
               [&](const NormRun& run, const float* upstream, int64_t row) {
                 v_.norm_gradient(run, upstream, List(g, kBase),
                                  List(g, kFactor), dx + At(p.sample, row));
               });
    });
  }

 private:
  enum { kMean, kScale, kShift, kBase, kFactor, kLists };

  double Rsqrt(float variance) const {
    return 1 / std::sqrt(double{variance} + s_.epsilon);
  }
  const float* List(int64_t group, int list) const {
    return lists_.data() + (group * kLists + list) * period_;
  }
  void Set(int64_t group, int list, const float* values) {
    Repeat(values, s_.channels, period_,
           lists_.data() + (group * kLists + list) * period_);
  }
  int64_t At(int64_t sample, int64_t row) const {
    return (sample * s_.height + row) * line_;
  }
  int64_t OutAt(int64_t sample, int64_t row) const {
    return (sample * s_.OutHeight() + row) * s_.OutWidth() * s_.channels;
  }
  NormRun RunOf(int64_t part, int64_t sample, int64_t row, int64_t rows) const {
    const int64_t g = parts_.group(part);
    return {x_ + At(sample, row), rows * line_,    period_, List(g, kMean),
            List(g, kScale),      List(g, kShift), s_.slope};
  }

  // Calls work for all parts, with scratch space for two lines and two lists.
  template <typename Work>
  bool ForParts(Runtime& runtime, Work work) const {
    std::atomic<bool> enough{true};
    runtime.Run(parts_.total(), parts_.cost(), [&](int64_t begin, int64_t end) {
      float* scratch = ThreadScratch(2 * line_ + 2 * period_);
      if (scratch == nullptr) {
        enough = false;
        return;
      }
      for (int64_t i = begin; i < end; ++i) work(i, parts_.at(i), scratch);
    });
    return enough;
  }

  // Calls work for runs of a part, with the gradients behind them: for the
  // whole part or, behind pooling, for each line.
  template <typename Work>
  void ForLines(int64_t i, const Part& p, const float* dy, float* scratch,
                Work work) const {
    if (!s_.pool) {
      work(RunOf(i, p.sample, p.row, p.rows), dy + At(p.sample, p.row), p.row);
      return;
    }
    for (int64_t r = 0; r < p.rows; ++r) {
      const int64_t row = p.row + r;
      if (r % 2 == 0) Spread(dy, p.sample, row / 2, scratch);
      work(RunOf(i, p.sample, row, 1), scratch, row);
    }
  }

  void AverageLines(const float* lines, float* y) const {
    for (int64_t j = 0; j < s_.OutWidth(); ++j) {
      const float* a = lines + 2 * j * s_.channels;
      const float* b = a + s_.channels;
      for (int64_t c = 0; c < s_.channels; ++c) {
        y[j * s_.channels + c] =
            0.25f * (a[c] + b[c] + a[line_ + c] + b[line_ + c]);
      }
    }
  }

  // The gradients of one line in front of the pooling.
  void Spread(const float* dy, int64_t sample, int64_t row, float* line) const {
    if (row >= s_.OutHeight()) {
      std::fill(line, line + line_, 0.0f);
      return;
    }
    const float* from = dy + OutAt(sample, row);
    for (int64_t j = 0; j < s_.OutWidth(); ++j) {
      float* a = line + 2 * j * s_.channels;
      for (int64_t c = 0; c < s_.channels; ++c) {
        a[c] = a[s_.channels + c] = 0.25f * from[j * s_.channels + c];
      }
    }
    std::fill(line + 2 * s_.OutWidth() * s_.channels, line + line_, 0.0f);
  }

  const NormShape& s_;
  const Vectors& v_;
  const Parts parts_;
  const float* x_;
  const int64_t period_, line_;
  std::vector<float> lists_;
};

// Joins the moments of parts, which lie `stride` apart. The mean is a sum of
// sums: of float32 values over a power of two it is exact, so that it rounds to
// float32 alike, a tie included, in whatever groups the parts are joined.
void JoinMoments(const Parts& parts, int64_t begin, int64_t end, int64_t stride,
                 const double* means, const double* squares, double* mean,
                 double* variance) {
  double count = 0, sum = 0, square = 0;
  for (int64_t i = begin; i < end; ++i) {
    const double n = parts.pixels(i);
    sum += means[i * stride] * n;
    count += n;
  }
  *mean = sum / count;
  for (int64_t i = begin; i < end; ++i) {
    const double apart = means[i * stride] - *mean;
    square += squares[i * stride] + apart * apart * parts.pixels(i);
  }
  *variance = square / count;
}

}  // namespace

bool Moments(const NormShape& s, const float* x, float* mean, float* variance,
             const Vectors& v, Runtime& runtime) {
  std::vector<double> means(s.Groups() * s.channels), variances(means);
  if (!WideMoments(s, x, means.data(), variances.data(), v, runtime)) {
    return false;
  }
  std::copy(means.begin(), means.end(), mean);
  std::copy(variances.begin(), variances.end(), variance);
  return true;
}

bool WideMoments(const NormShape& s, const float* x, double* mean,
                 double* variance, const Vectors& v, Runtime& runtime) {
  const Parts parts(s);
  const int64_t channels = s.channels, period = PeriodOf(channels, v);
  const int64_t line = s.width * channels;
  std::vector<double> means(parts.total() * channels), squares(means);
  std::atomic<bool> enough{true};
  runtime.Run(parts.total(), parts.cost(), [&](int64_t begin, int64_t end) {
    float* about = ThreadScratch(3 * period);
    if (about == nullptr) {
      enough = false;
      return;
    }
    float *sum = about + period, *square = sum + period;
    for (int64_t i = begin; i < end; ++i) {
      const Part p = parts.at(i);
      const float* from = x + (p.sample * s.height + p.row) * line;
      const double n = parts.pixels(i);
      // About zero first, then about the mean that this gives.
      std::fill(about, about + 3 * period, 0.0f);
      for (int pass = 0; pass < 2; ++pass) {
        v.norm_moments(from, p.rows * line, period, about, sum, square);
        for (int64_t c = 0; c < channels; ++c) {
          const double apart = Fold(sum, channels, period, c) / n;
          double& m = means[i * channels + c];
          m = about[c] + apart;
          squares[i * channels + c] = std::max(
              Fold(square, channels, period, c) - apart * apart * n, 0.0);
        }
        std::fill(sum, sum + 2 * period, 0.0f);
        for (int64_t c = 0; c < channels; ++c) {
          about[c] = static_cast<float>(means[i * channels + c]);
        }
        for (int64_t c = channels; c < period; ++c) {
          about[c] = about[c - channels];
        }
      }
    }
  });
  if (!enough) return false;
  const int64_t per_group = parts.total() / s.Groups();
  for (int64_t g = 0; g < s.Groups(); ++g) {
    for (int64_t c = 0; c < channels; ++c) {
      JoinMoments(parts, g * per_group, (g + 1) * per_group, channels,
                  means.data() + c, squares.data() + c, mean + g * channels + c,
                  variance + g * channels + c);
    }
  }
  return true;
}

bool Normalise(const NormShape& s, const float* x,
               const NormStatistics& moments, const float* weight,
               const float* bias, float* y, const Vectors& v,
               Runtime& runtime) {
  return Norm(s, x, moments, weight, bias, v).Run(y, runtime);
}

bool NormaliseGradient(const NormShape& s, const float* x,
                       const NormStatistics& moments, const float* weight,
                       const float* bias, const float* dy, float* dx,
                       float* dweight, float* dbias, const Vectors& v,
                       Runtime& runtime) {
  Norm norm(s, x, moments, weight, bias, v);
  std::vector<double> sums(s.Groups() * s.channels), products(sums);
  if (!norm.Sums(dy, sums.data(), products.data(), runtime)) return false;
  norm.WeightGradients(moments, sums.data(), products.data(), dweight, dbias);
  return norm.Gradient(moments, sums.data(), products.data(), s.Count(), dy, dx,
                       runtime);
}

bool NormaliseSums(const NormShape& s, const float* x,
                   const NormStatistics& moments, const float* weight,
                   const float* bias, const float* dy, double* sums,
                   double* products, float* dweight, float* dbias,
                   const Vectors& v, Runtime& runtime) {
  const Norm norm(s, x, moments, weight, bias, v);
  if (!norm.Sums(dy, sums, products, runtime)) return false;
  norm.WeightGradients(moments, sums, products, dweight, dbias);
  return true;
}

bool NormaliseInput(const NormShape& s, const float* x,
                    const NormStatistics& moments, const float* weight,
                    const float* bias, const float* dy, const double* sums,
                    const double* products, double count, float* dx,
                    const Vectors& v, Runtime& runtime) {
  return Norm(s, x, moments, weight, bias, v)
      .Gradient(moments, sums, products, count, dy, dx, runtime);
}

}  // namespace kernels
}  // namespace prioritycut
