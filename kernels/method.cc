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
// the kernel. Few channels leave its transforms with little to win, and what it
// rounds away moves the gradients of small networks; few tiles do not repay its
// kernel: measured on both instruction sets, forward passes break even at 4
// tiles of a kernel that is kept, which is not worth the memory, and at about
// 32 where it is packed each time; gradients at the kernel between 16 and 64.
constexpr int64_t kLeastChannels = 64;
constexpr int64_t kLeastTilesKept = 16;
constexpr int64_t kLeastTiles = 32;

int64_t Tiles(const ConvShape& s) {
  // Of a shape with repeated pixels as many as its small map has.
  const int64_t m = s.upsample ? 5 : kTile + 1 - s.kernel;
  const int64_t height = s.upsample ? s.height : s.OutHeight();
  const int64_t width = s.upsample ? s.width : s.OutWidth();
  return s.batch * ((height + m - 1) / m) * ((width + m - 1) / m);
}

bool WinogradPays(const ConvShape& s, int64_t least_tiles) {
  return WinogradServes(s) && std::min(s.in, s.out) >= kLeastChannels &&
         Tiles(s) >= least_tiles;
}

}  // namespace

Method ForwardMethod(const ConvShape& s, const Vectors& v, bool kept) {
  // Where outputs would not fill a vector, sums run along the inputs.
  constexpr int64_t kFew = 12;
  if (s.out <= kFew && int64_t{s.kernel} * s.in >= v.lanes) {
    return Method::kDots;
  }
  return WinogradPays(s, kept ? kLeastTilesKept : kLeastTiles)
             ? Method::kWinograd
             : Method::kDirect;
}

Method KernelGradientMethod(const ConvShape& s) {
  return WinogradPays(s, kLeastTiles) ? Method::kWinograd : Method::kDirect;
}

}  // namespace kernels
}  // namespace prioritycut
