#include "kernels/conv.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {
namespace {

struct Free {
  void operator()(float* p) const { std::free(p); }
};

// Lists of an epilogue, readable to the next multiple of a panel's columns.
class PaddedEpilogue {
 public:
  PaddedEpilogue(const Epilogue& e, int64_t channels, const Vectors& v)
      : scale_(Padded(e.scale, channels, v)),
        shift_(Padded(e.shift, channels, v)),
        norm_scale_(Padded(e.norm_scale, channels, v)),
        norm_shift_(Padded(e.norm_shift, channels, v)),
        padded_{OrNull(scale_),      OrNull(shift_),      e.relu,  e.residual,
                OrNull(norm_scale_), OrNull(norm_shift_), e.normed} {}

  const Epilogue& get() const { return padded_; }

 private:
  static std::vector<float> Padded(const float* list, int64_t channels,
                                   const Vectors& v) {
    if (list == nullptr) return {};
    std::vector<float> padded(RoundUp(channels, v.columns));
    std::copy(list, list + channels, padded.begin());
    return padded;
  }
  static const float* OrNull(const std::vector<float>& list) {
    return list.empty() ? nullptr : list.data();
  }

  std::vector<float> scale_, shift_, norm_scale_, norm_shift_;
  Epilogue padded_;
};

// [taps][in][out] -> [taps in reverse][out][in], in squares that fit the cache.
void Turn(const float* kernel, int64_t taps, int64_t in, int64_t out,
          float* turned, Runtime& runtime) {
  constexpr int64_t kSquare = 32;
  const int64_t strips = (in + kSquare - 1) / kSquare;
  runtime.Run(taps * strips, kSquare * out, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t t = i / strips, c0 = i % strips * kSquare;
      const int64_t c1 = std::min(c0 + kSquare, in);
      const float* from = kernel + t * in * out;
      float* to = turned + (taps - 1 - t) * in * out;
      for (int64_t o0 = 0; o0 < out; o0 += kSquare) {
        const int64_t o1 = std::min(o0 + kSquare, out);
        for (int64_t o = o0; o < o1; ++o) {
          for (int64_t c = c0; c < c1; ++c) to[o * in + c] = from[c * out + o];
        }
      }
    }
  });
}

// What an epilogue says of residual and norm, to a map that is written.
void AddResidual(const Epilogue& e, int64_t pixels, int64_t channels, float* y,
                 Runtime& runtime) {
  runtime.Run(pixels, 2 * channels, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t at = p * channels;
      for (int64_t c = 0; c < channels; ++c) y[at + c] += e.residual[at + c];
      if (e.normed == nullptr) continue;
      for (int64_t c = 0; c < channels; ++c) {
        float z = y[at + c];
        if (e.norm_scale != nullptr) z *= e.norm_scale[c];
        if (e.norm_shift != nullptr) z += e.norm_shift[c];
        e.normed[at + c] = z < 0 ? 0 : z;
      }
    }
  });
}

// The sums of 2 x 2 pixels: [batch, 2 height, 2 width, channels] -> half sides.
void SumSquares(int64_t rows, int64_t width, int64_t channels,
                const float* from, float* to, Runtime& runtime) {
  runtime.Run(rows, 2 * width * channels, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* above = from + 4 * i * width * channels;
      const float* below = above + 2 * width * channels;
      float* out = to + i * width * channels;
      for (int64_t j = 0; j < width; ++j) {
        const int64_t a = 2 * j * channels, b = a + channels;
        for (int64_t c = 0; c < channels; ++c) {
          out[j * channels + c] =
              above[a + c] + above[b + c] + below[a + c] + below[b + c];
        }
      }
    }
  });
}

}  // namespace

float* ThreadScratch(int64_t floats) {
  thread_local std::unique_ptr<float, Free> memory;
  thread_local int64_t size = 0;
  if (floats > size) {
    memory.reset();
    size = 0;
    void* p = std::aligned_alloc(64, RoundUp(floats, 16) * sizeof(float));
    memory.reset(static_cast<float*>(p));
    if (p != nullptr) size = floats;
  }
  return memory.get();
}

