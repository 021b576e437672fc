// Large pieces of memory, cut from one range of addresses.

#ifndef PRIORITYCUT_KERNELS_MEMORY_POOL_H_
#define PRIORITYCUT_KERNELS_MEMORY_POOL_H_

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace prioritycut {
namespace kernels {

// Takes the smallest free piece that suffices, cuts it to measure and joins
// free neighbours. What was given back stays with the process and serves again;
// the range grows only when no free piece is large enough. Any thread may call.
class MemoryPool {
 public:
  // Pieces begin at multiples of this.
  static constexpr size_t kAlignment = 256;

  // Reserves addresses, of which nothing is in use yet. Valid tells whether the
  // system gave them.
  explicit MemoryPool(size_t bytes);
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  bool Valid() const { return begin_ != nullptr; }

  // A piece of at least so many bytes, or nullptr when the range has none.
  void* Take(size_t bytes);

  // Takes back what Take gave.
  void Give(void* piece);

  // Whether it lies in the range.
  bool Owns(const void* p) const { return p >= begin_ && p < end_; }

  // How much of the range has been used, from its beginning.
  size_t Extent() const;

 private:
  struct Piece {
    size_t bytes;
    bool free;
  };
  using Pieces = std::map<char*, Piece>;

  void* Cut(Pieces::iterator piece, size_t bytes);
  Pieces::iterator Grow(size_t bytes);
  bool MakeUsable(char* end);

  mutable std::mutex mutex_;
  char *begin_ = nullptr, *end_ = nullptr;
  char* top_ = nullptr;     // behind the last piece
  char* usable_ = nullptr;  // the system lets us write up to here
  Pieces pieces_;           // all up to top_, by address
  std::set<std::pair<size_t, char*>> free_;  // the free ones, by size
};

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_MEMORY_POOL_H_
