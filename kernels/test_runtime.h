// A Runtime of plain threads, for tests and measurements without TensorFlow.

#ifndef PRIORITYCUT_KERNELS_TEST_RUNTIME_H_
#define PRIORITYCUT_KERNELS_TEST_RUNTIME_H_

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "kernels/conv.h"

namespace prioritycut {
namespace kernels {

class TestRuntime : public Runtime {
 public:
  explicit TestRuntime(int threads) : threads_(threads) {}

  int Threads() const override { return threads_; }

  void Run(int64_t total, int64_t, const Work& work) override {
    std::vector<std::thread> others;
    for (int i = 1; i < threads_; ++i) {
      const int64_t begin = total * i / threads_;
      const int64_t end = total * (i + 1) / threads_;
      if (begin < end) others.emplace_back(work, begin, end);
    }
    if (total / threads_ > 0) work(0, total / threads_);
    for (std::thread& t : others) t.join();
  }

  float* Scratch(int64_t floats) override {
    const size_t bytes = (floats * sizeof(float) + 63) / 64 * 64;
    float* memory = static_cast<float*>(std::aligned_alloc(64, bytes));
    scratch_.emplace_back(memory, &std::free);
    return memory;
  }

 private:
  int threads_;
  std::vector<std::unique_ptr<float, void (*)(void*)>> scratch_;
};

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_TEST_RUNTIME_H_
