// Convolutions as plain products. Rows of a map, with its zeros around it, are
// copied to a band in cache; there the pixels under one row of the kernel are
// neighbours, so a convolution is `kernel` products whose rows overlap.

#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {
namespace {

// Rows shorter than this are not worth a product each: all pixels under the
// kernel are copied for each output instead.
constexpr int64_t kNarrow = 8;
// Floats of a band.
constexpr int64_t kBand = 96 * 1024;

// A convolution's rows, counted over all images: row i of the outputs is row
// i % height of image i / height.
class Rows {
 public:
  Rows(const ConvShape& s, const float* x)
      : s_(s),
        x_(x),
        height_(s.OutHeight()),
        width_(s.OutWidth()),
        run_(s.kernel * s.in),
        narrow_(width_ < kNarrow) {
    padded_ = (width_ + s.kernel - 1) * s.in;
    window_ = OddLines(s.kernel * run_);
  }

  bool narrow() const { return narrow_; }
  int64_t total() const { return s_.batch * height_; }
  int64_t width() const { return width_; }
  // Stride of pixels, of the kernel's rows and of outputs' rows in a band.
  int64_t pixel() const { return narrow_ ? window_ : s_.in; }
  int64_t line() const { return narrow_ ? width_ * window_ : padded_; }
  // A sum is over outer() runs of run() values, which lie outer_step() apart.
  int64_t outer() const { return narrow_ ? 1 : s_.kernel; }
  int64_t run() const { return narrow_ ? s_.kernel * run_ : run_; }
  int64_t outer_step() const { return narrow_ ? 0 : padded_; }

  // Rows of outputs that fit into one band.
  int64_t BandRows() const {
    const int64_t extra = narrow_ ? 0 : s_.kernel - 1;
    return std::max<int64_t>(kBand / line() - extra, 1);
  }
  // Floats of a band for so many rows; vectors may read a little past the end.
  int64_t BandFloats(int64_t rows, int64_t slack) const {
    return (rows + (narrow_ ? 0 : s_.kernel - 1)) * line() + slack;
  }
  // The end of the band that begins at a row: bands end with their image,
  // unless they are narrow.
  int64_t BandEnd(int64_t row, int64_t rows) const {
    int64_t end = std::min(row + rows, total());
    if (!narrow_) end = std::min(end, (row / height_ + 1) * height_);
    return end;
  }

  void Copy(int64_t row, int64_t end, float* band) const {
    if (narrow_) {
      for (; row < end; ++row, band += line()) CopyWindows(row, band);
      return;
    }
    const int64_t image = row / height_, first = row % height_;
    const int64_t lines = end - row + s_.kernel - 1;
    for (int64_t i = 0; i < lines; ++i) {
      CopyLine(image, first + i - s_.before, -s_.before, padded_ / s_.in,
               band + i * padded_);
    }
  }

 private:
  // Pixels [column, column + count) of a line, zeros where there are none.
  void CopyLine(int64_t image, int64_t line, int64_t column, int64_t count,
                float* to) const {
    const int64_t c = s_.in, times = s_.upsample ? 2 : 1;
    if (line < 0 || line >= times * s_.height) {
      std::fill(to, to + count * c, 0.0f);
      return;
    }
    const float* from = x_ + (image * s_.height + line / times) * s_.width * c;
    const int64_t width = times * s_.width;
    const int64_t left = std::clamp<int64_t>(-column, 0, count);
    const int64_t end = std::clamp<int64_t>(width - column, left, count);
    std::fill(to, to + left * c, 0.0f);
    if (times == 1) {
      std::memcpy(to + left * c, from + (column + left) * c,
                  (end - left) * c * sizeof(float));
    } else {
      for (int64_t i = left; i < end; ++i) {
        std::memcpy(to + i * c, from + (column + i) / 2 * c, c * sizeof(float));
      }
    }
    std::fill(to + end * c, to + count * c, 0.0f);
  }

