// Winograd's algorithm, forward and for the gradient at the input.

#include <algorithm>
#include <atomic>

#include "kernels/methods.h"
#include "kernels/winograd_tiles.h"

namespace prioritycut {
namespace kernels {
namespace {

// With no more tiles than this a kernel is transformed where it is used: the
// sums of all tiles for one panel of outputs stay in the second-level cache, so
// every part of the kernel is read once, and its points are never written to
// memory. That takes a few percents of the products' time, and less than
// reading four times as much. Sums go on from one part to the next as they
// would in one, so that both ways give the same bits.
constexpr int64_t kFewTiles = 112;
// Floats of a kernel's points that are used before the next are made.
constexpr int64_t kKernelPart = 96 * 1024;

// How tiles are blocked.
struct Blocking {
  int64_t floats;   // of a block's points, unless its tiles are the fewest
  int64_t most;     // tiles of a block
  int64_t outputs;  // whose sums are made in one pass over a block's points
};

// A block's points stay in the second-level cache. Where that is small they do
// not, for few tiles do not repay a kernel that each block reads: then it is
// the sums that stay there, points come from the last cache, half as often, and
// the larger the kernel, the larger are the blocks.
Blocking BlockingOf(const Layout& l, const Vectors& v) {
  constexpr int64_t kLeast = 160 * 1024, kMost = 640 * 1024;
  if (!SmallCache(v)) return {kLeast, 72, v.columns};
  const int64_t kernel = l.in * l.out * l.Kernels() * l.NumPoints();
  return {std::clamp(kernel / 3, kLeast, kMost), 64, 32};
}

// A packed kernel: [output side][panel][input side][points][in]
// [columns].
struct Packed {
  int64_t point, side, panel;  // strides

  Packed(const Layout& l, const Vectors& v) {
    point = l.in * v.columns;
    side = point * l.NumPoints();
    panel = side * l.inputs.size();
  }
};

class Forward {
 public:
  Forward(const Layout& layout, const Vectors& v, const float* x,
          const float* kernel, const Epilogue& epilogue, float* y)
      : l_(layout),
        v_(v),
        num_points_(layout.NumPoints()),
        input_points_(Small() ? v.small_input_points : v.input_points),
        output_pixels_(Small() ? v.small_output_pixels : v.output_pixels),
        packed_(layout, v),
        panels_(layout.Panels(v)),
        blocking_(BlockingOf(layout, v)),
        group_(std::max<int64_t>(blocking_.outputs / v.columns, 1)),
        x_(x),
        kernel_(kernel),
        epilogue_(epilogue),
        y_(y) {}

  // In blocks of tiles.
  bool RunBlocks(Runtime& runtime) const {
    const int64_t block = BlockOf(runtime.Threads());
    const int64_t blocks = (l_.tiles + block - 1) / block;
    std::atomic<bool> enough{true};
    runtime.Run(blocks, Cost(block), [&](int64_t begin, int64_t end) {
      Points in(block, l_.in, num_points_),
          sums(block, v_.columns, num_points_);
      const int64_t ins = in.side * l_.inputs.size();
      in.data = ThreadScratch(ins + group_ * sums.side);
      if (in.data == nullptr) {
        enough = false;
        return;
      }
      sums.data = in.data + ins;
      for (int64_t b = begin; b < end; ++b) {
        const int64_t first = b * block;
        Block(first, std::min(first + block, l_.tiles), in, sums);
      }
    });
    return enough;
  }

  // Panel by panel of outputs, each for all tiles or a share of them.
  bool RunPanels(const KernelReader& kernel, Runtime& runtime) const {
    Points in(l_.tiles, l_.in, num_points_);
    in.data = runtime.Scratch(in.side * l_.inputs.size());
    if (in.data == nullptr) return false;
    runtime.Run(l_.tiles, num_points_ * l_.in, [&](int64_t begin, int64_t end) {
      ReadTiles(begin, end, 0, in);
    });
    const int64_t units = l_.outputs.size() * panels_;
    const int64_t wanted = 2 * runtime.Threads();
    const int64_t shares =
        std::clamp<int64_t>((wanted + units - 1) / units, 1, l_.tiles);
    std::atomic<bool> enough{true};
    const int64_t cost = Cost(l_.tiles) / (units * shares) + 1;
    runtime.Run(units * shares, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t share = i % shares;
        if (!Panel(i / shares / panels_, i / shares % panels_,
                   share * l_.tiles / shares, (share + 1) * l_.tiles / shares,
                   kernel, in)) {
          enough = false;
        }
      }
    });
    return enough;
  }

