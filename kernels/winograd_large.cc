// Winograd's algorithm in large tiles, forward: 100 points for 8 x 8 outputs of
// a kernel of 3 x 3, 0.17 of the products of direct sums where tiles of 6 x 6
// leave 0.25. They round more (winograd_points.h), and serve where no gradient
// is taken.
//
// A kernel has 11 times as many points as taps, which would come from memory
// at each call. So its taps rest, in panels, and the points of one panel and
// row are made when they are multiplied. They serve as many tiles as have their
// sums in the second-level cache.

#include <algorithm>
#include <atomic>

#include "kernels/methods.h"
#include "kernels/winograd_tiles.h"

namespace prioritycut {
namespace kernels {
namespace {

constexpr int64_t kTaps = 9;
// Outputs and tiles whose sums, 0.8 MB or half as much, are kept at once.
int64_t OutputsOf(const Vectors& v) { return SmallCache(v) ? 16 : 32; }
constexpr int64_t kShare = 64;
// Inputs whose part of a kernel's points, a row of them, is made at once.
constexpr int64_t kPart = 256;
// Products that are added up one by one. Sums of such sums round less, and
// large tiles enlarge what is rounded away.
constexpr int64_t kRun = 64;

class Large {
 public:
  Large(const Layout& layout, const Vectors& v, const float* x,
        const float* packed, const Epilogue& epilogue, float* y)
      : l_(layout),
        v_(v),
        panels_(layout.Panels(v)),
        of_unit_(std::max<int64_t>(OutputsOf(v) / v.columns, 1)),
        units_((panels_ + of_unit_ - 1) / of_unit_),
        point_(OddLines(layout.in)),
        tile_(OddLines(kLargePoints * point_)),
        sums_point_(of_unit_ * v.columns),
        sums_tile_(OddLines(kLargePoints * sums_point_)),
        kernel_point_(OddLines(std::min(kPart, layout.in) * v.columns)),
        x_(x),
        packed_(packed),
        epilogue_(epilogue),
        y_(y) {}

  bool Run(Runtime& runtime) const {
    const int64_t wanted = 2 * runtime.Threads();
    const int64_t shares =
        std::clamp<int64_t>((wanted + units_ - 1) / units_, 1, l_.tiles);
    // In chunks, so that their points stay in the last cache.
    int64_t chunk = kShare * shares;
    const int64_t chunks = (l_.tiles + chunk - 1) / chunk;
    chunk = (l_.tiles + chunks - 1) / chunks;
    float* points = runtime.Scratch(chunk * tile_);
    if (points == nullptr) return false;
    for (int64_t first = 0; first < l_.tiles; first += chunk) {
      const int64_t tiles = std::min(chunk, l_.tiles - first);
      runtime.Run(tiles, kLargePoints * l_.in, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t) {
          v_.large_input_points(
              x_, SquareOf(l_, l_.inputs[0], first + t, kLargeTile, 0, l_.in),
              points + t * tile_, point_);
        }
      });
      if (!Multiply(first, tiles, std::min(shares, tiles), points, runtime)) {
        return false;
      }
    }
    return true;
  }

 private:
  // Outputs of a chunk, from its points.
  bool Multiply(int64_t first, int64_t tiles, int64_t shares,
                const float* points, Runtime& runtime) const {
    std::atomic<bool> enough{true};
    const int64_t most = (tiles + shares - 1) / shares;
    const int64_t cost = most * kLargePoints * l_.in * of_unit_ + 1;
    runtime.Run(units_ * shares, cost, [&](int64_t begin, int64_t end) {
      const int64_t of_kernel = of_unit_ * kLargeTile * kernel_point_;
      float* kernel = ThreadScratch(of_kernel + most * sums_tile_);
      if (kernel == nullptr) {
        enough = false;
        return;
      }
      float* sums = kernel + of_kernel;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t share = i % shares, panel = i / shares * of_unit_;
        const int64_t from = share * tiles / shares;
        const int64_t to = (share + 1) * tiles / shares;
        Sum(panel, points + from * tile_, to - from, kernel, sums);
        Write(panel, first + from, first + to, sums);
      }
    });
    return enough;
  }

  int64_t Last(int64_t panel) const {
    return std::min(panel + of_unit_, panels_);
  }

