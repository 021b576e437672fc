// Samples of maps and their gradients by blocks of threads: what sample.h
// computes, as bodies for kernels/device/block.h.
//
// The gradient at the maps adds to pixels in whatever order threads come. It is
// summed in whole numbers, which do not care: of 64 bits, in units so small
// that no sum can overflow. So it has the same bits each time, and is closer to
// the true sum than one of floats.

#ifndef PRIORITYCUT_KERNELS_SAMPLE_DEVICE_H_
#define PRIORITYCUT_KERNELS_SAMPLE_DEVICE_H_

#include "kernels/device/block.h"
#include "kernels/sample_point.h"

namespace prioritycut {
namespace kernels {

// What the kernels are given; each reads what it needs.
struct SampleArguments {
  SampleShape shape;
  const float* x;
  const float* grid;
  const float* dy;
  float* out;  // y, dx or dgrid
  // Scratch of the gradient at the maps: sums as many as x has numbers, and
  // the largest magnitude in dy, as bits.
  uint64_t* sums;
  uint32_t* largest;
};

constexpr int kSampleThreads = 256;
// Points of one block, and threads that share one in the gradient at points.
constexpr int kSamplePoints = 32;
constexpr int kSampleLanes = kSampleThreads / kSamplePoints;
// Numbers of one block where every number is one's own.
constexpr int64_t kSampleNumbers = 2048;

PRIORITYCUT_ANYWHERE int64_t BlocksOf(int64_t things, int64_t of_block) {
  return (things + of_block - 1) / of_block;
}

// The points of a block.
struct SampleTile {
  int64_t pixel[kSamplePoints][4];  // among all maps' pixels, -1 where none is
  float weight[kSamplePoints][4];
  float start[kSamplePoints];  // 0, or NaN where the point is no number
};

// The points' partial sums by their lanes.
struct SampleSums {
  double by_x[kSamplePoints][kSampleLanes];
  double by_y[kSamplePoints][kSampleLanes];
};

PRIORITYCUT_ANYWHERE float SampleNaN() {
  return BitCast<float>(uint32_t{0x7fc00000});
}

PRIORITYCUT_ANYWHERE int64_t FirstPixel(const SampleShape& s, int64_t sample) {
  return s.maps > 1 ? sample * s.height * s.width : 0;
}

// Finds the pixels of the block's points; returns how many points it has.
template <typename Block>
PRIORITYCUT_ANYWHERE int FindPixels(Block& block, SampleTile& tile,
                                    const SampleArguments& a) {
  const SampleShape s = a.shape;
  const float* const grid = a.grid;
  const int64_t first = block.Index() * kSamplePoints;
  const int64_t left = s.Samples() * s.points - first;
  const int count =
      left < kSamplePoints ? static_cast<int>(left) : kSamplePoints;
  SampleTile* const t = &tile;
  const int step = block.Threads();
  block.ForAll([=](int thread) {
    for (int i = thread; i < count; i += step) {
      const int64_t sample = (first + i) / s.points;
      const SamplePoint p = PointOf(s, grid, sample, (first + i) % s.points);
      t->start[i] = p.Finite() ? 0.0f : SampleNaN();
      for (int k = 0; k < 4; ++k) {
        const int64_t pixel = p.Pixel(k % 2, k / 2, s.height, s.width);
        t->pixel[i][k] = pixel < 0 ? -1 : FirstPixel(s, sample) + pixel;
        t->weight[i][k] = p.Weight(k % 2, k / 2);
      }
    }
  });
  return count;
}

// y of kSamplePoints points a block, with the bits of Sample.
template <typename Block>
PRIORITYCUT_ANYWHERE void SampleOfBlock(Block& block, SampleTile& tile,
                                        const SampleArguments& a) {
  const int count = FindPixels(block, tile, a);
  const int64_t channels = a.shape.channels, step = block.Threads();
  const SampleTile* const t = &tile;
  const float* const x = a.x;
  float* const y = a.out + block.Index() * kSamplePoints * channels;
  block.ForAll([=](int thread) {
    for (int64_t i = thread; i < count * channels; i += step) {
      const int64_t p = i / channels, c = i % channels;
      float sum = t->start[p];
      for (int k = 0; k < 4; ++k) {
        const int64_t pixel = t->pixel[p][k];
        if (pixel >= 0) sum += t->weight[p][k] * x[pixel * channels + c];
      }
      y[i] = sum;
    }
  });
}

// Sets the scratch of the gradient at the maps to zero.
template <typename Block>
PRIORITYCUT_ANYWHERE void ClearSumsOfBlock(Block& block,
                                           const SampleArguments& a) {
  const SampleShape& s = a.shape;
  const int64_t all = s.maps * s.height * s.width * s.channels;
  const int64_t begin = block.Index() * kSampleNumbers, step = block.Threads();
  const int64_t end =
      begin + kSampleNumbers < all ? begin + kSampleNumbers : all;
  uint64_t* const sums = a.sums;
  uint32_t* const largest = begin == 0 ? a.largest : nullptr;
  block.ForAll([=](int thread) {
    if (thread == 0 && largest != nullptr) *largest = 0;
    for (int64_t i = begin + thread; i < end; i += step) sums[i] = 0;
  });
}

// Finds the largest magnitude in dy. As integers the bits of magnitudes are in
// their order, and what is not finite is the largest.
template <typename Block>
PRIORITYCUT_ANYWHERE void FindLargestOfBlock(Block& block, uint32_t& shared,
                                             const SampleArguments& a) {
  const SampleShape& s = a.shape;
  const int64_t all = s.Samples() * s.points * s.channels;
  const int64_t begin = block.Index() * kSampleNumbers, step = block.Threads();
  const int64_t end =
      begin + kSampleNumbers < all ? begin + kSampleNumbers : all;
  const float* const dy = a.dy;
  uint32_t* const of_block = &shared;
  uint32_t* const largest = a.largest;
  Block* const b = &block;
  block.ForAll([=](int thread) {
    if (thread == 0) *of_block = 0;
  });
  block.ForAll([=](int thread) {
    uint32_t most = 0;
    for (int64_t i = begin + thread; i < end; i += step) {
      const uint32_t bits = BitCast<uint32_t>(dy[i]) & 0x7fffffff;
      most = bits > most ? bits : most;
    }
    b->Raise(of_block, most);
  });
  block.ForAll([=](int thread) {
    if (thread == 0) b->Raise(largest, *of_block);
  });
}

constexpr uint32_t kInfinity = 0x7f800000;

// The power of two by which gradients become whole numbers, of which the sum of
// all of one map, each as large as the largest, is below 2^62.
PRIORITYCUT_ANYWHERE int SampleScale(const SampleShape& s, uint32_t largest) {
  const int raised = static_cast<int>(largest >> 23);
  const int exponent = (raised == 0 ? 1 : raised) - 127;
  int terms = 0;
  while ((s.Samples() / s.maps * s.points) >> terms != 0) ++terms;
  return 61 - terms - exponent;
}

PRIORITYCUT_ANYWHERE double PowerOfTwo(int exponent) {
  return BitCast<double>(static_cast<uint64_t>(1023 + exponent) << 52);
}

// Adds the gradients of kSamplePoints points a block to the sums.
template <typename Block>
PRIORITYCUT_ANYWHERE void AddGradientsOfBlock(Block& block, SampleTile& tile,
                                              const SampleArguments& a) {
  const int count = FindPixels(block, tile, a);
  const int64_t channels = a.shape.channels, step = block.Threads();
  if (*a.largest >= kInfinity) return;  // of all threads
  const double scale = PowerOfTwo(SampleScale(a.shape, *a.largest));
  const SampleTile* const t = &tile;
  const float* const dy = a.dy + block.Index() * kSamplePoints * channels;
  uint64_t* const sums = a.sums;
  Block* const b = &block;
  block.ForAll([=](int thread) {
    for (int64_t i = thread; i < count * channels; i += step) {
      const int64_t p = i / channels, c = i % channels;
      for (int k = 0; k < 4; ++k) {
        const int64_t pixel = t->pixel[p][k];
        if (pixel < 0) continue;
        const double part = static_cast<double>(t->weight[p][k] * dy[i]);
        // Rounded towards zero, by far less than a float can tell.
        b->Add(&sums[pixel * channels + c],
               static_cast<uint64_t>(static_cast<int64_t>(part * scale)));
      }
    }
  });
}

// dx of the sums.
template <typename Block>
PRIORITYCUT_ANYWHERE void MapGradientOfBlock(Block& block,
                                             const SampleArguments& a) {
  const SampleShape& s = a.shape;
  const int64_t all = s.maps * s.height * s.width * s.channels;
  const int64_t begin = block.Index() * kSampleNumbers, step = block.Threads();
  const int64_t end =
      begin + kSampleNumbers < all ? begin + kSampleNumbers : all;
  const uint64_t* const sums = a.sums;
  float* const dx = a.out;
  const bool finite = *a.largest < kInfinity;
  const double unit = finite ? PowerOfTwo(-SampleScale(s, *a.largest)) : 0;
  block.ForAll([=](int thread) {
    for (int64_t i = begin + thread; i < end; i += step) {
      const double sum = static_cast<double>(static_cast<int64_t>(sums[i]));
      dx[i] = finite ? static_cast<float>(sum * unit) : SampleNaN();
    }
  });
}

// dgrid of kSamplePoints points a block; kSampleLanes threads share the
// channels of a point.
template <typename Block>
PRIORITYCUT_ANYWHERE void GridGradientOfBlock(Block& block, SampleSums& sums,
                                              const SampleArguments& a) {
  const SampleShape s = a.shape;
  const int64_t of_grid = s.Samples() / s.grids;
  const int64_t first = block.Index() * kSamplePoints;
  const int64_t end = s.grids * s.points;
  const float *const x = a.x, *const grid = a.grid, *const dy = a.dy;
  float* const dgrid = a.out;
  SampleSums* const shared = &sums;
  const int step = block.Threads();
  block.ForAll([=](int thread) {
    for (int i = thread; i < kSampleThreads; i += step) {
      const int point_of_block = i / kSampleLanes, lane = i % kSampleLanes;
      const int64_t at = first + point_of_block, point = at % s.points;
      if (at >= end) continue;
      double by_x = 0, by_y = 0;
      for (int64_t j = 0; j < of_grid; ++j) {
        const int64_t sample = at / s.points * of_grid + j;
        const SamplePoint p = PointOf(s, grid, sample, point);
        if (!p.Finite()) by_x = by_y = SampleNaN();
        const float* const g = dy + (sample * s.points + point) * s.channels;
        for (int k = 0; k < 4; ++k) {
          const int64_t pixel = p.Pixel(k % 2, k / 2, s.height, s.width);
          if (pixel < 0) continue;
          const float* const from =
              x + (FirstPixel(s, sample) + pixel) * s.channels;
          double sum = 0;
          for (int64_t c = lane; c < s.channels; c += kSampleLanes) {
            sum += static_cast<double>(from[c]) * static_cast<double>(g[c]);
          }
          by_x += static_cast<double>(p.WeightByX(k % 2, k / 2)) * sum;
          by_y += static_cast<double>(p.WeightByY(k % 2, k / 2)) * sum;
        }
      }
      shared->by_x[point_of_block][lane] = by_x;
      shared->by_y[point_of_block][lane] = by_y;
    }
  });
  block.ForAll([=](int thread) {
    for (int i = thread; i < kSamplePoints && first + i < end; i += step) {
      double by_x = 0, by_y = 0;
      for (int lane = 0; lane < kSampleLanes; ++lane) {
        by_x += shared->by_x[i][lane];
        by_y += shared->by_y[i][lane];
      }
      dgrid[2 * (first + i)] = static_cast<float>(by_x);
      dgrid[2 * (first + i) + 1] = static_cast<float>(by_y);
    }
  });
}

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_SAMPLE_DEVICE_H_
