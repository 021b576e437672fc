// The gradient at kernels of 5 to 8 pixels as four of 4 x 4 by Winograd's
// algorithm: the gradients of a tile of 4 x 4 outputs take the place of a
// quarter's kernel, and the quarter's that of the outputs. The tile of output
// (i, j) meets square (i + a, j + b) for quarter (a, b), so squares and tiles
// are transformed once for all four.

#include <algorithm>
#include <atomic>

#include "kernels/methods.h"
#include "kernels/winograd_tiles.h"

namespace prioritycut {
namespace kernels {
namespace {

constexpr int kSide = 4;  // of a quarter and of a tile's outputs
constexpr int kQuarters = 4;
constexpr int kPixels = kSide * kSide;
// Floats of points that are transformed before they are multiplied: they and
// the sums share the second-level cache.
constexpr int64_t kBand = 192 * 1024;

// The points of squares or tiles of one map, [point][row][column][channels].
struct Operand {
  Layout layout;  // of its squares
  Side map;
  int side;  // of a square
  int64_t channels;
  int64_t row;        // stride of squares, whole vectors
  int64_t point = 0;  // stride of points
  float* data = nullptr;

  int64_t line() const { return layout.tile_columns * row; }
};

class QuartersBackward {
 public:
  QuartersBackward(const ConvShape& s, const float* x, const float* dy,
                   const Vectors& v)
      : s_(s),
        v_(v),
        x_(x),
        dy_(dy),
        rows_((s.OutHeight() + kSide - 1) / kSide),
        columns_((s.OutWidth() + kSide - 1) / kSide),
        turned_(QuartersTurned(s, v)) {
    squares_ = OperandOf(1, kQuarterTile, s.height, s.width, s.in, -s.before);
    tiles_ = OperandOf(0, kSide, s.OutHeight(), s.OutWidth(), s.out, 0);
    const int64_t of_row =
        kQuarterPoints * std::max<int64_t>(squares_.line() + tiles_.line(), 1);
    const int64_t bands =
        (rows_ * of_row + squares_.line() + kBand - 1) / kBand;
    band_ = (rows_ + bands - 1) / bands;
    squares_.point = OddLines((band_ + 1) * squares_.line());
    tiles_.point = OddLines(band_ * tiles_.line());
    sums_ = OddLines(kQuarters * Rows().channels * Columns().row);
  }

  bool Run(float* dkernel, Runtime& runtime) {
    squares_.data = runtime.Scratch(kQuarterPoints * squares_.point);
    tiles_.data = runtime.Scratch(kQuarterPoints * tiles_.point);
    float* sums = runtime.Scratch(kQuarterPoints * sums_);
    if (squares_.data == nullptr || tiles_.data == nullptr || sums == nullptr) {
      return false;
    }
    for (int64_t image = 0; image < s_.batch; ++image) {
      for (int64_t row = 0; row < rows_; row += band_) {
        const int64_t rows = std::min(band_, rows_ - row);
        Transform(image, row, rows, runtime);
        Multiply(rows, image > 0 || row > 0, sums, runtime);
      }
    }
    return Write(sums, dkernel, runtime);
  }

 private:
  Operand OperandOf(int more, int side, int64_t height, int64_t width,
                    int64_t channels, int origin) const {
    Operand o;
    o.layout.m = kSide;
    o.layout.tile_rows = rows_ + more;
    o.layout.tile_columns = columns_ + more;
    o.map = {
        height, width, 0, channels, width * channels, height * width * channels,
        origin, origin};
    o.side = side;
    o.channels = channels;
    o.row = RoundUp(channels, v_.lanes);
    return o;
  }

  // Whose channels are the rows of the products, and whose the columns.
  const Operand& Rows() const { return turned_ ? tiles_ : squares_; }
  const Operand& Columns() const { return turned_ ? squares_ : tiles_; }

  // The points of so many rows of tiles, and of the squares under them.
  void Transform(int64_t image, int64_t row, int64_t rows,
                 Runtime& runtime) const {
    const int64_t cost = kQuarterPoints * (squares_.line() + tiles_.line());
    runtime.Run(rows + 1, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Read(v_.quarter_points, x_, squares_, image, row, i);
        if (i == rows) continue;
        Read(v_.quarter_gradient_points, dy_, tiles_, image, row, i);
      }
    });
  }

