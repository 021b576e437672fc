// Bilinear sampling, one point at a time: what every processor's loops have in
// common, a GPU's too.

#ifndef PRIORITYCUT_KERNELS_SAMPLE_POINT_H_
#define PRIORITYCUT_KERNELS_SAMPLE_POINT_H_

#include "kernels/device/block.h"

#if !defined(__CUDACC_RTC__)
#include <math.h>
#endif

namespace prioritycut {
namespace kernels {

// Maps [maps, height, width, channels] and points [grids, points, 2]. Maps or
// grids may be one for all samples.
struct SampleShape {
  int64_t maps, grids, height, width, channels, points;
  bool align_corners, reflect;

  PRIORITYCUT_ANYWHERE int64_t Samples() const {
    return maps > grids ? maps : grids;
  }
};

// How coordinates in [-1, 1] lie on a side of so many pixels. Where corners are
// aligned -1 and 1 are the centres of its first and last pixel, else their
// outer edges. Outside there are zeros or, reflected, the side mirrored at
// these places.
struct SampleSide {
  int64_t pixels;
  bool align_corners, reflect;
};

// A coordinate among the pixels.
struct SamplePlace {
  int64_t first;  // the pixel at or before it, maybe outside; -2 if far away
  float share;    // of the next pixel; the first one has the rest
  float slope;    // of the place by the coordinate
};

// The place of coordinate t. Coordinates that are not finite have shares that
// are not numbers.
PRIORITYCUT_ANYWHERE SamplePlace PlaceOf(float t, const SampleSide& side) {
  const float n = static_cast<float>(side.pixels);
  float at, slope;
  if (side.align_corners) {
    slope = (n - 1) / 2;
    at = (t + 1) * slope;
  } else {
    slope = n / 2;
    at = ((t + 1) * n - 1) * 0.5f;
  }
  if (side.reflect) {
    const float low = side.align_corners ? 0.0f : -0.5f;
    const float span = side.align_corners ? n - 1 : n;
    if (span == 0) {
      at = at * 0;
      slope = 0;
    } else {
      const float from = at - low, far = fabsf(from);
      const float turns = floorf(far / span), rest = far - turns * span;
      const bool odd = turns - 2 * floorf(turns * 0.5f) != 0;
      at = (odd ? span - rest : rest) + low;
      slope *= from > 0 ? 1.0f : from < 0 ? -1.0f : 0.0f;
      if (odd) slope = -slope;
      if (at < 0 || at > n - 1) slope = 0;
      if (at < 0) at = 0;
      if (at > n - 1) at = n - 1;
    }
  }
  const float floor = floorf(at);
  // Compared before the cast, which knows no number beyond an integer's.
  const bool near = floor >= -1 && floor < n;
  return {near ? static_cast<int64_t>(floor) : -2, at - floor, slope};
}

// The pixels around a point: up to four, in the order of rows.
struct SamplePoint {
  SamplePlace x, y;

  // Weight of pixel (column, row), each 0 or 1.
  PRIORITYCUT_ANYWHERE float Weight(int column, int row) const {
    return (column ? x.share : 1 - x.share) * (row ? y.share : 1 - y.share);
  }
  // The derivatives of that weight by the coordinates.
  PRIORITYCUT_ANYWHERE float WeightByX(int column, int row) const {
    return (column ? x.slope : -x.slope) * (row ? y.share : 1 - y.share);
  }
  PRIORITYCUT_ANYWHERE float WeightByY(int column, int row) const {
    return (column ? x.share : 1 - x.share) * (row ? y.slope : -y.slope);
  }
  // The pixel's number in a map, -1 where there is none.
  PRIORITYCUT_ANYWHERE int64_t Pixel(int column, int row, int64_t height,
                                     int64_t width) const {
    const int64_t i = y.first + row, j = x.first + column;
    const bool there = i >= 0 && i < height && j >= 0 && j < width;
    return there ? i * width + j : -1;
  }
  PRIORITYCUT_ANYWHERE bool Finite() const {
    return x.share == x.share && y.share == y.share;
  }
};

// A point of a sample.
PRIORITYCUT_ANYWHERE SamplePoint PointOf(const SampleShape& s,
                                         const float* grid, int64_t sample,
                                         int64_t point) {
  const float* at = grid + ((s.grids > 1 ? sample : 0) * s.points + point) * 2;
  return {PlaceOf(at[0], {s.width, s.align_corners, s.reflect}),
          PlaceOf(at[1], {s.height, s.align_corners, s.reflect})};
}

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_SAMPLE_POINT_H_
