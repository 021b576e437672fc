// What the body of a device kernel sees of its block of threads.
//
// A body is a template over the block and runs on a GPU and, by emulator.h, on
// the host. It says by ForAll what every thread does; before and behind that
// all threads meet. What stands outside ForAll is the same for all threads: it
// may read shared memory, and never writes. So a thread keeps nothing from one
// ForAll to the next but in shared memory, and a body that gives other bits
// when threads take turns in another order is wrong; the emulator shows it.
//
// The compiler of device code knows no standard headers.

#ifndef PRIORITYCUT_KERNELS_DEVICE_BLOCK_H_
#define PRIORITYCUT_KERNELS_DEVICE_BLOCK_H_

#if defined(__CUDACC_RTC__)
#define PRIORITYCUT_ANYWHERE __device__ __forceinline__
#else
#include <cstdint>
#include <cstring>
#define PRIORITYCUT_ANYWHERE inline __attribute__((always_inline))
#endif

namespace prioritycut {

#if defined(__CUDACC_RTC__)
using int32_t = int;
using uint32_t = unsigned int;
using int64_t = long long;
using uint64_t = unsigned long long;
#else
using std::int32_t;
using std::int64_t;
using std::memcpy;
using std::uint32_t;
using std::uint64_t;
#endif

template <typename To, typename From>
PRIORITYCUT_ANYWHERE To BitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "bits are kept");
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}

#if defined(__CUDACC_RTC__)
namespace device {

// The block that runs on a GPU.
struct Block {
  __device__ int64_t Index() const { return blockIdx.x; }
  __device__ int64_t Blocks() const { return gridDim.x; }
  __device__ int Threads() const { return static_cast<int>(blockDim.x); }

  // Runs work(thread) of every thread. Uniform reads before it come before all
  // of its writes, those behind it after them.
  template <typename Work>
  __device__ __forceinline__ void ForAll(Work work) const {
    __syncthreads();
    work(static_cast<int>(threadIdx.x));
    __syncthreads();
  }

  // Whole numbers come out the same whoever is first.
  __device__ void Add(uint32_t* to, uint32_t value) const {
    atomicAdd(to, value);
  }
  __device__ void Add(uint64_t* to, uint64_t value) const {
    atomicAdd(to, value);
  }
  __device__ void Raise(uint32_t* to, uint32_t value) const {
    atomicMax(to, value);
  }
};

}  // namespace device
#endif

}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_DEVICE_BLOCK_H_