 private:
  bool Small() const { return l_.tile == kSmallTile; }

  int64_t Cost(int64_t tiles) const {
    return tiles * num_points_ * l_.in * l_.out * l_.Kernels() / v_.columns;
  }

  // Tiles of one block, with work for every thread. Each block reads the whole
  // kernel, so a block is never very small.
  int64_t BlockOf(int threads) const {
    constexpr int64_t kLeast = 24;
    const int64_t of_tile = num_points_ * OddLines(l_.in) * l_.inputs.size();
    const int64_t block =
        std::clamp(blocking_.floats / of_tile, kLeast, blocking_.most);
    int64_t blocks = (l_.tiles + block - 1) / block;
    if (blocks < 8 * threads) blocks = RoundUp(blocks, threads);
    return (l_.tiles + blocks - 1) / blocks;
  }

  // The sums of each panel of a group are one side of what is given.
  void Block(int64_t first, int64_t last, const Points& in,
             const Points& sums) const {
    ReadTiles(first, last, first, in);
    for (size_t o = 0; o < l_.outputs.size(); ++o) {
      for (int64_t n = 0; n < panels_; n += group_) {
        const int64_t end = std::min(n + group_, panels_);
        SumBlock(o, n, end, last - first, in, sums);
        Points panel = sums;
        for (int64_t i = n; i < end; ++i, panel.data += sums.side) {
          WriteTiles(first, last, o, i, panel);
        }
      }
    }
  }

  // The sums of panels [begin, end), all at one point before the next.
  void SumBlock(int64_t o, int64_t begin, int64_t end, int64_t tiles,
                const Points& in, const Points& sums) const {
    Product product = ProductOf(in, sums);
    product.outer = l_.inputs.size();
    product.a_outer = in.side;
    product.k = l_.in;
    product.b_outer = packed_.side;
    for (int p = 0; p < num_points_; ++p) {
      for (int64_t n = begin; n < end; ++n) {
        product.cols = ColumnsOf(n);
        product.b =
            kernel_ + (o * panels_ + n) * packed_.panel + p * packed_.point;
        Multiply(product, in.data + p * in.point, tiles,
                 sums.data + (n - begin) * sums.side + p * sums.point);
      }
    }
  }

  // False where there is no memory.
  bool Panel(int64_t o, int64_t n, int64_t first, int64_t last,
             const KernelReader& kernel, const Points& in) const {
    const int64_t most =
        std::max<int64_t>(kKernelPart / num_points_ / v_.columns, 1);
    const int64_t parts = (l_.in + most - 1) / most;
    const int64_t channels = (l_.in + parts - 1) / parts;
    const int64_t point = OddLines(channels * v_.columns);
    Points sums(last - first, v_.columns, num_points_);
    float* points = ThreadScratch(num_points_ * point + sums.side +
                                  kernel.TapsFloats(channels));
    if (points == nullptr) return false;
    sums.data = points + num_points_ * point;
    float* taps = sums.data + sums.side;
    Product product = ProductOf(in, sums);
    product.cols = ColumnsOf(n);
    product.outer = 1;
    for (size_t i = 0; i < l_.inputs.size(); ++i) {
      for (int64_t from = 0; from < l_.in; from += channels) {
        const int64_t to = std::min(from + channels, l_.in);
        kernel.Read(o + i, n, from, to, taps, points, point);
        product.k = to - from;
        for (int p = 0; p < num_points_; ++p) {
          if (to < l_.in) {
            kernel.Prefetch(n, to, std::min(to + channels, l_.in), p,
                            num_points_);
          }
          product.b = points + p * point;
          Multiply(product,
                   in.data + i * in.side + p * in.point + first * in.row + from,
                   last - first, sums.data + p * sums.point);
        }
        product.resume = true;
      }
    }
    WriteTiles(first, last, o, n, sums);
    return true;
  }

  Product ProductOf(const Points& in, const Points& sums) const {
    Product product = {};
    product.lda = in.row;
    product.ldb = v_.columns;
    product.ldc = sums.row;
    return product;
  }

  // Whole vectors of a panel that hold outputs.
  int ColumnsOf(int64_t n) const {
    const int64_t left = RoundUp(l_.out - n * v_.columns, v_.lanes);
    return static_cast<int>(std::min<int64_t>(left, v_.columns));
  }

