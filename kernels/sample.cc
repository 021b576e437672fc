#include "kernels/sample.h"

#include <algorithm>
#include <cmath>

namespace prioritycut {
namespace kernels {
namespace {

const float* MapOf(const SampleShape& s, const float* x, int64_t sample) {
  return x + (s.maps > 1 ? sample : 0) * s.height * s.width * s.channels;
}

}  // namespace

void Sample(const SampleShape& s, const float* x, const float* grid, float* y,
            Runtime& runtime) {
  const int64_t total = s.Samples() * s.points;
  runtime.Run(total, 4 * s.channels + 100, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const SamplePoint p = PointOf(s, grid, i / s.points, i % s.points);
      const float* map = MapOf(s, x, i / s.points);
      float* to = y + i * s.channels;
      std::fill(to, to + s.channels, p.Finite() ? 0.0f : NAN);
      for (int k = 0; k < 4; ++k) {
        const int64_t pixel = p.Pixel(k % 2, k / 2, s.height, s.width);
        if (pixel < 0) continue;
        const float weight = p.Weight(k % 2, k / 2);
        const float* from = map + pixel * s.channels;
        for (int64_t c = 0; c < s.channels; ++c) to[c] += weight * from[c];
      }
    }
  });
}

void SampleMapGradient(const SampleShape& s, const float* grid, const float* dy,
                       float* dx, Runtime& runtime) {
  // Threads share out maps and channels, so that no two add to one place.
  constexpr int64_t kChannels = 32;
  const int64_t strips = (s.channels + kChannels - 1) / kChannels;
  const int64_t of_map = s.Samples() / s.maps;
  const int64_t cost = (of_map * s.points * 4 + s.height * s.width) * kChannels;
  runtime.Run(s.maps * strips, cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t m = i / strips, first = i % strips * kChannels;
      const int64_t count = std::min(kChannels, s.channels - first);
      float* map = dx + m * s.height * s.width * s.channels + first;
      for (int64_t p = 0; p < s.height * s.width; ++p) {
        std::fill(map + p * s.channels, map + p * s.channels + count, 0.0f);
      }
      for (int64_t j = 0; j < of_map * s.points; ++j) {
        const int64_t sample = m * of_map + j / s.points;
        const SamplePoint p = PointOf(s, grid, sample, j % s.points);
        const float* from =
            dy + (sample * s.points + j % s.points) * s.channels + first;
        for (int k = 0; k < 4; ++k) {
          const int64_t pixel = p.Pixel(k % 2, k / 2, s.height, s.width);
          if (pixel < 0) continue;
          const float weight = p.Weight(k % 2, k / 2);
          float* to = map + pixel * s.channels;
          for (int64_t c = 0; c < count; ++c) to[c] += weight * from[c];
        }
      }
    }
  });
}

void SampleGridGradient(const SampleShape& s, const float* x, const float* grid,
                        const float* dy, float* dgrid, Runtime& runtime) {
  const int64_t of_grid = s.Samples() / s.grids;
  runtime.Run(
      s.grids * s.points, of_grid * (4 * s.channels + 100),
      [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          double by_x = 0, by_y = 0;
          for (int64_t j = 0; j < of_grid; ++j) {
            const int64_t sample = i / s.points * of_grid + j;
            const int64_t point = i % s.points;
            const SamplePoint p = PointOf(s, grid, sample, point);
            const float* map = MapOf(s, x, sample);
            const float* g = dy + (sample * s.points + point) * s.channels;
            for (int k = 0; k < 4; ++k) {
              const int64_t pixel = p.Pixel(k % 2, k / 2, s.height, s.width);
              if (pixel < 0) continue;
              const float* from = map + pixel * s.channels;
              float sum = 0;
              for (int64_t c = 0; c < s.channels; ++c) sum += from[c] * g[c];
              by_x += p.WeightByX(k % 2, k / 2) * sum;
              by_y += p.WeightByY(k % 2, k / 2) * sum;
            }
            if (!p.Finite()) by_x = by_y = NAN;
          }
          dgrid[2 * i] = static_cast<float>(by_x);
          dgrid[2 * i + 1] = static_cast<float>(by_y);
        }
      });
}

}  // namespace kernels
}  // namespace prioritycut
