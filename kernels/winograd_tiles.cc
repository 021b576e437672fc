#include "kernels/winograd_tiles.h"

#include <algorithm>

namespace prioritycut {
namespace kernels {
namespace {

Side WholeMap(int64_t height, int64_t width, int64_t channels, int origin) {
  return {
      height, width, 0, channels, width * channels, height * width * channels,
      origin, origin};
}

// Phase (row, column) of a map of twice height and width.
Side Phase(int64_t height, int64_t width, int64_t channels, int row,
           int column) {
  const int64_t line = 2 * width * channels;
  return {height,       width,    row * line + column * channels,
          2 * channels, 2 * line, 2 * height * line,
          -row,         -column};
}

std::vector<Side> Phases(const ConvShape& s) {
  std::vector<Side> phases;
  for (int p = 0; p < 4; ++p) {
    phases.push_back(Phase(s.height, s.width, s.out, p / 2, p % 2));
  }
  return phases;
}

}  // namespace

Layout LayoutOf(const ConvShape& s, bool turned, int tile) {
  Layout l;
  l.tile = tile;
  l.r = s.upsample ? 2 : s.kernel;
  l.m = tile + 1 - l.r;
  l.in = turned ? s.out : s.in;
  l.out = turned ? s.in : s.out;
  int64_t rows = turned ? s.height : s.OutHeight();
  int64_t columns = turned ? s.width : s.OutWidth();
  if (!s.upsample && !turned) {
    l.inputs = {WholeMap(s.height, s.width, s.in, -s.before)};
    l.outputs = {WholeMap(rows, columns, s.out, 0)};
  } else if (!s.upsample) {
    l.inputs = {
        WholeMap(s.OutHeight(), s.OutWidth(), s.out, s.before - s.kernel + 1)};
    l.outputs = {WholeMap(rows, columns, s.in, 0)};
  } else if (!turned) {
    // Phase 0 sees pixels i-1 and i, phase 1 sees i and i+1.
    l.inputs = {WholeMap(s.height, s.width, s.in, -1)};
    l.outputs = Phases(s);
    rows = s.height + 1;
    columns = s.width + 1;
  } else {
    l.inputs = Phases(s);
    l.outputs = {WholeMap(s.height, s.width, s.in, 0)};
  }
  l.tile_rows = (rows + l.m - 1) / l.m;
  l.tile_columns = (columns + l.m - 1) / l.m;
  l.tiles = s.batch * l.tile_rows * l.tile_columns;
  return l;
}

Square SquareOf(const Layout& l, const Side& side, int64_t tile, int n,
                int64_t from, int64_t channels) {
  const int64_t per_image = l.tile_rows * l.tile_columns;
  const int64_t image = tile / per_image;
  const int64_t row = tile % per_image / l.tile_columns * l.m + side.row_origin;
  const int64_t column = tile % l.tile_columns * l.m + side.column_origin;
  const auto limit = [n](int64_t i) {
    return static_cast<int>(std::clamp<int64_t>(i, 0, n));
  };
  return {side.offset + image * side.image_stride + row * side.row_stride +
              column * side.pixel_stride + from,
          side.row_stride,
          side.pixel_stride,
          limit(-row),
          limit(side.height - row),
          limit(-column),
          limit(side.width - column),
          channels};
}

KernelReader::KernelReader(const ConvShape& s, bool turned, int tile,
                           const float* kernel, const Vectors& v)
    : v_(v),
      points_(tile == kSmallTile ? v.small_kernel_points : v.kernel_points),
      kernel_(kernel),
      turned_(turned),
      upsample_(s.upsample),
      side_(s.kernel),
      r_(s.upsample ? 2 : s.kernel),
      in_(turned ? s.out : s.in),
      out_(turned ? s.in : s.out) {}

int64_t KernelReader::TapsFloats(int64_t channels) const {
  return Plain() ? 0 : r_ * r_ * channels * v_.columns;
}

void KernelReader::Read(int64_t k, int64_t panel, int64_t from, int64_t to,
                        float* taps, float* points,
                        int64_t point_stride) const {
  const int64_t first = panel * v_.columns;
  const int64_t left = std::min<int64_t>(out_ - first, v_.columns);
  if (Plain()) {
    for (int64_t c = from; c < to; ++c) {
      points_(kernel_ + c * out_ + first, in_ * out_, r_, left,
              points + (c - from) * v_.columns, point_stride);
    }
    return;
  }
  Gather(k, first, left, from, to, taps);
  for (int64_t c = 0; c < to - from; ++c) {
    points_(taps + c * v_.columns, (to - from) * v_.columns, r_, left,
            points + c * v_.columns, point_stride);
  }
}

void KernelReader::Prefetch(int64_t panel, int64_t from, int64_t to, int part,
                            int parts) const {
  constexpr int64_t kLine = 16;
  const int64_t first = panel * v_.columns;
  const int64_t columns = std::min<int64_t>(out_ - first, v_.columns);
  // As they lie: a row for each tap and input, or, turned, each output.
  const int64_t rows = turned_ ? columns : to - from;
  const int64_t floats = turned_ ? to - from : columns;
  const int64_t width = turned_ ? in_ : out_;
  const float* begin =
      kernel_ + (turned_ ? first * in_ + from : from * out_ + first);
  const int64_t total = side_ * side_ * rows;
  for (int64_t i = total * part / parts; i < total * (part + 1) / parts; ++i) {
    const float* row = begin + i / rows * in_ * out_ + i % rows * width;
    for (int64_t f = 0; f < floats; f += kLine) __builtin_prefetch(row + f);
  }
}

// The taps [r * r][to - from][columns] as they are used. A turned kernel has
// its taps in reverse, and inputs and outputs exchanged.
void KernelReader::Gather(int64_t k, int64_t first, int64_t columns,
                          int64_t from, int64_t to, float* taps) const {
  const int64_t stride = v_.columns;
  const int64_t tap = (to - from) * stride;
  std::fill(taps, taps + r_ * r_ * tap, 0.0f);
  const int count = side_ * side_;
  for (int t = 0; t < count; ++t) {
    int at = t;
    if (upsample_) at = TapOfPhase(k, t / side_, t % side_);
    if (turned_) at = r_ * r_ - 1 - at;
    const float* given = kernel_ + t * in_ * out_;
    float* to_tap = taps + at * tap;
    if (!turned_) {
      for (int64_t c = from; c < to; ++c, to_tap += stride) {
        const float* row = given + c * out_ + first;
        for (int64_t o = 0; o < columns; ++o) to_tap[o] += row[o];
      }
      continue;
    }
    // In squares that stay in the first-level cache.
    constexpr int64_t kSquare = 16;
    for (int64_t c0 = from; c0 < to; c0 += kSquare) {
      const int64_t c1 = std::min(c0 + kSquare, to);
      for (int64_t o = 0; o < columns; ++o) {
        const float* row = given + (first + o) * in_;
        float* column = to_tap + o - from * stride;
        for (int64_t c = c0; c < c1; ++c) column[c * stride] += row[c];
      }
    }
  }
}

Epilogue From(int64_t c, Epilogue epilogue) {
  for (const float** list : {&epilogue.scale, &epilogue.shift,
                             &epilogue.norm_scale, &epilogue.norm_shift}) {
    if (*list != nullptr) *list += c;
  }
  return epilogue;
}

}  // namespace kernels
}  // namespace prioritycut