  // Sums of some panels, [tile][point][of_unit_ * columns].
  void Sum(int64_t panel, const float* in, int64_t tiles, float* kernel,
           float* sums) const {
    for (int64_t from = 0; from < l_.in; from += kPart) {
      const int64_t channels = std::min(kPart, l_.in - from);
      for (int row = 0; row < kLargeTile; ++row) {
        for (int64_t n = panel; n < Last(panel); ++n) {
          v_.large_kernel_points(
              packed_ + (n * l_.in + from) * kTaps * v_.columns, channels, row,
              kernel + (n - panel) * kLargeTile * kernel_point_, kernel_point_);
        }
        for (int j = 0; j < kLargeTile; ++j) {
          const int p = row * kLargeTile + j;
          Point(in + p * point_ + from, tiles, kernel + j * kernel_point_,
                Last(panel) - panel, from > 0, channels,
                sums + p * sums_point_);
        }
      }
    }
  }

  // The products at one point, added to sums or not. Rows are shared out
  // evenly, and come from the first-level cache for all panels but one.
  void Point(const float* in, int64_t tiles, const float* kernel,
             int64_t panels, bool add, int64_t channels, float* sums) const {
    Product product = {};
    product.lda = tile_;
    product.ldb = v_.columns;
    product.ldc = sums_tile_;
    product.cols = v_.columns;
    product.outer = 1;
    const int64_t steps = (tiles + v_.rows - 1) / v_.rows;
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t from = i * tiles / steps, to = (i + 1) * tiles / steps;
      product.rows = static_cast<int>(to - from);
      for (int64_t n = 0; n < panels; ++n) {
        product.c = sums + from * sums_tile_ + n * v_.columns;
        for (int64_t c = 0; c < channels; c += kRun) {
          if (c + kRun < channels) {
            AskForRows(in + from * tile_ + c + kRun, tile_, product.rows, kRun);
          } else if (to < tiles) {
            AskForRows(in + to * tile_, tile_, product.rows, kRun);
          }
          product.a = in + from * tile_ + c;
          product.b = kernel + n * kLargeTile * kernel_point_ + c * v_.columns;
          product.k = std::min(kRun, channels - c);
          product.add = add || c > 0;
          v_.product(product);
        }
      }
    }
  }

  void Write(int64_t panel, int64_t first, int64_t last,
             const float* sums) const {
    for (int64_t t = first; t < last; ++t, sums += sums_tile_) {
      for (int64_t n = panel; n < Last(panel); ++n) {
        const int64_t from = n * v_.columns;
        const int64_t channels = std::min<int64_t>(l_.out - from, v_.columns);
        const Epilogue epilogue = From(from, epilogue_);
        v_.large_output_pixels(
            sums + (n - panel) * v_.columns, sums_point_, epilogue, y_,
            SquareOf(l_, l_.outputs[0], t, kLargeOutputs, from, channels));
      }
    }
  }

  const Layout& l_;
  const Vectors& v_;
  const int64_t panels_, of_unit_, units_;  // of outputs; those of a unit
  const int64_t point_, tile_;              // strides of the input's points
  const int64_t sums_point_, sums_tile_;    // of sums
  const int64_t kernel_point_;              // of a kernel's points
  const float* x_;
  const float* packed_;
  const Epilogue& epilogue_;
  float* y_;
};

}  // namespace

bool LargeServes(const ConvShape& s) { return s.kernel == 3 && !s.upsample; }

int64_t LargePackedFloats(const ConvShape& s, const Vectors& v) {
  return RoundUp(s.out, v.columns) * s.in * kTaps;
}

void LargePack(const ConvShape& s, const float* kernel, float* packed,
               const Vectors& v, Runtime& runtime) {
  const int64_t panels = RoundUp(s.out, v.columns) / v.columns;
  const int64_t cost = kTaps * v.columns;
  runtime.Run(panels * s.in, cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / s.in * v.columns, c = i % s.in;
      const int64_t columns = std::min<int64_t>(s.out - first, v.columns);
      float* to = packed + i * kTaps * v.columns;
      for (int64_t t = 0; t < kTaps; ++t, to += v.columns) {
        const float* from = kernel + (t * s.in + c) * s.out + first;
        std::copy_n(from, columns, to);
        std::fill(to + columns, to + v.columns, 0.0f);
      }
    }
  });
}

bool LargeRun(const ConvShape& s, const float* x, const float* packed,
              const Epilogue& epilogue, float* y, const Vectors& v,
              Runtime& runtime) {
  const Layout l = LayoutOf(s, false, kLargeTile);
  return Large(l, v, x, packed, epilogue, y).Run(runtime);
}

}  // namespace kernels
}  // namespace prioritycut
