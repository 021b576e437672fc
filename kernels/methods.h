// The methods behind conv.h, and the rules that choose among them.

#ifndef PRIORITYCUT_KERNELS_METHODS_H_
#define PRIORITYCUT_KERNELS_METHODS_H_

#include "kernels/conv.h"

namespace prioritycut {
namespace kernels {

// The rules. Shapes are those of the forward pass; `computed` is the one with
// in and out exchanged.
Method ForwardMethod(const ConvShape& shape, const Vectors& v, Usage usage);
Method InputGradientMethod(const ConvShape& shape, const ConvShape& computed,
                           const Vectors& v, Usage usage);
Method KernelGradientMethod(const ConvShape& shape, const Vectors& v);
bool WinogradServes(const ConvShape& shape);
bool LargeServes(const ConvShape& shape);

// Small tiles are for kernels of 3 x 3 alone, forward.
bool SmallServes(const ConvShape& shape);

// Winograd's algorithm on squares of that side, kTile or kSmallTile. Shapes and
// kernels are the forward pass's, also turned. Where a packed kernel has no
// floats, WinogradRun takes the kernel itself.
int64_t WinogradPackedFloats(const ConvShape& shape, bool turned, int tile,
                             const Vectors& v);
bool WinogradPack(const ConvShape& shape, bool turned, int tile,
                  const float* kernel, float* packed, const Vectors& v,
                  Runtime& runtime);
bool WinogradRun(const ConvShape& shape, bool turned, int tile, const float* x,
                 const float* kernel, const Epilogue& epilogue, float* y,
                 const Vectors& v, Runtime& runtime);
bool WinogradKernelGradient(const ConvShape& shape, const float* x,
                            const float* dy, float* dkernel, const Vectors& v,
                            Runtime& runtime);

// The same for kernels of 5 to 8 pixels, as four of 4 x 4. Shapes as computed.
bool QuartersServe(const ConvShape& shape);
int64_t QuartersPackedFloats(const ConvShape& shape, const Vectors& v);
void QuartersPack(const ConvShape& shape, const float* kernel, float* packed,
                  const Vectors& v, Runtime& runtime);
bool QuartersRun(const ConvShape& shape, const float* x, const float* packed,
                 const Epilogue& epilogue, float* y, const Vectors& v,
                 Runtime& runtime);
bool QuartersKernelGradient(const ConvShape& shape, const float* x,
                            const float* dy, float* dkernel, const Vectors& v,
                            Runtime& runtime);
// Whether there the inputs' channels fill vectors better than the outputs'.
bool QuartersTurned(const ConvShape& shape, const Vectors& v);

// The same in large tiles, forward: 8 x 8 outputs of a kernel of 3 x 3.
int64_t LargePackedFloats(const ConvShape& shape, const Vectors& v);
void LargePack(const ConvShape& shape, const float* kernel, float* packed,
               const Vectors& v, Runtime& runtime);
bool LargeRun(const ConvShape& shape, const float* x, const float* packed,
              const Epilogue& epilogue, float* y, const Vectors& v,
              Runtime& runtime);

// How direct products have their kernel: in panels of a product's columns, in
// runs for inner products, or plain, as it is.
enum class KernelLayout { kPanels, kRuns, kPlain };

// Direct products. Shapes as computed.
bool PlainServes(const ConvShape& shape, const Vectors& v);
int64_t DirectPackedFloats(const ConvShape& shape, KernelLayout layout,
                           const Vectors& v);
void DirectPack(const ConvShape& shape, KernelLayout layout,
                const float* kernel, float* packed, const Vectors& v,
                Runtime& runtime);
// In panels, from the kernel of the shape whose gradient this one is: taps in
// reverse, inputs and outputs exchanged.
void DirectPackTurned(const ConvShape& shape, const float* kernel,
                      float* packed, const Vectors& v, Runtime& runtime);
bool DirectRun(const ConvShape& shape, KernelLayout layout, const float* x,
               const float* packed, const Epilogue& epilogue, float* y,
               const Vectors& v, Runtime& runtime);
// Direct products behind repeated pixels, forward: a kernel of 2 x 2 for each
// phase of the doubled map, which is never made.
int64_t PhasesPackedFloats(const ConvShape& shape, const Vectors& v);
bool PhasesPack(const ConvShape& shape, const float* kernel, float* packed,
                const Vectors& v, Runtime& runtime);
// Plain kernels are those of 3 x 3; that they serve is as for direct products.
bool PhasesServePlain(const ConvShape& shape, const Vectors& v);
bool PhasesRun(const ConvShape& shape, KernelLayout layout, const float* x,
               const float* packed, const Epilogue& epilogue, float* y,
               const Vectors& v, Runtime& runtime);
bool DirectKernelGradient(const ConvShape& shape, const float* x,
                          const float* dy, float* dkernel, const Vectors& v,
                          Runtime& runtime);

// Memory of the calling thread, at least that many floats at a multiple of 64
// bytes, valid until the thread's next call; null where there is none left.
float* ThreadScratch(int64_t floats);

inline int64_t RoundUp(int64_t n, int64_t step) {
  return (n + step - 1) / step * step;
}
// At least n floats in an odd number of cache lines: rows that far apart do not
// crowd into a few sets of the cache.
inline int64_t OddLines(int64_t n) { return (RoundUp(n, 16) / 16 | 1) * 16; }

// Whether a core's second-level cache is to be taken for a small one: those of
// processors with vectors of 16 lanes hold 1 MB and more, most others 512 kB or
// less. What is blocked for either has the same bits.
inline bool SmallCache(const Vectors& v) { return v.lanes < 16; }

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_METHODS_H_
