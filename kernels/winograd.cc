// Winograd's algorithm: squares of 6 x 6 pixels become 36 points, at each point
// a plain matrix product joins channels, and the points become m x m outputs,
// m = 7 - side of the kernel.
//
// Behind repeated pixels a 3 x 3 kernel acts as four kernels of 2 x 2, one for
// each phase of the doubled map, and one square of the small map serves 5 x 5
// outputs of all four: 144 products where the doubled map has 900.

#include <algorithm>
#include <atomic>
#include <vector>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {
namespace {

// A map, or one phase of a doubled one, and where the tiles lie on it: tile t
// of a row begins at t * m + origin.
struct Side {
  int64_t height, width;
  int64_t offset, pixel_stride, row_stride, image_stride;
  int row_origin, column_origin;
};

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

struct Layout {
  int r, m;  // sides of the kernel and of a tile's outputs
  int64_t tile_rows, tile_columns, tiles;
  int64_t in, out;
  // One of them has four sides where pixels are repeated.
  std::vector<Side> inputs, outputs;

  size_t Kernels() const { return std::max(inputs.size(), outputs.size()); }
};

std::vector<Side> Phases(const ConvShape& s) {
  std::vector<Side> phases;
  for (int p = 0; p < 4; ++p) {
    phases.push_back(Phase(s.height, s.width, s.out, p / 2, p % 2));
  }
  return phases;
}

Layout LayoutOf(const ConvShape& s, bool turned) {
  Layout l;
  l.r = s.upsample ? 2 : s.kernel;
  l.m = kTile + 1 - l.r;
  l.in = s.in;
  l.out = s.out;
  int64_t rows = s.OutHeight(), columns = s.OutWidth();
  if (!s.upsample) {
    l.inputs = {WholeMap(s.height, s.width, s.in, -s.before)};
    l.outputs = {WholeMap(rows, columns, s.out, 0)};
  } else if (!turned) {
    // Phase 0 sees pixels i-1 and i, phase 1 sees i and i+1.
    l.inputs = {WholeMap(s.height, s.width, s.in, -1)};
    l.outputs = Phases(s);
    rows = s.height + 1;
    columns = s.width + 1;
  } else {
    l.inputs = Phases(s);
    l.outputs = {WholeMap(s.height, s.width, s.in, 0)};
    rows = s.height;
    columns = s.width;
    std::swap(l.in, l.out);
  }
  l.tile_rows = (rows + l.m - 1) / l.m;
  l.tile_columns = (columns + l.m - 1) / l.m;
  l.tiles = s.batch * l.tile_rows * l.tile_columns;
  return l;
}

// The n x n pixels of a tile.
Square SquareOf(const Layout& l, const Side& side, int64_t tile, int n,
                int64_t channels) {
  const int64_t per_image = l.tile_rows * l.tile_columns;
  const int64_t image = tile / per_image;
  const int64_t row = tile % per_image / l.tile_columns * l.m + side.row_origin;
  const int64_t column = tile % l.tile_columns * l.m + side.column_origin;
  const auto limit = [n](int64_t i) {
    return static_cast<int>(std::clamp<int64_t>(i, 0, n));
  };
  return {side.offset + image * side.image_stride + row * side.row_stride +
              column * side.pixel_stride,
          side.row_stride,
          side.pixel_stride,
          limit(-row),
          limit(side.height - row),
          limit(-column),
          limit(side.width - column),
          channels};
}

// Points of some tiles: [inputs or outputs][36][tile][channel].
struct Points {
  float* data;
  int64_t row, point, side;  // strides

  Points(int64_t tiles, int64_t channels) : data(nullptr) {
    row = OddLines(channels);
    point = OddLines(tiles * row);
    side = point * kPoints;
  }
};

// A packed kernel: [kernel][36][panel][in][columns].
struct Packed {
  int64_t panels, panel, point, kernel;  // strides

  Packed(int64_t in, int64_t out, const Vectors& v) {
    panels = RoundUp(out, v.columns) / v.columns;
    panel = in * v.columns;
    point = OddLines(panels * panel);
    kernel = point * kPoints;
  }
};

class Forward {
 public:
  Forward(const Layout& layout, const Vectors& v, const float* x,
          const float* packed, const Epilogue& epilogue, float* y)
      : l_(layout),
        v_(v),
        packed_(layout.in, layout.out, v),
        x_(x),
        kernels_(packed),
        epilogue_(epilogue),
        y_(y) {}

