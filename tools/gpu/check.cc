#include "tools/gpu/check.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kernels/sample.h"
#include "kernels/sample_gpu.h"
#include "kernels/test_runtime.h"
#include "prioritycut/kernels/priority_cut_mask.h"
#include "prioritycut/kernels/priority_cut_mask_gpu.h"

namespace prioritycut {
namespace {

using device::Driver;
using Launch = std::function<std::string()>;

// The first GPU, current in this thread as long as this lives. The first error
// stays; behind it nothing is done.
class Gpu {
 public:
  Gpu() {
    driver_ = Driver::Get(&error_);
    if (driver_ == nullptr) return;
    int device = 0;
    char name[256] = "";
    Check("cuDeviceGet", [&] { return driver_->DeviceGet(&device, 0); });
    Check("cuDeviceGetName",
          [&] { return driver_->DeviceGetName(name, sizeof(name), device); });
    Check("cuDevicePrimaryCtxRetain",
          [&] { return driver_->PrimaryCtxRetain(&context_, device); });
    Check("cuCtxPushCurrent",
          [&] { return driver_->CtxPushCurrent(context_); });
    name_ = name;
  }

  ~Gpu() {
    if (context_ == nullptr) return;
    Free();
    device::Context popped;
    driver_->CtxPopCurrent(&popped);
    driver_->PrimaryCtxRelease(0);
  }

  const std::string& Error() const { return error_; }
  const std::string& Name() const { return name_; }

  // Memory of the device, until Free.
  device::Address Allocate(size_t bytes) {
    device::Address address = 0;
    Check("cuMemAlloc", [&] { return driver_->MemAlloc(&address, bytes); });
    if (address != 0) allocated_.push_back(address);
    return address;
  }

  template <typename T>
  T* Upload(const std::vector<T>& values) {
    const device::Address a = Allocate(values.size() * sizeof(T));
    Check("cuMemcpyHtoD", [&] {
      return driver_->MemcpyHtoD(a, values.data(), values.size() * sizeof(T));
    });
    return reinterpret_cast<T*>(a);
  }

  // Room that holds nothing of use.
  template <typename T>
  T* Room(size_t count) {
    const device::Address a = Allocate(count * sizeof(T));
    Check("cuMemsetD8",
          [&] { return driver_->MemsetD8(a, 0xa5, count * sizeof(T)); });
    return reinterpret_cast<T*>(a);
  }

  template <typename T>
  std::vector<T> Download(const T* from, size_t count) {
    std::vector<T> values(count);
    Check("cuMemcpyDtoH", [&] {
      return driver_->MemcpyDtoH(values.data(),
                                 reinterpret_cast<device::Address>(from),
                                 count * sizeof(T));
    });
    return values;
  }

  void Free() {
    for (device::Address a : allocated_) {
      const std::string error =
          driver_->Explain("cuMemFree", driver_->MemFree(a));
      if (error_.empty()) error_ = error;
    }
    allocated_.clear();
  }

  void Run(const Launch& launch) {
    if (error_.empty()) error_ = launch();
  }

  // Microseconds of a call, of several that are queued together.
  double Time(int calls, const Launch& launch) {
    void *begin = nullptr, *end = nullptr;
    float milliseconds = 0;
    Run(launch);
    Check("cuEventCreate", [&] { return driver_->EventCreate(&begin, 0); });
    Check("cuEventCreate", [&] { return driver_->EventCreate(&end, 0); });
    Check("cuEventRecord",
          [&] { return driver_->EventRecord(begin, nullptr); });
    for (int i = 0; i < calls; ++i) Run(launch);
    Check("cuEventRecord", [&] { return driver_->EventRecord(end, nullptr); });
    Check("cuEventSynchronize", [&] { return driver_->EventSynchronize(end); });
    Check("cuEventElapsedTime",
          [&] { return driver_->EventElapsedTime(&milliseconds, begin, end); });
    for (void* event : {begin, end}) {
      if (event != nullptr) driver_->EventDestroy(event);
    }
    return 1000.0 * milliseconds / calls;
  }

  // Microseconds of a copy on the device.
  double TimeCopy(int calls, size_t bytes) {
    const device::Address from = Allocate(bytes), to = Allocate(bytes);
    return Time(calls, [=] {
      return driver_->Explain(
          "cuMemcpyDtoDAsync",
          driver_->MemcpyDtoDAsync(to, from, bytes, nullptr));
    });
  }

 private:
  template <typename Call>
  void Check(const char* name, Call call) {
    if (error_.empty()) error_ = driver_->Explain(name, call());
  }

