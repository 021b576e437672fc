// The innermost loops of the convolutions, one table of functions for each set
// of vector instructions. Nothing here knows what a convolution is.

#ifndef PRIORITYCUT_KERNELS_VECTOR_H_
#define PRIORITYCUT_KERNELS_VECTOR_H_

#include <cstdint>

namespace prioritycut {
namespace kernels {

// What happens to a sum before it is written:
//
//   y = relu(sum * scale + shift) + residual
//   normed = max(y * norm_scale + norm_shift, 0)
//
// Lists hold a value for each channel and are readable up to the next multiple
// of a panel's columns; null ones stand for 1 or 0. Residual and normed are
// maps that lie as y does; where either is null there is no such step, and
// without a residual there is no normed map. Of the functions below
// output_pixels and its like for other tiles alone know them.
struct Epilogue {
  const float* scale = nullptr;
  const float* shift = nullptr;
  bool relu = false;
  const float* residual = nullptr;
  const float* norm_scale = nullptr;
  const float* norm_shift = nullptr;
  float* normed = nullptr;
};

// One tile of a matrix product, c[rows][cols] = a * b or c += a * b, its inner
// dimension in `outer` runs of `k` each. Element (i, k) of a run is
// a[i * lda + k], or a[k * lda + i] for the transposed kind; row k of b is at
// b + k * ldb and readable for a whole panel.
struct Product {
  const float* a;
  int64_t lda, a_outer;
  const float* b;
  int64_t ldb, b_outer;
  int64_t outer, k;
  float* c;
  int64_t ldc;
  int rows;     // 1 to Vectors::rows
  int cols;     // 1 to Vectors::columns
  bool add;     // to c; without an epilogue
  bool resume;  // from the sums in c, which have had no epilogue
  Epilogue epilogue;
};

// Inner products for few outputs: y[pixel * ldy + o], each the sum over
// `outer` runs of `k` values, k a multiple of the lanes. Run t of a pixel
// begins at x + t * x_outer + pixel * pixel_stride; weights are [o][outer][k].
struct Dots {
  const float* x;
  int64_t pixel_stride, x_outer;
  const float* weights;
  int64_t outer, k;
  float* y;
  int64_t ldy;
  int64_t pixels;
  int outputs;
  Epilogue epilogue;
};

// A square of pixels in a map, of which rows [row_from, row_to) and the columns
// likewise exist; others are zeros, or are not written. Channel c of (i, j) is
// at offset + i * row_stride + j * pixel_stride + c.
struct Square {
  int64_t offset, row_stride, pixel_stride;
  int row_from, row_to, column_from, column_to;
  int64_t channels;
};

// Whole pixels of a map that is normalised, one behind the other, `floats`
// values in all. The lists hold a value for each channel, repeated to `period`
// values, a multiple of the lanes. A value becomes z = (x - mean) * scale +
// shift and, where z is negative, z * slope.
struct NormRun {
  const float* x;
  int64_t floats, period;
  const float *mean, *scale, *shift;
  float slope;
};

// Winograd's transforms work on squares of 6 x 6; the outputs' side is m and
// the kernel's is 7 - m, m from 3 to 5.
constexpr int kTile = 6;
constexpr int kPoints = kTile * kTile;
// Small ones, which round no more than plain sums: 2 x 2 outputs of a kernel of
// 3 x 3, or 3 x 3 of one of 2 x 2, from squares of 4 x 4.
constexpr int kSmallTile = 4;
// Large ones: 8 x 8 outputs of a kernel of 3 x 3 from squares of 10 x 10.
constexpr int kLargeTile = 10;
constexpr int kLargePoints = kLargeTile * kLargeTile;
constexpr int kLargeOutputs = kLargeTile - 2;

// The transforms for quarters of large kernels (winograd_quarters.cc): squares
// of 7 x 7, outputs and kernels of 4 x 4.
constexpr int kQuarterTile = 7;
constexpr int kQuarterPoints = kQuarterTile * kQuarterTile;

struct Vectors {
  const char* name;
  int lanes, rows, columns;  // of a vector, and of a product's tile

