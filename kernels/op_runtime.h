// What the kernels borrow of a TensorFlow op: its memory and worker threads.

#ifndef PRIORITYCUT_KERNELS_OP_RUNTIME_H_
#define PRIORITYCUT_KERNELS_OP_RUNTIME_H_

#include <vector>

#include "kernels/conv.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/util/work_sharder.h"

namespace prioritycut {
namespace kernels {

class OpRuntime : public Runtime {
 public:
  explicit OpRuntime(tensorflow::OpKernelContext* context)
      : context_(context),
        workers_(*context->device()->tensorflow_cpu_worker_threads()) {}

  int Threads() const override { return workers_.num_threads; }

  void Run(int64_t total, int64_t cost, const Work& work) override {
    tensorflow::Shard(workers_.num_threads, workers_.workers, total, cost,
                      work);
  }

  float* Scratch(int64_t floats) override {
    tensorflow::Tensor memory;
    const absl::Status status = context_->allocate_temp(
        tensorflow::DT_FLOAT, tensorflow::TensorShape({floats}), &memory);
    if (!status.ok()) return nullptr;
    scratch_.push_back(memory);
    return scratch_.back().flat<float>().data();
  }

 private:
  tensorflow::OpKernelContext* context_;
  const tensorflow::DeviceBase::CpuWorkerThreads& workers_;
  std::vector<tensorflow::Tensor> scratch_;
};

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_OP_RUNTIME_H_
