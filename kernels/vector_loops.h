// The loops behind vector.h, written once with the compiler's vector types.
// Each vector_*.cc defines PRIORITYCUT_LANES and PRIORITYCUT_ROWS, switches its
// instructions on, and includes this file once; hence no include guard.
//
// Everything is in an unnamed namespace and nothing of the standard library is
// called: a template that two files instantiate is linked once, maybe with
// instructions that the processor lacks.

namespace prioritycut {
namespace kernels {
namespace {

constexpr int kLanes = PRIORITYCUT_LANES;
constexpr int kRows = PRIORITYCUT_ROWS;
constexpr int kColumns = 2 * kLanes;

#define PRIORITYCUT_INLINE inline __attribute__((always_inline))
// What has a loop that shall stay one, with registers of its own: the passes of
// a transform, unrolled into each other, would spill most of what they hold and
// be more than a core's cache of decoded instructions.
#define PRIORITYCUT_APART __attribute__((noinline))

typedef float Vector __attribute__((vector_size(kLanes * 4)));
typedef float Unaligned __attribute__((vector_size(kLanes * 4), aligned(4)));

PRIORITYCUT_INLINE Vector Load(const float* p) {
  return *reinterpret_cast<const Unaligned*>(p);
}
PRIORITYCUT_INLINE void Store(float* p, Vector x) {
  *reinterpret_cast<Unaligned*>(p) = x;
}
// The same vector, which the compiler may not load again at each use: that
// would take as many loads as products.
PRIORITYCUT_INLINE Vector InRegister(Vector x) {
#if PRIORITYCUT_LANES == 16
  __asm__("" : "+v"(x));
#elif PRIORITYCUT_LANES == 8
  __asm__("" : "+x"(x));
#endif
  return x;
}
// Less zero is the same number, which the compiler knows; zero plus it is not,
// where it is -0, and would take an addition.
PRIORITYCUT_INLINE Vector All(float f) { return f - Vector{}; }

// The first n lanes, zeros behind them. Partial vectors by way of memory would
// wait for it, so instructions that have masks use them.
#if PRIORITYCUT_LANES == 16
PRIORITYCUT_INLINE Vector LoadPart(const float* p, int64_t n) {
  return (Vector)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
PRIORITYCUT_INLINE void StorePart(float* p, Vector x, int64_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
}
#elif PRIORITYCUT_LANES == 8
constexpr int kMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
PRIORITYCUT_INLINE __m256i FirstLanes(int64_t n) {
  return _mm256_loadu_si256(
      reinterpret_cast<const __m256i*>(kMask + kLanes - n));
}
PRIORITYCUT_INLINE Vector LoadPart(const float* p, int64_t n) {
  return (Vector)_mm256_maskload_ps(p, FirstLanes(n));
}
PRIORITYCUT_INLINE void StorePart(float* p, Vector x, int64_t n) {
  _mm256_maskstore_ps(p, FirstLanes(n), (__m256)x);
}
#else
PRIORITYCUT_INLINE Vector LoadPart(const float* p, int64_t n) {
  Vector x = {};
  __builtin_memcpy(&x, p, n * sizeof(float));
  return x;
}
PRIORITYCUT_INLINE void StorePart(float* p, Vector x, int64_t n) {
  __builtin_memcpy(p, &x, n * sizeof(float));
}
#endif

PRIORITYCUT_INLINE Vector LoadFirst(const float* p, int64_t n) {
  if (n >= kLanes) return Load(p);
  return n > 0 ? LoadPart(p, n) : Vector{};
}
PRIORITYCUT_INLINE void StoreFirst(float* p, Vector x, int64_t n) {
  if (n >= kLanes) {
    Store(p, x);
  } else if (n > 0) {
    StorePart(p, x, n);
  }
}

// An epilogue's lists for some channels: y = relu(x * scale + shift). NaN stays
// NaN.
struct Finisher {
  Vector scale, shift, floor;

  PRIORITYCUT_INLINE Finisher(const Epilogue& e, int64_t c)
      : scale(e.scale != nullptr ? Load(e.scale + c) : All(1)),
        shift(e.shift != nullptr ? Load(e.shift + c) : All(-0.0f)),
        floor(All(e.relu ? 0 : -__builtin_inff())) {}

  PRIORITYCUT_INLINE Vector Finish(Vector x) const {
    const Vector y = x * scale + shift;
    return y < floor ? floor : y;
  }
};

// Where a finished sum goes: to the map and, with kResidual, what the epilogue
// says of residual and norm on the way. At is the place in the map, and left
// the channels that exist from there on; whole vectors ask no questions.
template <bool kResidual>
struct Writer {
  Finisher finisher;
  const float* residual;
  float* normed;
  Vector norm_scale, norm_shift;

  PRIORITYCUT_INLINE Writer(const Epilogue& e, int64_t c)
      : finisher(e, c),
        residual(e.residual),
        normed(e.normed),
        norm_scale(e.norm_scale != nullptr ? Load(e.norm_scale + c) : All(1)),
        norm_shift(e.norm_shift != nullptr ? Load(e.norm_shift + c) : All(0)) {}

  template <bool kWhole>
  PRIORITYCUT_INLINE void Write(Vector sum, float* map, int64_t at,
                                int64_t left) const {
    if (kWhole) left = kLanes;
    Vector y = finisher.Finish(sum);
    if constexpr (kResidual) {
      y += LoadFirst(residual + at, left);
      if (normed != nullptr) {
        const Vector z = y * norm_scale + norm_shift;
        StoreFirst(normed + at, z < Vector{} ? Vector{} : z, left);
      }
    }
    StoreFirst(map + at, y, left);
  }
};

template <bool kAdd, int kWide, int kHigh>
PRIORITYCUT_INLINE void WriteSums(const Vector (&sum)[kHigh][kWide], float* c,
                                  int64_t ldc) {
#pragma GCC unroll 16
  for (int i = 0; i < kHigh; ++i) {
    for (int j = 0; j < kWide; ++j) {
      float* to = c + i * ldc + j * kLanes;
      Store(to, kAdd ? sum[i][j] + Load(to) : sum[i][j]);
    }
  }
}

template <bool kTransposed, int kWide, int kHigh>
void ProductOf(const Product& p) {
  Vector sum[kHigh][kWide] = {};
  if (p.resume) {
#pragma GCC unroll 16
    for (int i = 0; i < kHigh; ++i) {
      for (int j = 0; j < kWide; ++j) {
        sum[i][j] =
            LoadFirst(p.c + i * p.ldc + j * kLanes, p.cols - j * kLanes);
      }
    }
  }
  for (int64_t t = 0; t < p.outer; ++t) {
    const float* a = p.a + t * p.a_outer;
    const float* b = p.b + t * p.b_outer;
    for (int64_t k = 0; k < p.k; ++k) {
      Vector row[kWide];
      for (int j = 0; j < kWide; ++j) row[j] = Load(b + j * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kHigh; ++i) {
        const Vector x = All(kTransposed ? a[i] : a[i * p.lda]);
        for (int j = 0; j < kWide; ++j) sum[i][j] += x * row[j];
      }
      a += kTransposed ? p.lda : 1;
      b += p.ldb;
    }
  }
  // Most products are short and sums of whole vectors, to which each question
  // adds.
  const Epilogue& e = p.epilogue;
  const bool plain = e.scale == nullptr && e.shift == nullptr && !e.relu;
  if (p.cols == kWide * kLanes && (p.add || plain)) {
    if (p.add) {
      WriteSums<true>(sum, p.c, p.ldc);
    } else {
      WriteSums<false>(sum, p.c, p.ldc);
    }
    return;
  }
#pragma GCC unroll 2
  for (int j = 0; j < kWide; ++j) {
    const int left = p.cols - j * kLanes;
    const Finisher finisher(p.epilogue, j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kHigh; ++i) {
      float* c = p.c + i * p.ldc + j * kLanes;
      Vector y = sum[i][j];
      y = p.add ? y + LoadFirst(c, left) : finisher.Finish(y);
      StoreFirst(c, y, left);
    }
  }
}

template <bool kTransposed, int kHigh>
PRIORITYCUT_INLINE void ProductWithRows(const Product& p) {
  if (p.rows != kHigh) {
    if constexpr (kHigh > 1) ProductWithRows<kTransposed, kHigh - 1>(p);
    return;
  }
  if (p.cols > kLanes) {
    ProductOf<kTransposed, 2, kHigh>(p);
  } else {
    ProductOf<kTransposed, 1, kHigh>(p);
  }
}

void ProductPlain(const Product& p) { ProductWithRows<false, kRows>(p); }
void ProductTransposed(const Product& p) { ProductWithRows<true, kRows>(p); }

// In halves: lanes one after the other would wait for each other.
PRIORITYCUT_INLINE float SumOfLanes(Vector x) {
  float lane[kLanes];
  __builtin_memcpy(lane, &x, sizeof(x));
#pragma GCC unroll 4
  for (int n = kLanes / 2; n > 0; n /= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < n; ++i) lane[i] += lane[i + n];
  }
  return lane[0];
}

// Pixels and outputs that one pass keeps in registers, and pixels whose sums
// wait in the first-level cache for the next run, so that of the weights too
// only one run has to be there.
constexpr int kDotPixels = kLanes == 16 ? 6 : 3;
constexpr int kDotOutputs = kLanes == 16 ? 4 : 3;
constexpr int kDotBlock = 8 * kDotPixels;

// Adds run t to the sums of some pixels, [pixel][kOutputs].
template <int kPixels, int kOutputs>
PRIORITYCUT_INLINE void DotsOf(const Dots& d, int64_t t, int64_t pixel,
                               int output, Vector* sums) {
  Vector sum[kPixels][kOutputs];
  for (int i = 0; i < kPixels; ++i) {
    for (int o = 0; o < kOutputs; ++o) sum[i][o] = sums[i * kOutputs + o];
  }
  const int64_t weights = d.outer * d.k;
  const float* x = d.x + t * d.x_outer + pixel * d.pixel_stride;
  const float* w = d.weights + output * weights + t * d.k;
  for (int64_t k = 0; k < d.k; k += kLanes) {
    Vector row[kOutputs];
    for (int o = 0; o < kOutputs; ++o) row[o] = Load(w + o * weights + k);
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) {
      const Vector v = InRegister(Load(x + i * d.pixel_stride + k));
      for (int o = 0; o < kOutputs; ++o) sum[i][o] += v * row[o];
    }
  }
  for (int i = 0; i < kPixels; ++i) {
    for (int o = 0; o < kOutputs; ++o) sums[i * kOutputs + o] = sum[i][o];
  }
}

// Some outputs of up to kDotBlock pixels.
template <int kOutputs>
void DotsOfBlock(const Dots& d, int64_t first, int pixels, int output) {
  Vector sums[kDotBlock * kOutputs] = {};
  for (int64_t t = 0; t < d.outer; ++t) {
    int i = 0;
    for (; i + kDotPixels <= pixels; i += kDotPixels) {
      DotsOf<kDotPixels, kOutputs>(d, t, first + i, output,
                                   sums + i * kOutputs);
    }
    for (; i < pixels; ++i) {
      DotsOf<1, kOutputs>(d, t, first + i, output, sums + i * kOutputs);
    }
  }
  for (int i = 0; i < pixels; ++i) {
    for (int o = 0; o < kOutputs; ++o) {
      const int at = output + o;
      float y = SumOfLanes(sums[i * kOutputs + o]);
      if (d.epilogue.scale != nullptr) y *= d.epilogue.scale[at];
      if (d.epilogue.shift != nullptr) y += d.epilogue.shift[at];
      if (d.epilogue.relu && y < 0) y = 0;
      d.y[(first + i) * d.ldy + at] = y;
    }
  }
}

void DotsPlain(const Dots& d) {
  for (int64_t first = 0; first < d.pixels; first += kDotBlock) {
    const int64_t left = d.pixels - first;
    const int pixels = left < kDotBlock ? static_cast<int>(left) : kDotBlock;
    int o = 0;
    for (; o + kDotOutputs <= d.outputs; o += kDotOutputs) {
      DotsOfBlock<kDotOutputs>(d, first, pixels, o);
    }
    switch (d.outputs - o) {
      case 3:
        if constexpr (kDotOutputs > 3) DotsOfBlock<3>(d, first, pixels, o);
        break;
      case 2:
        DotsOfBlock<2>(d, first, pixels, o);
        break;
      case 1:
        DotsOfBlock<1>(d, first, pixels, o);
        break;
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut

#include "kernels/norm_loops.h"
#include "kernels/winograd_loops.h"
#include "kernels/winograd_quarter_loops.h"

namespace prioritycut {
namespace kernels {
namespace {

constexpr Vectors TableNamed(const char* name) {
  return {name,
          kLanes,
          kRows,
          kColumns,
          ProductPlain,
          ProductTransposed,
          DotsPlain,
          InputPoints<SixPoints>,
          GradientPoints,
          OutputPixels,
          KernelPoints,
          KernelGradient,
          QuarterPoints,
          QuarterGradientPoints,
          QuarterPixels,
          NormMoments,
          NormValues,
          NormSums,
          NormGradient,
          InputPoints<LargeSet>,
          OutputPixelsOf<LargeSet, kLargeOutputs>,
          LargeKernelPoints,
          InputPoints<SmallSet>,
          SmallOutputPixels,
          SmallKernelPoints};
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