  void Read(void (*points)(const float*, const Square&, float*, int64_t),
            const float* map, const Operand& o, int64_t image, int64_t row,
            int64_t i) const {
    const Layout& l = o.layout;
    const int64_t first = (image * l.tile_rows + row + i) * l.tile_columns;
    for (int64_t t = 0; t < l.tile_columns; ++t) {
      points(map, SquareOf(l, o.map, first + t, o.side, 0, o.channels),
             o.data + i * o.line() + t * o.row, o.point);
    }
  }

  // Sums are [point][quarter][row's channel][column's].
  void Multiply(int64_t rows, bool add, float* sums, Runtime& runtime) const {
    const Operand &a = Rows(), &b = Columns();
    const int64_t steps = (a.channels + v_.rows - 1) / v_.rows;
    const int64_t cost = rows * columns_ * a.channels * b.row / v_.lanes;
    runtime.Run(
        kQuarterPoints * kQuarters, cost, [&](int64_t begin, int64_t end) {
          Product p = {};
          p.outer = rows;
          p.k = columns_;
          p.lda = a.row;
          p.a_outer = a.line();
          p.ldb = b.row;
          p.b_outer = b.line();
          p.ldc = b.row;
          p.add = add;
          for (int64_t i = begin; i < end; ++i) {
            const int64_t q = i % kQuarters;
            const int64_t square =
                q / 2 * squares_.line() + q % 2 * squares_.row;
            const float* from_a = a.data + i / kQuarters * a.point;
            const float* from_b = b.data + i / kQuarters * b.point;
            (turned_ ? from_b : from_a) += square;
            float* to = sums + i / kQuarters * sums_ + q * a.channels * b.row;
            for (int64_t n = 0; n < b.row; n += v_.columns) {
              p.b = from_b + n;
              p.cols =
                  static_cast<int>(std::min<int64_t>(b.row - n, v_.columns));
              for (int64_t step = 0; step < steps; ++step) {
                const int64_t c = step * a.channels / steps;
                p.rows = static_cast<int>((step + 1) * a.channels / steps - c);
                p.a = from_a + c;
                p.c = to + c * b.row + n;
                v_.product_transposed(p);
              }
            }
          }
        });
  }

  // False where there is no memory.
  bool Write(const float* sums, float* dkernel, Runtime& runtime) const {
    const int64_t count = Rows().channels, row = Columns().row;
    std::atomic<bool> enough{true};
    runtime.Run(count, kQuarters * kQuarterPoints * row,
                [&](int64_t begin, int64_t end) {
                  float* taps = ThreadScratch(kPixels * row);
                  if (taps == nullptr) {
                    enough = false;
                    return;
                  }
                  for (int64_t c = begin; c < end; ++c) {
                    for (int64_t q = 0; q < kQuarters; ++q) {
                      v_.quarter_pixels(sums + (q * count + c) * row, sums_,
                                        row, taps, row);
                      WriteTaps(q, c, taps, dkernel);
                    }
                  }
                });
    return enough;
  }

  // The taps of a quarter for channel c of the rows.
  void WriteTaps(int64_t q, int64_t c, const float* taps,
                 float* dkernel) const {
    const int64_t in = turned_ ? 1 : s_.out, out = turned_ ? s_.out : 1;
    for (int t = 0; t < kPixels; ++t, taps += Columns().row) {
      const int64_t i = q / 2 * kSide + t / kSide;
      const int64_t j = q % 2 * kSide + t % kSide;
      if (i >= s_.kernel || j >= s_.kernel) continue;
      float* to = dkernel + (i * s_.kernel + j) * s_.in * s_.out + c * in;
      for (int64_t k = 0; k < Columns().channels; ++k) to[k * out] = taps[k];
    }
  }

  const ConvShape& s_;
  const Vectors& v_;
  const float* x_;
  const float* dy_;
  const int64_t rows_, columns_;  // of tiles; of squares one more
  const bool turned_;
  int64_t band_;  // rows of tiles at once
  Operand squares_, tiles_;
  int64_t sums_;  // stride of points there
};

}  // namespace

bool QuartersTurned(const ConvShape& s, const Vectors& v) {
  return s.out * RoundUp(s.in, v.lanes) < s.in * RoundUp(s.out, v.lanes);
}

bool QuartersKernelGradient(const ConvShape& s, const float* x, const float* dy,
                            float* dkernel, const Vectors& v,
                            Runtime& runtime) {
  return QuartersBackward(s, x, dy, v).Run(dkernel, runtime);
}

}  // namespace kernels
}  // namespace prioritycut