  const Driver* driver_ = nullptr;
  device::Context context_ = nullptr;
  std::string error_, name_;
  std::vector<device::Address> allocated_;
};

// What one kernel gave.
struct Outcome {
  bool good;
  std::string what;  // how it compares
};

// The table, and how many of its lines failed.
class Table {
 public:
  explicit Table(std::FILE* out) : out_(out) {}

  void Head(const std::string& gpu) {
    std::fprintf(out_, "%s\n%-28s %-24s %10s %10s %7s %7s\n", gpu.c_str(),
                 "kernel", "compared with the CPU's", "us a call", "us a copy",
                 "ratio", "target");
  }

  void Line(const std::string& kernel, const Outcome& outcome) {
    failures_ += !outcome.good;
    std::fprintf(out_, "%-28s %s\n", kernel.c_str(), outcome.what.c_str());
  }

  void Line(const std::string& kernel, const Outcome& outcome, double call,
            double copy, double target) {
    failures_ += !outcome.good;
    std::fprintf(out_, "%-28s %-24s %10.1f %10.1f %7.2f %7.2f\n",
                 kernel.c_str(), outcome.what.c_str(), call, copy, call / copy,
                 target);
  }

  // Tells what went wrong on the device, once.
  bool Failed(const Gpu& gpu) {
    if (gpu.Error().empty()) return false;
    ++failures_;
    std::fprintf(out_, "%s\n", gpu.Error().c_str());
    return true;
  }

  int Failures() const { return failures_; }

 private:
  std::FILE* out_;
  int failures_ = 0;
};

template <typename T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

Outcome Bits(bool same) {
  return same ? Outcome{true, "the same bits"} : Outcome{false, "OTHER BITS"};
}

template <typename T>
struct Masks {
  int64_t samples, pixels;
  MaskOptions options = {0.5, Base::kForeground, Polarity::kFakeAtOccluded};
  std::vector<T> occlusion, background;
  std::vector<float> k;

  Masks(int64_t samples, int64_t pixels, std::mt19937& random)
      : samples(samples), pixels(pixels) {
    for (int64_t i = 0; i < samples * pixels; ++i) {
      occlusion.push_back(T(random() % 4096) / 4096);  // with ties
      background.push_back(T(random() % 1000) / 1000);
    }
    for (int64_t n = 0; n < samples; ++n) {
      k.push_back(static_cast<float>(random() % 1001) / 1000);
    }
  }

  size_t Bytes() const {
    return 4 * occlusion.size() * sizeof(T) + samples * (4 + sizeof(T));
  }

  // mask, foreground and fraction, one behind the other.
  std::vector<T> OnCpu() const {
    const int64_t all = samples * pixels;
    std::vector<T> out(2 * all + samples);
    for (int64_t n = 0; n < samples; ++n) {
      const int64_t at = n * pixels;
      out[2 * all + n] = ComputeMask(&occlusion[at], &background[at], k[n],
                                     pixels, options, &out[at], &out[all + at]);
    }
    return out;
  }

