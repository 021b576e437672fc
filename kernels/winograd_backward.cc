// Winograd's algorithm for the gradient at the kernel: at each point the
// product of the inputs' points with those of the outputs' gradients, over all
// tiles.

#include <algorithm>
#include <atomic>

#include "kernels/methods.h"
#include "kernels/winograd_tiles.h"

namespace prioritycut {
namespace kernels {
namespace {

// Points of more floats than this are made in chunks of tiles, unless their
// sums would have to be read too often.
constexpr int64_t kMostPoints = 1 << 18;
// Input channels whose sums at all points stay in the second-level cache, and
// whose points at one of them in the first.
constexpr int64_t kRows = 48;

class Backward {
 public:
  Backward(const ConvShape& shape, const Layout& layout, const Vectors& v,
           const float* x, const float* dy)
      : upsample_(shape.upsample),
        l_(layout),
        v_(v),
        x_(x),
        dy_(dy),
        panels_(layout.Panels(v)),
        phases_(layout.outputs.size()),
        chunk_(ChunkOf()),
        in_(chunk_, layout.in),
        panel_(chunk_ * v.columns),
        point_(OddLines(panels_ * panel_)),
        sums_(OddLines(kRows * v.columns)) {}

  bool Run(float* dkernel, Runtime& runtime) {
    in_.data = runtime.Scratch(in_.side);
    gradients_ = runtime.Scratch(phases_ * kPoints * point_);
    if (in_.data == nullptr || gradients_ == nullptr) return false;
    // Sums of more chunks than one wait in memory for the next.
    if (chunk_ < l_.tiles) {
      kept_ = runtime.Scratch(Units() * SumsFloats());
      if (kept_ == nullptr) return false;
    }
    for (int64_t first = 0; first < l_.tiles; first += chunk_) {
      const int64_t tiles = std::min(chunk_, l_.tiles - first);
      Transform(first, tiles, runtime);
      if (kept_ != nullptr) AccumulateChunk(tiles, first > 0, runtime);
    }
    return WriteUnits(dkernel, runtime);
  }

 private:
  // A unit is a panel of outputs and kRows channels of inputs.
  int64_t Parts() const { return (l_.in + kRows - 1) / kRows; }
  int64_t Units() const { return panels_ * Parts(); }
  int64_t SumsFloats() const { return phases_ * kPoints * sums_; }
  int64_t TapsFloats() const {
    return upsample_ ? phases_ * l_.r * l_.r * v_.columns : 0;
  }

  int64_t ChunkOf() const {
    // Points of a few tiles stay in cache, but each chunk reads and writes the
    // sums, which had better be fewer. Where little of either stays, so many
    // points were quickest with 150,000 sums and with 2 million of them.
    const int64_t columns = panels_ * v_.columns;
    const int64_t of_tile = kPoints * (l_.in + phases_ * columns);
    const int64_t sums = kPoints * phases_ * l_.in * columns;
    if (l_.tiles * of_tile <= std::max(kMostPoints, sums)) return l_.tiles;
    int64_t floats = std::clamp<int64_t>(2 * sums, kMostPoints, 1 << 22);
    if (SmallCache(v_)) floats = 1 << 19;
    const int64_t chunk = std::max<int64_t>(floats / of_tile, 64);
    const int64_t chunks = (l_.tiles + chunk - 1) / chunk;
    return (l_.tiles + chunks - 1) / chunks;
  }

  void Transform(int64_t first, int64_t tiles, Runtime& runtime) const {
    runtime.Run(
        tiles, kPoints * (l_.in + l_.out), [&](int64_t begin, int64_t end) {
          for (int64_t t = begin; t < end; ++t) {
            v_.input_points(
                x_, SquareOf(l_, l_.inputs[0], first + t, kTile, 0, l_.in),
                in_.data + t * in_.row, in_.point);
            for (int64_t o = 0; o < phases_; ++o) {
              v_.gradient_points(
                  dy_, SquareOf(l_, l_.outputs[o], first + t, l_.m, 0, l_.out),
                  l_.m, gradients_ + o * kPoints * point_ + t * v_.columns,
                  point_, panel_);
            }
          }
        });
  }

  // Adds a chunk to the sums that are kept, point by point: one point of all
  // maps and its sums are in cache together, so that memory reads and writes
  // each of them once a chunk.
  void AccumulateChunk(int64_t tiles, bool add, Runtime& runtime) const {
    const int64_t parts = Parts(), total = phases_ * kPoints * parts;
    const int64_t cost = tiles * kRows * l_.out / v_.columns;
    runtime.Run(total, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t n = 0; n < panels_; ++n) {
          const int64_t unit = n * parts + i % parts;
          Accumulate(unit, i / parts, tiles, add, kept_ + unit * SumsFloats());
        }
      }
    });
  }