  // In blocks of tiles that stay in the second-level cache.
  bool RunBlocks(int64_t block, Runtime& runtime) const {
    const int64_t blocks = (l_.tiles + block - 1) / block;
    std::atomic<bool> enough{true};
    runtime.Run(blocks, BlockCost(block), [&](int64_t begin, int64_t end) {
      Points in(block, l_.in), out(block, OutColumns());
      const int64_t ins = in.side * l_.inputs.size();
      in.data = ThreadScratch(ins + out.side);
      if (in.data == nullptr) {
        enough = false;
        return;
      }
      out.data = in.data + ins;
      for (int64_t b = begin; b < end; ++b) {
        const int64_t first = b * block;
        Block(first, std::min(first + block, l_.tiles), in, out);
      }
    });
    return enough;
  }

  // Few tiles and many channels: each thread takes some of the points, so that
  // the kernel is read once.
  bool RunPoints(Runtime& runtime) const {
    Points in(l_.tiles, l_.in), out(l_.tiles, OutColumns());
    in.data = runtime.Scratch(in.side * l_.inputs.size());
    out.data = runtime.Scratch(out.side);
    if (in.data == nullptr || out.data == nullptr) return false;
    runtime.Run(l_.tiles, kPoints * l_.in, [&](int64_t begin, int64_t end) {
      ReadTiles(begin, end, 0, in);
    });
    for (size_t o = 0; o < l_.outputs.size(); ++o) {
      runtime.Run(kPoints, BlockCost(l_.tiles) / kPoints,
                  [&](int64_t begin, int64_t end) {
                    for (int64_t p = begin; p < end; ++p) {
                      Multiply(p, o, l_.tiles, in, out);
                    }
                  });
      runtime.Run(l_.tiles, kPoints * l_.out, [&](int64_t begin, int64_t end) {
        WriteTiles(begin, end, 0, o, out);
      });
    }
    return true;
  }

  int64_t BlockCost(int64_t tiles) const {
    return tiles * kPoints * l_.in * l_.out * l_.Kernels() / v_.columns;
  }

 private:
  int64_t OutColumns() const { return RoundUp(l_.out, v_.columns); }

  void Block(int64_t first, int64_t last, const Points& in,
             const Points& out) const {
    ReadTiles(first, last, first, in);
    for (size_t o = 0; o < l_.outputs.size(); ++o) {
      for (int p = 0; p < kPoints; ++p) Multiply(p, o, last - first, in, out);
      WriteTiles(first, last, first, o, out);
    }
  }

  void ReadTiles(int64_t first, int64_t last, int64_t origin,
                 const Points& in) const {
    for (size_t i = 0; i < l_.inputs.size(); ++i) {
      for (int64_t t = first; t < last; ++t) {
        v_.input_points(x_, SquareOf(l_, l_.inputs[i], t, kTile, l_.in),
                        in.data + i * in.side + (t - origin) * in.row,
                        in.point);
      }
    }
  }

  void Multiply(int p, size_t o, int64_t tiles, const Points& in,
                const Points& out) const {
    const int64_t steps = (tiles + v_.rows - 1) / v_.rows;
    Product product = {};
    product.lda = in.row;
    product.a_outer = in.side;
    product.ldb = v_.columns;
    product.b_outer = packed_.kernel;
    product.outer = l_.inputs.size();
    product.k = l_.in;
    product.ldc = out.row;
    for (int64_t n = 0; n < packed_.panels; ++n) {
      product.b =
          kernels_ + o * packed_.kernel + p * packed_.point + n * packed_.panel;
      product.cols = v_.columns;
      for (int64_t i = 0; i < steps; ++i) {
        // Rows shared out evenly.
        const int64_t from = i * tiles / steps, to = (i + 1) * tiles / steps;
        product.rows = static_cast<int>(to - from);
        product.a = in.data + p * in.point + from * in.row;
        product.c = out.data + p * out.point + from * out.row + n * v_.columns;
        v_.product(product);
      }
    }
  }

  void WriteTiles(int64_t first, int64_t last, int64_t origin, size_t o,
                  const Points& out) const {
    for (int64_t t = first; t < last; ++t) {
      v_.output_pixels(out.data + (t - origin) * out.row, out.point, l_.m,
                       epilogue_, y_,
                       SquareOf(l_, l_.outputs[o], t, l_.m, l_.out));
    }
  }

