// Samples and their gradients against the definition in doubles, and gradients
// at points against differences.

#include "kernels/sample.h"

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

// Place of a coordinate, mirrored step by step.
double Place(double t, int64_t n, const SampleShape& s) {
  double at = s.align_corners ? (t + 1) / 2 * (n - 1) : ((t + 1) * n - 1) / 2;
  if (!s.reflect) return at;
  const double low = s.align_corners ? 0 : -0.5;
  const double high = s.align_corners ? n - 1 : n - 0.5;
  if (low == high) return 0;
  while (at < low || at > high) at = at < low ? 2 * low - at : 2 * high - at;
  return std::clamp<double>(at, 0, n - 1);
}

struct Case {
  SampleShape s;
  std::vector<double> x, grid, dy;

  int64_t MapAt(int64_t n, int64_t i, int64_t j, int64_t c) const {
    return (((s.maps > 1 ? n : 0) * s.height + i) * s.width + j) * s.channels +
           c;
  }
  const double* PointAt(int64_t n, int64_t p) const {
    return grid.data() + 2 * ((s.grids > 1 ? n : 0) * s.points + p);
  }

  // Calls f with the place in x, and the weight, of each pixel around a point.
  template <typename F>
  void Around(int64_t n, int64_t p, int64_t c, F f) const {
    const double* point = PointAt(n, p);
    const double px = Place(point[0], s.width, s),
                 py = Place(point[1], s.height, s);
    for (int64_t i = 0; i < s.height; ++i) {
      for (int64_t j = 0; j < s.width; ++j) {
        const double weight = std::max(0.0, 1 - std::fabs(px - j)) *
                              std::max(0.0, 1 - std::fabs(py - i));
        if (weight > 0) f(MapAt(n, i, j, c), weight);
      }
    }
  }

  template <typename F>
  void ForAll(F f) const {
    for (int64_t n = 0; n < s.Samples(); ++n) {
      for (int64_t p = 0; p < s.points; ++p) {
        for (int64_t c = 0; c < s.channels; ++c) {
          f(n, p, c, (n * s.points + p) * s.channels + c);
        }
      }
    }
  }

  // The sum of dy * y, of which the gradients are.
  double Value() const {
    double sum = 0;
    ForAll([&](int64_t n, int64_t p, int64_t c, int64_t at) {
      Around(n, p, c,
             [&](int64_t from, double w) { sum += dy[at] * w * x[from]; });
    });
    return sum;
  }
};

std::vector<float> Floats(const std::vector<double>& v) {
  return std::vector<float>(v.begin(), v.end());
}

void Check(const Case& c, const char* what, const std::vector<float>& got,
           const std::vector<double>& want, double tolerance) {
  double scale = 1, worst = 0;
  for (double w : want) scale = std::max(scale, std::fabs(w));
  for (size_t i = 0; i < want.size(); ++i) {
    const double d = std::fabs(got[i] - want[i]) / scale;
    worst = d <= worst ? worst : d;  // NaN counts
  }
  if (worst <= tolerance) return;
  ++failures;
  std::printf("%s, maps %dx%dx%dx%d, %d grids of %d points%s%s: %.2g apart\n",
              what, int(c.s.maps), int(c.s.height), int(c.s.width),
              int(c.s.channels), int(c.s.grids), int(c.s.points),
              c.s.align_corners ? ", corners aligned" : "",
              c.s.reflect ? ", reflected" : "", worst);
}

