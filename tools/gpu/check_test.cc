// The check of the GPU's kernels, with a stand-in for the driver that computes
// by the emulator: a check that never fails would be of no use.

#include "tools/gpu/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "kernels/device/fake_driver.h"
#include "kernels/sample_emulator.h"
#include "prioritycut/kernels/priority_cut_mask_emulator.h"

// In place of the compiler's: the stand-in looks for the entries alone.
extern const char prioritycut_ptx_priority_cut_mask[] =
    ".entry priority_cut_mask_float(\n.entry priority_cut_mask_double(\n";
extern const char prioritycut_ptx_sample[] =
    ".entry sample(\n.entry sample_clear_sums(\n.entry sample_find_largest(\n"
    ".entry sample_add_gradients(\n.entry sample_map_gradient(\n"
    ".entry sample_grid_gradient(\n";

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

constexpr CheckSizes kSmall = {2, 8, 2, 3, 6, 3, 2};

// Runs the check and returns its number of failures and what it wrote.
int Run(std::string* text) {
  char* memory = nullptr;
  size_t bytes = 0;
  std::FILE* const out = open_memstream(&memory, &bytes);
  const int failed = CheckKernels(kSmall, out);
  std::fclose(out);
  text->assign(memory, bytes);
  std::free(memory);
  return failed;
}

bool Holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

void Emulate(const device::FakeLaunch& launch) {
  if (!EmulateMask(launch) && !kernels::EmulateSample(launch)) {
    EXPECT(!"a kernel that is known");
  }
}

void RightKernelsPass() {
  device::FakeDriver& driver = *FakeDriverOfProcess();
  driver.on_launch = Emulate;
  std::string text;
  EXPECT(Run(&text) == 0);
  EXPECT(Holds(text, "a stand-in\n"));
  for (const char* kernel :
       {"mask of floats", "mask of doubles", "warp ", "warp, gradient at maps",
        "warp, gradient at points"}) {
    EXPECT(Holds(text, kernel));
  }
  EXPECT(driver.allocated == 0);
  EXPECT(driver.current.empty());
}

// One value of one kernel's output is a little off.
void WrongKernelsFail() {
  FakeDriverOfProcess()->on_launch = [](const device::FakeLaunch& launch) {
    Emulate(launch);
    if (launch.kernel != "sample_grid_gradient") return;
    const auto& a =
        *static_cast<const kernels::SampleArguments*>(launch.argument);
    a.out[0] += 0.01f;
  };
  std::string text;
  EXPECT(Run(&text) == 1);
  FakeDriverOfProcess()->on_launch = [](const device::FakeLaunch& launch) {
    Emulate(launch);
    if (launch.kernel != "priority_cut_mask_float") return;
    const auto& a = *static_cast<const MaskArguments<float>*>(launch.argument);
    a.fraction[0] += 0.001f;
  };
  EXPECT(Run(&text) == 2);
  EXPECT(Holds(text, "OTHER BITS"));
  // One that does nothing.
  FakeDriverOfProcess()->on_launch = [](const device::FakeLaunch&) {};
  EXPECT(Run(&text) == 7);
}

void FailuresOfTheDriverAreTold() {
  device::FakeDriver& driver = *FakeDriverOfProcess();
  driver.on_launch = Emulate;
  for (const char* call : {"cuDeviceGet", "cuMemAlloc", "cuMemcpyDtoH",
                           "cuEventSynchronize", "cuLaunchKernel"}) {
    driver.failing = {{call, 2}};
    std::string text;
    EXPECT(Run(&text) > 0);
    EXPECT(Holds(text, call));
    driver.failing.clear();
    EXPECT(driver.allocated == 0);
    EXPECT(driver.current.empty());
  }
}

}  // namespace
}  // namespace prioritycut

int main() {
  prioritycut::RightKernelsPass();
  prioritycut::WrongKernelsFail();
  prioritycut::FailuresOfTheDriverAreTold();
  std::printf("%d failures\n", prioritycut::failures);
  return prioritycut::failures == 0 ? 0 : 1;
}