  // The kernel from sums that are kept, or that are made here of all tiles.
  bool WriteUnits(float* dkernel, Runtime& runtime) const {
    std::atomic<bool> enough{true};
    const int64_t tiles = kept_ == nullptr ? l_.tiles : kPoints;
    const int64_t cost = kPoints * phases_ * tiles * kRows;
    runtime.Run(Units(), cost, [&](int64_t begin, int64_t end) {
      const int64_t own = kept_ == nullptr ? SumsFloats() : 0;
      float* memory = ThreadScratch(own + TapsFloats() + 1);
      if (memory == nullptr) {
        enough = false;
        return;
      }
      for (int64_t i = begin; i < end; ++i) {
        float* sums = memory;
        if (kept_ != nullptr) {
          sums = kept_ + i * SumsFloats();
        } else {
          for (int64_t p = 0; p < phases_ * kPoints; ++p) {
            Accumulate(i, p, tiles, false, sums);
          }
        }
        Write(i, sums, memory + own, dkernel);
      }
    });
    return enough;
  }

  // One point of a unit's sums, which are [phase][36][channel][columns].
  void Accumulate(int64_t unit, int64_t p, int64_t tiles, bool add,
                  float* sums) const {
    const int64_t n = unit / Parts(), from = unit % Parts() * kRows;
    const int64_t rows = std::min(kRows, l_.in - from);
    const int64_t steps = (rows + v_.rows - 1) / v_.rows;
    Product product = {};
    product.lda = in_.row;
    product.ldb = v_.columns;
    product.outer = 1;
    product.k = tiles;
    product.ldc = v_.columns;
    // Whole vectors of the panel that hold outputs.
    product.cols = static_cast<int>(std::min<int64_t>(
        RoundUp(l_.out - n * v_.columns, v_.lanes), v_.columns));
    product.add = add;
    product.b = gradients_ + p * point_ + n * panel_;
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t row = i * rows / steps;
      product.rows = static_cast<int>((i + 1) * rows / steps - row);
      product.a = in_.data + p % kPoints * in_.point + from + row;
      product.c = sums + p * sums_ + row * v_.columns;
      v_.product_transposed(product);
    }
  }

  void Write(int64_t unit, const float* sums, float* taps,
             float* dkernel) const {
    const int64_t n = unit / Parts(), from = unit % Parts() * kRows;
    const int64_t rows = std::min(kRows, l_.in - from);
    const int64_t columns =
        std::min<int64_t>(l_.out - n * v_.columns, v_.columns);
    const int64_t tap = l_.in * l_.out;
    for (int64_t c = 0; c < rows; ++c) {
      float* to = dkernel + (from + c) * l_.out + n * v_.columns;
      if (!upsample_) {
        v_.kernel_gradient(sums + c * v_.columns, sums_, l_.r, columns, to,
                           tap);
        continue;
      }
      for (int64_t p = 0; p < phases_; ++p) {
        v_.kernel_gradient(sums + p * kPoints * sums_ + c * v_.columns, sums_,
                           l_.r, columns, taps + p * 4 * v_.columns,
                           v_.columns);
      }
      AddPhases(taps, columns, to, tap);
    }
  }

  // Each tap of the 3 x 3 kernel serves one tap of every phase.
  void AddPhases(const float* taps, int64_t columns, float* to,
                 int64_t tap) const {
    for (int t = 0; t < 9; ++t) {
      const float* from[4];
      for (int p = 0; p < 4; ++p) {
        from[p] = taps + (p * 4 + TapOfPhase(p, t / 3, t % 3)) * v_.columns;
      }
      for (int64_t i = 0; i < columns; ++i) {
        to[t * tap + i] = from[0][i] + from[1][i] + from[2][i] + from[3][i];
      }
    }
  }

  const bool upsample_;
  const Layout& l_;
  const Vectors& v_;
  const float* x_;
  const float* dy_;
  const int64_t panels_, phases_;
  const int64_t chunk_;  // tiles transformed at once
  Points in_;
  const int64_t panel_, point_;  // strides of gradients_
  const int64_t sums_;           // stride of points there
  float* gradients_ = nullptr;   // [phase][36][panel][tile][columns]
  float* kept_ = nullptr;
};

}  // namespace

bool WinogradKernelGradient(const ConvShape& shape, const float* x,
                            const float* dy, float* dkernel, const Vectors& v,
                            Runtime& runtime) {
  const Layout l = LayoutOf(shape, false);
  return Backward(shape, l, v, x, dy).Run(dkernel, runtime);
}

}  // namespace kernels
}  // namespace prioritycut
