#include "kernels/device/fake_driver.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

using prioritycut::device::FakeDriver;
using prioritycut::device::FakeLaunch;

extern "C" {

FakeDriver* FakeDriverOfProcess() {
  static FakeDriver* const driver = new FakeDriver;
  return driver;
}

}  // extern "C"

namespace {

constexpr int kInvalidValue = 1, kInvalidContext = 201, kInvalidHandle = 400,
              kNotFound = 500;

// The status that a test wants of a call.
int StatusOf(const char* call) {
  const auto& failing = FakeDriverOfProcess()->failing;
  const auto found = failing.find(call);
  return found == failing.end() ? 0 : found->second;
}

// Functions of modules: a name, and the number of the module that has it.
struct Entry {
  size_t module;
  std::string name;
};

}  // namespace

#define FAIL_IF_WANTED(call)                              \
  do {                                                    \
    if (const int status = StatusOf(call)) return status; \
  } while (false)

// As cuda.h declares them.
extern "C" {

int cuInit(unsigned) { return StatusOf("cuInit"); }

int cuGetErrorName(int status, const char** name) {
  *name = status == kNotFound ? "CUDA_ERROR_NOT_FOUND" : "CUDA_ERROR_OF_A_TEST";
  return 0;
}

int cuGetErrorString(int, const char** text) {
  *text = "as the test wants it";
  return 0;
}

int cuStreamGetCtx(void* stream, void** context) {
  FAIL_IF_WANTED("cuStreamGetCtx");
  const auto& streams = FakeDriverOfProcess()->streams;
  const auto found = streams.find(stream);
  if (found == streams.end()) return kInvalidHandle;
  *context = found->second;
  return 0;
}

int cuCtxPushCurrent_v2(void* context) {
  FAIL_IF_WANTED("cuCtxPushCurrent");
  FakeDriverOfProcess()->current.push_back(context);
  return 0;
}

int cuCtxPopCurrent_v2(void** context) {
  auto& current = FakeDriverOfProcess()->current;
  if (current.empty()) return kInvalidContext;
  *context = current.back();
  current.pop_back();
  return 0;
}

int cuModuleLoadDataEx(void** module, const void* image, unsigned options,
                       int* names, void** values) {
  FakeDriver* const driver = FakeDriverOfProcess();
  if (driver->current.empty()) return kInvalidContext;
  if (const int status = StatusOf("cuModuleLoadDataEx")) {
    constexpr int kErrorLog = 5;
    for (unsigned i = 0; i < options; ++i) {
      if (names[i] != kErrorLog) continue;
      std::strcpy(static_cast<char*>(values[i]),
                  driver->translator_log.c_str());
    }
    return status;
  }
  driver->modules.push_back(static_cast<const char*>(image));
  *module = reinterpret_cast<void*>(driver->modules.size());
  return 0;
}

int cuModuleGetFunction(void** function, void* module, const char* name) {
  const size_t number = reinterpret_cast<uintptr_t>(module);
  const std::string& ptx = FakeDriverOfProcess()->modules.at(number - 1);
  if (ptx.find(std::string(".entry ") + name + "(") == std::string::npos) {
    return kNotFound;
  }
  *function = new Entry{number, name};  // as long as the process
  return 0;
}

int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz,
                   unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void* stream, void** arguments, void** extra) {
  FAIL_IF_WANTED("cuLaunchKernel");
  FakeDriver* const driver = FakeDriverOfProcess();
  if (driver->current.empty()) return kInvalidContext;
  constexpr unsigned kMostThreads = 1024;
  if (extra != nullptr || bx * by * bz > kMostThreads || gx * gy * gz == 0) {
    return kInvalidValue;
  }
  const FakeLaunch launch = {static_cast<Entry*>(function)->name,
                             driver->current.back(),
                             stream,
                             {gx, gy, gz},
                             {bx, by, bz},
                             shared,
                             arguments[0]};
  driver->launches.push_back(launch);
  if (driver->on_launch) driver->on_launch(launch);
  return 0;
}

// What only programs of their own use.
#define ABSENT(name) \
  int name() { return kInvalidValue; }
ABSENT(cuDeviceGet)
ABSENT(cuDeviceGetName)
ABSENT(cuDevicePrimaryCtxRetain)
ABSENT(cuDevicePrimaryCtxRelease_v2)
ABSENT(cuCtxGetCurrent)
ABSENT(cuCtxSynchronize)
ABSENT(cuMemAlloc_v2)
ABSENT(cuMemFree_v2)
ABSENT(cuMemcpyHtoD_v2)
ABSENT(cuMemcpyDtoH_v2)
ABSENT(cuMemcpyDtoDAsync_v2)
ABSENT(cuMemsetD8_v2)
ABSENT(cuEventCreate)
ABSENT(cuEventRecord)
ABSENT(cuEventSynchronize)
ABSENT(cuEventElapsedTime)
ABSENT(cuEventDestroy_v2)

}  // extern "C"