  // The products of some tiles at one point, rows shared out evenly.
  void Multiply(Product product, const float* in, int64_t tiles,
                float* sums) const {
    const int64_t steps = (tiles + v_.rows - 1) / v_.rows;
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t from = i * tiles / steps, to = (i + 1) * tiles / steps;
      product.rows = static_cast<int>(to - from);
      product.a = in + from * product.lda;
      product.c = sums + from * product.ldc;
      // Two lines of each: what follows, the processor asks for itself.
      if (to < tiles) {
        AskForRows(in + to * product.lda, product.lda, product.rows, 32);
      }
      v_.product(product);
    }
  }

  void ReadTiles(int64_t first, int64_t last, int64_t origin,
                 const Points& in) const {
    for (size_t i = 0; i < l_.inputs.size(); ++i) {
      for (int64_t t = first; t < last; ++t) {
        input_points_(x_, SquareOf(l_, l_.inputs[i], t, l_.tile, 0, l_.in),
                      in.data + i * in.side + (t - origin) * in.row, in.point);
      }
    }
  }

  void WriteTiles(int64_t first, int64_t last, int64_t o, int64_t n,
                  const Points& sums) const {
    const int64_t from = n * v_.columns;
    const int64_t channels = std::min<int64_t>(l_.out - from, v_.columns);
    const Epilogue epilogue = From(from, epilogue_);
    for (int64_t t = first; t < last; ++t) {
      output_pixels_(sums.data + (t - first) * sums.row, sums.point, l_.m,
                     epilogue, y_,
                     SquareOf(l_, l_.outputs[o], t, l_.m, from, channels));
    }
  }

  const Layout& l_;
  const Vectors& v_;
  const int num_points_;
  void (*const input_points_)(const float*, const Square&, float*, int64_t);
  void (*const output_pixels_)(const float*, int64_t, int, const Epilogue&,
                               float*, const Square&);
  const Packed packed_;
  const int64_t panels_;
  const Blocking blocking_;
  const int64_t group_;  // panels whose sums are made in one pass
  const float* x_;
  const float* kernel_;
  const Epilogue& epilogue_;
  float* y_;
};

}  // namespace

int64_t WinogradPackedFloats(const ConvShape& shape, bool turned, int tile,
                             const Vectors& v) {
  const Layout l = LayoutOf(shape, turned, tile);
  if (l.tiles <= kFewTiles) return 0;
  return Packed(l, v).panel * l.Panels(v) * l.outputs.size();
}

bool WinogradPack(const ConvShape& shape, bool turned, int tile,
                  const float* kernel, float* packed, const Vectors& v,
                  Runtime& runtime) {
  const Layout l = LayoutOf(shape, turned, tile);
  const Packed strides(l, v);
  const KernelReader reader(shape, turned, tile, kernel, v);
  const int64_t panels = l.Panels(v), inputs = l.inputs.size();
  constexpr int64_t kPart = 32;
  const int64_t parts = (l.in + kPart - 1) / kPart;
  const int64_t units = l.Kernels() * panels * parts;
  std::atomic<bool> enough{true};
  runtime.Run(
      units, kPart * l.NumPoints() * 4, [&](int64_t begin, int64_t end) {
        float* taps = ThreadScratch(reader.TapsFloats(kPart) + 1);
        if (taps == nullptr) {
          enough = false;
          return;
        }
        for (int64_t u = begin; u < end; ++u) {
          const int64_t from = u % parts * kPart, i = u / parts % inputs;
          const int64_t n = u / parts / inputs % panels;
          const int64_t o = u / parts / inputs / panels;
          reader.Read(o + i, n, from, std::min(from + kPart, l.in), taps,
                      packed + (o * panels + n) * strides.panel +
                          i * strides.side + from * v.columns,
                      strides.point);
        }
      });
  return enough;
}

bool WinogradRun(const ConvShape& shape, bool turned, int tile, const float* x,
                 const float* kernel, const Epilogue& epilogue, float* y,
                 const Vectors& v, Runtime& runtime) {
  const Layout l = LayoutOf(shape, turned, tile);
  const Forward forward(l, v, x, kernel, epilogue, y);
  if (l.tiles > kFewTiles) return forward.RunBlocks(runtime);
  return forward.RunPanels(KernelReader(shape, turned, tile, kernel, v),
                           runtime);
}

}  // namespace kernels
}  // namespace prioritycut
