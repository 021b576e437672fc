// Hands launches of the mask's kernels to the emulator, for tests with a
// stand-in for the driver.

#ifndef PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_EMULATOR_H_
#define PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_EMULATOR_H_

#include "kernels/device/emulator.h"
#include "kernels/device/fake_driver.h"
#include "prioritycut/kernels/priority_cut_mask_device.h"

namespace prioritycut {

template <typename T>
void EmulateMaskOf(const device::FakeLaunch& launch) {
  const auto& a = *static_cast<const MaskArguments<T>*>(launch.argument);
  static MaskShared shared;
  device::Emulate(
      launch.grid[0], static_cast<int>(launch.block[0]),
      device::Order::kShuffled, 1,
      [&](device::EmulatedBlock& block) { MaskOfSample(block, shared, a); });
}

// Does what a launch of the mask's kernels does; false for other kernels.
inline bool EmulateMask(const device::FakeLaunch& launch) {
  if (launch.kernel == "priority_cut_mask_float") {
    EmulateMaskOf<float>(launch);
  } else if (launch.kernel == "priority_cut_mask_double") {
    EmulateMaskOf<double>(launch);
  } else {
    return false;
  }
  return true;
}

}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_EMULATOR_H_
