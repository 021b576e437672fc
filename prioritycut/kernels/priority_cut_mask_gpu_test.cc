// What the host does to compute masks on a GPU, with a stand-in for the driver
// that hands launches to the emulator.

#include "prioritycut/kernels/priority_cut_mask_gpu.h"

#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/device/fake_driver.h"
#include "prioritycut/kernels/priority_cut_mask_emulator.h"

// In place of the compiler's: the stand-in looks for the entries alone.
extern const char prioritycut_ptx_priority_cut_mask[] =
    ".entry priority_cut_mask_float(\n.entry priority_cut_mask_double(\n";

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

char some_context, other_context, some_stream, other_stream;

void OnLaunch(const device::FakeLaunch& launch) {
  if (!EmulateMask(launch)) EXPECT(!"a kernel that is known");
}

template <typename T>
void LaunchesGiveTheCpusBits(device::Stream stream, void* context) {
  device::FakeDriver& driver = *FakeDriverOfProcess();
  driver.launches.clear();
  constexpr int64_t kSamples = 3, kPixels = 1000;
  const MaskOptions options = {0.5, Base::kImage, Polarity::kRealAtOccluded};
  std::mt19937 random(7);
  std::vector<T> occlusion, background;
  for (int64_t i = 0; i < kSamples * kPixels; ++i) {
    occlusion.push_back(T(random() % 50) / 50);
    background.push_back(T(random() % 50) / 50);
  }
  const std::vector<float> k = {0.1f, 0.9f, 2.0f};
  std::vector<T> mask(kSamples * kPixels), foreground(mask), fraction(kSamples);
  MaskArguments<T> a = MaskArgumentsOf<T>(options, kPixels);
  a.occlusion = occlusion.data();
  a.background = background.data();
  a.k = k.data();
  a.mask = mask.data();
  a.foreground = foreground.data();
  a.fraction = fraction.data();
  EXPECT(LaunchMask<T>(stream, kSamples, a) == "");

  EXPECT(driver.launches.size() == 1);
  const device::FakeLaunch& launch = driver.launches.front();
  EXPECT(launch.stream == stream && launch.context == context);
  EXPECT(launch.grid[0] == kSamples && launch.grid[1] == 1 &&
         launch.grid[2] == 1);
  EXPECT(launch.block[0] == kMaskThreads && launch.block[1] == 1 &&
         launch.block[2] == 1);
  EXPECT(launch.shared_bytes == 0);
  EXPECT(driver.current.empty());  // the thread's context is what it was

  for (int64_t n = 0; n < kSamples; ++n) {
    std::vector<T> want(kPixels), want_foreground(kPixels);
    const T want_fraction =
        ComputeMask(&occlusion[n * kPixels], &background[n * kPixels], k[n],
                    kPixels, options, want.data(), want_foreground.data());
    const size_t bytes = kPixels * sizeof(T);
    EXPECT(std::memcmp(&mask[n * kPixels], want.data(), bytes) == 0);
    EXPECT(std::memcmp(&foreground[n * kPixels], want_foreground.data(),
                       bytes) == 0);
    EXPECT(std::memcmp(&fraction[n], &want_fraction, sizeof(T)) == 0);
  }
}

// Each failure names kernel, call and status, and leaves nothing behind.
void FailuresAreTold(device::Stream stream) {
  device::FakeDriver& driver = *FakeDriverOfProcess();
  driver.launches.clear();
  driver.translator_log = "line 3: the translator's complaint";
  const MaskArguments<float> a = {};
  for (const char* call : {"cuStreamGetCtx", "cuCtxPushCurrent",
                           "cuModuleLoadDataEx", "cuLaunchKernel"}) {
    driver.failing = {{call, 700}};
    const std::string error = LaunchMask<float>(stream, 1, a);
    EXPECT(error.find("priority_cut_mask_float") != std::string::npos);
    EXPECT(error.find(std::string(call) + ": CUDA_ERROR_OF_A_TEST (700)") !=
           std::string::npos);
    const bool translating = !std::strcmp(call, "cuModuleLoadDataEx");
    EXPECT((error.find(driver.translator_log) != std::string::npos) ==
           translating);
    EXPECT(driver.launches.empty() && driver.current.empty());
  }
  driver.failing.clear();
  device::Kernel absent(prioritycut_ptx_priority_cut_mask, "no_such_kernel");
  EXPECT(absent.Launch(stream, 1, 32, &a).find("CUDA_ERROR_NOT_FOUND") !=
         std::string::npos);
  device::Kernel there(prioritycut_ptx_priority_cut_mask,
                       "priority_cut_mask_float");
  for (int64_t blocks : {int64_t{0}, int64_t{-1}, int64_t{1} << 31}) {
    EXPECT(there.Launch(stream, blocks, 32, &a).find("no grid") !=
           std::string::npos);
  }
  EXPECT(there.Launch(stream, 1, 2048, &a) != "");
  EXPECT(driver.launches.empty() && driver.current.empty());
}

void Everything() {
  device::FakeDriver& driver = *FakeDriverOfProcess();
  driver.streams = {{&some_stream, &some_context},
                    {&other_stream, &other_context}};
  FailuresAreTold(&some_stream);
  driver.on_launch = OnLaunch;
  LaunchesGiveTheCpusBits<float>(&some_stream, &some_context);
  const size_t modules = driver.modules.size();
  LaunchesGiveTheCpusBits<float>(&some_stream, &some_context);
  EXPECT(driver.modules.size() == modules);  // translated once
  LaunchesGiveTheCpusBits<float>(&other_stream, &other_context);
  EXPECT(driver.modules.size() == modules + 1);  // and for each context
  LaunchesGiveTheCpusBits<double>(&other_stream, &other_context);
  driver.launches.clear();
  EXPECT(LaunchMask<float>(&some_stream, 0, {}) == "");
  EXPECT(driver.launches.empty());  // no samples, no grid
}

}  // namespace
}  // namespace prioritycut

int main() {
  prioritycut::Everything();
  std::printf("%d failures\n", prioritycut::failures);
  return prioritycut::failures == 0 ? 0 : 1;
}
