// The gradient of direct products at the kernel.

#include <algorithm>
#include <cstring>

#include "kernels/direct_rows.h"
#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {
namespace {

// The gradient at the kernel: pixels of x times gradients of the outputs, over
// all outputs, some rows at a time.
class DirectBackward {
 public:
  DirectBackward(const ConvShape& s, const float* x, const float* dy,
                 const Vectors& v)
      : s_(s),
        v_(v),
        rows_(s, x),
        dy_(dy),
        few_(s.out <= v.rows),
        depth_(rows_.outer() * rows_.run()) {
    const int64_t per_image = rows_.narrow() ? rows_.total() : s.OutHeight();
    const int64_t of_row =
        rows_.line() + rows_.width() * RoundUp(s.out, v.columns);
    height_ = std::clamp<int64_t>(2 * kBand / of_row, 1, per_image);
    height_ = EvenParts(per_image, height_);
  }

  bool Run(float* dkernel, Runtime& runtime) {
    const int64_t slack = rows_.run() + v_.columns + v_.rows;
    const int64_t floats = rows_.BandFloats(height_, slack);
    band_ = runtime.Scratch(floats);
    float* sums = dkernel;
    if (few_) {
      sums = runtime.Scratch(s_.out * depth_);
      panels_ = nullptr;
    } else {
      panel_ = height_ * rows_.width() * v_.columns;
      panels_ = runtime.Scratch(Panels() * panel_);
      if (panels_ == nullptr) return false;
    }
    if (band_ == nullptr || sums == nullptr) return false;
    std::fill(band_, band_ + floats, 0.0f);
    for (int64_t row = 0; row < rows_.total();) {
      const int64_t end = rows_.BandEnd(row, height_);
      Read(row, end, runtime);
      if (few_) {
        AccumulateFew(row, end, sums, runtime);
      } else {
        Accumulate(row, end, sums, runtime);
      }
      row = end;
    }
    if (few_) {
      for (int64_t k = 0; k < depth_; ++k) {
        for (int64_t o = 0; o < s_.out; ++o) {
          dkernel[k * s_.out + o] = sums[o * depth_ + k];
        }
      }
    }
    return true;
  }

 private:
  int64_t Panels() const { return RoundUp(s_.out, v_.columns) / v_.columns; }

  void Read(int64_t row, int64_t end, Runtime& runtime) const {
    // The band is one unit, each row of gradients another.
    const int64_t gradients = few_ ? 0 : end - row;
    runtime.Run(1 + gradients, rows_.line(), [&](int64_t begin, int64_t stop) {
      for (int64_t i = begin; i < stop; ++i) {
        if (i == 0) {
          rows_.Copy(row, end, band_);
        } else {
          ReadGradients(row, i - 1);
        }
      }
    });
  }

  void ReadGradients(int64_t row, int64_t i) const {
    const int64_t width = rows_.width();
    const float* from = dy_ + (row + i) * width * s_.out;
    for (int64_t n = 0; n < Panels(); ++n) {
      float* to = panels_ + n * panel_ + i * width * v_.columns;
      const int64_t c = n * v_.columns;
      const int64_t count = std::min<int64_t>(s_.out - c, v_.columns);
      for (int64_t j = 0; j < width; ++j, to += v_.columns) {
        std::memcpy(to, from + j * s_.out + c, count * sizeof(float));
        std::fill(to + count, to + v_.columns, 0.0f);
      }
    }
  }

  // Runs of pixels: lines of the map, or all of them where rows are narrow.
  void SetRuns(int64_t row, int64_t end, Product* p) const {
    p->outer = rows_.narrow() ? 1 : end - row;
    p->k = rows_.narrow() ? (end - row) * rows_.width() : rows_.width();
    p->add = row > 0;
  }

  void Accumulate(int64_t row, int64_t end, float* sums,
                  Runtime& runtime) const {
    const int64_t run = rows_.run();
    const int64_t steps = (run + v_.rows - 1) / v_.rows;
    const int64_t pixels = (end - row) * rows_.width();
    runtime.Run(
        rows_.outer() * steps, pixels * v_.rows * Panels(),
        [&](int64_t begin, int64_t stop) {
          Product p = {};
          SetRuns(row, end, &p);
          p.lda = rows_.pixel();
          p.a_outer = rows_.line();
          p.ldb = v_.columns;
          p.b_outer = rows_.width() * v_.columns;
          p.ldc = s_.out;
          for (int64_t i = begin; i < stop; ++i) {
            const int64_t t = i / steps, from = i % steps * run / steps;
            p.rows = static_cast<int>((i % steps + 1) * run / steps - from);
            p.a = band_ + t * rows_.outer_step() + from;
            for (int64_t n = 0; n < Panels(); ++n) {
              const int64_t c = n * v_.columns;
              p.b = panels_ + n * panel_;
              p.cols =
                  static_cast<int>(std::min<int64_t>(s_.out - c, v_.columns));
              p.c = sums + (t * run + from) * s_.out + c;
              v_.product_transposed(p);
            }
          }
        });
  }

  // With few outputs the sides change places: sums are [out][depth].
  void AccumulateFew(int64_t row, int64_t end, float* sums,
                     Runtime& runtime) const {
    const int64_t run = rows_.run();
    const int64_t panels = (run + v_.columns - 1) / v_.columns;
    const int64_t pixels = (end - row) * rows_.width();
    runtime.Run(
        rows_.outer() * panels, pixels * s_.out,
        [&](int64_t begin, int64_t stop) {
          Product p = {};
          SetRuns(row, end, &p);
          p.lda = s_.out;
          p.a_outer = rows_.width() * s_.out;
          p.ldb = rows_.pixel();
          p.b_outer = rows_.line();
          p.ldc = depth_;
          for (int64_t i = begin; i < stop; ++i) {
            const int64_t t = i / panels, n = i % panels * v_.columns;
            p.b = band_ + t * rows_.outer_step() + n;
            p.cols = static_cast<int>(std::min<int64_t>(run - n, v_.columns));
            for (int64_t o = 0; o < s_.out; o += v_.rows) {
              p.rows = static_cast<int>(std::min<int64_t>(s_.out - o, v_.rows));
              p.a = dy_ + row * rows_.width() * s_.out + o;
              p.c = sums + o * depth_ + t * run + n;
              v_.product_transposed(p);
            }
          }
        });
  }

  const ConvShape& s_;
  const Vectors& v_;
  const Rows rows_;
  const float* dy_;
  const bool few_;
  const int64_t depth_;  // products of an output
  int64_t height_;       // rows of outputs read at once
  float* band_ = nullptr;
  float* panels_ = nullptr;
  int64_t panel_ = 0;
};

}  // namespace

bool DirectKernelGradient(const ConvShape& s, const float* x, const float* dy,
                          float* dkernel, const Vectors& v, Runtime& runtime) {
  return DirectBackward(s, x, dy, v).Run(dkernel, runtime);
}

}  // namespace kernels
}  // namespace prioritycut
