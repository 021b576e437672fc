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

typedef float Vector __attribute__((vector_size(kLanes * 4)));
typedef float Unaligned __attribute__((vector_size(kLanes * 4), aligned(4)));

PRIORITYCUT_INLINE Vector Load(const float* p) {
  return *reinterpret_cast<const Unaligned*>(p);
}
PRIORITYCUT_INLINE void Store(float* p, Vector x) {
  *reinterpret_cast<Unaligned*>(p) = x;
}
// Less zero is the same number, which the compiler knows; zero plus it is not,
// where it is -0, and would take an addition.
PRIORITYCUT_INLINE Vector All(float f) { return f - Vector{}; }

// The first n lanes, zeros behind them.
PRIORITYCUT_INLINE Vector LoadFirst(const float* p, int64_t n) {
  if (n >= kLanes) return Load(p);
  Vector x = {};
  if (n > 0) __builtin_memcpy(&x, p, n * sizeof(float));
  return x;
}
PRIORITYCUT_INLINE void StoreFirst(float* p, Vector x, int64_t n) {
  if (n >= kLanes) {
    Store(p, x);
  } else if (n > 0) {
    __builtin_memcpy(p, &x, n * sizeof(float));
  }
}

// y = relu(x * scale + shift) for channels from c on. NaN stays NaN.
PRIORITYCUT_INLINE Vector Finish(const Epilogue& e, Vector x, int64_t c) {
  if (e.scale != nullptr) x = x * Load(e.scale + c);
  if (e.shift != nullptr) x = x + Load(e.shift + c);
  if (e.relu) x = x < Vector{} ? Vector{} : x;
  return x;
}

