// Convolutions as plain products. Rows of a map, with its zeros around it, are
// copied to a band in cache; there the pixels under one row of the kernel are
// neighbours, so a convolution is `kernel` products whose rows overlap.

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "kernels/direct_rows.h"
#include "kernels/methods.h"
#include "kernels/winograd_tiles.h"

namespace prioritycut {
namespace kernels {
namespace {

// Where outputs go: pixel j of row i at y + i * row + j * pixel.
struct Target {
  float* y;
  int64_t row, pixel;
};

// What the repeated pixels of a phase see: [2][2] taps of the small map, with
// one zero before its first row in the upper phases, behind the last in the
// lower ones.
ConvShape PhaseShape(const ConvShape& s, int phase) {
  const int lower = phase / 2;
  return {s.batch, s.height, s.width, s.in, s.out, 2, 1 - lower, lower, false};
}

// A kernel as it lies, [taps][in][out], or that of a phase, each of whose taps
// is the sum of some of a kernel of 3 x 3.
class PlainKernel {
 public:
  static constexpr int kWhole = -1;

  PlainKernel(const float* kernel, int64_t in, int64_t out, int phase)
      : kernel_(kernel), in_(in), out_(out) {
    if (phase == kWhole) return;
    taps_.resize(4);
    for (int t = 0; t < 9; ++t) {
      taps_[TapOfPhase(phase, t / 3, t % 3)].push_back(t);
    }
  }

  // Outputs [c, c + columns) of a row; rows are counted over taps and inputs.
  void Copy(int64_t row, int64_t c, int64_t columns, float* to) const {
    if (taps_.empty()) {
      std::memcpy(to, kernel_ + row * out_ + c, columns * sizeof(float));
      return;
    }
    std::fill_n(to, columns, 0.0f);
    for (const int t : taps_[row / in_]) {
      const float* from = Source(t, row) + c;
      for (int64_t i = 0; i < columns; ++i) to[i] += from[i];
    }
  }

  // Asks for what Copy reads.
  void Prefetch(int64_t row, int64_t c, int64_t columns) const {
    if (taps_.empty()) {
      PrefetchLines(kernel_ + row * out_ + c, columns);
      return;
    }
    for (const int t : taps_[row / in_]) {
      PrefetchLines(Source(t, row) + c, columns);
    }
  }

 private:
  const float* Source(int tap, int64_t row) const {
    return kernel_ + (tap * in_ + row % in_) * out_;
  }
  static void PrefetchLines(const float* from, int64_t columns) {
    constexpr int kLine = 64 / sizeof(float);
    for (int64_t c = 0; c < columns; c += kLine) {
      __builtin_prefetch(from + c, 0, 2);
    }
  }

  const float* const kernel_;
  const int64_t in_, out_;
  std::vector<std::vector<int>> taps_;  // that add up to those of a phase
};

// The products of one band with panels of the kernel.
class BandProduct {
 public:
  BandProduct(const Rows& rows, const ConvShape& s, const float* band,
              int64_t row, int64_t end, const Epilogue& epilogue,
              const Target& to, const Vectors& v)
      : rows_(rows), s_(s), band_(band), epilogue_(epilogue), to_(to), v_(v) {
    // Narrow rows join where nothing lies between them, for all their pixels
    // are alike.
    const bool joined = rows.narrow() && to.row == rows.width() * to.pixel;
    row_ = row;
    lines_ = joined ? 1 : end - row;
    width_ = joined ? (end - row) * rows.width() : rows.width();
    product_.lda = rows.pixel();
    product_.ldc = to.pixel;
  }