Conv::Conv(const ConvShape& shape, bool turned, const Vectors& vectors,
           Usage usage)
    : shape_(shape), turned_(turned), vectors_(&vectors) {
  method_ = turned ? InputGradientMethod(shape, Effective(), vectors, usage)
                   : ForwardMethod(shape, vectors, usage);
}

bool Conv::UsePlain() {
  const bool direct = method_ == Method::kDirect && !turned_;
  plain_ = (direct && PlainServes(shape_, *vectors_)) ||
           (method_ == Method::kPhases && PhasesServePlain(shape_, *vectors_));
  return plain_;
}

Conv Conv::Forward(const ConvShape& shape, const Vectors& vectors,
                   Usage usage) {
  return Conv(shape, false, vectors, usage);
}

Conv Conv::InputGradient(const ConvShape& shape, const Vectors& vectors,
                         Usage usage) {
  return Conv(shape, true, vectors, usage);
}

ConvShape Conv::Effective() const {
  if (!turned_) return shape_;
  const int rest = shape_.kernel - 1;
  ConvShape s = {shape_.batch,         shape_.OutHeight(),  shape_.OutWidth(),
                 shape_.out,           shape_.in,           shape_.kernel,
                 rest - shape_.before, rest - shape_.after, false,
                 shape_.parts};
  return s;
}

bool Conv::InTiles() const {
  return method_ == Method::kWinograd || method_ == Method::kSmall;
}

int Conv::Tile() const {
  return method_ == Method::kSmall ? kSmallTile : kTile;
}

KernelLayout Conv::Layout() const {
  if (method_ == Method::kDots) return KernelLayout::kRuns;
  return plain_ ? KernelLayout::kPlain : KernelLayout::kPanels;
}

bool Conv::Use(Method method) {
  if (method == Method::kWinograd && !WinogradServes(shape_)) return false;
  if (method == Method::kLarge && (turned_ || !LargeServes(shape_))) {
    return false;
  }
  if (method == Method::kSmall && (turned_ || !SmallServes(shape_))) {
    return false;
  }
  if (method == Method::kPhases && (turned_ || !shape_.upsample)) return false;
  if (method == Method::kQuarters && !QuartersServe(shape_)) return false;
  plain_ = plain_ && method == method_;
  method_ = method;
  return true;
}

int64_t Conv::PackedFloats() const {
  if (InTiles()) {
    return WinogradPackedFloats(shape_, turned_, Tile(), *vectors_);
  }
  if (method_ == Method::kLarge) return LargePackedFloats(shape_, *vectors_);
  if (method_ == Method::kPhases) {
    return plain_ ? 0 : PhasesPackedFloats(shape_, *vectors_);
  }
  if (method_ == Method::kQuarters) {
    return QuartersPackedFloats(Effective(), *vectors_);
  }
  return DirectPackedFloats(Effective(), Layout(), *vectors_);
}

bool Conv::Pack(const float* kernel, float* packed, Runtime& runtime) const {
  if (InTiles()) {
    return WinogradPack(shape_, turned_, Tile(), kernel, packed, *vectors_,
                        runtime);
  }
  if (method_ == Method::kLarge) {
    LargePack(shape_, kernel, packed, *vectors_, runtime);
    return true;
  }
  if (method_ == Method::kPhases) {
    return PhasesPack(shape_, kernel, packed, *vectors_, runtime);
  }
  if (method_ == Method::kDirect && turned_) {
    DirectPackTurned(Effective(), kernel, packed, *vectors_, runtime);
    return true;
  }
  if (turned_) {
    float* turned = runtime.Scratch(shape_.KernelFloats());
    if (turned == nullptr) return false;
    Turn(kernel, int64_t{shape_.kernel} * shape_.kernel, shape_.in, shape_.out,
         turned, runtime);
    kernel = turned;
  }
  if (method_ == Method::kQuarters) {
    QuartersPack(Effective(), kernel, packed, *vectors_, runtime);
    return true;
  }
  DirectPack(Effective(), Layout(), kernel, packed, *vectors_, runtime);
  return true;
}

bool Conv::AddsInPlace() const {
  return InTiles() || method_ == Method::kLarge;
}

