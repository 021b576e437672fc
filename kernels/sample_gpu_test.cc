// What the host does to sample on a GPU, with a stand-in for the driver that
// hands launches to the emulator.

#include "kernels/sample_gpu.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/device/fake_driver.h"
#include "kernels/sample.h"
#include "kernels/sample_emulator.h"
#include "kernels/test_runtime.h"

// In place of the compiler's: the stand-in looks for the entries alone.
extern const char prioritycut_ptx_sample[] =
    ".entry sample(\n.entry sample_clear_sums(\n.entry sample_find_largest(\n"
    ".entry sample_add_gradients(\n.entry sample_map_gradient(\n"
    ".entry sample_grid_gradient(\n";

namespace prioritycut {
namespace kernels {
namespace {

using Floats = std::vector<float>;

int failures = 0;

#define EXPECT(condition)                                         \
  do {                                                            \
    if (!(condition)) {                                           \
      ++failures;                                                 \
      std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    }                                                             \
  } while (false)

char some_context, some_stream;

void OnLaunch(const device::FakeLaunch& launch) {
  if (!EmulateSample(launch)) EXPECT(!"a kernel that is known");
}

bool Near(const Floats& got, const Floats& want) {
  double scale = 0, worst = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    scale = std::fmax(scale, std::fabs(want[i]));
    const double apart = std::fabs(double{got[i]} - double{want[i]});
    worst = apart <= worst ? worst : apart;
  }
  return worst <= 1e-6 * scale;
}

// The kernels of each launch come in their order, with grids that cover all.
void LaunchesGiveWhatTheCpuGives() {
  const SampleShape shape = {2, 2, 30, 20, 7, 100, true, false};
  Floats x(2 * 30 * 20 * 7), grid(2 * 100 * 2), dy(2 * 100 * 7);
  std::mt19937 random(3);
  std::uniform_real_distribution<float> number(-1.2f, 1.2f);
  for (Floats* f : {&x, &grid, &dy}) {
    for (float& v : *f) v = number(random);
  }
  Floats y(dy.size()), dx(x.size()), dgrid(grid.size());
  Floats want_y(y), want_dx(dx), want_dgrid(dgrid);
  TestRuntime runtime(1);
  Sample(shape, x.data(), grid.data(), want_y.data(), runtime);
  SampleMapGradient(shape, grid.data(), dy.data(), want_dx.data(), runtime);
  SampleGridGradient(shape, x.data(), grid.data(), dy.data(), want_dgrid.data(),
                     runtime);

  std::vector<uint64_t> sums(x.size());
  uint32_t largest;
  SampleArguments a = {shape,    x.data(),    grid.data(), dy.data(),
                       y.data(), sums.data(), &largest};
  EXPECT(LaunchSample(&some_stream, a) == "");
  a.out = dx.data();
  EXPECT(LaunchSampleMapGradient(&some_stream, a) == "");
  a.out = dgrid.data();
  EXPECT(LaunchSampleGridGradient(&some_stream, a) == "");
  EXPECT(std::memcmp(y.data(), want_y.data(), y.size() * sizeof(float)) == 0);
  EXPECT(Near(dx, want_dx));
  EXPECT(Near(dgrid, want_dgrid));

  const struct {
    const char* kernel;
    unsigned blocks;
  } wanted[] = {{"sample", 7},
                {"sample_clear_sums", 5},
                {"sample_find_largest", 1},
                {"sample_add_gradients", 7},
                {"sample_map_gradient", 5},
                {"sample_grid_gradient", 7}};
  const auto& launches = FakeDriverOfProcess()->launches;
  EXPECT(launches.size() == 6);
  for (size_t i = 0; i < launches.size() && i < 6; ++i) {
    EXPECT(launches[i].kernel == wanted[i].kernel);
    EXPECT(launches[i].grid[0] == wanted[i].blocks);
    EXPECT(launches[i].block[0] == kSampleThreads);
    EXPECT(launches[i].stream == &some_stream);
    EXPECT(launches[i].context == &some_context);
  }
}

// Behind a kernel that fails no other is queued.
void FailuresAreTold() {
  device::FakeDriver& driver = *FakeDriverOfProcess();
  driver.launches.clear();
  driver.failing = {{"cuLaunchKernel", 700}};
  SampleArguments a = {};
  a.shape = {1, 1, 1, 1, 1, 1, true, true};
  const std::string error = LaunchSampleMapGradient(&some_stream, a);
  EXPECT(error.find("sample_clear_sums") != std::string::npos);
  EXPECT(error.find("cuLaunchKernel") != std::string::npos);
  EXPECT(LaunchSample(&some_stream, a) != "");
  EXPECT(driver.launches.empty());
}

void Everything() {
  device::FakeDriver& driver = *FakeDriverOfProcess();
  driver.streams = {{&some_stream, &some_context}};
  driver.on_launch = OnLaunch;
  LaunchesGiveWhatTheCpuGives();
  FailuresAreTold();
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut

int main() {
  prioritycut::kernels::Everything();
  std::printf("%d failures\n", prioritycut::kernels::failures);
  return prioritycut::kernels::failures == 0 ? 0 : 1;
}
