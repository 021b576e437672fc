#include "kernels/memory_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>

namespace prioritycut {
namespace kernels {
namespace {

// A rest as small as this stays with the piece that it would be cut from.
constexpr size_t kLeastRest = 4096;
// How much the system is asked for at a time; it gives pages when they are
// written.
constexpr size_t kStep = size_t{64} << 20;

}  // namespace

MemoryPool::MemoryPool(size_t bytes) {
  void* range = mmap(nullptr, bytes, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return;
  begin_ = top_ = usable_ = static_cast<char*>(range);
  end_ = begin_ + bytes;
}

MemoryPool::~MemoryPool() {
  if (Valid()) munmap(begin_, end_ - begin_);
}

void* MemoryPool::Take(size_t bytes) {
  if (bytes > static_cast<size_t>(end_ - begin_)) return nullptr;
  bytes =
      std::max(bytes + kAlignment - 1, kAlignment) / kAlignment * kAlignment;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto fits = free_.lower_bound({bytes, nullptr});
  const auto piece =
      fits == free_.end() ? Grow(bytes) : pieces_.find(fits->second);
  return piece == pieces_.end() ? nullptr : Cut(piece, bytes);
}

// Takes a free piece, or as much from its front as is asked for.
void* MemoryPool::Cut(Pieces::iterator piece, size_t bytes) {
  char* const at = piece->first;
  free_.erase({piece->second.bytes, at});
  const size_t rest = piece->second.bytes - bytes;
  if (rest >= kLeastRest) {
    pieces_.emplace_hint(std::next(piece), at + bytes, Piece{rest, true});
    free_.insert({rest, at + bytes});
    piece->second.bytes = bytes;
  }
  piece->second.free = false;
  return at;
}

// A free piece at the top, of at least so many bytes: what is free there grows.
MemoryPool::Pieces::iterator MemoryPool::Grow(size_t bytes) {
  const auto last = pieces_.empty() || !std::prev(pieces_.end())->second.free
                        ? pieces_.end()
                        : std::prev(pieces_.end());
  char* const from = last == pieces_.end() ? top_ : last->first;
  if (bytes > static_cast<size_t>(end_ - from) || !MakeUsable(from + bytes)) {
    return pieces_.end();
  }
  top_ = from + bytes;
  if (last == pieces_.end()) {
    free_.insert({bytes, from});
    return pieces_.emplace_hint(last, from, Piece{bytes, true});
  }
  free_.erase({last->second.bytes, from});
  free_.insert({bytes, from});
  last->second.bytes = bytes;
  return last;
}

bool MemoryPool::MakeUsable(char* end) {
  if (end <= usable_) return true;
  const size_t steps = (end - usable_ + kStep - 1) / kStep;
  const size_t bytes =
      std::min(steps * kStep, static_cast<size_t>(end_ - usable_));
  if (mprotect(usable_, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  usable_ += bytes;
  return true;
}

void MemoryPool::Give(void* piece) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto at = pieces_.find(static_cast<char*>(piece));
  at->second.free = true;
  const auto next = std::next(at);
  if (next != pieces_.end() && next->second.free) {
    free_.erase({next->second.bytes, next->first});
    at->second.bytes += next->second.bytes;
    pieces_.erase(next);
  }
  if (at != pieces_.begin() && std::prev(at)->second.free) {
    const auto before = std::prev(at);
    free_.erase({before->second.bytes, before->first});
    before->second.bytes += at->second.bytes;
    pieces_.erase(at);
    at = before;
  }
  free_.insert({at->second.bytes, at->first});
}

size_t MemoryPool::Extent() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return top_ - begin_;
}

}  // namespace kernels
}  // namespace prioritycut