bool Conv::Run(const float* x, const float* packed, const Epilogue& epilogue,
               float* y, Runtime& runtime) const {
  const ConvShape s = Effective();
  const PaddedEpilogue padded(epilogue, s.out, *vectors_);
  Epilogue inside = padded.get();
  if (!AddsInPlace()) {
    inside.residual = nullptr;
    inside.normed = nullptr;
  }
  if (!Compute(x, packed, inside, y, runtime)) return false;
  if (epilogue.residual != nullptr && !AddsInPlace()) {
    AddResidual(epilogue, s.batch * s.OutHeight() * s.OutWidth(), s.out, y,
                runtime);
  }
  return true;
}

bool Conv::Compute(const float* x, const float* packed,
                   const Epilogue& epilogue, float* y, Runtime& runtime) const {
  const ConvShape s = Effective();
  if (InTiles()) {
    return WinogradRun(shape_, turned_, Tile(), x, packed, epilogue, y,
                       *vectors_, runtime);
  }
  if (method_ == Method::kLarge) {
    return LargeRun(shape_, x, packed, epilogue, y, *vectors_, runtime);
  }
  if (method_ == Method::kPhases) {
    return PhasesRun(shape_, Layout(), x, packed, epilogue, y, *vectors_,
                     runtime);
  }
  if (method_ == Method::kQuarters) {
    return QuartersRun(s, x, packed, epilogue, y, *vectors_, runtime);
  }
  const KernelLayout layout = Layout();
  if (!turned_ || !shape_.upsample) {
    return DirectRun(s, layout, x, packed, epilogue, y, *vectors_, runtime);
  }
  // The gradient at the doubled map, and then at the pixels repeated.
  float* doubled =
      runtime.Scratch(s.batch * s.OutHeight() * s.OutWidth() * s.out);
  if (doubled == nullptr ||
      !DirectRun(s, layout, x, packed, epilogue, doubled, *vectors_, runtime)) {
    return false;
  }
  SumSquares(shape_.batch * shape_.height, shape_.width, shape_.in, doubled, y,
             runtime);
  return true;
}

bool KernelGradientBy(Method method, const ConvShape& shape, const float* x,
                      const float* dy, float* dkernel, Runtime& runtime,
                      const Vectors& vectors) {
  if (method == Method::kWinograd) {
    return WinogradKernelGradient(shape, x, dy, dkernel, vectors, runtime);
  }
  if (method == Method::kQuarters) {
    return QuartersKernelGradient(shape, x, dy, dkernel, vectors, runtime);
  }
  return DirectKernelGradient(shape, x, dy, dkernel, vectors, runtime);
}

bool KernelGradient(const ConvShape& shape, const float* x, const float* dy,
                    float* dkernel, double* dbias, Runtime& runtime,
                    const Vectors& vectors) {
  if (dbias != nullptr) {
    BiasGradient(shape.batch, shape.OutHeight() * shape.OutWidth(), shape.out,
                 dy, dbias, runtime);
  }
  return KernelGradientBy(KernelGradientMethod(shape, vectors), shape, x, dy,
                          dkernel, runtime, vectors);
}

void BiasGradient(int64_t samples, int64_t pixels, int64_t channels,
                  const float* dy, double* dbias, Runtime& runtime) {
  // Floats are added over a part of one sample, doubles over the parts: exact
  // enough for any size, and the same at every number of threads and however
  // the samples are divided.
  constexpr int64_t kPart = 512;
  const int64_t of_sample = (pixels + kPart - 1) / kPart;
  const int64_t parts = samples * of_sample;
  std::vector<float> sums(parts * channels);
  runtime.Run(parts, kPart * channels / 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* sum = sums.data() + i * channels;
      const int64_t first = i % of_sample * kPart;
      const int64_t last = std::min(pixels, first + kPart);
      const float* from = dy + (i / of_sample * pixels + first) * channels;
      for (int64_t p = first; p < last; ++p, from += channels) {
        for (int64_t c = 0; c < channels; ++c) sum[c] += from[c];
      }
    }
  });
  for (int64_t c = 0; c < channels; ++c) {
    dbias[c] = 0;
    for (int64_t i = 0; i < parts; ++i) dbias[c] += sums[i * channels + c];
  }
}

}  // namespace kernels
}  // namespace prioritycut
