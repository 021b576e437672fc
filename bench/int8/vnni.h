// A convolution in integers of 8 bits, for a trial: inner products of unsigned
// pixels and signed weights by the instruction vpdpbusd, four products a lane.

#ifndef PRIORITYCUT_BENCH_INT8_VNNI_H_
#define PRIORITYCUT_BENCH_INT8_VNNI_H_

#include <cstdint>
#include <vector>

namespace prioritycut {
namespace int8 {

// Whether the processor lists the instruction, the system keeps its registers,
// and it runs: a hypervisor may forbid what it lists. The reason if not.
const char* WhyNot();

// Stride 1 and zeros on both axes; kernels of [side, side, in, out].
struct Shape {
  int64_t height, width, in, out;
  int kernel, before, after;

  int64_t OutHeight() const { return height + before + after - kernel + 1; }
  int64_t OutWidth() const { return width + before + after - kernel + 1; }
};

// Channels in groups of four, panels of 32 outputs.
constexpr int64_t kGroup = 4, kPanel = 32;
inline int64_t RoundUp(int64_t n, int64_t step) {
  return (n + step - 1) / step * step;
}

// A kernel with a step for each output, packed [panel][tap][group][32][4].
struct Kernel {
  std::vector<int8_t> packed;
  std::vector<float> step;
};
Kernel Quantise(const Shape& shape, const float* kernel);

// Pixels of [0, 255 * step], with the zeros around them: [H'][W'][in'].
std::vector<uint8_t> Quantise(const Shape& shape, const float* x, float step);

// y[H][W][out] = the convolution in float32, from pixels of that step. It needs
// what WhyNot asks for.
void Convolve(const Shape& shape, const uint8_t* pixels, float step,
              const Kernel& kernel, float* y);

}  // namespace int8
}  // namespace prioritycut

#endif  // PRIORITYCUT_BENCH_INT8_VNNI_H_
