// Kernels of 5 to 8 pixels as four of 4 x 4 by Winograd's algorithm, forward
// and for the gradient at the input: quarter (a, b) has the taps from (4 a,
// 4 b) on. Tiles of 4 x 4 outputs lie as far apart as the quarters, so one
// square of 7 x 7 pixels serves all four: its 49 points are multiplied by the
// kernels of the quarters side by side, which fills the vectors even where
// there are few outputs, and the tile of output (i, j) is the sum of quarter
// (a, b) of square (i + a, j + b).

#include <algorithm>
#include <atomic>

#include "kernels/methods.h"
#include "kernels/quarter_points.h"
#include "kernels/winograd_tiles.h"

namespace prioritycut {
namespace kernels {
namespace {

constexpr int kSide = 4;  // of a quarter and of a tile's outputs
constexpr int kQuarters = 4;
constexpr int kPixels = kSide * kSide;
// Floats of points in a block of squares: they and the kernel share the
// second-level cache.
int64_t BlockOf(const Vectors& v) {
  return (SmallCache(v) ? 20 : 64) * int64_t{1024};
}
// Outputs of a kernel that are packed at once: as many as every set of
// instructions divides a panel by.
constexpr int kPack = 8;

int64_t TileCount(int64_t side) { return (side + kSide - 1) / kSide; }

// The points of a quarter's four taps in one direction, [7][4]: the transpose
// of QuarterOutput, divided by the product of a point's distances from the
// others.
struct KernelTransform {
  double g[kQuarterTile][kSide] = {};

  KernelTransform() {
    for (int pair = 0; pair < 3; ++pair) {
      const double at = kQuarterAt[pair], square = at * at;
      // (a^2 - b^2) (a^2 - c^2)
      const double others =
          square * square - QuarterSum(pair) * square + QuarterProduct(pair);
      double power = 1 / (2 * at * others);
      for (int j = 0; j < kSide; ++j, power *= at) {
        g[2 * pair][j] = power;
        g[2 * pair + 1][j] = j % 2 == 0 ? power : -power;
      }
    }
    g[kQuarterTile - 1][kSide - 1] = 1;
  }
};

class Quarters {
 public:
  Quarters(const ConvShape& s, const Vectors& v)
      : s_(s),
        v_(v),
        rows_(TileCount(s.OutHeight())),
        columns_(TileCount(s.OutWidth())),
        width_(RoundUp(kQuarters * s.out, v.lanes)),
        panels_((width_ + v.columns - 1) / v.columns) {
    layout_.m = kSide;
    layout_.tile_rows = rows_ + 1;
    layout_.tile_columns = columns_ + 1;
    map_ = {s.height,  s.width,        0,
            s.in,      s.width * s.in, s.height * s.width * s.in,
            -s.before, -s.before};
  }

  // [panel][49][in][columns], where outputs lie quarter by quarter.
  int64_t PackedFloats() const {
    return panels_ * kQuarterPoints * s_.in * v_.columns;
  }

  void Pack(const float* kernel, float* packed, Runtime& runtime) const {
    const KernelTransform transform;
    const int64_t cost = panels_ * v_.columns * kQuarterPoints * 8;
    runtime.Run(s_.in, cost, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        for (int64_t n = 0; n < panels_; ++n) {
          float* to =
              packed + n * kQuarterPoints * PointFloats() + c * v_.columns;
          for (int from = 0; from < v_.columns; from += kPack) {
            PackSome(transform, kernel, c, n * v_.columns + from, to + from);
          }
        }
      }
    });
  }

