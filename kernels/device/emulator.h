// Runs bodies of device kernels on the host: see block.h. One thread after the
// other, between two meetings, in an order that is chosen.

#ifndef PRIORITYCUT_KERNELS_DEVICE_EMULATOR_H_
#define PRIORITYCUT_KERNELS_DEVICE_EMULATOR_H_

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/device/block.h"

namespace prioritycut {
namespace device {

enum class Order { kForward, kBackward, kShuffled };

// A block whose threads take turns; shuffled threads do so anew in each ForAll.
class EmulatedBlock {
 public:
  EmulatedBlock(int64_t index, int64_t blocks, int threads, Order order,
                uint32_t seed)
      : index_(index),
        blocks_(blocks),
        order_(order),
        random_(seed),
        turns_(threads) {
    std::iota(turns_.begin(), turns_.end(), 0);
    if (order == Order::kBackward) std::reverse(turns_.begin(), turns_.end());
  }

  int64_t Index() const { return index_; }
  int64_t Blocks() const { return blocks_; }
  int Threads() const { return static_cast<int>(turns_.size()); }

  template <typename Work>
  void ForAll(Work work) {
    if (order_ == Order::kShuffled) {
      std::shuffle(turns_.begin(), turns_.end(), random_);
    }
    for (int thread : turns_) work(thread);
  }

  void Add(uint32_t* to, uint32_t value) const { *to += value; }
  void Add(uint64_t* to, uint64_t value) const { *to += value; }
  void Raise(uint32_t* to, uint32_t value) const { *to = std::max(*to, value); }

 private:
  int64_t index_, blocks_;
  Order order_;
  std::mt19937 random_;
  std::vector<int> turns_;
};

// Runs all blocks of a kernel in an order that goes with that of the threads.
template <typename Body>
void Emulate(int64_t blocks, int threads, Order order, uint32_t seed,
             Body body) {
  std::vector<int64_t> turns(blocks);
  std::iota(turns.begin(), turns.end(), 0);
  if (order == Order::kBackward) std::reverse(turns.begin(), turns.end());
  std::mt19937 random(seed);
  if (order == Order::kShuffled) {
    std::shuffle(turns.begin(), turns.end(), random);
  }
  for (int64_t index : turns) {
    EmulatedBlock block(index, blocks, threads, order, random());
    body(block);
  }
}

}  // namespace device
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_DEVICE_EMULATOR_H_
