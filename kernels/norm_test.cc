// Norms of all shapes and instructions against plain sums of doubles.

#include "kernels/norm.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "kernels/test_runtime.h"

namespace prioritycut {
namespace kernels {
namespace {

int failures = 0;

struct Case {
  NormShape s;
  std::vector<float> x, weight, bias, dy;

  int64_t Group(int64_t pixel) const {
    return s.each_sample ? pixel / (s.height * s.width) : 0;
  }
  int64_t InputPixel(int64_t n, int64_t i, int64_t j) const {
    return (n * s.height + i) * s.width + j;
  }
};

// The same by the definition, the gradient by that of each step.
struct Reference {
  std::vector<double> mean, variance, y, dx, dweight, dbias;
  // Places whose value is so near the bend that rounding may pass it.
  std::vector<int64_t> bent;

  explicit Reference(const Case& c)
      : mean(c.s.Groups() * c.s.channels),
        variance(mean.size()),
        y(c.dy.size()),
        dx(c.x.size()),
        dweight(c.s.channels),
        dbias(c.s.channels) {
    for (int64_t k = 0; k < c.s.channels; ++k) Channel(c, k);
  }

  void Channel(const Case& c, int64_t k) {
    const NormShape& s = c.s;
    const int64_t channels = s.channels, pixels = c.x.size() / channels;
    for (int64_t p = 0; p < pixels; ++p) {
      mean[c.Group(p) * channels + k] += c.x[p * channels + k] / s.Count();
    }
    for (int64_t p = 0; p < pixels; ++p) {
      const double d = c.x[p * channels + k] - mean[c.Group(p) * channels + k];
      variance[c.Group(p) * channels + k] += d * d / s.Count();
    }
    std::vector<double> hat(pixels), z(pixels), g(pixels);
    for (int64_t p = 0; p < pixels; ++p) {
      const int64_t at = c.Group(p) * channels + k;
      hat[p] = (c.x[p * channels + k] - mean[at]) /
               std::sqrt(variance[at] + s.epsilon);
      z[p] = hat[p] * c.weight[k] + c.bias[k];
      if (std::fabs(z[p]) < 1e-4) bent.push_back(p * channels + k);
    }
    const int side = s.pool ? 2 : 1;
    for (int64_t n = 0, o = 0; n < s.samples; ++n) {
      for (int64_t i = 0; i < s.OutHeight(); ++i) {
        for (int64_t j = 0; j < s.OutWidth(); ++j, ++o) {
          for (int t = 0; t < side * side; ++t) {
            const int64_t p =
                c.InputPixel(n, side * i + t / side, side * j + t % side);
            const double slope = z[p] > 0 ? 1 : s.slope;
            y[o * channels + k] += z[p] * slope / (side * side);
            g[p] = c.dy[o * channels + k] * slope / (side * side);
          }
        }
      }
    }
    std::vector<double> sum(s.Groups()), product(s.Groups());
    for (int64_t p = 0; p < pixels; ++p) {
      sum[c.Group(p)] += g[p];
      product[c.Group(p)] += g[p] * hat[p];
    }
    for (int64_t i = 0; i < s.Groups(); ++i) {
      dbias[k] += sum[i];
      dweight[k] += product[i];
    }
    for (int64_t p = 0; p < pixels; ++p) {
      const int64_t i = c.Group(p);
      dx[p * channels + k] =
          c.weight[k] / std::sqrt(variance[i * channels + k] + s.epsilon) *
          (g[p] - sum[i] / s.Count() - hat[p] * product[i] / s.Count());
    }
  }
};

void Check(const Case& c, const Vectors& v, const char* what,
           const std::vector<float>& got, const std::vector<double>& want,
           double tolerance) {
  double scale = 1, worst = 0;
  for (double w : want) scale = std::max(scale, std::fabs(w));
  for (size_t i = 0; i < want.size(); ++i) {
    const double d = std::fabs(got[i] - want[i]) / scale;
    worst = d <= worst ? worst : d;  // NaN counts
  }
  if (worst <= tolerance) return;
  ++failures;
  std::printf("%s, %s of %dx%dx%dx%d, slope %g%s%s: %.2g apart\n", v.name, what,
              int(c.s.samples), int(c.s.height), int(c.s.width),
              int(c.s.channels), c.s.slope, c.s.pool ? ", pooled" : "",
              c.s.each_sample ? ", each sample" : "", worst);
}

void CheckCase(const Case& c, const Reference& r, const Vectors& v,
               int threads) {
  TestRuntime runtime(threads);
  std::vector<float> mean(r.mean.size(), NAN), variance(mean),
      y(r.y.size(), NAN), dx(c.x.size(), NAN), dweight(c.s.channels, NAN),
      dbias(dweight);
  const NormStatistics statistics = {mean.data(), variance.data()};
  const bool ok =
      Moments(c.s, c.x.data(), mean.data(), variance.data(), v, runtime) &&
      Normalise(c.s, c.x.data(), statistics, c.weight.data(), c.bias.data(),
                y.data(), v, runtime);
  if (!c.s.pool) dx = c.dy;  // in place
  const float* dy = c.s.pool ? c.dy.data() : dx.data();
  if (!ok || !NormaliseGradient(c.s, c.x.data(), statistics, c.weight.data(),
                                c.bias.data(), dy, dx.data(), dweight.data(),
                                dbias.data(), v, runtime)) {
    ++failures;
    std::printf("no memory\n");
    return;
  }
  Check(c, v, "mean", mean, r.mean, 1e-6);
  Check(c, v, "variance", variance, r.variance, 1e-6);
  Check(c, v, "output", y, r.y, 3e-6);
  Check(c, v, "gradient", dx, r.dx, 1e-5);
  Check(c, v, "weight's gradient", dweight, r.dweight, 1e-5);
  Check(c, v, "bias's gradient", dbias, r.dbias, 1e-5);
}

Case Draw(std::mt19937* random) {
  const auto between = [random](int lo, int hi) {
    return lo + static_cast<int>((*random)() % (hi - lo + 1));
  };
  Case c;
  NormShape& s = c.s;
  s = {between(1, 5),
       between(1, 67),
       between(1, 61),
       between(1, 70),
       between(0, 1) != 0,
       between(0, 1) != 0,
       0,
       1e-5f};
  if (between(0, 2) == 0) s.height = between(1, 4), s.width = between(1, 4);
  if (s.height < 2 || s.width < 2) s.pool = false;
  const float slopes[] = {0, 0.2f, 1};
  s.slope = slopes[between(0, 2)];
  std::normal_distribution<float> normal;
  // Means far from zero are where careless sums lose their digits.
  const float offset = between(0, 2) == 0 ? 30 : 0;
  while (s.samples * s.height * s.width * s.channels > 200000) {
    s.height = (s.height + 1) / 2;
    s.samples = 2;
  }
  // Of few values the variance can be small, and gradients mostly rounding.
  if (s.Count() < 16) s.height = s.width = 5;
  c.x.resize(s.samples * s.height * s.width * s.channels);
  c.dy.resize(s.samples * s.OutHeight() * s.OutWidth() * s.channels);
  for (float& f : c.x) f = normal(*random) + offset;
  for (float& f : c.dy) f = normal(*random);
  for (int64_t k = 0; k < s.channels; ++k) {
    c.weight.push_back(normal(*random));
    c.bias.push_back(0.5f * normal(*random));
  }
  return c;
}

// The same bits at every number of threads.
void CheckThreads(const Case& c) {
  std::vector<std::vector<float>> all;
  for (int threads : {1, 2, 3, 7}) {
    TestRuntime runtime(threads);
    const Vectors& v = ChosenVectors();
    std::vector<float> mean(c.s.Groups() * c.s.channels), variance(mean),
        dx(c.x.size()), dweight(c.s.channels), dbias(dweight);
    Moments(c.s, c.x.data(), mean.data(), variance.data(), v, runtime);
    NormaliseGradient(c.s, c.x.data(), {mean.data(), variance.data()},
                      c.weight.data(), c.bias.data(), c.dy.data(), dx.data(),
                      dweight.data(), dbias.data(), v, runtime);
    for (const auto& list : {variance, dweight, dbias}) {
      dx.insert(dx.end(), list.begin(), list.end());
    }
    all.push_back(dx);
  }
  for (const auto& one : all) {
    if (one == all[0]) continue;
    ++failures;
    std::printf("other numbers of threads gave other bits\n");
  }
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut

int main(int argc, char** argv) {
  using namespace prioritycut::kernels;
  const int shapes = argc > 1 ? std::atoi(argv[1]) : 60;
  std::mt19937 random(argc > 2 ? std::atoi(argv[2]) : 1);
  for (int i = 0; i < shapes && failures < 20; ++i) {
    Case c = Draw(&random);
    Reference r(c);
    while (c.s.slope != 1 && !r.bent.empty()) {
      for (int64_t at : r.bent) c.x[at] += 0.5f;
      r = Reference(c);
    }
    for (const char* name : {"generic", "avx2", "avx512"}) {
      const Vectors* v = VectorsNamed(name);
      if (v != nullptr) CheckCase(c, r, *v, 1 + random() % 3);
    }
    CheckThreads(c);
  }
  std::printf("%s\n", failures == 0 ? "passed" : "FAILED");
  return failures == 0 ? 0 : 1;
}