  void CopyWindows(int64_t row, float* to) const {
    const int64_t image = row / height_, first = row % height_;
    for (int64_t j = 0; j < width_; ++j, to += window_) {
      for (int a = 0; a < s_.kernel; ++a) {
        CopyLine(image, first + a - s_.before, j - s_.before, s_.kernel,
                 to + a * run_);
      }
      // Whole vectors read on behind the last value, against zeros: what is
      // left there from other work may be no number.
      std::fill(to + s_.kernel * run_, to + window_, 0.0f);
    }
  }

  const ConvShape& s_;
  const float* x_;
  const int64_t height_, width_, run_;
  const bool narrow_;
  int64_t padded_, window_;
};

// Divides total into parts of equal size, at most `most` each.
int64_t EvenParts(int64_t total, int64_t most) {
  const int64_t parts = (total + most - 1) / most;
  return (total + parts - 1) / parts;
}

// The products of one band with some panels of the kernel.
void MultiplyBand(const Rows& rows, const ConvShape& s, const float* band,
                  int64_t row, int64_t end, int64_t panel, int64_t panel_end,
                  const float* packed, const Epilogue& epilogue, float* y,
                  const Vectors& v) {
  const int64_t depth = int64_t{s.kernel} * s.kernel * s.in;
  // Narrow rows join, for all their pixels are alike.
  const int64_t lines = rows.narrow() ? 1 : end - row;
  const int64_t width =
      rows.narrow() ? (end - row) * rows.width() : rows.width();
  const int64_t steps = (width + v.rows - 1) / v.rows;
  Product p = {};
  p.lda = rows.pixel();
  p.a_outer = rows.outer_step();
  p.outer = rows.outer();
  p.k = rows.run();
  p.ldb = v.columns;
  p.b_outer = p.k * v.columns;
  p.ldc = s.out;
  p.epilogue.relu = epilogue.relu;
  for (int64_t n = panel; n < panel_end; ++n) {
    const int64_t c = n * v.columns;
    p.b = packed + n * depth * v.columns;
    p.cols = static_cast<int>(std::min<int64_t>(s.out - c, v.columns));
    if (epilogue.scale != nullptr) p.epilogue.scale = epilogue.scale + c;
    if (epilogue.shift != nullptr) p.epilogue.shift = epilogue.shift + c;
    for (int64_t i = 0; i < lines; ++i) {
      const int64_t pixel = (row + i) * rows.width();
      for (int64_t j = 0; j < steps; ++j) {
        const int64_t from = j * width / steps, to = (j + 1) * width / steps;
        p.rows = static_cast<int>(to - from);
        p.a = band + i * rows.line() + from * rows.pixel();
        p.c = y + (pixel + from) * s.out + c;
        v.product(p);
      }
    }
  }
}

void DotBand(const Rows& rows, const ConvShape& s, const float* band,
             int64_t row, int64_t end, const float* packed,
             const Epilogue& epilogue, float* y, const Vectors& v) {
  Dots d = {};
  d.pixel_stride = rows.pixel();
  d.x_outer = rows.outer_step();
  d.weights = packed;
  d.outer = rows.outer();
  d.k = RoundUp(rows.run(), v.lanes);
  d.ldy = s.out;
  d.pixels = rows.width();
  d.outputs = static_cast<int>(s.out);
  d.epilogue = epilogue;
  for (int64_t i = row; i < end; ++i) {
    d.x = band + (i - row) * rows.line();
    d.y = y + i * rows.width() * s.out;
    v.dots(d);
  }
}

}  // namespace

int64_t DirectPackedFloats(const ConvShape& s, bool few, const Vectors& v) {
  if (!few) {
    return int64_t{s.kernel} * s.kernel * s.in * RoundUp(s.out, v.columns);
  }
  const ConvShape one = {1,        s.height, s.width, s.in,      s.out,
                         s.kernel, s.before, s.after, s.upsample};
  const Rows rows(one, nullptr);
  return s.out * rows.outer() * RoundUp(rows.run(), v.lanes);
}

