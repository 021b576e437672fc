// What both directions of Winograd's algorithm share: where tiles lie on maps,
// how their points lie in memory, and how a kernel is read.
//
// Squares of 6 x 6 pixels become 36 points, at each point a plain matrix
// product joins channels, and the points become m x m outputs, m = 7 - side of
// the kernel. Small tiles have squares of 4 x 4, and m = 5 - side.
//
// Behind repeated pixels a 3 x 3 kernel acts as four kernels of 2 x 2, one for
// each phase of the doubled map, and one square of the small map serves 5 x 5
// outputs of all four: 144 products where the doubled map has 900.

#ifndef PRIORITYCUT_KERNELS_WINOGRAD_TILES_H_
#define PRIORITYCUT_KERNELS_WINOGRAD_TILES_H_

#include <cstdint>
#include <vector>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {

// A map, or one phase of a doubled one, and where the tiles lie on it: tile t
// of a row begins at t * m + origin.
struct Side {
  int64_t height, width;
  int64_t offset, pixel_stride, row_stride, image_stride;
  int row_origin, column_origin;
};

struct Layout {
  int tile;  // side of a square
  int r, m;  // sides of the kernel and of a tile's outputs
  int64_t tile_rows, tile_columns, tiles;
  int64_t in, out;
  // One of them has four sides where pixels are repeated.
  std::vector<Side> inputs, outputs;

  int NumPoints() const { return tile * tile; }
  int64_t Kernels() const { return inputs.size() * outputs.size(); }
  int64_t Panels(const Vectors& v) const {
    return (out + v.columns - 1) / v.columns;
  }
};

// Shape is the forward pass's; turned, the layout is that of the gradient at
// its input. Tile is the side of a square.
Layout LayoutOf(const ConvShape& shape, bool turned, int tile = kTile);

// Channels [from, from + channels) of the n x n pixels of a tile.
Square SquareOf(const Layout& l, const Side& side, int64_t tile, int n,
                int64_t from, int64_t channels);

// Asks for the first floats of the rows that the next product reads. They may
// be one too many: nothing is read that is not there.
inline void AskForRows(const float* a, int64_t stride, int64_t rows,
                       int64_t floats) {
  constexpr int64_t kLine = 16;
  for (int64_t r = 0; r < rows; ++r, a += stride) {
    for (int64_t f = 0; f < floats; f += kLine) __builtin_prefetch(a + f);
  }
}

// Points of some tiles: [inputs or outputs][points][tile][channel].
struct Points {
  float* data = nullptr;
  int64_t row, point, side;  // strides

  Points(int64_t tiles, int64_t channels, int points = kPoints) {
    row = OddLines(channels);
    point = OddLines(tiles * row);
    side = point * points;
  }
};

// The tap of phase p's kernel of 2 x 2 to which tap (a, b) of 3 x 3 adds.
inline int TapOfPhase(int p, int a, int b) {
  const int row = p / 2 == 0 ? a > 0 : a > 1;
  const int column = p % 2 == 0 ? b > 0 : b > 1;
  return row * 2 + column;
}

// A kernel as the forward pass has it, read as points.
class KernelReader {
 public:
  KernelReader(const ConvShape& shape, bool turned, int tile,
               const float* kernel, const Vectors& v);

  // Floats that Read borrows for so many channels.
  int64_t TapsFloats(int64_t channels) const;
  // The points of one panel of outputs and channels [from, to) of inputs, of
  // the k-th kernel where there are four phases: [points][to - from][columns].
  void Read(int64_t k, int64_t panel, int64_t from, int64_t to, float* taps,
            float* points, int64_t point_stride) const;
  // Fetches one of several parts of what Read reads, without waiting for it:
  // rows of a kernel lie so far apart that no processor guesses the next one.
  void Prefetch(int64_t panel, int64_t from, int64_t to, int part,
                int parts) const;

 private:
  // Whether taps have to be moved or added up first.
  bool Plain() const { return !turned_ && !upsample_; }
  void Gather(int64_t k, int64_t first, int64_t columns, int64_t from,
              int64_t to, float* taps) const;

  const Vectors& v_;
  void (*const points_)(const float*, int64_t, int, int64_t, float*, int64_t);
  const float* kernel_;
  const bool turned_, upsample_;
  const int side_;          // of the kernel that is given
  const int r_;             // of the one that is used
  const int64_t in_, out_;  // of the one that is used
};

// The epilogue of outputs that begin at channel c: its maps stay whole.
Epilogue From(int64_t c, Epilogue epilogue);

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_WINOGRAD_TILES_H_
