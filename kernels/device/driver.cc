#include "kernels/device/driver.h"

#include <dlfcn.h>

#include <cstring>

namespace prioritycut {
namespace device {
namespace {

constexpr char kLibrary[] = "libcuda.so.1";
// The sides of a grid have 31 bits.
constexpr int64_t kMostBlocks = INT32_MAX;

// Options of ModuleLoadDataEx: where the translator may complain.
constexpr int kErrorLog = 5;
constexpr int kErrorLogBytes = 6;

// Opens the driver's library, and fills in its functions.
std::string Open(Driver* d) {
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return std::string("NVIDIA's driver cannot be opened: ") + dlerror();
  }
  // Names with _v2 are those that cuda.h gives to programs of today.
  const struct {
    const char* name;
    void* to;
  } wanted[] = {
      {"cuInit", &d->Init},
      {"cuGetErrorName", &d->GetErrorName},
      {"cuGetErrorString", &d->GetErrorString},
      {"cuDeviceGet", &d->DeviceGet},
      {"cuDeviceGetName", &d->DeviceGetName},
      {"cuDevicePrimaryCtxRetain", &d->PrimaryCtxRetain},
      {"cuDevicePrimaryCtxRelease_v2", &d->PrimaryCtxRelease},
      {"cuCtxPushCurrent_v2", &d->CtxPushCurrent},
      {"cuCtxPopCurrent_v2", &d->CtxPopCurrent},
      {"cuStreamGetCtx", &d->StreamGetCtx},
      {"cuModuleLoadDataEx", &d->ModuleLoadDataEx},
      {"cuModuleGetFunction", &d->ModuleGetFunction},
      {"cuLaunchKernel", &d->LaunchKernel},
      {"cuMemAlloc_v2", &d->MemAlloc},
      {"cuMemFree_v2", &d->MemFree},
      {"cuMemcpyHtoD_v2", &d->MemcpyHtoD},
      {"cuMemcpyDtoH_v2", &d->MemcpyDtoH},
      {"cuMemcpyDtoDAsync_v2", &d->MemcpyDtoDAsync},
      {"cuMemsetD8_v2", &d->MemsetD8},
      {"cuEventCreate", &d->EventCreate},
      {"cuEventRecord", &d->EventRecord},
      {"cuEventSynchronize", &d->EventSynchronize},
      {"cuEventElapsedTime", &d->EventElapsedTime},
      {"cuEventDestroy_v2", &d->EventDestroy},
  };
  for (const auto& w : wanted) {
    void* const function = dlsym(library, w.name);
    if (function == nullptr) {
      return std::string("NVIDIA's driver, ") + kLibrary + ", has no " +
             w.name + ": it is too old";
    }
    std::memcpy(w.to, &function, sizeof(function));
  }
  return d->Explain("cuInit", d->Init(0));
}

}  // namespace

const Driver* Driver::Get(std::string* error) {
  static Driver driver;
  static const std::string* const failure = new std::string(Open(&driver));
  *error = *failure;
  return failure->empty() ? &driver : nullptr;
}

std::string Driver::Explain(const char* call, int status) const {
  if (status == kDriverSuccess) return "";
  const char* name = nullptr;
  const char* text = nullptr;
  GetErrorName(status, &name);
  GetErrorString(status, &text);
  return std::string(call) + ": " + (name ? name : "error") + " (" +
         std::to_string(status) + ")" + (text ? std::string(", ") + text : "");
}

std::string Kernel::FunctionOf(const Driver& driver, Context context,
                               Function* f) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = functions_.find(context);
  if (known != functions_.end()) {
    *f = known->second;
    return "";
  }
  char log[4096] = "";
  int options[] = {kErrorLog, kErrorLogBytes};
  void* values[] = {log, reinterpret_cast<void*>(sizeof(log))};
  Module module = nullptr;
  int status = driver.ModuleLoadDataEx(&module, ptx_, 2, options, values);
  if (status != kDriverSuccess) {
    log[sizeof(log) - 1] = 0;
    return driver.Explain("cuModuleLoadDataEx", status) +
           (log[0] ? std::string("\n") + log : "");
  }
  status = driver.ModuleGetFunction(f, module, name_);
  if (status != kDriverSuccess) {
    return driver.Explain("cuModuleGetFunction", status);
  }
  // The module stays as long as the context.
  functions_[context] = *f;
  return "";
}

std::string Kernel::Launch(Stream stream, int64_t blocks, int threads,
                           const void* argument) {
  const std::string name = std::string("GPU kernel ") + name_ + ": ";
  if (blocks < 1 || blocks > kMostBlocks) {
    return name + std::to_string(blocks) + " blocks are no grid";
  }
  std::string error;
  const Driver* const driver = Driver::Get(&error);
  if (driver == nullptr) return name + error;
  // The stream knows where it belongs, whatever this thread did before.
  Context context = nullptr, popped = nullptr;
  int status = driver->StreamGetCtx(stream, &context);
  if (status != kDriverSuccess) {
    return name + driver->Explain("cuStreamGetCtx", status);
  }
  status = driver->CtxPushCurrent(context);
  if (status != kDriverSuccess) {
    return name + driver->Explain("cuCtxPushCurrent", status);
  }
  Function function = nullptr;
  error = FunctionOf(*driver, context, &function);
  if (error.empty()) {
    void* arguments[] = {const_cast<void*>(argument)};
    error = driver->Explain(
        "cuLaunchKernel",
        driver->LaunchKernel(function, static_cast<unsigned>(blocks), 1, 1,
                             static_cast<unsigned>(threads), 1, 1, 0, stream,
                             arguments, nullptr));
  }
  driver->CtxPopCurrent(&popped);
  return error.empty() ? "" : name + error;
}

}  // namespace device
}  // namespace prioritycut