template <bool kTransposed, int kWide, int kHigh>
void ProductOf(const Product& p) {
  Vector sum[kHigh][kWide] = {};
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
#pragma GCC unroll 16
  for (int i = 0; i < kHigh; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kWide; ++j) {
      const int left = p.cols - j * kLanes;
      float* c = p.c + i * p.ldc + j * kLanes;
      Vector y = sum[i][j];
      if (p.add) {
        y = y + LoadFirst(c, left);
      } else {
        y = Finish(p.epilogue, y, j * kLanes);
      }
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

PRIORITYCUT_INLINE float SumOfLanes(Vector x) {
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += x[i];
  return sum;
}

// Pixels and outputs that one pass keeps in registers.
constexpr int kDotPixels = kLanes == 16 ? 6 : 3;
constexpr int kDotOutputs = kLanes == 16 ? 4 : 3;

template <int kPixels, int kOutputs>
void DotsOf(const Dots& d, int64_t pixel, int output) {
  Vector sum[kPixels][kOutputs] = {};
  const int64_t weights = d.outer * d.k;
  for (int64_t t = 0; t < d.outer; ++t) {
    const float* x = d.x + t * d.x_outer + pixel * d.pixel_stride;
    const float* w = d.weights + output * weights + t * d.k;
    for (int64_t k = 0; k < d.k; k += kLanes) {
      Vector row[kOutputs];
      for (int o = 0; o < kOutputs; ++o) row[o] = Load(w + o * weights + k);
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        const Vector v = Load(x + i * d.pixel_stride + k);
        for (int o = 0; o < kOutputs; ++o) sum[i][o] += v * row[o];
      }
    }
  }
  for (int i = 0; i < kPixels; ++i) {
    for (int o = 0; o < kOutputs; ++o) {
      const int at = output + o;
      float y = SumOfLanes(sum[i][o]);
      if (d.epilogue.scale != nullptr) y *= d.epilogue.scale[at];
      if (d.epilogue.shift != nullptr) y += d.epilogue.shift[at];
      if (d.epilogue.relu && y < 0) y = 0;
      d.y[(pixel + i) * d.ldy + at] = y;
    }
  }
}

template <int kPixels>
PRIORITYCUT_INLINE void DotsOfPixels(const Dots& d, int64_t pixel) {
  int o = 0;
  for (; o + kDotOutputs <= d.outputs; o += kDotOutputs) {
    DotsOf<kPixels, kDotOutputs>(d, pixel, o);
  }
  switch (d.outputs - o) {
    case 3:
      if constexpr (kDotOutputs > 3) DotsOf<kPixels, 3>(d, pixel, o);
      break;
    case 2:
      DotsOf<kPixels, 2>(d, pixel, o);
      break;
    case 1:
      DotsOf<kPixels, 1>(d, pixel, o);
      break;
  }
}

void DotsPlain(const Dots& d) {
  int64_t pixel = 0;
  for (; pixel + kDotPixels <= d.pixels; pixel += kDotPixels) {
    DotsOfPixels<kDotPixels>(d, pixel);
  }
  for (; pixel < d.pixels; ++pixel) DotsOfPixels<1>(d, pixel);
}

// Winograd's algorithm with the points 0, +-kA, +-kB and infinity. kA * kB = 1
// saves products, and these points halve the rounding errors of 1 and 2.
constexpr double kA = 2.0 / 3, kB = 1.5;
constexpr double kA2 = kA * kA, kB2 = kB * kB;
// The product of a point's distances from the others.
constexpr double kScaleA = 2 * kA2 * (kA2 - kB2);
constexpr double kScaleB = 2 * kB2 * (kB2 - kA2);

constexpr float PowerOf(double base, int n) {
  double x = 1;
  for (; n > 0; --n) x *= base;
  return static_cast<float>(x);
}

// 6 values -> 6 points: the transposed matrix B of the algorithm.
PRIORITYCUT_INLINE void InputTransform(const Vector* d, int step, Vector* o,
                                       int out_step) {
  constexpr float kSum = static_cast<float>(kA2 + kB2);
  constexpr float a = kA, b = kB, a2 = kA2, b2 = kB2;
  const Vector d1 = d[step], d2 = d[2 * step], d3 = d[3 * step],
               d4 = d[4 * step];
  o[0] = d[0] - kSum * d2 + d4;
  const Vector even_a = d4 - b2 * d2, odd_a = a * (d3 - b2 * d1);
  o[out_step] = even_a + odd_a;
  o[2 * out_step] = even_a - odd_a;
  const Vector even_b = d4 - a2 * d2, odd_b = b * (d3 - a2 * d1);
  o[3 * out_step] = even_b + odd_b;
  o[4 * out_step] = even_b - odd_b;
  o[5 * out_step] = d1 - kSum * d3 + d[5 * step];
}

// 6 points -> n values, value j the sum of points times their j-th powers,
// infinity's in the last alone. Points +-a come divided by scale_a, b likewise.
template <int n>
PRIORITYCUT_INLINE void FromPoints(const Vector* p, int step, Vector* o,
                                   int out_step, float scale_a, float scale_b) {
  const Vector even_a = (p[step] + p[2 * step]) * scale_a;
  const Vector odd_a = (p[step] - p[2 * step]) * scale_a;
  const Vector even_b = (p[3 * step] + p[4 * step]) * scale_b;
  const Vector odd_b = (p[3 * step] - p[4 * step]) * scale_b;
#pragma GCC unroll 5
  for (int j = 0; j < n; ++j) {
    const float a = PowerOf(kA, j), b = PowerOf(kB, j);
    Vector y = j % 2 == 0 ? a * even_a + b * even_b : a * odd_a + b * odd_b;
    if (j == 0) y = y + p[0];
    if (j == n - 1) y = y + p[5 * step];
    o[j * out_step] = y;
  }
}

// The transpose of FromPoints: n values -> 6 points.
template <int n>
PRIORITYCUT_INLINE void ToPoints(const Vector* y, int step, Vector* o,
                                 int out_step, float scale_a, float scale_b) {
  Vector even_a = y[0], even_b = y[0], odd_a = {}, odd_b = {};
#pragma GCC unroll 5
  for (int j = 1; j < n; ++j) {
    const float a = PowerOf(kA, j), b = PowerOf(kB, j);
    if (j % 2 == 0) {
      even_a += a * y[j * step];
      even_b += b * y[j * step];
    } else {
      odd_a += a * y[j * step];
      odd_b += b * y[j * step];
    }
  }
  o[0] = y[0];
  o[out_step] = (even_a + odd_a) * scale_a;
  o[2 * out_step] = (even_a - odd_a) * scale_a;
  o[3 * out_step] = (even_b + odd_b) * scale_b;
  o[4 * out_step] = (even_b - odd_b) * scale_b;
  o[5 * out_step] = y[(n - 1) * step];
}

template <int n>
PRIORITYCUT_INLINE void ReadSquare(const float* map, const Square& s,
                                   int64_t channel, Vector* d) {
  const int64_t left = s.channels - channel;
  for (int i = 0; i < n; ++i) {
    const bool row = i >= s.row_from && i < s.row_to;
    for (int j = 0; j < n; ++j) {
      const bool there = row && j >= s.column_from && j < s.column_to;
      const int64_t at =
          s.offset + i * s.row_stride + j * s.pixel_stride + channel;
      d[i * n + j] = there ? LoadFirst(map + at, left) : Vector{};
    }
  }
}

void InputPoints(const float* map, const Square& s, float* out,
                 int64_t point_stride) {
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    Vector d[kPoints], rows[kPoints], points[kPoints];
    ReadSquare<kTile>(map, s, c, d);
    for (int j = 0; j < kTile; ++j) {
      InputTransform(d + j, kTile, rows + j, kTile);
    }
    for (int i = 0; i < kTile; ++i) {
      InputTransform(rows + i * kTile, 1, points + i * kTile, 1);
    }
    for (int p = 0; p < kPoints; ++p) {
      Store(out + p * point_stride + c, points[p]);
    }
  }
}

