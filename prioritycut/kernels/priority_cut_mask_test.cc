// Masks of all sizes and of hostile values against sorting. The arrays have
// exactly the pixels' size, so that tools which watch memory see a step too
// far.
//
//   priority_cut_mask_test [ROUNDS [SEED]]

#include "prioritycut/kernels/priority_cut_mask.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace prioritycut {
namespace {

int failures = 0;

#define EXPECT(condition)                                         \
  do {                                                            \
    if (!(condition)) {                                           \
      ++failures;                                                 \
      std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    }                                                             \
  } while (false)

template <typename T>
struct Maps {
  explicit Maps(int64_t pixels)
      : pixels(pixels),
        occlusion(new T[pixels]),
        background(new T[pixels]),
        mask(new T[pixels]),
        foreground(new T[pixels]) {}

  T Compute(float k, const MaskOptions& options) {
    return ComputeMask(occlusion.get(), background.get(), k, pixels, options,
                       mask.get(), foreground.get());
  }

  int64_t pixels;
  std::unique_ptr<T[]> occlusion, background, mask, foreground;
};

// What the header of ComputeMask says, by sorting.
template <typename T>
void Compare(const Maps<T>& m, float k, const MaskOptions& o,
             T background_fraction) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < m.pixels; ++i) {
    const bool background =
        static_cast<double>(m.background[i]) > o.bg_threshold;
    EXPECT(m.foreground[i] == (background ? T{1} : m.occlusion[i]));
    if (!background) order.push_back(i);
  }
  const int64_t foreground = order.size();
  EXPECT(background_fraction ==
         static_cast<T>(static_cast<double>(m.pixels - foreground) /
                        static_cast<double>(m.pixels)));
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return m.occlusion[a] < m.occlusion[b];
  });
  const int64_t base = o.base == Base::kImage ? m.pixels : foreground;
  const int64_t cut =
      std::min<int64_t>(foreground, std::floor(static_cast<double>(k) * base));
  const T marked = o.polarity == Polarity::kRealAtOccluded ? T{1} : T{0};
  std::vector<T> want(m.pixels, T{1} - marked);
  for (int64_t i = 0; i < cut; ++i) want[order[i]] = marked;
  EXPECT(std::equal(want.begin(), want.end(), m.mask.get()));
}

template <typename T>
void ExpectNaN(const Maps<T>& m, T background_fraction) {
  EXPECT(std::isnan(background_fraction));
  for (int64_t i = 0; i < m.pixels; ++i) {
    EXPECT(std::isnan(m.mask[i]) && std::isnan(m.foreground[i]));
  }
}

template <typename T>
void Round(std::mt19937& random) {
  using Limits = std::numeric_limits<T>;
  const T odd[] = {T{0},
                   -T{0},
                   Limits::denorm_min(),
                   -Limits::max(),
                   Limits::max(),
                   Limits::min(),
                   T{0.5},
                   Limits::epsilon()};
  auto number = [&](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  Maps<T> m(1 + number(number(4) ? 40 : 5000));
  const int levels = 1 + number(1000);
  for (int64_t i = 0; i < m.pixels; ++i) {
    m.occlusion[i] = number(8) ? T(number(levels)) / levels : odd[number(8)];
    m.background[i] = number(8) ? T(number(levels)) / levels : odd[number(8)];
  }
  const float ks[] = {0,
                      1,
                      0.5f,
                      std::numeric_limits<float>::denorm_min(),
                      std::nextafter(1.0f, 0.0f),
                      number(1000) / 1000.0f};
  const double thresholds[] = {-1, 0, 0.5, 0.9, 1, 1e300, -1e300};
  const MaskOptions options{
      thresholds[number(7)], number(2) ? Base::kImage : Base::kForeground,
      number(2) ? Polarity::kRealAtOccluded : Polarity::kFakeAtOccluded};
  const float k = ks[number(6)];
  Compare(m, k, options, m.Compute(k, options));

  const float bad_ks[] = {-std::numeric_limits<float>::denorm_min(),
                          std::nextafter(1.0f, 2.0f),
                          std::numeric_limits<float>::quiet_NaN()};
  ExpectNaN(m, m.Compute(bad_ks[number(3)], options));

  // One value that is no number spoils the whole sample.
  const T bad[] = {Limits::quiet_NaN(), -Limits::quiet_NaN(),
                   Limits::infinity(), -Limits::infinity()};
  T* const map = number(2) ? m.occlusion.get() : m.background.get();
  map[number(static_cast<int>(m.pixels))] = bad[number(4)];
  ExpectNaN(m, m.Compute(k, options));
}

}  // namespace
}  // namespace prioritycut

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 2000;
  std::mt19937 random(argc > 2 ? std::atoi(argv[2]) : 1);
  for (int i = 0; i < rounds && prioritycut::failures < 10; ++i) {
    prioritycut::Round<float>(random);
    prioritycut::Round<double>(random);
  }
  std::printf("%d rounds, %d failures\n", rounds, prioritycut::failures);
  return prioritycut::failures == 0 ? 0 : 1;
}