  // A panel's part that stays in the first-level cache meets all pixels before
  // the next one is read.
  void WithParts(const float* packed, int64_t panel, int64_t panel_end) {
    const int64_t part = kPartFloats / v_.columns, run = rows_.run();
    product_.outer = 1;
    product_.ldb = v_.columns;
    product_.b = packed + panel * rows_.outer() * run * v_.columns;
    for (int64_t n = panel; n < panel_end; ++n) {
      product_.resume = false;
      for (int64_t t = 0; t < rows_.outer(); ++t) {
        for (int64_t k = 0; k < run; k += part) {
          product_.k = std::min(part, run - k);
          const bool whole = t + 1 == rows_.outer() && k + part >= run;
          Multiply(band_ + t * rows_.outer_step() + k, n, whole);
          product_.b += product_.k * v_.columns;
          product_.resume = true;
        }
      }
    }
  }

  void WithPanels(const float* packed, int64_t panel, int64_t panel_end) {
    const int64_t depth = rows_.outer() * rows_.run();
    product_.a_outer = rows_.outer_step();
    product_.outer = rows_.outer();
    product_.k = rows_.run();
    product_.ldb = v_.columns;
    product_.b_outer = product_.k * v_.columns;
    for (int64_t n = panel; n < panel_end; ++n) {
      product_.b = packed + n * depth * v_.columns;
      Multiply(band_, n, true);
    }
  }

  // A few rows of a plain kernel at a time: they are read as they lie, and
  // copied to panels in cache, of PlainFloats, that all pixels see.
  void WithPlain(const PlainKernel& kernel, int64_t panel, int64_t panel_end,
                 float* panels) {
    const int64_t columns = v_.columns, side = kPlainRows * columns;
    const int64_t depth = rows_.outer() * rows_.run();
    int64_t row = 0;
    product_.outer = 1;
    product_.ldb = columns;
    for (int64_t t = 0; t < rows_.outer(); ++t) {
      for (int64_t k = 0; k < rows_.run(); k += kPlainRows) {
        product_.k = std::min(kPlainRows, rows_.run() - k);
        for (int64_t r = 0; r < product_.k; ++r, ++row) {
          for (int64_t n = panel; n < panel_end; ++n) {
            kernel.Copy(row, n * columns, columns,
                        panels + (n - panel) * side + r * columns);
          }
        }
        const int64_t next = std::min(row + kPlainRows, depth);
        for (int64_t n = panel; n < panel_end; ++n) {
          for (int64_t r = row; r < next; ++r) {
            kernel.Prefetch(r, n * columns, columns);
          }
          product_.b = panels + (n - panel) * side;
          Multiply(band_ + t * rows_.outer_step() + k, n, row == depth);
        }
        product_.resume = true;
      }
    }
  }
  static int64_t PlainFloats(int64_t panels, const Vectors& v) {
    return panels * kPlainRows * v.columns;
  }

 private:
  // All pixels with one panel; with the epilogue, where the sums are whole.
  void Multiply(const float* band, int64_t panel, bool whole) {
    const int64_t c = panel * v_.columns;
    product_.cols = static_cast<int>(std::min<int64_t>(s_.out - c, v_.columns));
    product_.epilogue = {};
    if (whole) {
      product_.epilogue.relu = epilogue_.relu;
      if (epilogue_.scale != nullptr) {
        product_.epilogue.scale = epilogue_.scale + c;
      }
      if (epilogue_.shift != nullptr) {
        product_.epilogue.shift = epilogue_.shift + c;
      }
    }
    const int64_t steps = (width_ + v_.rows - 1) / v_.rows;
    for (int64_t i = 0; i < lines_; ++i) {
      float* line = to_.y + (row_ + i) * to_.row + c;
      for (int64_t j = 0; j < steps; ++j) {
        const int64_t from = j * width_ / steps;
        const int64_t stop = (j + 1) * width_ / steps;
        product_.rows = static_cast<int>(stop - from);
        product_.a = band + i * rows_.line() + from * rows_.pixel();
        product_.c = line + from * to_.pixel;
        v_.product(product_);
      }
    }
  }

  static constexpr int64_t kPlainRows = 64;
  static constexpr int64_t kPartFloats = 4096;

