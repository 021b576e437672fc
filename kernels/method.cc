// Which method a shape gets.

#include <algorithm>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {

bool WinogradServes(const ConvShape& s) {
  return s.upsample || s.kernel == 3 || s.kernel == 4;
}

bool SmallServes(const ConvShape& s) { return s.kernel == 3; }

namespace {

// Winograd's algorithm needs a quarter of the products, and transforms.
// Measured on both instruction sets, in processor time:
//
// * From 12 channels on, behind repeated pixels from 6, it takes half to nine
//   tenths of the time of direct products, in each direction, unless both
//   numbers are so small that transforms are all there is to a gradient at a
//   kernel. But what it rounds away in a forward pass moves all that follows:
//   sums of gradients that nearly cancel come to the edge of what the
//   reference's numbers allow where layers of 32 channels use it, and are as
//   near as TensorFlow's with 64. Gradients at a kernel move nothing else,
//   those at inputs little. Neither does what an animated frame rounds: it is
//   no sum that cancels, and nothing is learned from it.
// * Few tiles do not repay the transform of the kernel. Direct products repay
//   the packing of theirs no sooner: kept, they win below 9 tiles; packed each
//   time, below 4, and turned, where packing is slowest, at one tile of
//   repeated pixels alone.
constexpr int64_t kLeastChannels = 64;
constexpr int64_t kLeastChannelsInference = 16;
constexpr int64_t kLeastChannelsBack = 12;
constexpr int64_t kLeastChannelsRepeated = 6;
constexpr int64_t kLeastChannelsLarge = 256;
constexpr int64_t kLeastPointsLarge = 36 * kLargePoints;
constexpr int64_t kLeastWeightsOfTap = 200;
constexpr int64_t kLeastWeightsRepeated = 256;
constexpr int64_t kLeastTilesKept = 9;
constexpr int64_t kLeastTiles = 4;
constexpr int64_t kLeastTilesNarrow = 8;
constexpr int64_t kLeastTilesOfKernel = 9;
constexpr int64_t kLeastPixelsKept = 9;
constexpr int64_t kLeastPixels = 256;

// Samples and tiles of the whole batch.
int64_t Samples(const ConvShape& s) { return s.batch * s.parts; }

int64_t Tiles(const ConvShape& s, int64_t m) {
  // Of a shape with repeated pixels as many as its small map has.
  const int64_t height = s.upsample ? s.height : s.OutHeight();
  const int64_t width = s.upsample ? s.width : s.OutWidth();
  return Samples(s) * ((height + m - 1) / m) * ((width + m - 1) / m);
}

bool WinogradPays(const ConvShape& s, int64_t least_channels,
                  int64_t least_tiles) {
  const int64_t m = s.upsample ? 5 : kTile + 1 - s.kernel;
  return WinogradServes(s) && std::min(s.in, s.out) >= least_channels &&
         Tiles(s, m) >= least_tiles;
}

// Large tiles leave two thirds of the products that are left otherwise, where
// maps fill them. What they round away, ten times as much, does not show in a
// picture, but would in keypoints: maps of so many channels and pixels are
// those of a generator.
bool LargePays(const ConvShape& s, Usage usage) {
  const auto points = [&s](int64_t m, int64_t tile) {
    return tile * tile * ((s.OutHeight() + m - 1) / m) *
           ((s.OutWidth() + m - 1) / m);
  };
  const int64_t large = points(kLargeOutputs, kLargeTile);
  return usage == Usage::kInference && LargeServes(s) &&
         std::min(s.in, s.out) >= kLeastChannelsLarge &&
         large >= kLeastPointsLarge &&
         large * 10 < points(kTile - 2, kTile) * 9;
}

bool Narrow(const ConvShape& s) {
  return std::min(s.in, s.out) < kLeastChannels;
}

// A sum along the inputs takes a tenth longer for each product, and as long as
// 256 of them to be gathered from its lanes.
int64_t DotsCost(const ConvShape& s) {
  const int64_t products = int64_t{s.kernel} * s.kernel * s.in;
  return s.out * (products + products / 10 + 256);
}

// Four kernels of 2 x 2 leave 4 of 9 products and are 16 / 9 as large.
bool PhasesPay(const ConvShape& s, bool kept) {
  return s.upsample && Samples(s) * s.height * s.width >=
                           (kept ? kLeastPixelsKept : kLeastPixels);
}

// Whether such sums are quicker than vectors of outputs, some of whose lanes
// would be empty.
bool DotsPay(const ConvShape& s, const Vectors& v, bool kept) {
  if (int64_t{s.kernel} * s.in < v.lanes) return false;
  const int64_t taps = PhasesPay(s, kept) ? 4 : s.kernel * s.kernel;
  return DotsCost(s) < RoundUp(s.out, v.lanes) * taps * s.in;
}

// Quarters leave 49 of 16 k^2 products, and take four times as many lanes. A
// vector of inputs or sums takes as long to be transformed as kTransform
// products, and each lane of a kernel's vector as long to be packed as kPack of
// them. They round as Winograd's algorithm does, so in a forward pass of
// training narrow layers, such as the heads that see a picture's colours, keep
// to others. The shape is the one that is computed.
bool QuartersPay(const ConvShape& s, const Vectors& v, bool kept) {
  constexpr int64_t kTransform = 500, kPack = 200;
  if (!QuartersServe(s)) return false;
  const int64_t squares =
      Samples(s) * ((s.OutHeight() + 3) / 4 + 1) * ((s.OutWidth() + 3) / 4 + 1);
  const int64_t vectors = (4 * s.out + v.lanes - 1) / v.lanes;
  const int64_t pixels = Samples(s) * s.OutHeight() * s.OutWidth();
  const int64_t products = int64_t{s.kernel} * s.kernel * s.in;
  const int64_t direct = RoundUp(s.out, v.lanes) * products;
  const int64_t least = std::min(direct, DotsCost(s)) / v.lanes;
  const int64_t transforms = (s.in + v.lanes - 1) / v.lanes + vectors;
  const int64_t packing = kept ? 0 : kPack * v.lanes * s.in * vectors;
  return squares * (49 * s.in * vectors + kTransform * transforms) + packing <
         pixels * least;
}

// The same of a gradient at the kernel, where a quarter's sums take as long to
// become taps as kWrite products, and where direct products with few outputs
// wait for each other.
bool QuartersPayBack(const ConvShape& s, const Vectors& v) {
  constexpr int64_t kTransform = 700, kWrite = 1500;
  if (!QuartersServe(s)) return false;
  const auto vectors = [&v](int64_t n) { return (n + v.lanes - 1) / v.lanes; };
  const int64_t rows = (s.OutHeight() + 3) / 4,
                columns = (s.OutWidth() + 3) / 4;
  const int64_t of_sum =
      QuartersTurned(s, v) ? s.out * vectors(s.in) : s.in * vectors(s.out);
  const int64_t transforms = (rows + 1) * (columns + 1) * vectors(s.in) +
                             rows * columns * vectors(s.out);
  const int64_t pixels = s.batch * s.OutHeight() * s.OutWidth();
  int64_t direct = s.kernel * s.kernel * s.in * vectors(s.out);
  if (s.out <= v.rows) {
    direct = (s.out + 2) * s.kernel * vectors(s.kernel * s.in);
  }
  return s.batch * (rows * columns * 196 * of_sum + kTransform * transforms) +
             4 * kWrite * of_sum <
         pixels * direct;
}

// Small tiles leave 4 of 9 products, as many as four kernels of 2 x 2 leave of
// theirs, and round less than direct sums: 0.6 to 0.95 times as much. Their
// transforms are repaid where a product has both its vectors, each long enough.
bool SmallPays(const ConvShape& s, const Vectors& v) {
  constexpr int64_t kLeastInputs = 24, kLeastSmallTiles = 32;
  const int64_t m = s.upsample ? 3 : 2;
  return SmallServes(s) && Narrow(s) && s.in >= kLeastInputs &&
         s.out > v.lanes && Tiles(s, m) >= kLeastSmallTiles;
}

}  // namespace