  void (*product)(const Product&);
  void (*product_transposed)(const Product&);  // a is stored [k][rows]
  void (*dots)(const Dots&);

  // Pixels of a square -> the 36 points of its channels, point p at
  // out + p * point_stride, with zeros up to a multiple of the lanes.
  void (*input_points)(const float* map, const Square&, float* out,
                       int64_t point_stride);
  // Gradients of m x m outputs -> 36 points, in panels of `columns` channels
  // that lie panel_stride apart.
  void (*gradient_points)(const float* map, const Square&, int m, float* out,
                          int64_t point_stride, int64_t panel_stride);
  // 36 points -> m x m outputs.
  void (*output_pixels)(const float* points, int64_t point_stride, int m,
                        const Epilogue&, float* map, const Square&);
  // One panel of one input channel of a kernel, [r][r][out] with tap_stride
  // between taps, of which so many outputs exist -> 36 points of the vectors
  // that hold them.
  void (*kernel_points)(const float* kernel, int64_t tap_stride, int r,
                        int64_t out, float* points, int64_t point_stride);
  // The gradient at 36 points of one input channel -> that of the kernel.
  void (*kernel_gradient)(const float* points, int64_t point_stride, int r,
                          int64_t out, float* kernel, int64_t tap_stride);

  // As input_points, for the 49 points of a quarter's square.
  void (*quarter_points)(const float* map, const Square&, float* out,
                         int64_t point_stride);
  // The same for the gradients of 4 x 4 outputs.
  void (*quarter_gradient_points)(const float* map, const Square&, float* out,
                                  int64_t point_stride);
  // 49 points of some channels, a multiple of the lanes -> 4 x 4 pixels, one
  // pixel_stride behind the other.
  void (*quarter_pixels)(const float* points, int64_t point_stride,
                         int64_t channels, float* pixels, int64_t pixel_stride);

  // Adds the differences from `about` and their squares to lists of `period`.
  void (*norm_moments)(const float* x, int64_t floats, int64_t period,
                       const float* about, float* sums, float* squares);
  void (*norm_values)(const NormRun&, float* y);
  // With g the gradient at z: adds g and g * (x - mean) to lists of `period`.
  void (*norm_sums)(const NormRun&, const float* dy, float* sums,
                    float* products);
  // dx = scale * g - base - (x - mean) * factor; dx may be dy.
  void (*norm_gradient)(const NormRun&, const float* dy, const float* base,
                        const float* factor, float* dx);

  // The like of input_points and output_pixels for large tiles.
  void (*large_input_points)(const float* map, const Square&, float* out,
                             int64_t point_stride);
  void (*large_output_pixels)(const float* points, int64_t point_stride,
                              const Epilogue&, float* map, const Square&);
  // One row of the points of a kernel's panel: taps are [channel][9][columns],
  // point p of the row is at points + p * point_stride, [channel][columns].
  void (*large_kernel_points)(const float* taps, int64_t channels, int row,
                              float* points, int64_t point_stride);

  // The like of input_points, output_pixels and kernel_points for small tiles.
  void (*small_input_points)(const float* map, const Square&, float* out,
                             int64_t point_stride);
  void (*small_output_pixels)(const float* points, int64_t point_stride, int m,
                              const Epilogue&, float* map, const Square&);
  void (*small_kernel_points)(const float* kernel, int64_t tap_stride, int r,
                              int64_t out, float* points, int64_t point_stride);
};

// The tables. A pointer is null where this build lacks the instructions; that
// the processor has them is for the caller to know.
const Vectors* GenericVectors();
const Vectors* Avx2Vectors();
const Vectors* Avx512Vectors();

// The table in use: the best that the processor has, or the one that the
// environment variable PRIORITYCUT_KERNELS names (generic, avx2, avx512), as
// far as the processor has it. It is read once.
const Vectors& ChosenVectors();

// The table of that name, or null where processor or build lack it.
const Vectors* VectorsNamed(const char* name);

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_VECTOR_H_