  const Rows& rows_;
  const ConvShape& s_;
  const float* const band_;
  const Epilogue& epilogue_;
  const Target& to_;
  const Vectors& v_;
  int64_t row_, lines_, width_;
  Product product_ = {};
};

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

// To pack a kernel takes longer than to read it twice, and longer still into
// memory that is touched first. What a few pixels are used with once does not
// repay that. Whole panels alone, so that there is nothing to fill up.
bool PlainServes(const ConvShape& s, const Vectors& v) {
  constexpr int64_t kMostPixels = 64;
  return s.out % v.columns == 0 &&
         s.batch * s.OutHeight() * s.OutWidth() <= kMostPixels;
}

int64_t DirectPackedFloats(const ConvShape& s, KernelLayout layout,
                           const Vectors& v) {
  if (layout == KernelLayout::kPlain) return 0;
  if (layout == KernelLayout::kPanels) {
    return int64_t{s.kernel} * s.kernel * s.in * RoundUp(s.out, v.columns);
  }
  const ConvShape one = {1,        s.height, s.width, s.in,      s.out,
                         s.kernel, s.before, s.after, s.upsample};
  const Rows rows(one, nullptr);
  return s.out * rows.outer() * RoundUp(rows.run(), v.lanes);
}

void DirectPack(const ConvShape& s, KernelLayout layout, const float* kernel,
                float* packed, const Vectors& v, Runtime& runtime) {
  const int64_t depth = int64_t{s.kernel} * s.kernel * s.in;
  if (layout == KernelLayout::kRuns) {
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

// In squares, of which each line of the cache is read at once: lines of several
// outputs lie so far apart that they crowd each other out.
void DirectPackTurned(const ConvShape& s, const float* kernel, float* packed,
                      const Vectors& v, Runtime& runtime) {
  constexpr int64_t kLine = 16;
  const int64_t taps = int64_t{s.kernel} * s.kernel;
  const int64_t panels = RoundUp(s.out, v.columns) / v.columns;
  runtime.Run(taps * panels, s.in * v.columns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t t = i % taps, c = i / taps * v.columns;
      const int64_t count = std::min<int64_t>(s.out - c, v.columns);
      const float* from = kernel + ((taps - 1 - t) * s.out + c) * s.in;
      float* to = packed + i * s.in * v.columns;
      if (count < v.columns) std::fill_n(to, s.in * v.columns, 0.0f);
      for (int64_t k = 0; k < s.in; k += kLine) {
        const int64_t last = std::min(k + kLine, s.in);
        for (int64_t j = 0; j < count; ++j) {
          for (int64_t l = k; l < last; ++l) {
            to[l * v.columns + j] = from[j * s.in + l];
          }
        }
      }
    }
  });
}

namespace {

// Whether few pixels meet a kernel that is larger than the second-level cache:
// then threads share out its panels, and each of them is read but once.
bool InParts(const Rows& rows, int64_t panels, int64_t threads,
             const Vectors& v) {
  constexpr int64_t kMostPixels = 64, kLeastFloats = 1 << 18;
  const int64_t floats = panels * v.columns * rows.outer() * rows.run();
  return SmallCache(v) && rows.total() * rows.width() <= kMostPixels &&
         floats >= kLeastFloats && panels >= 4 * threads;
}

// One pass over all rows; the phase is that of a plain kernel.
bool RunRows(const ConvShape& s, KernelLayout layout, const Rows& rows,
             const float* packed, int phase, const Epilogue& epilogue,
             const Target& to, const Vectors& v, Runtime& runtime) {
  const bool few = layout == KernelLayout::kRuns;
  const int64_t panels = few ? 1 : RoundUp(s.out, v.columns) / v.columns;
  // At least a few bands for each thread; where there are too few rows, threads
  // share the panels out.
  const bool plain = layout == KernelLayout::kPlain;
  const int64_t wanted = (plain ? 2 : 4) * runtime.Threads();
  const int64_t most =
      std::max<int64_t>((rows.total() + wanted - 1) / wanted, 1);
  int64_t height = std::min(rows.BandRows(), most);
  if (rows.narrow()) {
    // Rows that fill a product's tiles.
    const int64_t full = (2 * v.rows + rows.width() - 1) / rows.width();
    height = std::min(rows.BandRows(), std::max(height, full));
  }
  const int64_t per_image = rows.narrow() ? rows.total() : s.OutHeight();
  const bool parts = !few && InParts(rows, panels, runtime.Threads(), v);
  if (parts) height = per_image;
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
    const int64_t most_panels = plain ? (panels + groups - 1) / groups : 0;
    float* band = ThreadScratch(RoundUp(floats, v.columns) +
                                BandProduct::PlainFloats(most_panels, v));
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
        DotBand(rows, s, band, row, last, packed, epilogue, to.y, v);
        continue;
      }
      const int64_t panel = g * panels / groups;
      const int64_t panel_end = (g + 1) * panels / groups;
      BandProduct product(rows, s, band, row, last, epilogue, to, v);
      if (plain) {
        product.WithPlain(PlainKernel(packed, s.in, s.out, phase), panel,
                          panel_end, band + RoundUp(floats, v.columns));
      } else if (parts) {
        product.WithParts(packed, panel, panel_end);
      } else {
        product.WithPanels(packed, panel, panel_end);
      }
    }
  });
  return enough;
}

