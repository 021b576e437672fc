// Which method a shape gets.

#include <algorithm>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {

bool WinogradServes(const ConvShape& s) {
  return s.upsample || s.kernel == 3 || s.kernel == 4;
}

namespace {

// Winograd's algorithm needs a quarter of the products, and reads four times
// the kernel. Measured on both instruction sets, in processor time:
//
// * From 16 channels on it takes half to nine tenths of the time of direct
//   products, in each direction. But what it rounds away in a forward pass
//   moves all that follows: sums of gradients that nearly cancel come to the
//   edge of what the reference's numbers allow where layers of 32 channels use
//   it, and are as near as TensorFlow's with 64. Gradients at a kernel move
//   nothing else, those at inputs little.
// * Few tiles do not repay its kernel: forward passes break even at 4 tiles of
// a
//   kernel that is kept, which is not worth the memory, and at about 32 where
//   it is packed each time. Gradients of narrow layers have small kernels, and
//   break even at 4 tiles.
constexpr int64_t kLeastChannels = 64;
constexpr int64_t kLeastChannelsBack = 16;
constexpr int64_t kLeastTilesKept = 16;
constexpr int64_t kLeastTiles = 32;
constexpr int64_t kLeastTilesNarrow = 8;

int64_t Tiles(const ConvShape& s) {
  // Of a shape with repeated pixels as many as its small map has.
  const int64_t m = s.upsample ? 5 : kTile + 1 - s.kernel;
  const int64_t height = s.upsample ? s.height : s.OutHeight();
  const int64_t width = s.upsample ? s.width : s.OutWidth();
  return s.batch * ((height + m - 1) / m) * ((width + m - 1) / m);
}

bool WinogradPays(const ConvShape& s, int64_t least_channels,
                  int64_t least_tiles) {
  return WinogradServes(s) && std::min(s.in, s.out) >= least_channels &&
         Tiles(s) >= least_tiles;
}

bool Narrow(const ConvShape& s) {
  return std::min(s.in, s.out) < kLeastChannels;
}

// Whether sums along the inputs are quicker than vectors of outputs, most of
// whose lanes would be empty: a sum takes as long as 1.25 lanes.
bool DotsPay(const ConvShape& s, const Vectors& v) {
  if (int64_t{s.kernel} * s.in < v.lanes) return false;
  constexpr int64_t kFew = 12, kPanel = 16, kWide = 21;
  return s.out <= kFew || (s.kernel >= 7 && s.out > kPanel && s.out <= kWide);
}

}  // namespace

Method ForwardMethod(const ConvShape& s, const Vectors& v, bool kept) {
  if (DotsPay(s, v)) return Method::kDots;
  return WinogradPays(s, kLeastChannels, kept ? kLeastTilesKept : kLeastTiles)
             ? Method::kWinograd
             : Method::kDirect;
}

Method InputGradientMethod(const ConvShape& s, const ConvShape& computed,
                           const Vectors& v, bool kept) {
  const bool winograd = WinogradPays(s, kLeastChannelsBack,
                                     Narrow(s) ? kLeastTilesNarrow
                                     : kept    ? kLeastTilesKept
                                               : kLeastTiles);
  if (winograd) return Method::kWinograd;
  return DotsPay(computed, v) ? Method::kDots : Method::kDirect;
}

Method KernelGradientMethod(const ConvShape& s) {
  return WinogradPays(s, kLeastChannelsBack,
                      Narrow(s) ? kLeastTilesNarrow : kLeastTiles)
             ? Method::kWinograd
             : Method::kDirect;
}

}  // namespace kernels
}  // namespace prioritycut
