// The bodies of the GPU's sampler, run on the host with their threads in
// several orders, against the CPU's kernels: samples bit by bit, gradients to
// rounding, and those with the same bits in every order.
//
//   sample_device_test [ROUNDS [SEED]]

#include "kernels/sample_device.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/device/emulator.h"
#include "kernels/sample.h"
#include "kernels/test_runtime.h"

namespace prioritycut {
namespace kernels {
namespace {

using device::Order;
using Floats = std::vector<float>;

int failures = 0, compared = 0;

struct Batch {
  SampleShape shape;
  Floats x, grid, dy;
};

struct Outputs {
  explicit Outputs(const Batch& b)
      : y(b.dy.size()), dx(b.x.size()), dgrid(b.grid.size()) {}
  Floats y, dx, dgrid;
};

Outputs OnCpu(const Batch& b) {
  Outputs out(b);
  TestRuntime runtime(1);
  Sample(b.shape, b.x.data(), b.grid.data(), out.y.data(), runtime);
  SampleMapGradient(b.shape, b.grid.data(), b.dy.data(), out.dx.data(),
                    runtime);
  SampleGridGradient(b.shape, b.x.data(), b.grid.data(), b.dy.data(),
                     out.dgrid.data(), runtime);
  return out;
}

Outputs Emulated(const Batch& b, int threads, Order order, uint32_t seed) {
  Outputs out(b);
  const SampleShape& s = b.shape;
  // What was there before must not matter.
  for (Floats* f : {&out.y, &out.dx, &out.dgrid}) {
    std::memset(f->data(), 0xa5, f->size() * sizeof(float));
  }
  std::vector<uint64_t> sums(b.x.size(), 0xa5a5a5a5a5a5a5a5);
  uint32_t largest = 0xa5a5a5a5;
  SampleArguments a = {s,       b.x.data(),  b.grid.data(), b.dy.data(),
                       nullptr, sums.data(), &largest};
  SampleTile tile;
  SampleSums lanes;
  const auto dirty = [&] {
    std::memset(static_cast<void*>(&tile), 0x5a, sizeof(tile));
    std::memset(static_cast<void*>(&lanes), 0x5a, sizeof(lanes));
  };
  const auto run = [&](int64_t blocks, auto body) {
    device::Emulate(blocks, threads, order, seed,
                    [&](device::EmulatedBlock& block) {
                      dirty();
                      body(block);
                    });
  };
  using Block = device::EmulatedBlock;
  const int64_t points = BlocksOf(s.Samples() * s.points, kSamplePoints);
  const int64_t of_x = BlocksOf(b.x.size(), kSampleNumbers);
  uint32_t shared = 0;
  a.out = out.y.data();
  run(points, [&](Block& block) { SampleOfBlock(block, tile, a); });
  a.out = out.dx.data();
  run(of_x, [&](Block& block) { ClearSumsOfBlock(block, a); });
  run(BlocksOf(b.dy.size(), kSampleNumbers),
      [&](Block& block) { FindLargestOfBlock(block, shared, a); });
  run(points, [&](Block& block) { AddGradientsOfBlock(block, tile, a); });
  run(of_x, [&](Block& block) { MapGradientOfBlock(block, a); });
  a.out = out.dgrid.data();
  run(BlocksOf(s.grids * s.points, kSamplePoints),
      [&](Block& block) { GridGradientOfBlock(block, lanes, a); });
  return out;
}

// A kind of batch: what its numbers are like.
enum class Kind { kOrdinary, kTiny, kHuge, kZero, kHostileGrid, kHostileDy };

Batch Draw(std::mt19937& random, Kind kind) {
  const auto between = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  Batch b;
  const int64_t samples = between(1, 3);
  const int64_t one = between(0, 3);  // a map or a grid for all
  b.shape = {one == 1 ? 1 : samples,
             one == 2 ? 1 : samples,
             between(1, 9),
             between(1, 9),
             between(0, 4) ? between(1, 12) : between(60, 300),
             between(0, 3) ? between(1, 40) : between(60, 200),
             between(0, 1) != 0,
             between(0, 1) != 0};
  const SampleShape& s = b.shape;
  b.x.resize(s.maps * s.height * s.width * s.channels);
  b.grid.resize(s.grids * s.points * 2);
  b.dy.resize(s.Samples() * s.points * s.channels);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> inside(-1.5f, 1.5f);
  using Limits = std::numeric_limits<float>;
  const float size = kind == Kind::kTiny   ? 20 * Limits::denorm_min()
                     : kind == Kind::kHuge ? Limits::max() / 65536
                     : kind == Kind::kZero ? -0.0f
                                           : 1.0f;
  for (float& f : b.x) f = normal(random);
  for (float& f : b.dy) f = size * std::clamp(normal(random), -4.0f, 4.0f);
  for (float& f : b.grid) f = inside(random);
  const float odd[] = {Limits::quiet_NaN(),
                       Limits::infinity(),
                       -Limits::infinity(),
                       1e30f,
                       -1e30f,
                       -1.0f,
                       1.0f,
                       0.0f};
  if (kind == Kind::kHostileGrid) {
    for (float& f : b.grid) {
      if (random() % 3 == 0) f = odd[random() % 8];
    }
  }
  if (kind == Kind::kHostileDy)
    b.dy[random() % b.dy.size()] = odd[random() % 3];
  return b;
}

// NaN is like NaN: processors write it with several bits.
bool SameBits(const Floats& a, const Floats& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (BitCast<uint32_t>(a[i]) != BitCast<uint32_t>(b[i])) return false;
  }
  return true;
}

// Whether got is want to rounding, of the largest value and of sums of
// denormals.
bool Near(const Floats& got, const Floats& want) {
  double scale = 0;
  for (float w : want) {
    if (std::isfinite(w)) scale = std::max(scale, std::fabs(double{w}));
  }
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(want[i])) continue;
    if (got[i] == want[i]) continue;
    const double apart = std::fabs(double{got[i]} - double{want[i]});
    if (!(apart <= 2e-6 * scale + 1e-41)) return false;
  }
  return true;
}

