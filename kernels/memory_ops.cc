// TensorFlow's tensors on the CPU out of memory_pool.h. Its own allocator for
// oneDNN gives a whole free piece to whoever asks for more than half of it: in
// a step at 256x256 a fifth of what it holds is of no use.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kernels/memory_pool.h"
#include "tensorflow/core/framework/allocator.h"
#include "tensorflow/core/framework/allocator_registry.h"
#include "tensorflow/core/platform/mem.h"

namespace prioritycut {
namespace kernels {
namespace {

namespace port = tensorflow::port;

// Smaller tensors are the C library's.
constexpr size_t kLeast = 32768;

class PoolAllocator : public tensorflow::Allocator {
 public:
  // Never deleted, as TensorFlow's: tensors may outlive what is static.
  explicit PoolAllocator(MemoryPool* pool) : pool_(pool) {}

  std::string Name() override { return "prioritycut"; }

  void* AllocateRaw(size_t alignment, size_t bytes) override {
    if (bytes >= kLeast && alignment <= MemoryPool::kAlignment) {
      if (void* piece = pool_->Take(bytes)) return piece;
    }
    return port::AlignedMalloc(bytes, static_cast<int>(alignment));
  }

  void DeallocateRaw(void* p) override {
    if (pool_->Owns(p)) {
      pool_->Give(p);
    } else {
      port::AlignedFree(p);
    }
  }

  tensorflow::AllocatorMemoryType GetMemoryType() const override {
    return tensorflow::AllocatorMemoryType::kHostPageable;
  }

 private:
  MemoryPool* const pool_;
};

// For TensorFlow's own pools, which a user may ask for
// (TF_CPU_ALLOCATOR_USE_BFC).
class CRegions : public tensorflow::SubAllocator {
 public:
  CRegions() : SubAllocator({}, {}) {}

  void* Alloc(size_t alignment, size_t bytes, size_t* received) override {
    *received = bytes;
    return port::AlignedMalloc(bytes, static_cast<int>(alignment));
  }

  void Free(void* p, size_t) override { port::AlignedFree(p); }

  bool SupportsCoalescing() const override { return false; }
};

class Factory : public tensorflow::AllocatorFactory {
 public:
  explicit Factory(MemoryPool* pool) : pool_(pool) {}
  tensorflow::Allocator* CreateAllocator() override {
    return new PoolAllocator(pool_);
  }
  tensorflow::SubAllocator* CreateSubAllocator(int) override {
    return new CRegions;
  }

 private:
  MemoryPool* const pool_;
};

// Instantiating a template may name private members. TensorFlow ends the
// process of who registers an allocator when its first tensor has been made,
// and has no other way to ask whether it has.
using Registry = tensorflow::AllocatorFactoryRegistry;
bool Began(const Registry& registry);
template <bool Registry::*kBegan>
struct Asks {
  friend bool Began(const Registry& registry) { return registry.*kBegan; }
};
template struct Asks<&Registry::first_alloc_made_>;

// More than TensorFlow's own two have.
constexpr int kPriority = 300;

bool Register() {
  const char* kernels = std::getenv("PRIORITYCUT_KERNELS");
  if (kernels != nullptr && std::strcmp(kernels, "off") == 0) return false;
  // Where addresses are counted the range would leave others none.
  rlimit addresses;
  if (getrlimit(RLIMIT_AS, &addresses) != 0 ||
      addresses.rlim_cur != RLIM_INFINITY) {
    return false;
  }
  Registry* registry = Registry::singleton();
  if (Began(*registry)) return false;
  const size_t memory = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) *
                        static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto pool = std::make_unique<MemoryPool>(2 * memory);
  if (!pool->Valid()) return false;
  registry->Register(__FILE__, __LINE__, "PriorityCut", kPriority,
                     new Factory(pool.release()));
  return true;
}

[[maybe_unused]] const bool registered = Register();

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
