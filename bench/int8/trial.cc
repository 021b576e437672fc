// How long the ten costliest convolutions of an animated frame take in integers
// of 8 bits, beside our float32 kernels, and how far their outputs are apart:
//
//   trial [REPEATS]
//
// Processor time of one core, least of the repeats. Kernels are packed before.
// Pixels are quantised before, too: that favours the integers, whose maps would
// have to be written as bytes by the layer before.

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "bench/int8/vnni.h"
#include "kernels/conv.h"
#include "kernels/test_runtime.h"

namespace prioritycut {
namespace int8 {
namespace {

using kernels::ConvShape;

double CpuSeconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

template <typename Work>
double Least(int repeats, const Work& work) {
  double least = INFINITY;
  for (int i = 0; i < repeats; ++i) {
    const double begin = CpuSeconds();
    work();
    least = std::min(least, CpuSeconds() - begin);
  }
  return least * 1e3;
}

// The kernel of 2 x 2 that one phase of the doubled map has.
std::vector<float> PhaseKernel(const ConvShape& s, const std::vector<float>& w,
                               int phase) {
  const int64_t weights = s.in * s.out;
  std::vector<float> taps(4 * weights, 0);
  for (int t = 0; t < 9; ++t) {
    const int row = phase / 2 == 0 ? t / 3 > 0 : t / 3 > 1;
    const int column = phase % 2 == 0 ? t % 3 > 0 : t % 3 > 1;
    for (int64_t i = 0; i < weights; ++i) {
      taps[(row * 2 + column) * weights + i] += w[t * weights + i];
    }
  }
  return taps;
}

struct Result {
  double floats, integers, psnr;
};

// y and z apart, beside the greatest value of y.
double Psnr(const std::vector<float>& y, const std::vector<float>& z) {
  double square = 0, most = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    square += (y[i] - z[i]) * double(y[i] - z[i]);
    most = std::max<double>(most, std::fabs(y[i]));
  }
  return 10 * std::log10(most * most * y.size() / square);
}

Result Try(const ConvShape& s, int repeats) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> x(s.height * s.width * s.in), w(s.KernelFloats());
  float most = 0;
  for (float& v : x) most = std::max(most, v = std::max(normal(random), 0.0f));
  for (float& v : w) v = normal(random);
  std::vector<float> y(s.OutHeight() * s.OutWidth() * s.out), z(y.size());

  Result r;
  kernels::TestRuntime runtime(1);
  const auto conv = kernels::Conv::Forward(s, kernels::ChosenVectors(), true);
  std::vector<float> packed(std::max<int64_t>(conv.PackedFloats(), 1));
  const bool packs = conv.PackedFloats() > 0;
  if (packs) conv.Pack(w.data(), packed.data(), runtime);
  r.floats = Least(repeats, [&] {
    kernels::TestRuntime own(1);
    conv.Run(x.data(), packs ? packed.data() : w.data(), {}, y.data(), own);
  });

  const float step = most / 255;
  r.integers = 0;
  for (int phase = 0; phase < (s.upsample ? 4 : 1); ++phase) {
    Shape one = {s.height, s.width, s.in, s.out, s.kernel, s.before, s.after};
    std::vector<float> kernel = w;
    if (s.upsample) {
      // Both axes get a zero on either side: the window moves by the phase.
      one.kernel = 2;
      kernel = PhaseKernel(s, w, phase);
    }
    const Kernel k = Quantise(one, kernel.data());
    const std::vector<uint8_t> pixels = Quantise(one, x.data(), step);
    std::vector<float> part(one.OutHeight() * one.OutWidth() * s.out);
    r.integers += Least(
        repeats, [&] { Convolve(one, pixels.data(), step, k, part.data()); });
    if (!s.upsample) {
      z = part;
      continue;
    }
    for (int64_t i = 0; i < s.height; ++i) {
      for (int64_t j = 0; j < s.width; ++j) {
        const int64_t from = ((i + phase / 2) * one.OutWidth() + j + phase % 2);
        const int64_t to =
            (2 * i + phase / 2) * 2 * s.width + 2 * j + phase % 2;
        std::copy_n(&part[from * s.out], s.out, &z[to * s.out]);
      }
    }
  }
  r.psnr = Psnr(y, z);
  return r;
}

}  // namespace
}  // namespace int8
}  // namespace prioritycut

int main(int argc, char** argv) {
  using prioritycut::int8::Result;
  if (const char* why = prioritycut::int8::WhyNot()) {
    std::fprintf(stderr, "trial: %s\n", why);
    return 1;
  }
  const int repeats = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 7;
  // As vox-256 has them, and how often.
  const struct {
    prioritycut::kernels::ConvShape shape;
    int times;
  } list[] = {
      {{1, 64, 64, 256, 256, 3, 1, 1}, 12},
      {{1, 128, 128, 128, 64, 3, 1, 1, true}, 1},
      {{1, 64, 64, 256, 128, 3, 1, 1, true}, 1},
      {{1, 256, 256, 64, 3, 7, 3, 3}, 1},
      {{1, 4, 4, 2048, 512, 3, 1, 1, true}, 1},
      {{1, 8, 8, 1024, 256, 3, 1, 1, true}, 1},
      {{1, 64, 64, 108, 11, 7, 3, 3}, 1},
      {{1, 8, 8, 512, 1024, 3, 1, 1}, 1},
      {{1, 64, 64, 35, 40, 7, 0, 0}, 1},
      {{1, 16, 16, 512, 128, 3, 1, 1, true}, 1},
  };
  double floats = 0, integers = 0;
  for (const auto& l : list) {
    const Result r = prioritycut::int8::Try(l.shape, repeats);
    std::printf(
        "%dx%d %d->%d @%dx%d%s, %d times: float32 %.2f ms, int8 %.2f ms, "
        "%.2f, %.1f dB\n",
        l.shape.kernel, l.shape.kernel, int(l.shape.in), int(l.shape.out),
        int(l.shape.height), int(l.shape.width), l.shape.upsample ? " x2" : "",
        l.times, r.floats, r.integers, r.integers / r.floats, r.psnr);
    floats += l.times * r.floats;
    integers += l.times * r.integers;
  }
  std::printf("all: float32 %.1f ms, int8 %.1f ms, %.2f\n", floats, integers,
              integers / floats);
  return 0;
}