template <int m>
void GradientPointsOf(const float* map, const Square& s, float* out,
                      int64_t point_stride, int64_t panel_stride) {
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    Vector d[m * m], rows[kTile * m], points[kPoints];
    ReadSquare<m>(map, s, c, d);
    for (int j = 0; j < m; ++j) ToPoints<m>(d + j, m, rows + j, m, 1, 1);
    for (int i = 0; i < kTile; ++i) {
      ToPoints<m>(rows + i * m, 1, points + i * kTile, 1, 1, 1);
    }
    float* to = out + c / kColumns * panel_stride + c % kColumns;
    for (int p = 0; p < kPoints; ++p) Store(to + p * point_stride, points[p]);
  }
}

void GradientPoints(const float* map, const Square& s, int m, float* out,
                    int64_t point_stride, int64_t panel_stride) {
  if (m == 3) GradientPointsOf<3>(map, s, out, point_stride, panel_stride);
  if (m == 4) GradientPointsOf<4>(map, s, out, point_stride, panel_stride);
  if (m == 5) GradientPointsOf<5>(map, s, out, point_stride, panel_stride);
}

template <int m>
void OutputPixelsOf(const float* points, int64_t point_stride,
                    const Epilogue& epilogue, float* map, const Square& s) {
  for (int64_t c = 0; c < s.channels; c += kLanes) {
    Vector d[kPoints], rows[m * kTile], y[m * m];
    for (int p = 0; p < kPoints; ++p)
      d[p] = Load(points + p * point_stride + c);
    for (int j = 0; j < kTile; ++j) {
      FromPoints<m>(d + j, kTile, rows + j, kTile, 1, 1);
    }
    for (int i = 0; i < m; ++i) {
      FromPoints<m>(rows + i * kTile, 1, y + i * m, 1, 1, 1);
    }
    const int64_t left = s.channels - c;
    for (int i = s.row_from; i < s.row_to; ++i) {
      const int64_t row = s.offset + i * s.row_stride + c;
      for (int j = s.column_from; j < s.column_to; ++j) {
        StoreFirst(map + (row + j * s.pixel_stride),
                   Finish(epilogue, y[i * m + j], c), left);
      }
    }
  }
}

