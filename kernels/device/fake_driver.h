// A driver that computes nothing and remembers everything, for tests: a
// stand-in for libcuda.so.1 that needs no GPU.

#ifndef PRIORITYCUT_KERNELS_DEVICE_FAKE_DRIVER_H_
#define PRIORITYCUT_KERNELS_DEVICE_FAKE_DRIVER_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace prioritycut {
namespace device {

struct FakeLaunch {
  std::string kernel;
  void* context;  // that was current
  void* stream;
  unsigned grid[3], block[3], shared_bytes;
  const void* argument;  // valid during the launch only
};

struct FakeDriver {
  // Contexts of streams: the streams that there are.
  std::map<void*, void*> streams;
  // Calls that fail, with their status.
  std::map<std::string, int> failing;
  // What is done at a launch.
  std::function<void(const FakeLaunch&)> on_launch;

  std::vector<void*> current;        // contexts, the last on top
  std::vector<std::string> modules;  // PTX, as it was loaded
  std::vector<FakeLaunch> launches;
  int allocated = 0;  // pieces of memory that nobody freed
  // What the translator writes into its log when it fails.
  std::string translator_log;
};

}  // namespace device
}  // namespace prioritycut

// The one of the process.
extern "C" prioritycut::device::FakeDriver* FakeDriverOfProcess();

#endif  // PRIORITYCUT_KERNELS_DEVICE_FAKE_DRIVER_H_
