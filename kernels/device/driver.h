// Launches kernels through NVIDIA's driver, which is opened when the first one
// is wanted: a program that holds device code needs neither GPU nor toolkit,
// and a machine with a GPU needs its driver alone. Free of TensorFlow.

#ifndef PRIORITYCUT_KERNELS_DEVICE_DRIVER_H_
#define PRIORITYCUT_KERNELS_DEVICE_DRIVER_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace prioritycut {
namespace device {

// Handles of the driver, as its header has them.
using Stream = void*;
using Context = void*;
using Module = void*;
using Function = void*;
using Address = uint64_t;

constexpr int kDriverSuccess = 0;

// The driver's functions that are used; cuda.h has what they mean.
struct Driver {
  int (*Init)(unsigned);
  int (*GetErrorName)(int, const char**);
  int (*GetErrorString)(int, const char**);
  int (*DeviceGet)(int*, int);
  int (*DeviceGetName)(char*, int, int);
  int (*PrimaryCtxRetain)(Context*, int);
  int (*PrimaryCtxRelease)(int);
  int (*CtxPushCurrent)(Context);
  int (*CtxPopCurrent)(Context*);
  int (*StreamGetCtx)(Stream, Context*);
  int (*ModuleLoadDataEx)(Module*, const void*, unsigned, int*, void**);
  int (*ModuleGetFunction)(Function*, Module, const char*);
  int (*LaunchKernel)(Function, unsigned, unsigned, unsigned, unsigned,
                      unsigned, unsigned, unsigned, Stream, void**, void**);
  int (*MemAlloc)(Address*, size_t);
  int (*MemFree)(Address);
  int (*MemcpyHtoD)(Address, const void*, size_t);
  int (*MemcpyDtoH)(void*, Address, size_t);
  int (*MemcpyDtoDAsync)(Address, Address, size_t, Stream);
  int (*MemsetD8)(Address, unsigned char, size_t);
  int (*EventCreate)(void**, unsigned);
  int (*EventRecord)(void*, Stream);
  int (*EventSynchronize)(void*);
  int (*EventElapsedTime)(float*, void*, void*);
  int (*EventDestroy)(void*);

  // The process's driver, or nullptr and in error why there is none.
  static const Driver* Get(std::string* error);

  // What a status means, with the call that gave it; empty for success.
  std::string Explain(const char* call, int status) const;
};

// A kernel of PTX text, translated for each context at its first launch there.
class Kernel {
 public:
  // Both texts must stay.
  Kernel(const char* ptx, const char* name) : ptx_(ptx), name_(name) {}

  // Queues the kernel on a stream with one argument, a struct, of which the
  // driver takes a copy. Returns at once; empty, or what is wrong.
  std::string Launch(Stream stream, int64_t blocks, int threads,
                     const void* argument);

 private:
  std::string FunctionOf(const Driver& driver, Context context, Function* f);

  const char* const ptx_;
  const char* const name_;
  std::mutex mutex_;
  std::map<Context, Function> functions_;
};

}  // namespace device
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_DEVICE_DRIVER_H_