void DirectPack(const ConvShape& s, bool few, const float* kernel,
                float* packed, const Vectors& v, Runtime& runtime) {
  const int64_t depth = int64_t{s.kernel} * s.kernel * s.in;
  if (few) {
    const Rows rows(s, nullptr);
    const int64_t run = rows.run(), length = RoundUp(run, v.lanes);
    runtime.Run(s.out * rows.outer(), run, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t o = i / rows.outer(), t = i % rows.outer();
        float* to = packed + i * length;
        for (int64_t k = 0; k < run; ++k) {
          to[k] = kernel[(t * run + k) * s.out + o];
        }
        std::fill(to + run, to + length, 0.0f);
      }
    });
    return;
  }
  const int64_t panels = RoundUp(s.out, v.columns) / v.columns;
  constexpr int64_t kPart = 256;
  const int64_t parts = (depth + kPart - 1) / kPart;
  runtime.Run(panels * parts, kPart * 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / parts, from = i % parts * kPart;
      const int64_t c = n * v.columns;
      const int64_t count = std::min<int64_t>(s.out - c, v.columns);
      for (int64_t k = from; k < std::min(from + kPart, depth); ++k) {
        float* to = packed + (n * depth + k) * v.columns;
        std::memcpy(to, kernel + k * s.out + c, count * sizeof(float));
        std::fill(to + count, to + v.columns, 0.0f);
      }
    }
  });
}

bool DirectRun(const ConvShape& s, bool few, const float* x,
               const float* packed, const Epilogue& epilogue, float* y,
               const Vectors& v, Runtime& runtime) {
  const Rows rows(s, x);
  const int64_t panels = few ? 1 : RoundUp(s.out, v.columns) / v.columns;
  // At least a few bands for each thread; where there are too few rows, threads
  // share the panels out.
  const int64_t wanted = 4 * runtime.Threads();
  const int64_t most =
      std::max<int64_t>((rows.total() + wanted - 1) / wanted, 1);
  int64_t height = std::min(rows.BandRows(), most);
  if (rows.narrow()) {
    // Rows that fill a product's tiles.
    const int64_t full = (2 * v.rows + rows.width() - 1) / rows.width();
    height = std::min(rows.BandRows(), std::max(height, full));
  }
  const int64_t per_image = rows.narrow() ? rows.total() : s.OutHeight();
  height = EvenParts(per_image, std::min(height, per_image));
  const int64_t bands_per_image = (per_image + height - 1) / height;
  const int64_t bands = bands_per_image * (rows.total() / per_image);
  const int64_t groups = std::min(panels, (wanted + bands - 1) / bands);
  const int64_t slack = rows.run() + v.columns;  // what the last run may miss
  std::atomic<bool> enough{true};
  const int64_t cost =
      height * rows.width() * s.KernelFloats() / (groups * v.columns);
  runtime.Run(bands * groups, cost, [&](int64_t begin, int64_t end) {
    const int64_t floats = rows.BandFloats(height, slack);
    float* band = ThreadScratch(floats);
    if (band == nullptr) {
      enough = false;
      return;
    }
    int64_t copied = -1;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / groups, g = i % groups;
      const int64_t row =
          b / bands_per_image * per_image + b % bands_per_image * height;
      const int64_t last = rows.BandEnd(row, height);
      if (b != copied) {
        rows.Copy(row, last, band);
        const int64_t used = rows.BandFloats(last - row, 0);
        std::fill(band + used, band + floats, 0.0f);
        copied = b;
      }
      if (few) {
        DotBand(rows, s, band, row, last, packed, epilogue, y, v);
      } else {
        MultiplyBand(rows, s, band, row, last, g * panels / groups,
                     (g + 1) * panels / groups, packed, epilogue, y, v);
      }
    }
  });
  return enough;
}

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
