// The body of the GPU's kernel, run on the host with its threads in several
// orders, against the CPU's kernel, bit by bit.
//
//   priority_cut_mask_device_test [ROUNDS [SEED]]

#include "prioritycut/kernels/priority_cut_mask_device.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "kernels/device/emulator.h"
#include "prioritycut/kernels/priority_cut_mask.h"

namespace prioritycut {
namespace {

using device::Order;

int failures = 0, compared = 0;

template <typename T>
struct Batch {
  int64_t samples, pixels;
  std::vector<T> occlusion, background;
  std::vector<float> k;
  MaskOptions options;
};

template <typename T>
struct Outputs {
  Outputs(int64_t samples, int64_t pixels)
      : mask(samples * pixels),
        foreground(samples * pixels),
        fraction(samples) {
    // What was there before must not matter.
    std::memset(mask.data(), 0xa5, mask.size() * sizeof(T));
  }
  std::vector<T> mask, foreground, fraction;
};

template <typename T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <typename T>
Outputs<T> OnCpu(const Batch<T>& b) {
  Outputs<T> out(b.samples, b.pixels);
  for (int64_t n = 0; n < b.samples; ++n) {
    const int64_t at = n * b.pixels;
    out.fraction[n] =
        ComputeMask(&b.occlusion[at], &b.background[at], b.k[n], b.pixels,
                    b.options, &out.mask[at], &out.foreground[at]);
  }
  return out;
}

template <typename T>
Outputs<T> Emulated(const Batch<T>& b, int threads, Order order,
                    uint32_t seed) {
  Outputs<T> out(b.samples, b.pixels);
  const MaskArguments<T> arguments = MaskArgumentsOf<T>(b.options, b.pixels);
  MaskArguments<T> a = arguments;
  a.occlusion = b.occlusion.data();
  a.background = b.background.data();
  a.k = b.k.data();
  a.mask = out.mask.data();
  a.foreground = out.foreground.data();
  a.fraction = out.fraction.data();
  const auto shared = std::make_unique<MaskShared>();
  device::Emulate(b.samples, threads, order, seed,
                  [&](device::EmulatedBlock& block) {
                    std::memset(shared.get(), 0x5a, sizeof(*shared));
                    MaskOfSample(block, *shared, a);
                  });
  return out;
}

template <typename T>
Batch<T> Draw(std::mt19937& random) {
  using Limits = std::numeric_limits<T>;
  auto number = [&](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  const T odd[] = {T{0},           -T{0},         Limits::denorm_min(),
                   -Limits::max(), Limits::max(), -Limits::denorm_min(),
                   T{0.5},         Limits::min()};
  const T bad[] = {Limits::quiet_NaN(), -Limits::quiet_NaN(),
                   Limits::infinity(), -Limits::infinity()};
  const int sizes[] = {1,   2,    1 + number(40), 1 + number(5000), 255, 256,
                       257, 1024, 70000};
  Batch<T> b;
  b.samples = 1 + number(3);
  // Maps of more than 2^16 pixels have indices of three digits.
  b.pixels = sizes[number(number(8) ? 8 : 9)];
  const int64_t values = b.samples * b.pixels;
  // Few levels make ties; few of them, in one exponent, no selection by the
  // first digits.
  const int levels = number(3) ? 1 + number(1000) : 1 + number(3);
  const T from = number(2) ? T{0} : T{1000};
  for (int64_t i = 0; i < values; ++i) {
    const T value = from + T(number(levels)) / levels;
    b.occlusion.push_back(number(16) ? value : odd[number(8)]);
    b.background.push_back(number(16) ? T(number(levels)) / levels
                                      : odd[number(8)]);
  }
  const float ks[] = {0,
                      1,
                      0.5f,
                      std::numeric_limits<float>::denorm_min(),
                      std::nextafter(1.0f, 0.0f),
                      number(1000) / 1000.0f,
                      number(1000) / 1000.0f,
                      number(2) ? 1.5f : std::nanf("")};
  for (int64_t n = 0; n < b.samples; ++n) b.k.push_back(ks[number(8)]);
  if (number(6) == 0) {
    (number(2) ? b.occlusion : b.background)[number(static_cast<int>(values))] =
        bad[number(4)];
  }
  const double thresholds[] = {-1, 0, 0.5, 0.9, 1, 1e300, -1e300};
  b.options = {
      thresholds[number(7)], number(2) ? Base::kImage : Base::kForeground,
      number(2) ? Polarity::kRealAtOccluded : Polarity::kFakeAtOccluded};
  return b;
}

template <typename T>
void Round(std::mt19937& random) {
  const Batch<T> batch = Draw<T>(random);
  const Outputs<T> want = OnCpu(batch);
  // As many threads as the GPU's kernel has, or others: no bit depends on it.
  const int threads[] = {kMaskThreads, 256, 32, 7, 1};
  const int count = threads[random() % 5];
  for (Order order : {Order::kForward, Order::kBackward, Order::kShuffled}) {
    const Outputs<T> got = Emulated(batch, count, order, random());
    ++compared;
    if (SameBits(got.mask, want.mask) &&
        SameBits(got.foreground, want.foreground) &&
        SameBits(got.fraction, want.fraction)) {
      continue;
    }
    ++failures;
    std::printf("%d samples of %d pixels, %d threads, order %d: other bits\n",
                static_cast<int>(batch.samples), static_cast<int>(batch.pixels),
                count, static_cast<int>(order));
  }
}

}  // namespace
}  // namespace prioritycut

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 400;
  std::mt19937 random(argc > 2 ? std::atoi(argv[2]) : 1);
  for (int i = 0; i < rounds && prioritycut::failures < 10; ++i) {
    prioritycut::Round<float>(random);
    prioritycut::Round<double>(random);
  }
  std::printf("%d batches compared, %d failures\n", prioritycut::compared,
              prioritycut::failures);
  return prioritycut::failures == 0 ? 0 : 1;
}
