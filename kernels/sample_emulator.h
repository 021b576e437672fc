// Hands launches of the sampler's kernels to the emulator, for tests with a
// stand-in for the driver.

#ifndef PRIORITYCUT_KERNELS_SAMPLE_EMULATOR_H_
#define PRIORITYCUT_KERNELS_SAMPLE_EMULATOR_H_

#include <string>

#include "kernels/device/emulator.h"
#include "kernels/device/fake_driver.h"
#include "kernels/sample_device.h"

namespace prioritycut {
namespace kernels {

// Does what a launch of the sampler's kernels does; false for other kernels.
inline bool EmulateSample(const device::FakeLaunch& launch) {
  const auto& a = *static_cast<const SampleArguments*>(launch.argument);
  static SampleTile tile;
  static SampleSums sums;
  static uint32_t largest;
  const auto run = [&](auto body) {
    device::Emulate(launch.grid[0], static_cast<int>(launch.block[0]),
                    device::Order::kShuffled, 1, body);
  };
  const std::string& name = launch.kernel;
  if (name == "sample") {
    run([&](device::EmulatedBlock& b) { SampleOfBlock(b, tile, a); });
  } else if (name == "sample_clear_sums") {
    run([&](device::EmulatedBlock& b) { ClearSumsOfBlock(b, a); });
  } else if (name == "sample_find_largest") {
    run([&](device::EmulatedBlock& b) { FindLargestOfBlock(b, largest, a); });
  } else if (name == "sample_add_gradients") {
    run([&](device::EmulatedBlock& b) { AddGradientsOfBlock(b, tile, a); });
  } else if (name == "sample_map_gradient") {
    run([&](device::EmulatedBlock& b) { MapGradientOfBlock(b, a); });
  } else if (name == "sample_grid_gradient") {
    run([&](device::EmulatedBlock& b) { GridGradientOfBlock(b, sums, a); });
  } else {
    return false;
  }
  return true;
}

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_SAMPLE_EMULATOR_H_