bool AllNaN(const Floats& v) {
  return std::all_of(v.begin(), v.end(), [](float f) { return std::isnan(f); });
}

void Expect(bool good, const Batch& b, Kind kind, const char* what) {
  ++compared;
  if (good) return;
  ++failures;
  const SampleShape& s = b.shape;
  std::printf("%s, kind %d, maps %dx%dx%dx%d, %d grids of %d points%s%s\n",
              what, static_cast<int>(kind), int(s.maps), int(s.height),
              int(s.width), int(s.channels), int(s.grids), int(s.points),
              s.align_corners ? ", corners aligned" : "",
              s.reflect ? ", reflected" : "");
}

void Check(const Batch& b, Kind kind, std::mt19937& random) {
  const Outputs want = OnCpu(b);
  const Outputs first = Emulated(b, kSampleThreads, Order::kForward, 1);
  Expect(SameBits(first.y, want.y), b, kind, "samples");
  Expect(kind == Kind::kHostileDy ? AllNaN(first.dx) : Near(first.dx, want.dx),
         b, kind, "gradient at maps");
  Expect(Near(first.dgrid, want.dgrid), b, kind, "gradient at points");
  for (Order order : {Order::kBackward, Order::kShuffled}) {
    const Outputs other = Emulated(b, kSampleThreads, order, random());
    Expect(SameBits(other.y, first.y) && SameBits(other.dx, first.dx) &&
               SameBits(other.dgrid, first.dgrid),
           b, kind, "another order");
  }
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut

int main(int argc, char** argv) {
  using namespace prioritycut::kernels;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 300;
  std::mt19937 random(argc > 2 ? std::atoi(argv[2]) : 1);
  const Kind kinds[] = {Kind::kOrdinary, Kind::kTiny,        Kind::kHuge,
                        Kind::kZero,     Kind::kHostileGrid, Kind::kHostileDy};
  for (int i = 0; i < rounds && failures < 20; ++i) {
    for (Kind kind : kinds) Check(Draw(random, kind), kind, random);
  }
  std::printf("%d comparisons, %d failures\n", compared, failures);
  return failures == 0 ? 0 : 1;
}