  MaskArguments<T> On(Gpu& gpu, T* out) const {
    MaskArguments<T> a = MaskArgumentsOf<T>(options, pixels);
    a.occlusion = gpu.Upload(occlusion);
    a.background = gpu.Upload(background);
    a.k = gpu.Upload(k);
    a.mask = out;
    a.foreground = out + samples * pixels;
    a.fraction = out + 2 * samples * pixels;
    return a;
  }
};

// A batch of masks: whether the bits are the CPU's.
template <typename T>
bool MasksAgree(Gpu& gpu, const Masks<T>& masks) {
  const std::vector<T> want = masks.OnCpu();
  T* const out = gpu.Room<T>(want.size());
  const MaskArguments<T> a = masks.On(gpu, out);
  gpu.Run([&] { return LaunchMask<T>(nullptr, masks.samples, a); });
  const bool same = SameBits(gpu.Download(out, want.size()), want);
  gpu.Free();
  return same;
}

template <typename T>
void CheckMasks(Gpu& gpu, Table& table, const std::string& name,
                const CheckSizes& sizes) {
  std::mt19937 random(1);
  bool same = true;
  for (int i = 0; i < sizes.fuzzed; ++i) {
    const int64_t samples = 1 + random() % 4, pixels = 1 + random() % 5000;
    same &= MasksAgree(gpu, Masks<T>(samples, pixels, random));
  }
  table.Line(name + ", random sizes", Bits(same));
  const Masks<T> masks(sizes.masks, sizes.side * sizes.side, random);
  const Outcome outcome = Bits(MasksAgree(gpu, masks));
  const MaskArguments<T> a =
      masks.On(gpu, gpu.Room<T>(2 * masks.occlusion.size() + masks.samples));
  const double call = gpu.Time(
      sizes.repeated, [&] { return LaunchMask<T>(nullptr, masks.samples, a); });
  const double copy = gpu.TimeCopy(sizes.repeated, masks.Bytes());
  gpu.Free();
  table.Line(name, outcome, call, copy, 4);
}

// The largest difference, of the largest value.
double Apart(const std::vector<float>& got, const std::vector<float>& want) {
  double apart = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double d = std::fabs(double{got[i]} - double{want[i]});
    apart = d <= apart ? apart : d;  // NaN counts
    largest = std::fmax(largest, std::fabs(want[i]));
  }
  return apart / largest;
}

// A kernel of the sampler, with its inputs on the device and its output.
struct Sampler {
  const char* name;
  std::function<std::string(const kernels::SampleArguments&)> launch;
  std::vector<float> want;
  bool bits;     // the CPU's, else to rounding
  size_t bytes;  // of inputs and outputs
};

void CheckSampler(Gpu& gpu, Table& table, const Sampler& s,
                  kernels::SampleArguments a, const CheckSizes& sizes) {
  a.out = gpu.Room<float>(s.want.size());
  gpu.Run([&] { return s.launch(a); });
  const std::vector<float> first = gpu.Download(a.out, s.want.size());
  const double call = gpu.Time(sizes.repeated, [&] { return s.launch(a); });
  const bool again = SameBits(gpu.Download(a.out, s.want.size()), first);
  const double copy = gpu.TimeCopy(sizes.repeated, s.bytes);
  Outcome outcome = Bits(SameBits(first, s.want));
  if (!s.bits) {
    const double apart = Apart(first, s.want);
    char text[64];
    std::snprintf(text, sizeof(text), "%.1g apart", apart);
    outcome = {apart <= 1e-5, text};
  }
  if (!again) outcome = {false, "OTHER BITS EACH TIME"};
  table.Line(s.name, outcome, call, copy, 2);
}

void CheckSamples(Gpu& gpu, Table& table, const CheckSizes& sizes) {
  const int64_t points = sizes.map * sizes.map;
  const kernels::SampleShape shape = {sizes.warps, sizes.warps,    sizes.map,
                                      sizes.map,   sizes.channels, points,
                                      false,       false};
  std::vector<float> x(sizes.warps * points * sizes.channels), dy(x.size());
  std::vector<float> grid(sizes.warps * points * 2);
  std::mt19937 random(2);
  std::uniform_real_distribution<float> number(-1.1f, 1.1f);
  for (auto* list : {&x, &dy, &grid}) {
    for (float& f : *list) f = number(random);
  }
  std::vector<float> y(x.size()), dx(x.size()), dgrid(grid.size());
  const unsigned cores = std::thread::hardware_concurrency();
  kernels::TestRuntime runtime(cores > 0 ? static_cast<int>(cores) : 1);
  kernels::Sample(shape, x.data(), grid.data(), y.data(), runtime);
  kernels::SampleMapGradient(shape, grid.data(), dy.data(), dx.data(), runtime);
  kernels::SampleGridGradient(shape, x.data(), grid.data(), dy.data(),
                              dgrid.data(), runtime);
  kernels::SampleArguments a = {shape,
                                gpu.Upload(x),
                                gpu.Upload(grid),
                                gpu.Upload(dy),
                                nullptr,
                                gpu.Room<uint64_t>(x.size()),
                                gpu.Room<uint32_t>(1)};
  const size_t map = x.size() * sizeof(float),
               of_grid = grid.size() * sizeof(float);
  for (const Sampler& s : {
           Sampler{"warp",
                   [](const kernels::SampleArguments& a) {
                     return kernels::LaunchSample(nullptr, a);
                   },
                   y, true, 2 * map + of_grid},
           Sampler{"warp, gradient at maps",
                   [](const kernels::SampleArguments& a) {
                     return kernels::LaunchSampleMapGradient(nullptr, a);
                   },
                   dx, false, 2 * map + of_grid},
           Sampler{"warp, gradient at points",
                   [](const kernels::SampleArguments& a) {
                     return kernels::LaunchSampleGridGradient(nullptr, a);
                   },
                   dgrid, false, 2 * map + 2 * of_grid},
       }) {
    CheckSampler(gpu, table, s, a, sizes);
  }
  gpu.Free();
}

}  // namespace

int CheckKernels(const CheckSizes& sizes, std::FILE* out) {
  Table table(out);
  Gpu gpu;
  if (table.Failed(gpu)) return table.Failures();
  table.Head(gpu.Name());
  CheckMasks<float>(gpu, table, "mask of floats", sizes);
  CheckMasks<double>(gpu, table, "mask of doubles", sizes);
  CheckSamples(gpu, table, sizes);
  table.Failed(gpu);  // whatever the lines before say
  return table.Failures();
}

}  // namespace prioritycut