constexpr KernelLayout kPanels = KernelLayout::kPanels;

}  // namespace

bool DirectRun(const ConvShape& s, KernelLayout layout, const float* x,
               const float* packed, const Epilogue& epilogue, float* y,
               const Vectors& v, Runtime& runtime) {
  const Target all = {y, s.OutWidth() * s.out, s.out};
  return RunRows(s, layout, Rows(s, x), packed, PlainKernel::kWhole, epilogue,
                 all, v, runtime);
}

int64_t PhasesPackedFloats(const ConvShape& s, const Vectors& v) {
  return 4 * DirectPackedFloats(PhaseShape(s, 0), kPanels, v);
}

bool PhasesPack(const ConvShape& s, const float* kernel, float* packed,
                const Vectors& v, Runtime& runtime) {
  const ConvShape one = PhaseShape(s, 0);
  float* taps = runtime.Scratch(one.KernelFloats());
  if (taps == nullptr) return false;
  const int64_t weights = s.in * s.out;
  for (int phase = 0; phase < 4; ++phase) {
    runtime.Run(s.in, 9 * s.out, [&](int64_t begin, int64_t end) {
      for (int t = 0; t < 4; ++t) {
        std::fill(taps + t * weights + begin * s.out,
                  taps + t * weights + end * s.out, 0.0f);
      }
      for (int t = 0; t < 9; ++t) {
        float* to = taps + TapOfPhase(phase, t / 3, t % 3) * weights;
        const float* from = kernel + t * weights;
        for (int64_t i = begin * s.out; i < end * s.out; ++i) to[i] += from[i];
      }
    });
    DirectPack(one, kPanels, taps,
               packed + phase * DirectPackedFloats(one, kPanels, v), v,
               runtime);
  }
  return true;
}

bool PhasesServePlain(const ConvShape& s, const Vectors& v) {
  return PlainServes(PhaseShape(s, 0), v);
}

bool PhasesRun(const ConvShape& s, KernelLayout layout, const float* x,
               const float* packed, const Epilogue& epilogue, float* y,
               const Vectors& v, Runtime& runtime) {
  const int64_t line = s.OutWidth() * s.out;
  int64_t of_phase = 0;
  if (layout != KernelLayout::kPlain) {
    of_phase = DirectPackedFloats(PhaseShape(s, 0), layout, v);
  }
  for (int phase = 0; phase < 4; ++phase) {
    const ConvShape one = PhaseShape(s, phase);
    const Target to = {y + phase / 2 * line + phase % 2 * s.out, 2 * line,
                       2 * s.out};
    if (!RunRows(one, layout, Rows(one, x, 1 - phase % 2),
                 packed + phase * of_phase, phase, epilogue, to, v, runtime)) {
      return false;
    }
  }
  return true;
}

}  // namespace kernels
}  // namespace prioritycut