void OutputPixels(const float* points, int64_t point_stride, int m,
                  const Epilogue& epilogue, float* map, const Square& s) {
  if (m == 3) OutputPixelsOf<3>(points, point_stride, epilogue, map, s);
  if (m == 4) OutputPixelsOf<4>(points, point_stride, epilogue, map, s);
  if (m == 5) OutputPixelsOf<5>(points, point_stride, epilogue, map, s);
}

constexpr float kInverseA = static_cast<float>(1 / kScaleA);
constexpr float kInverseB = static_cast<float>(1 / kScaleB);

template <int r>
void KernelPointsOf(const float* kernel, int64_t tap_stride, int64_t out,
                    float* points, int64_t point_stride) {
  for (int c = 0; c < kColumns; c += kLanes) {
    Vector d[r * r], rows[kTile * r], u[kPoints];
    for (int t = 0; t < r * r; ++t) {
      d[t] = LoadFirst(kernel + t * tap_stride + c, out - c);
    }
    for (int j = 0; j < r; ++j) {
      ToPoints<r>(d + j, r, rows + j, r, kInverseA, kInverseB);
    }
    for (int i = 0; i < kTile; ++i) {
      ToPoints<r>(rows + i * r, 1, u + i * kTile, 1, kInverseA, kInverseB);
    }
    for (int p = 0; p < kPoints; ++p) {
      Store(points + p * point_stride + c, u[p]);
    }
  }
}

void KernelPoints(const float* kernel, int64_t tap_stride, int r, int64_t out,
                  float* points, int64_t point_stride) {
  if (r == 2) KernelPointsOf<2>(kernel, tap_stride, out, points, point_stride);
  if (r == 3) KernelPointsOf<3>(kernel, tap_stride, out, points, point_stride);
  if (r == 4) KernelPointsOf<4>(kernel, tap_stride, out, points, point_stride);
}

template <int r>
void KernelGradientOf(const float* points, int64_t point_stride, int64_t out,
                      float* kernel, int64_t tap_stride) {
  for (int64_t c = 0; c < out; c += kLanes) {
    Vector d[kPoints], rows[r * kTile], g[r * r];
    for (int p = 0; p < kPoints; ++p)
      d[p] = Load(points + p * point_stride + c);
    for (int j = 0; j < kTile; ++j) {
      FromPoints<r>(d + j, kTile, rows + j, kTile, kInverseA, kInverseB);
    }
    for (int i = 0; i < r; ++i) {
      FromPoints<r>(rows + i * kTile, 1, g + i * r, 1, kInverseA, kInverseB);
    }
    for (int t = 0; t < r * r; ++t) {
      StoreFirst(kernel + t * tap_stride + c, g[t], out - c);
    }
  }
}

void KernelGradient(const float* points, int64_t point_stride, int r,
                    int64_t out, float* kernel, int64_t tap_stride) {
  if (r == 2)
    KernelGradientOf<2>(points, point_stride, out, kernel, tap_stride);
  if (r == 3)
    KernelGradientOf<3>(points, point_stride, out, kernel, tap_stride);
  if (r == 4)
    KernelGradientOf<4>(points, point_stride, out, kernel, tap_stride);
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut

#include "kernels/norm_loops.h"

namespace prioritycut {
namespace kernels {
namespace {

constexpr Vectors TableNamed(const char* name) {
  return {name,         kLanes,       kRows,
          kColumns,     ProductPlain, ProductTransposed,
          DotsPlain,    InputPoints,  GradientPoints,
          OutputPixels, KernelPoints, KernelGradient,
          NormMoments,  NormValues,   NormSums,
          NormGradient};
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
