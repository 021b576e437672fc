#include "kernels/sample_gpu.h"

// Made of sample.cu.
extern const char prioritycut_ptx_sample[];

namespace prioritycut {
namespace kernels {
namespace {

// Launches the kernels of one translation unit, each by its name.
class Queue {
 public:
  Queue(device::Stream stream, const SampleArguments& arguments)
      : stream_(stream), arguments_(arguments) {}

  // Does nothing behind an error.
  void Launch(device::Kernel* kernel, int64_t blocks) {
    if (!error_.empty()) return;
    error_ = kernel->Launch(stream_, blocks, kSampleThreads, &arguments_);
  }

  const std::string& Error() const { return error_; }

 private:
  const device::Stream stream_;
  const SampleArguments& arguments_;
  std::string error_;
};

device::Kernel* Named(const char* name) {
  return new device::Kernel(prioritycut_ptx_sample, name);
}

int64_t PointBlocks(const SampleShape& s) {
  return BlocksOf(s.Samples() * s.points, kSamplePoints);
}

}  // namespace

std::string LaunchSample(device::Stream stream, const SampleArguments& a) {
  static device::Kernel* const sample = Named("sample");
  Queue queue(stream, a);
  queue.Launch(sample, PointBlocks(a.shape));
  return queue.Error();
}

std::string LaunchSampleMapGradient(device::Stream stream,
                                    const SampleArguments& a) {
  static device::Kernel* const clear = Named("sample_clear_sums");
  static device::Kernel* const find = Named("sample_find_largest");
  static device::Kernel* const add = Named("sample_add_gradients");
  static device::Kernel* const finish = Named("sample_map_gradient");
  const SampleShape& s = a.shape;
  const int64_t of_maps = s.maps * s.height * s.width * s.channels;
  const int64_t of_points = s.Samples() * s.points * s.channels;
  Queue queue(stream, a);
  queue.Launch(clear, BlocksOf(of_maps, kSampleNumbers));
  queue.Launch(find, BlocksOf(of_points, kSampleNumbers));
  queue.Launch(add, PointBlocks(s));
  queue.Launch(finish, BlocksOf(of_maps, kSampleNumbers));
  return queue.Error();
}

std::string LaunchSampleGridGradient(device::Stream stream,
                                     const SampleArguments& a) {
  static device::Kernel* const gradient = Named("sample_grid_gradient");
  const SampleShape& s = a.shape;
  Queue queue(stream, a);
  queue.Launch(gradient, BlocksOf(s.grids * s.points, kSamplePoints));
  return queue.Error();
}

}  // namespace kernels
}  // namespace prioritycut