  const Layout& l_;
  const Vectors& v_;
  const Packed packed_;
  const float* x_;
  const float* kernels_;
  const Epilogue& epilogue_;
  float* y_;
};

// The tap of phase p's kernel of 2 x 2 to which tap (a, b) of 3 x 3 adds.
int TapOfPhase(int p, int a, int b) {
  const int row = p / 2 == 0 ? a > 0 : a > 1;
  const int column = p % 2 == 0 ? b > 0 : b > 1;
  return row * 2 + column;
}

// The four kernels of 2 x 2 in a kernel of 3 x 3 for repeated pixels; turned,
// the one of the input's gradient, whose phases see their pixels the other way.
void KernelsOfPhases(const float* kernel, bool turned, int64_t tap,
                     float* phases, Runtime& runtime) {
  runtime.Run(4, 9 * tap, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      float* to = phases + p * 4 * tap;
      std::fill(to, to + 4 * tap, 0.0f);
      for (int t = 0; t < 9; ++t) {
        // A turned kernel of 3 x 3 has its taps in reverse.
        int at = turned ? 3 - TapOfPhase(p, 2 - t / 3, 2 - t % 3)
                        : TapOfPhase(p, t / 3, t % 3);
        for (int64_t i = 0; i < tap; ++i)
          to[at * tap + i] += kernel[t * tap + i];
      }
    }
  });
}

// Tiles of one block: points that stay in cache, and work for every thread.
int64_t BlockOf(const Layout& l, const Vectors& v, int threads) {
  constexpr int64_t kFloats = 640 * 1024;
  const int64_t of_tile = kPoints * (l.inputs.size() * l.in + l.out);
  int64_t block = std::clamp<int64_t>(kFloats / of_tile, v.rows, 72);
  int64_t blocks = (l.tiles + block - 1) / block;
  if (blocks < 8 * threads) blocks = RoundUp(blocks, threads);
  return (l.tiles + blocks - 1) / blocks;
}

// The gradient at the kernel: at each point the product of the inputs' points
// with those of the outputs' gradients, over all tiles.
class Backward {
 public:
  Backward(const Layout& layout, const Vectors& v, const float* x,
           const float* dy)
      : l_(layout),
        v_(v),
        x_(x),
        dy_(dy),
        columns_(RoundUp(l_.out, v.columns)),
        sums_(OddLines(l_.in * columns_)),
        chunk_(ChunkOf()),
        in_(chunk_, l_.in),
        panel_(chunk_ * v.columns),
        point_(OddLines(columns_ / v.columns * panel_)) {}

  bool Run(float* dkernels, Runtime& runtime) {
    const int64_t phases = l_.outputs.size();
    in_.data = runtime.Scratch(in_.side);
    gradients_ = runtime.Scratch(phases * kPoints * point_);
    float* sums = runtime.Scratch(phases * kPoints * sums_);
    if (!in_.data || !gradients_ || !sums) return false;
    for (int64_t first = 0; first < l_.tiles; first += chunk_) {
      const int64_t tiles = std::min(chunk_, l_.tiles - first);
      Transform(first, tiles, runtime);
      Accumulate(tiles, first > 0, sums, runtime);
    }
    const int64_t tap = l_.in * l_.out;
    runtime.Run(
        phases * l_.in, kPoints * l_.out, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t p = i / l_.in, c = i % l_.in;
            v_.kernel_gradient(
                sums + p * kPoints * sums_ + c * columns_, sums_, l_.r, l_.out,
                dkernels + p * l_.r * l_.r * tap + c * l_.out, tap);
          }
        });
    return true;
  }

 private:
  int64_t ChunkOf() const {
    // Points of a few tiles stay in cache, but each chunk reads and writes the
    // sums.
    const int64_t phases = l_.outputs.size();
    const int64_t floats = std::clamp<int64_t>(
        2 * kPoints * phases * l_.in * columns_, 1 << 20, 1 << 22);
    const int64_t of_tile = kPoints * (l_.in + phases * columns_);
    const int64_t chunk = std::max<int64_t>(floats / of_tile, 64);
    const int64_t chunks = (l_.tiles + chunk - 1) / chunk;
    return (l_.tiles + chunks - 1) / chunks;
  }

  void Transform(int64_t first, int64_t tiles, Runtime& runtime) const {
    runtime.Run(
        tiles, kPoints * (l_.in + l_.out), [&](int64_t begin, int64_t end) {
          for (int64_t t = begin; t < end; ++t) {
            v_.input_points(x_,
                            SquareOf(l_, l_.inputs[0], first + t, kTile, l_.in),
                            in_.data + t * in_.row, in_.point);
            for (size_t o = 0; o < l_.outputs.size(); ++o) {
              const Square s =
                  SquareOf(l_, l_.outputs[o], first + t, l_.m, l_.out);
              v_.gradient_points(
                  dy_, s, l_.m,
                  gradients_ + o * kPoints * point_ + t * v_.columns, point_,
                  panel_);
            }
          }
        });
  }

  void Accumulate(int64_t tiles, bool add, float* sums,
                  Runtime& runtime) const {
    const int64_t steps = (l_.in + v_.rows - 1) / v_.rows;
    runtime.Run(
        l_.outputs.size() * kPoints, tiles * l_.in * l_.out / v_.columns,
        [&](int64_t begin, int64_t end) {
          Product product = {};
          product.lda = in_.row;
          product.ldb = v_.columns;
          product.outer = 1;
          product.k = tiles;
          product.ldc = columns_;
          product.cols = v_.columns;
          product.add = add;
          for (int64_t p = begin; p < end; ++p) {
            for (int64_t n = 0; n < columns_ / v_.columns; ++n) {
              product.b = gradients_ + p * point_ + n * panel_;
              for (int64_t i = 0; i < steps; ++i) {
                const int64_t from = i * l_.in / steps;
                product.rows = static_cast<int>((i + 1) * l_.in / steps - from);
                product.a = in_.data + p % kPoints * in_.point + from;
                product.c = sums + p * sums_ + from * columns_ + n * v_.columns;
                v_.product_transposed(product);
              }
            }
          }
        });
  }

  const Layout& l_;
  const Vectors& v_;
  const float* x_;
  const float* dy_;
  const int64_t columns_;  // of a row of sums
  const int64_t sums_;     // stride of points there
  const int64_t chunk_;    // tiles transformed at once
  Points in_;
  const int64_t panel_, point_;  // strides of gradients_
  float* gradients_ = nullptr;
};

}  // namespace

