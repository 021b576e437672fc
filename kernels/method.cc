// Which method a shape gets.

#include <algorithm>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {

bool WinogradServes(const ConvShape& s) {
  return s.upsample || s.kernel == 3 || s.kernel == 4;
}

Method ForwardMethod(const ConvShape& s, const Vectors& v) {
  if (s.out <= v.lanes / 2 && int64_t{s.kernel} * s.in >= v.lanes) {
    return Method::kDots;
  }
  // Few channels leave the transforms without products that repay them; small
  // maps are bound by reading four times the kernel.
  const int64_t pixels = s.batch * s.OutHeight() * s.OutWidth();
  if (WinogradServes(s) && std::min(s.in, s.out) >= 16 && pixels >= 256) {
    return Method::kWinograd;
  }
  return Method::kDirect;
}

Method KernelGradientMethod(const ConvShape& s, const Vectors& v) {
  (void)v;
  const int64_t pixels = s.batch * s.OutHeight() * s.OutWidth();
  if (WinogradServes(s) && std::min(s.in, s.out) >= 16 && pixels >= 256) {
    return Method::kWinograd;
  }
  return Method::kDirect;
}

}  // namespace kernels
}  // namespace prioritycut
