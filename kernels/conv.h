// Convolutions of float32 maps on the processor: [batch, height, width,
// channels] with kernels [side, side, in, out], stride 1, forward and both
// gradients. Plain functions on pointers; memory and threads are the caller's.
//
// Seven methods compete, and the choice is a rule of the shape (method.cc):
// Winograd's algorithm on tiles of 6 x 6 points for kernels of 3 x 3, 4 x 4
// and the 2 x 2 that a kernel of 3 x 3 becomes behind repeated pixels; the same
// on tiles of 7 x 7 for the quarters of larger kernels; the same on tiles of
// 10 x 10, quicker and less exact, where inference allows it; the same on tiles
// of 4 x 4, as exact as direct products, for narrow layers; direct products;
// the same with such kernels of 2 x 2; inner products where there are few
// outputs.

#ifndef PRIORITYCUT_KERNELS_CONV_H_
#define PRIORITYCUT_KERNELS_CONV_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/vector.h"

namespace prioritycut {
namespace kernels {

struct ConvShape {
  int64_t batch, height, width, in, out;
  int kernel;         // its side, from 1
  int before, after;  // zeros on both axes, less than the kernel's side
  // Pixels are repeated to twice the sides first. Kernel 3, zeros 1 and 1.
  bool upsample = false;
  // The samples are one of so many equal parts of a batch: methods are chosen
  // as for all of it, so that each sample has the same bits in any part.
  int64_t parts = 1;

  int64_t OutHeight() const { return OutSide(height); }
  int64_t OutWidth() const { return OutSide(width); }
  int64_t KernelFloats() const { return int64_t{kernel} * kernel * in * out; }

 private:
  int64_t OutSide(int64_t side) const {
    return (upsample ? 2 * side : side) + before + after - kernel + 1;
  }
};

// What a computation borrows from its caller.
class Runtime {
 public:
  using Work = std::function<void(int64_t begin, int64_t end)>;

  virtual ~Runtime() = default;
  virtual int Threads() const = 0;
  // Calls work for parts of [0, total), maybe at once, and waits for them. A
  // unit takes about `cost` cycles.
  virtual void Run(int64_t total, int64_t cost, const Work& work) = 0;
  // Memory at a multiple of 64 bytes that lives as long as this object, or null
  // where there is none left.
  virtual float* Scratch(int64_t floats) = 0;
};

// As methods.h has it.
enum class KernelLayout;

enum class Method {
  kWinograd,
  kDirect,
  kDots,
  kPhases,
  kQuarters,
  kLarge,
  kSmall
};

// How a kernel is used: packed for one call, or kept packed for many. Where no
// gradient is ever taken of what follows, large tiles may compute it, too.
enum class Usage { kOnce, kKept, kInference };

// The convolution of one shape in one direction. The kernel is packed first, to
// be used as often as one likes, unless it is used as it is.
class Conv {
 public:
  // y from x.
  static Conv Forward(const ConvShape& shape, const Vectors& vectors,
                      Usage usage = Usage::kOnce);
  // The gradient at x from that at y: the convolution with the kernel turned.
  static Conv InputGradient(const ConvShape& shape, const Vectors& vectors,
                            Usage usage = Usage::kOnce);

  // For tests: another method than the rule's. False where it cannot serve.
  bool Use(Method method);
  Method method() const { return method_; }

  // Takes the kernel as it is, if that serves, for the same bits: quicker once
  // than to pack it into new memory, and slower often.
  bool UsePlain();

  // Size of a packed kernel; 0 says that Run takes the kernel as it is, and
  // that there is nothing to pack.
  int64_t PackedFloats() const;
  // Each returns false when memory is short.
  bool Pack(const float* kernel, float* packed, Runtime& runtime) const;
  // The epilogue's lists hold one value for each channel of y. Gradients have
  // no residual.
  bool Run(const float* x, const float* packed, const Epilogue& epilogue,
           float* y, Runtime& runtime) const;
  // Whether a residual is read where y is written, so that y may be the
  // residual.
  bool AddsInPlace() const;

 private:
  Conv(const ConvShape& shape, bool turned, const Vectors& vectors,
       Usage usage);
  // Whether it is Winograd's algorithm by winograd_forward.cc, and the side of
  // its squares.
  bool InTiles() const;
  int Tile() const;
  // How direct products have the kernel.
  KernelLayout Layout() const;
  // As it is computed: turned, in and out are exchanged.
  ConvShape Effective() const;
  // Run with lists that are padded, and a residual only where it is added in
  // place.
  bool Compute(const float* x, const float* packed, const Epilogue& epilogue,
               float* y, Runtime& runtime) const;

  ConvShape shape_;
  bool turned_;
  Method method_;
  const Vectors* vectors_;
  bool plain_ = false;
};

// The gradient at the kernel, and at the bias unless that is null.
bool KernelGradient(const ConvShape& shape, const float* x, const float* dy,
                    float* dkernel, double* dbias, Runtime& runtime,
                    const Vectors& vectors);
// The same by a given method (kWinograd, kQuarters or kDirect), without the
// bias.
bool KernelGradientBy(Method method, const ConvShape& shape, const float* x,
                      const float* dy, float* dkernel, Runtime& runtime,
                      const Vectors& vectors);
// The sums of dy [samples, pixels, channels].
void BiasGradient(int64_t samples, int64_t pixels, int64_t channels,
                  const float* dy, double* dbias, Runtime& runtime);

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_CONV_H_
