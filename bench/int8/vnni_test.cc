// The trial's convolution against sums of its own integers, where the
// instruction runs; elsewhere the reason why it does not.

#include "bench/int8/vnni.h"

#include <cmath>
#include <cstdio>
#include <random>

namespace prioritycut {
namespace int8 {
namespace {

// Largest difference from sums of the quantised values.
double Apart(const Shape& s, std::mt19937* random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> x(s.height * s.width * s.in);
  std::vector<float> w(int64_t{s.kernel} * s.kernel * s.in * s.out);
  for (float& v : x) v = std::fabs(uniform(*random));
  for (float& v : w) v = uniform(*random);
  const float step = 1.0f / 255;
  const Kernel k = Quantise(s, w.data());
  std::vector<float> y(s.OutHeight() * s.OutWidth() * s.out, NAN);
  Convolve(s, Quantise(s, x.data(), step).data(), step, k, y.data());
  double worst = 0;
  for (size_t at = 0; at < y.size(); ++at) {
    const int64_t o = at % s.out, j = at / s.out % s.OutWidth();
    const int64_t i = at / s.out / s.OutWidth();
    double sum = 0;
    for (int t = 0; t < s.kernel * s.kernel; ++t) {
      const int64_t row = i + t / s.kernel - s.before;
      const int64_t column = j + t % s.kernel - s.before;
      if (row < 0 || row >= s.height || column < 0 || column >= s.width) {
        continue;
      }
      for (int64_t c = 0; c < s.in; ++c) {
        sum += std::lround(x[(row * s.width + column) * s.in + c] / step) *
               double(std::lround(w[(t * s.in + c) * s.out + o] / k.step[o]));
      }
    }
    const double d = std::fabs(y[at] - sum * step * k.step[o]);
    worst = d <= worst ? worst : d;  // NaN counts
  }
  return worst;
}

}  // namespace
}  // namespace int8
}  // namespace prioritycut

int main() {
  using namespace prioritycut::int8;
  if (const char* why = WhyNot()) {
    std::printf("passed over: %s\n", why);
    return 0;
  }
  std::mt19937 random(1);
  int failures = 0;
  for (const Shape& s :
       {Shape{1, 1, 1, 1, 1, 0, 0}, Shape{7, 9, 13, 35, 3, 1, 1},
        Shape{5, 31, 64, 3, 7, 3, 3}, Shape{6, 17, 70, 70, 4, 1, 2},
        Shape{9, 61, 5, 33, 2, 1, 0}}) {
    const double apart = Apart(s, &random);
    if (apart < 1e-4 * s.in) continue;
    ++failures;
    std::printf("%dx%d, %d -> %d, kernel %d: %g apart\n", int(s.height),
                int(s.width), int(s.in), int(s.out), s.kernel, apart);
  }
  std::printf("%s\n", failures == 0 ? "passed" : "FAILED");
  return failures == 0 ? 0 : 1;
}