void CheckCase(Case c, int threads) {
  TestRuntime runtime(threads);
  const std::vector<float> x = Floats(c.x), grid = Floats(c.grid),
                           dy = Floats(c.dy);
  std::vector<double> y(c.dy.size()), dx(c.x.size()), dgrid(c.grid.size());
  c.ForAll([&](int64_t n, int64_t p, int64_t k, int64_t at) {
    c.Around(n, p, k, [&](int64_t from, double w) {
      y[at] += w * c.x[from];
      dx[from] += w * c.dy[at];
    });
  });
  std::vector<float> got(y.size(), NAN), got_dx(dx.size(), NAN),
      got_dgrid(dgrid.size(), NAN);
  Sample(c.s, x.data(), grid.data(), got.data(), runtime);
  SampleMapGradient(c.s, grid.data(), dy.data(), got_dx.data(), runtime);
  SampleGridGradient(c.s, x.data(), grid.data(), dy.data(), got_dgrid.data(),
                     runtime);
  Check(c, "samples", got, y, 3e-5);
  Check(c, "gradient at maps", got_dx, dx, 3e-5);
  // Between pixels the value is linear, so differences are exact.
  constexpr double kStep = 1e-5;
  for (size_t i = 0; i < c.grid.size(); ++i) {
    const double t = c.grid[i];
    c.grid[i] = t + kStep;
    dgrid[i] = c.Value();
    c.grid[i] = t - kStep;
    dgrid[i] = (dgrid[i] - c.Value()) / (2 * kStep);
    c.grid[i] = t;
  }
  Check(c, "gradient at points", got_dgrid, dgrid, 1e-4);
}

// Whether a coordinate's place is so near a pixel that rounding may pass it.
bool Bent(double t, int64_t n, const SampleShape& s) {
  const double at = Place(t, n, s);
  return n > 1 && std::fabs(at - std::round(at)) < 1e-3;
}

Case Draw(std::mt19937* random) {
  const auto between = [random](int lo, int hi) {
    return lo + static_cast<int>((*random)() % (hi - lo + 1));
  };
  const int samples = between(1, 3);
  Case c;
  c.s = {between(0, 2) ? samples : 1,
         between(0, 2) ? samples : 1,
         between(1, 9),
         between(1, 9),
         between(1, 40),
         between(1, 12),
         between(0, 1) != 0,
         between(0, 1) != 0};
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> inside(-2.5, 2.5);
  c.x.resize(c.s.maps * c.s.height * c.s.width * c.s.channels);
  c.dy.resize(c.s.Samples() * c.s.points * c.s.channels);
  for (auto* list : {&c.x, &c.dy}) {
    for (double& f : *list) f = static_cast<float>(normal(*random));
  }
  for (int64_t i = 0; i < c.s.grids * c.s.points * 2; ++i) {
    double t;
    do {
      t = static_cast<float>(inside(*random));
    } while (Bent(t, i % 2 ? c.s.height : c.s.width, c.s));
    c.grid.push_back(t);
  }
  return c;
}

// Points that are no numbers, or far away, reach for no memory.
void CheckHostile() {
  for (bool reflect : {false, true}) {
    const SampleShape s = {1, 1, 2, 2, 1, 4, true, reflect};
    const std::vector<float> x = {1, 2, 3, 4},
                             grid = {NAN,   0,      0,     INFINITY,
                                     1e30f, -1e30f, 3e38f, 0};
    std::vector<float> y(4), dx(4), dgrid(8);
    TestRuntime runtime(1);
    Sample(s, x.data(), grid.data(), y.data(), runtime);
    SampleMapGradient(s, grid.data(), y.data(), dx.data(), runtime);
    SampleGridGradient(s, x.data(), grid.data(), y.data(), dgrid.data(),
                       runtime);
    if (!std::isnan(y[0]) || !std::isnan(y[1]) ||
        (!reflect && (y[2] != 0 || y[3] != 0))) {
      ++failures;
      std::printf("samples of no place: %g %g %g %g\n", y[0], y[1], y[2], y[3]);
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut

int main(int argc, char** argv) {
  using namespace prioritycut::kernels;
  const int shapes = argc > 1 ? std::atoi(argv[1]) : 100;
  std::mt19937 random(argc > 2 ? std::atoi(argv[2]) : 1);
  for (int i = 0; i < shapes && failures < 20; ++i) {
    CheckCase(Draw(&random), 1 + random() % 3);
  }
  CheckHostile();
  std::printf("%s\n", failures == 0 ? "passed" : "FAILED");
  return failures == 0 ? 0 : 1;
}