int64_t WinogradPackedFloats(const ConvShape& shape, bool turned,
                             const Vectors& v) {
  const Layout l = LayoutOf(shape, turned);
  return Packed(l.in, l.out, v).kernel * l.Kernels();
}

bool WinogradPack(const ConvShape& shape, bool turned, const float* kernel,
                  float* packed, const Vectors& v, Runtime& runtime) {
  const Layout l = LayoutOf(shape, turned);
  const Packed strides(l.in, l.out, v);
  const int64_t tap = l.in * l.out, kernels = l.Kernels();
  if (shape.upsample) {
    float* phases = runtime.Scratch(kernels * 4 * tap);
    if (phases == nullptr) return false;
    KernelsOfPhases(kernel, turned, tap, phases, runtime);
    kernel = phases;
  }
  // Panel by panel, so that each of the 36 points is written in a row.
  constexpr int64_t kPart = 32;
  const int64_t parts = (l.in + kPart - 1) / kPart;
  const int64_t units = kernels * strides.panels * parts;
  runtime.Run(units, kPart * kPoints * 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t k = i / (strides.panels * parts);
      const int64_t n = i / parts % strides.panels, from = i % parts * kPart;
      const int64_t o = n * v.columns;
      for (int64_t c = from; c < std::min(from + kPart, l.in); ++c) {
        v.kernel_points(
            kernel + k * l.r * l.r * tap + c * l.out + o, tap, l.r, l.out - o,
            packed + k * strides.kernel + n * strides.panel + c * v.columns,
            strides.point);
      }
    }
  });
  return true;
}

bool WinogradRun(const ConvShape& shape, bool turned, const float* x,
                 const float* packed, const Epilogue& epilogue, float* y,
                 const Vectors& v, Runtime& runtime) {
  const Layout l = LayoutOf(shape, turned);
  const Forward forward(l, v, x, packed, epilogue, y);
  if (l.tiles < 2 * v.rows * runtime.Threads()) {
    return forward.RunPoints(runtime);
  }
  return forward.RunBlocks(BlockOf(l, v, runtime.Threads()), runtime);
}

bool WinogradKernelGradient(const ConvShape& shape, const float* x,
                            const float* dy, float* dkernel, const Vectors& v,
                            Runtime& runtime) {
  const Layout l = LayoutOf(shape, false);
  Backward backward(l, v, x, dy);
  if (!shape.upsample) return backward.Run(dkernel, runtime);
  const int64_t tap = l.in * l.out;
  float* phases = runtime.Scratch(4 * 4 * tap);
  if (phases == nullptr || !backward.Run(phases, runtime)) return false;
  runtime.Run(9, 4 * tap, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const float* from[4];
      for (int p = 0; p < 4; ++p) {
        from[p] = phases + (p * 4 + TapOfPhase(p, t / 3, t % 3)) * tap;
      }
      for (int64_t i = 0; i < tap; ++i) {
        dkernel[t * tap + i] =
            from[0][i] + from[1][i] + from[2][i] + from[3][i];
      }
    }
  });
  return true;
}

}  // namespace kernels
}  // namespace prioritycut