Method ForwardMethod(const ConvShape& s, const Vectors& v, Usage usage) {
  const bool kept = usage != Usage::kOnce;
  const int64_t channels =
      usage == Usage::kInference ? kLeastChannelsInference : kLeastChannels;
  if (s.in >= channels && QuartersPay(s, v, kept)) return Method::kQuarters;
  if (DotsPay(s, v, kept)) return Method::kDots;
  if (LargePays(s, usage)) return Method::kLarge;
  if (WinogradPays(s, channels, kept ? kLeastTilesKept : kLeastTiles)) {
    return Method::kWinograd;
  }
  if (SmallPays(s, v)) return Method::kSmall;
  return PhasesPay(s, kept) ? Method::kPhases : Method::kDirect;
}

Method InputGradientMethod(const ConvShape& s, const ConvShape& computed,
                           const Vectors& v, Usage usage) {
  int64_t least = s.upsample ? kLeastTiles : 1;
  if (usage != Usage::kOnce) least = kLeastTilesKept;
  if (Narrow(s)) least = kLeastTilesNarrow;
  const int64_t channels =
      s.upsample ? kLeastChannelsRepeated : kLeastChannelsBack;
  if (WinogradPays(s, channels, least)) return Method::kWinograd;
  if (QuartersPay(computed, v, usage != Usage::kOnce)) return Method::kQuarters;
  return DotsPay(computed, v, usage != Usage::kOnce) ? Method::kDots
                                                     : Method::kDirect;
}

Method KernelGradientMethod(const ConvShape& s, const Vectors& v) {
  const int64_t channels =
      s.upsample ? kLeastChannelsRepeated : kLeastChannelsBack;
  const int64_t weights =
      s.upsample ? kLeastWeightsRepeated : kLeastWeightsOfTap;
  if (s.in * s.out >= weights &&
      WinogradPays(s, channels, kLeastTilesOfKernel)) {
    return Method::kWinograd;
  }
  return QuartersPayBack(s, v) ? Method::kQuarters : Method::kDirect;
}

}  // namespace kernels
}  // namespace prioritycut
