#include "bench/int8/vnni.h"

#include <algorithm>
#include <cmath>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <immintrin.h>
#include <setjmp.h>
#include <signal.h>
#define PRIORITYCUT_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#endif

namespace prioritycut {
namespace int8 {

Kernel Quantise(const Shape& s, const float* kernel) {
  const int64_t taps = int64_t{s.kernel} * s.kernel;
  const int64_t groups = RoundUp(s.in, kGroup) / kGroup;
  const int64_t panels = RoundUp(s.out, kPanel) / kPanel;
  Kernel k;
  k.packed.assign(panels * taps * groups * kPanel * kGroup, 0);
  k.step.assign(panels * kPanel, 1);
  for (int64_t o = 0; o < s.out; ++o) {
    float most = 1e-30f;
    for (int64_t i = 0; i < taps * s.in; ++i) {
      most = std::max(most, std::fabs(kernel[i * s.out + o]));
    }
    k.step[o] = most / 127;
    for (int64_t i = 0; i < taps * s.in; ++i) {
      const int64_t tap = i / s.in, c = i % s.in;
      const int64_t at =
          (((o / kPanel * taps + tap) * groups + c / kGroup) * kPanel +
           o % kPanel) *
              kGroup +
          c % kGroup;
      k.packed[at] =
          static_cast<int8_t>(std::lround(kernel[i * s.out + o] / k.step[o]));
    }
  }
  return k;
}

std::vector<uint8_t> Quantise(const Shape& s, const float* x, float step) {
  const int64_t in = RoundUp(s.in, kGroup);
  const int64_t width = s.width + s.before + s.after;
  std::vector<uint8_t> q((s.height + s.before + s.after) * width * in, 0);
  for (int64_t i = 0; i < s.height; ++i) {
    for (int64_t j = 0; j < s.width; ++j) {
      const float* from = x + (i * s.width + j) * s.in;
      uint8_t* to = &q[((i + s.before) * width + j + s.before) * in];
      for (int64_t c = 0; c < s.in; ++c) {
        to[c] = static_cast<uint8_t>(
            std::clamp(std::lround(from[c] / step), 0L, 255L));
      }
    }
  }
  return q;
}

#ifdef PRIORITYCUT_VNNI

namespace {

sigjmp_buf refused;

void Refuse(int) { siglongjmp(refused, 1); }

// 4 products of 2 and 3 in each lane.
PRIORITYCUT_VNNI bool Computes() {
  const __m512i sums = _mm512_dpbusd_epi32(
      _mm512_set1_epi32(1), _mm512_set1_epi8(2), _mm512_set1_epi8(3));
  return _mm512_cmpeq_epi32_mask(sums, _mm512_set1_epi32(25)) == 0xffff;
}

// Sums of kHigh neighbouring pixels for a panel.
template <int kHigh>
PRIORITYCUT_VNNI void Tile(const Shape& s, const uint8_t* pixels,
                           const int8_t* weights, const float* step, float* y,
                           int64_t columns) {
  const int64_t in = RoundUp(s.in, kGroup);
  const int64_t line = (s.width + s.before + s.after) * in;
  __m512i sum[kHigh][2];
#pragma GCC unroll 12
  for (int i = 0; i < kHigh; ++i)
    sum[i][0] = sum[i][1] = _mm512_setzero_si512();
  for (int t = 0; t < s.kernel; ++t) {
    const uint8_t* x = pixels + t * line;
    // The taps of a row lie behind each other, as their pixels do.
    for (int64_t k = 0; k < s.kernel * in; k += kGroup) {
      const __m512i w0 = _mm512_loadu_si512(weights);
      const __m512i w1 = _mm512_loadu_si512(weights + 64);
      weights += kPanel * kGroup;
#pragma GCC unroll 12
      for (int i = 0; i < kHigh; ++i) {
        int four;
        __builtin_memcpy(&four, x + i * in + k, sizeof(four));
        const __m512i v = _mm512_set1_epi32(four);
        sum[i][0] = _mm512_dpbusd_epi32(sum[i][0], v, w0);
        sum[i][1] = _mm512_dpbusd_epi32(sum[i][1], v, w1);
      }
    }
  }
  for (int j = 0; j < 2; ++j) {
    const int64_t left = std::clamp<int64_t>(columns - 16 * j, 0, 16);
    const __mmask16 mask = static_cast<__mmask16>((1u << left) - 1);
    const __m512 scale = _mm512_loadu_ps(step + 16 * j);
    for (int i = 0; i < kHigh; ++i) {
      _mm512_mask_storeu_ps(
          y + i * s.out + 16 * j, mask,
          _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(0xffff, sum[i][j]), scale));
    }
  }
}

}  // namespace

const char* WhyNot() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) {
    return "the system does not keep wide registers";
  }
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kWide = 0xe6;  // SSE, AVX, and the three of AVX-512
  if ((low & kWide) != kWide) return "the system does not keep wide registers";
  constexpr unsigned kNeeded = 1u << 16 | 1u << 30 | 1u << 31;  // F, BW, VL
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & kNeeded) != kNeeded ||
      !(c & (1u << 11))) {
    return "the processor has no AVX512_VNNI";
  }
  struct sigaction own = {}, before;
  own.sa_handler = Refuse;
  sigaction(SIGILL, &own, &before);
  volatile bool computes = false;
  if (sigsetjmp(refused, 1) == 0) computes = Computes();
  sigaction(SIGILL, &before, nullptr);
  return computes ? nullptr
                  : "the processor lists AVX512_VNNI, and it does not run here";
}

void Convolve(const Shape& s, const uint8_t* pixels, float step,
              const Kernel& kernel, float* y) {
  constexpr int kHigh = 12;
  const int64_t in = RoundUp(s.in, kGroup);
  const int64_t line = (s.width + s.before + s.after) * in;
  const int64_t panel = int64_t{s.kernel} * s.kernel * in * kPanel;
  std::vector<float> steps(kernel.step);
  for (float& f : steps) f *= step;
  for (int64_t o = 0; o < s.out; o += kPanel) {
    const int8_t* weights = kernel.packed.data() + o / kPanel * panel;
    const int64_t columns = std::min(s.out - o, kPanel);
    for (int64_t i = 0; i < s.OutHeight(); ++i) {
      int64_t j = 0;
      for (; j + kHigh <= s.OutWidth(); j += kHigh) {
        Tile<kHigh>(s, pixels + i * line + j * in, weights, &steps[o],
                    y + (i * s.OutWidth() + j) * s.out + o, columns);
      }
      for (; j + 4 <= s.OutWidth(); j += 4) {
        Tile<4>(s, pixels + i * line + j * in, weights, &steps[o],
                y + (i * s.OutWidth() + j) * s.out + o, columns);
      }
      for (; j < s.OutWidth(); ++j) {
        Tile<1>(s, pixels + i * line + j * in, weights, &steps[o],
                y + (i * s.OutWidth() + j) * s.out + o, columns);
      }
    }
  }
}

#else

const char* WhyNot() { return "this build is for other processors than x86"; }

void Convolve(const Shape&, const uint8_t*, float, const Kernel&, float*) {}

#endif

}  // namespace int8
}  // namespace prioritycut