  bool Run(const float* x, const float* packed, const Epilogue& epilogue,
           float* y, Runtime& runtime) const {
    // A band makes one row of squares that the next one makes again.
    constexpr int64_t kRowsOfBand = 16;
    const int64_t bands = std::min(
        rows_, std::clamp<int64_t>(rows_ / kRowsOfBand, runtime.Threads(),
                                   int64_t{2} * runtime.Threads()));
    const int64_t cost = kQuarterPoints * s_.in * width_ / v_.lanes *
                         (rows_ / bands + 1) * (columns_ + 1);
    std::atomic<bool> enough{true};
    runtime.Run(s_.batch * bands, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t b = i % bands;
        if (!Band(i / bands, b * rows_ / bands, (b + 1) * rows_ / bands, x,
                  packed, epilogue, y)) {
          enough = false;
        }
      }
    });
    return enough;
  }

 private:
  int64_t PointFloats() const { return s_.in * v_.columns; }
  // Floats of the pixels that one row of squares gives.
  int64_t LineFloats() const { return (columns_ + 1) * kPixels * width_; }

  // The taps of input c for outputs [first, first + kPack) of the quarters side
  // by side, zeros where there are none.
  void ReadTaps(const float* kernel, int64_t c, int64_t first,
                double taps[kPixels][kPack]) const {
    for (int i = 0; i < kPack; ++i) {
      const int64_t quarter = (first + i) / s_.out, o = (first + i) % s_.out;
      for (int t = 0; t < kPixels; ++t) {
        const int64_t row = quarter / 2 * kSide + t / kSide;
        const int64_t column = quarter % 2 * kSide + t % kSide;
        const bool there =
            quarter < kQuarters && row < s_.kernel && column < s_.kernel;
        const int64_t tap = row * s_.kernel + column;
        taps[t][i] = there ? kernel[(tap * s_.in + c) * s_.out + o] : 0.0;
      }
    }
  }

  // The points of what ReadTaps reads.
  void PackSome(const KernelTransform& transform, const float* kernel,
                int64_t c, int64_t first, float* to) const {
    double taps[kPixels][kPack];
    ReadTaps(kernel, c, first, taps);
    for (int p = 0; p < kQuarterTile; ++p) {
      const double* g = transform.g[p];
      double row[kSide][kPack];
      for (int j = 0; j < kSide; ++j) {
        for (int i = 0; i < kPack; ++i) {
          row[j][i] = g[0] * taps[j][i] + g[1] * taps[kSide + j][i] +
                      g[2] * taps[2 * kSide + j][i] +
                      g[3] * taps[3 * kSide + j][i];
        }
      }
      for (int q = 0; q < kQuarterTile; ++q, to += PointFloats()) {
        const double* h = transform.g[q];
        for (int i = 0; i < kPack; ++i) {
          to[i] = static_cast<float>(h[0] * row[0][i] + h[1] * row[1][i] +
                                     h[2] * row[2][i] + h[3] * row[3][i]);
        }
      }
    }
  }

  // Rows [begin, end) of an image's tiles, which take one more of squares.
  bool Band(int64_t image, int64_t begin, int64_t end, const float* x,
            const float* packed, const Epilogue& epilogue, float* y) const {
    const int64_t row = OddLines(s_.in);
    const int64_t most = std::max<int64_t>(
        RoundUp(BlockOf(v_) / (kQuarterPoints * row), v_.rows), v_.rows);
    const int64_t blocks = (columns_ + most) / most;
    const int64_t block = (columns_ + blocks) / blocks;
    const int64_t point = OddLines(block * row);
    Points sums(block, std::min<int64_t>(width_, v_.columns));
    const int64_t sum_floats = sums.point * kQuarterPoints;
    float* in =
        ThreadScratch(kQuarterPoints * point + sum_floats + 2 * LineFloats());
    if (in == nullptr) return false;
    sums.data = in + kQuarterPoints * point;
    float* lines[] = {sums.data + sum_floats,
                      sums.data + sum_floats + LineFloats()};
    for (int64_t i = begin; i <= end; ++i) {
      const int64_t first = (image * (rows_ + 1) + i) * (columns_ + 1);
      for (int64_t j = 0; j <= columns_; j += block) {
        const int64_t squares = std::min(block, columns_ + 1 - j);
        for (int64_t t = 0; t < squares; ++t) {
          v_.quarter_points(
              x, SquareOf(layout_, map_, first + j + t, kQuarterTile, 0, s_.in),
              in + t * row, point);
        }
        Multiply(in, row, point, packed, squares, sums,
                 lines[i % 2] + j * kPixels * width_);
      }
      if (i == begin) continue;
      WriteTiles(image, i - 1, lines[(i - 1) % 2], lines[i % 2], epilogue, y);
    }
    return true;
  }

  // The pixels of some squares, [square][16][width], from their points.
  void Multiply(const float* in, int64_t row, int64_t point,
                const float* packed, int64_t squares, const Points& sums,
                float* pixels) const {
    Product product = {};
    product.lda = row;
    product.ldb = v_.columns;
    product.ldc = sums.row;
    product.outer = 1;
    product.k = s_.in;
    const int64_t steps = (squares + v_.rows - 1) / v_.rows;
    for (int64_t n = 0; n < panels_; ++n) {
      const int64_t from = n * v_.columns;
      product.cols =
          static_cast<int>(std::min<int64_t>(width_ - from, v_.columns));
      for (int p = 0; p < kQuarterPoints; ++p) {
        product.b = packed + (n * kQuarterPoints + p) * PointFloats();
        for (int64_t i = 0; i < steps; ++i) {
          const int64_t t = i * squares / steps;
          product.rows = static_cast<int>((i + 1) * squares / steps - t);
          product.a = in + p * point + t * row;
          product.c = sums.data + p * sums.point + t * sums.row;
          v_.product(product);
        }
      }
      for (int64_t t = 0; t < squares; ++t) {
        v_.quarter_pixels(sums.data + t * sums.row, sums.point, product.cols,
                          pixels + t * kPixels * width_ + from, width_);
      }
    }
  }

  // A row of output tiles from the row of squares that it shares with the tiles
  // above, and the next one.
  void WriteTiles(int64_t image, int64_t tile_row, const float* upper,
                  const float* lower, const Epilogue& e, float* y) const {
    const int64_t height = s_.OutHeight(), width = s_.OutWidth(), out = s_.out;
    const int64_t first = tile_row * kSide;
    for (int64_t i = first; i < std::min(first + kSide, height); ++i) {
      float* to = y + (image * height + i) * width * out;
      for (int64_t j = 0; j < width; ++j, to += out) {
        // Of this square and the one to its right.
        const int64_t pixel = (i - first) * kSide + j % kSide;
        const int64_t at = (j / kSide * kPixels + pixel) * width_;
        const int64_t right = at + kPixels * width_;
        for (int64_t o = 0; o < out; ++o) {
          float z = upper[at + o] + upper[right + out + o] +
                    (lower[at + 2 * out + o] + lower[right + 3 * out + o]);
          if (e.scale != nullptr) z *= e.scale[o];
          if (e.shift != nullptr) z += e.shift[o];
          to[o] = e.relu && z < 0 ? 0 : z;
        }
      }
    }
  }

  const ConvShape& s_;
  const Vectors& v_;
  const int64_t rows_, columns_;  // of output tiles; of squares one more
  const int64_t width_;           // of the quarters' outputs side by side
  const int64_t panels_;
  Layout layout_;
  Side map_;
};

}  // namespace

bool QuartersServe(const ConvShape& s) {
  return !s.upsample && s.kernel > kSide && s.kernel <= 2 * kSide;
}

int64_t QuartersPackedFloats(const ConvShape& s, const Vectors& v) {
  return Quarters(s, v).PackedFloats();
}

void QuartersPack(const ConvShape& s, const float* kernel, float* packed,
                  const Vectors& v, Runtime& runtime) {
  Quarters(s, v).Pack(kernel, packed, runtime);
}

bool QuartersRun(const ConvShape& s, const float* x, const float* packed,
                 const Epilogue& epilogue, float* y, const Vectors& v,
                 Runtime& runtime) {
  return Quarters(s, v).Run(x, packed, epilogue, y, runtime);
}

}  // namespace kernels
}  // namespace prioritycut
