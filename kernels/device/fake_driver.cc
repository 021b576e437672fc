#include "kernels/device/fake_driver.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

// What programs of their own use. The device is this machine.

int cuDeviceGet(int* device, int number) {
  *device = number;
  return StatusOf("cuDeviceGet");
}

int cuDeviceGetName(char* name, int bytes, int) {
  std::snprintf(name, static_cast<size_t>(bytes), "a stand-in");
  return 0;
}

int cuDevicePrimaryCtxRetain(void** context, int) {
  static char primary;
  FakeDriverOfProcess()->streams[nullptr] = *context = &primary;
  return StatusOf("cuDevicePrimaryCtxRetain");
}

int cuDevicePrimaryCtxRelease_v2(int) { return 0; }

int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  FAIL_IF_WANTED("cuMemAlloc");
  *address = reinterpret_cast<uint64_t>(std::malloc(bytes));
  ++FakeDriverOfProcess()->allocated;
  return 0;
}

int cuMemFree_v2(uint64_t address) {
  std::free(reinterpret_cast<void*>(address));
  --FakeDriverOfProcess()->allocated;
  return 0;
}

int cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t bytes) {
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return 0;
}

int cuMemcpyDtoH_v2(void* to, uint64_t from, size_t bytes) {
  std::memcpy(to, reinterpret_cast<void*>(from), bytes);
  return StatusOf("cuMemcpyDtoH");
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void*) {
  std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from),
              bytes);
  return 0;
}

int cuMemsetD8_v2(uint64_t to, unsigned char value, size_t bytes) {
  std::memset(reinterpret_cast<void*>(to), value, bytes);
  return 0;
}

using Clock = std::chrono::steady_clock;

int cuEventCreate(void** event, unsigned) {
  *event = new Clock::time_point;
  return 0;
}

int cuEventRecord(void* event, void*) {
  *static_cast<Clock::time_point*>(event) = Clock::now();
  return 0;
}

int cuEventSynchronize(void*) { return StatusOf("cuEventSynchronize"); }

int cuEventElapsedTime(float* milliseconds, void* begin, void* end) {
  const std::chrono::duration<float, std::milli> passed =
      *static_cast<Clock::time_point*>(end) -
      *static_cast<Clock::time_point*>(begin);
  *milliseconds = passed.count();
  return 0;
}

int cuEventDestroy_v2(void* event) {
  delete static_cast<Clock::time_point*>(event);
  return 0;
}

}  // extern "C"
