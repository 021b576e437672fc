// Convolutions as plain products. Rows of a map, with its zeros around it, are
// copied to a band in cache; there the pixels under one row of the kernel are
// neighbours, so a convolution is `kernel` products whose rows overlap.

#include <algorithm>
#include <atomic>
#include <cstring>

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

// The products of one band with some panels of the kernel.
void MultiplyBand(const Rows& rows, const ConvShape& s, const float* band,
                  int64_t row, int64_t end, int64_t panel, int64_t panel_end,
                  const float* packed, const Epilogue& epilogue,
                  const Target& to, const Vectors& v) {
  const int64_t depth = int64_t{s.kernel} * s.kernel * s.in;
  // Narrow rows join where nothing lies between them, for all their pixels are
  // alike.
  const bool joined = rows.narrow() && to.row == rows.width() * to.pixel;
  const int64_t lines = joined ? 1 : end - row;
  const int64_t width = joined ? (end - row) * rows.width() : rows.width();
  const int64_t steps = (width + v.rows - 1) / v.rows;
  Product p = {};
  p.lda = rows.pixel();
  p.a_outer = rows.outer_step();
  p.outer = rows.outer();
  p.k = rows.run();
  p.ldb = v.columns;
  p.b_outer = p.k * v.columns;
  p.ldc = to.pixel;
  p.epilogue.relu = epilogue.relu;
  for (int64_t n = panel; n < panel_end; ++n) {
    const int64_t c = n * v.columns;
    p.b = packed + n * depth * v.columns;
    p.cols = static_cast<int>(std::min<int64_t>(s.out - c, v.columns));
    if (epilogue.scale != nullptr) p.epilogue.scale = epilogue.scale + c;
    if (epilogue.shift != nullptr) p.epilogue.shift = epilogue.shift + c;
    for (int64_t i = 0; i < lines; ++i) {
      float* line = to.y + (row + i) * to.row + c;
      for (int64_t j = 0; j < steps; ++j) {
        const int64_t from = j * width / steps, stop = (j + 1) * width / steps;
        p.rows = static_cast<int>(stop - from);
        p.a = band + i * rows.line() + from * rows.pixel();
        p.c = line + from * to.pixel;
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

namespace {

// One pass over all rows.
bool RunRows(const ConvShape& s, bool few, const Rows& rows,
             const float* packed, const Epilogue& epilogue, const Target& to,
             const Vectors& v, Runtime& runtime) {
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
        DotBand(rows, s, band, row, last, packed, epilogue, to.y, v);
      } else {
        MultiplyBand(rows, s, band, row, last, g * panels / groups,
                     (g + 1) * panels / groups, packed, epilogue, to, v);
      }
    }
  });
  return enough;
}

// What the repeated pixels of a phase see: [2][2] taps of the small map, with
// one zero before its first row in the upper phases, behind the last in the
// lower ones.
ConvShape PhaseShape(const ConvShape& s, int phase) {
  const int lower = phase / 2;
  return {s.batch, s.height, s.width, s.in, s.out, 2, 1 - lower, lower, false};
}

}  // namespace

bool DirectRun(const ConvShape& s, bool few, const float* x,
               const float* packed, const Epilogue& epilogue, float* y,
               const Vectors& v, Runtime& runtime) {
  const Target all = {y, s.OutWidth() * s.out, s.out};
  return RunRows(s, few, Rows(s, x), packed, epilogue, all, v, runtime);
}

int64_t PhasesPackedFloats(const ConvShape& s, const Vectors& v) {
  return 4 * DirectPackedFloats(PhaseShape(s, 0), false, v);
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
    DirectPack(one, false, taps,
               packed + phase * DirectPackedFloats(one, false, v), v, runtime);
  }
  return true;
}

bool PhasesRun(const ConvShape& s, const float* x, const float* packed,
               const Epilogue& epilogue, float* y, const Vectors& v,
               Runtime& runtime) {
  const int64_t line = s.OutWidth() * s.out;
  for (int phase = 0; phase < 4; ++phase) {
    const ConvShape one = PhaseShape(s, phase);
    const Target to = {y + phase / 2 * line + phase % 2 * s.out, 2 * line,
                       2 * s.out};
    if (!RunRows(one, false, Rows(one, x, 1 - phase % 2),
                 packed + phase * DirectPackedFloats(one, false, v), epilogue,
                 to, v, runtime)) {
      return false;
    }
  }
  return true;
}

}  // namespace kernels
}  // namespace prioritycut
