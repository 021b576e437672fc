// Convolutions of odd shapes against direct sums in double, for every set of
// instructions that this processor has and every method that can serve.
//
//   conv_test [SHAPES [SEED [PRODUCTS]]]
//
// Shapes of more than PRODUCTS products are left out, for tools that make
// programs slow; what is computed by several threads is not.

#include "kernels/conv.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "kernels/test_runtime.h"

namespace prioritycut {
namespace kernels {
namespace {

int failures = 0;

// All of a computation by direct sums: y, and for gradients dy at y the
// gradients at x and kernel.
struct Reference {
  const ConvShape& s;
  std::vector<double> x, w, dy, y, dx, dw;

  explicit Reference(const ConvShape& shape) : s(shape) {
    x.resize(s.batch * s.height * s.width * s.in);
    w.resize(s.KernelFloats());
    dy.resize(s.batch * s.OutHeight() * s.OutWidth() * s.out);
  }

  void Compute() {
    y.assign(dy.size(), 0);
    dx.assign(x.size(), 0);
    dw.assign(w.size(), 0);
    const int64_t times = s.upsample ? 2 : 1;
    for (int64_t n = 0; n < s.batch; ++n) {
      for (int64_t i = 0; i < s.OutHeight(); ++i) {
        for (int64_t j = 0; j < s.OutWidth(); ++j) {
          for (int t = 0; t < s.kernel * s.kernel; ++t) {
            const int64_t row = i + t / s.kernel - s.before;
            const int64_t column = j + t % s.kernel - s.before;
            if (row < 0 || row >= times * s.height) continue;
            if (column < 0 || column >= times * s.width) continue;
            Add(((n * s.OutHeight() + i) * s.OutWidth() + j) * s.out,
                ((n * s.height + row / times) * s.width + column / times) *
                    s.in,
                t);
          }
        }
      }
    }
  }

  void Add(int64_t out, int64_t in, int t) {
    for (int64_t c = 0; c < s.in; ++c) {
      const int64_t tap = (t * s.in + c) * s.out;
      for (int64_t o = 0; o < s.out; ++o) {
        y[out + o] += x[in + c] * w[tap + o];
        dx[in + c] += dy[out + o] * w[tap + o];
        dw[tap + o] += dy[out + o] * x[in + c];
      }
    }
  }
};

std::vector<float> Floats(const std::vector<double>& v) {
  return std::vector<float>(v.begin(), v.end());
}

// Largest difference, as a part of the largest value or, where sums cancel, of
// the deviation that a sum of so many products has.
template <typename T>
double Apart(const std::vector<T>& got, const std::vector<double>& want,
             double products, double least = 0) {
  double scale = std::max(std::sqrt(products) / 3, least), worst = 0;
  for (double w : want) scale = std::max(scale, std::fabs(w));
  for (size_t i = 0; i < want.size(); ++i) {
    const double d = std::fabs(got[i] - want[i]) / scale;
    worst = d <= worst ? worst : d;  // NaN counts
  }
  return worst;
}

const char* Name(Method m) {
  return m == Method::kWinograd   ? "Winograd"
         : m == Method::kDirect   ? "direct"
         : m == Method::kDots     ? "dots"
         : m == Method::kQuarters ? "quarters"
         : m == Method::kLarge    ? "large tiles"
         : m == Method::kSmall    ? "small tiles"
                                  : "phases";
}

std::string Describe(const ConvShape& s) {
  char text[200];
  std::snprintf(text, sizeof(text),
                "%dx%dx%d, %d -> %d, kernel %d, zeros %d %d%s", int(s.batch),
                int(s.height), int(s.width), int(s.in), int(s.out), s.kernel,
                s.before, s.after, s.upsample ? ", repeated" : "");
  return text;
}

struct Worst {
  double direct = 0, winograd = 0, small = 0, large = 0;

  // A plain sum drifts like a random walk, and small tiles no more; Winograd's
  // algorithm does so more, and most in large tiles.
  void Check(const ConvShape& s, const Vectors& v, Method method,
             const char* what, double apart, double products) {
    const bool fast =
        method == Method::kWinograd || method == Method::kQuarters;
    double* all = &direct;
    double most = 1e-6 + 4e-8 * std::sqrt(products);
    if (fast) all = &winograd, most = 1e-5;
    if (method == Method::kSmall) all = &small;
    if (method == Method::kLarge) all = &large, most = 1e-4;
    *all = std::max(*all, apart);
    if (apart <= most) return;
    ++failures;
    std::printf("%s, %s, %s of %s: %.2g apart\n", v.name, Name(method), what,
                Describe(s).c_str(), apart);
  }
};

// Packs the kernel unless it is used as it is, and convolves.
bool Convolve(const Conv& conv, const std::vector<float>& kernel,
              const std::vector<float>& x, const Epilogue& epilogue,
              std::vector<float>* y, Runtime& runtime) {
  if (conv.PackedFloats() == 0) {
    return conv.Run(x.data(), kernel.data(), epilogue, y->data(), runtime);
  }
  std::vector<float> packed(conv.PackedFloats());
  return conv.Pack(kernel.data(), packed.data(), runtime) &&
         conv.Run(x.data(), packed.data(), epilogue, y->data(), runtime);
}

void CheckPass(const Reference& r, const Conv& conv, bool turned,
               const Vectors& v, Runtime& runtime, Worst* worst) {
  const std::vector<float> w = Floats(r.w), in = Floats(turned ? r.dy : r.x);
  std::vector<double> want = turned ? r.dx : r.y;
  std::vector<float> got(want.size(), NAN);
  Epilogue epilogue;
  std::vector<float> scale, shift;
  if (!turned) {
    for (int64_t o = 0; o < r.s.out; ++o) {
      scale.push_back(1 + 0.5f * (o % 3));
      shift.push_back(0.25f * (o % 5) - 0.5f);
    }
    epilogue = {scale.data(), shift.data(), true};
    for (size_t i = 0; i < want.size(); ++i) {
      const int64_t o = i % r.s.out;
      want[i] = std::max(want[i] * scale[o] + shift[o], 0.0);
    }
  }
  const bool ok = Convolve(conv, w, in, epilogue, &got, runtime);
  const double products = double(r.w.size()) / (turned ? r.s.in : r.s.out);
  worst->Check(r.s, v, conv.method(), turned ? "input gradient" : "output",
               ok ? Apart(got, want, products) : NAN, products);
}

// A residual, and the norm behind it. Where that can be, y is the residual.
void CheckResidual(const Reference& r, const Conv& conv, const Vectors& v,
                   Runtime& runtime, Worst* worst) {
  const std::vector<float> added = Floats(r.dy);
  std::vector<double> want = r.y, want_normed(want.size());
  std::vector<float> got(want.size(), NAN), normed(want.size(), NAN);
  std::vector<float> bias, scale, shift;
  for (int64_t o = 0; o < r.s.out; ++o) {
    bias.push_back(0.25f * (o % 5) - 0.5f);
    scale.push_back(1 - 0.5f * (o % 3));
    shift.push_back(0.125f * (o % 7) - 0.25f);
  }
  for (size_t i = 0; i < want.size(); ++i) {
    const int64_t o = i % r.s.out;
    want[i] += bias[o] + added[i];
    want_normed[i] = std::max(want[i] * scale[o] + shift[o], 0.0);
  }
  Epilogue epilogue;
  epilogue.shift = bias.data();
  epilogue.residual = added.data();
  epilogue.norm_scale = scale.data();
  epilogue.norm_shift = shift.data();
  epilogue.normed = normed.data();
  if (conv.AddsInPlace()) {
    got = added;
    epilogue.residual = got.data();
  }
  const bool ok =
      Convolve(conv, Floats(r.w), Floats(r.x), epilogue, &got, runtime);
  const double products = double(r.w.size()) / r.s.out;
  worst->Check(r.s, v, conv.method(), "residual",
               ok ? Apart(got, want, products) : NAN, products);
  // No scale is above 1: rounding is that of the values which are normed, and
  // their size what it is a share of, also where ReLU leaves smaller ones.
  double largest = 0;
  for (double w : want) largest = std::max(largest, std::fabs(w));
  worst->Check(r.s, v, conv.method(), "norm behind it",
               ok ? Apart(normed, want_normed, products, largest) : NAN,
               products);
}

// A kernel that is taken as it is gives the bits of the packed one.
void CheckPlain(Method method, const Reference& r, const Vectors& v,
                Runtime& runtime, Worst* worst) {
  Conv conv = Conv::Forward(r.s, v);
  if (!conv.Use(method)) return;
  std::vector<float> packed(r.y.size(), NAN), plain(r.y.size(), NAN);
  const std::vector<float> w = Floats(r.w), x = Floats(r.x);
  const Epilogue epilogue = {nullptr, nullptr, true};
  bool same = Convolve(conv, w, x, epilogue, &packed, runtime);
  if (!conv.UsePlain()) return;
  CheckPass(r, conv, false, v, runtime, worst);
  same = same && conv.PackedFloats() == 0 &&
         Convolve(conv, w, x, epilogue, &plain, runtime) && plain == packed;
  if (same) return;
  ++failures;
  std::printf("%s, %s: a plain kernel gave other bits: %s\n", v.name,
              Name(method), Describe(r.s).c_str());
}

void CheckShape(const ConvShape& s, std::mt19937* random, Worst* worst) {
  Reference r(s);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (auto* list : {&r.x, &r.w, &r.dy}) {
    for (double& value : *list) value = uniform(*random);
  }
  r.Compute();
  std::vector<double> db(s.out, 0);
  for (size_t i = 0; i < r.dy.size(); ++i) db[i % s.out] += r.dy[i];
  const double pixels = double(r.dy.size()) / s.out;
  for (const char* name : {"generic", "avx2", "avx512"}) {
    const Vectors* v = VectorsNamed(name);
    if (v == nullptr) continue;
    TestRuntime runtime(1 + (*random)() % 3);
    for (Method m :
         {Method::kWinograd, Method::kDirect, Method::kDots, Method::kPhases,
          Method::kQuarters, Method::kLarge, Method::kSmall}) {
      Conv forward = Conv::Forward(s, *v), back = Conv::InputGradient(s, *v);
      if (!forward.Use(m)) continue;
      CheckPass(r, forward, false, *v, runtime, worst);
      CheckResidual(r, forward, *v, runtime, worst);
      if (!back.Use(m)) continue;
      CheckPass(r, back, true, *v, runtime, worst);
      if (m == Method::kDots) continue;
      std::vector<float> dw(r.w.size(), NAN);
      const std::vector<float> x = Floats(r.x), dy = Floats(r.dy);
      const bool ok =
          KernelGradientBy(m, s, x.data(), dy.data(), dw.data(), runtime, *v);
      worst->Check(s, *v, m, "kernel gradient",
                   ok ? Apart(dw, r.dw, pixels) : NAN, pixels);
    }
    for (Method m : {Method::kDirect, Method::kPhases}) {
      CheckPlain(m, r, *v, runtime, worst);
    }
    std::vector<double> bias(s.out, NAN);
    BiasGradient(s.batch, s.OutHeight() * s.OutWidth(), s.out,
                 Floats(r.dy).data(), bias.data(), runtime);
    worst->Check(s, *v, Method::kDirect, "bias gradient",
                 Apart(bias, db, pixels), pixels);
  }
}

ConvShape Draw(std::mt19937* random) {
  const auto between = [random](int lo, int hi) {
    return lo + static_cast<int>((*random)() % (hi - lo + 1));
  };
  ConvShape s = {};
  s.batch = between(0, 3) == 0 ? between(1, 5) : 1;
  // Half of the maps are small: edges are where mistakes live.
  s.height = between(0, 1) ? between(1, 9) : between(1, 67);
  s.width = between(0, 1) ? between(1, 9) : between(1, 61);
  s.in = between(1, 70);
  s.out = between(0, 1) ? between(1, 70) : between(1, 12);
  while (s.batch * s.height * s.width * s.in * s.out > 1500000) {
    s.height = (s.height + 1) / 2;
    s.width = (s.width + 2) / 3;
    s.batch = 1;
  }
  const int kernels[] = {1, 3, 3, 3, 4, 5, 6, 7, 7, 8};
  s.kernel = kernels[between(0, 9)];
  s.before = between(0, s.kernel - 1);
  s.after = between(0, s.kernel - 1);
  if (between(0, 4) == 0) {
    s.upsample = true;
    s.kernel = 3;
    s.before = s.after = 1;
  }
  if (s.OutHeight() < 1 || s.OutWidth() < 1) return Draw(random);
  return s;
}

// Shapes that take ways which small ones do not: many tiles and few, kernels
// that are used in parts and just not any more, sums over several chunks of
// tiles, kernels of which a part at a time meets few pixels.
const ConvShape kLarge[] = {
    {1, 43, 47, 30, 40, 3, 1, 1},         {1, 67, 61, 10, 20, 3, 1, 1, true},
    {1, 9, 7, 200, 40, 3, 1, 1},          {2, 5, 6, 90, 180, 3, 1, 1, true},
    {1, 40, 99, 64, 3, 7, 3, 3},          {1, 8, 61, 90, 30, 7, 3, 3},
    {1, 11, 10, 180, 90, 4, 1, 2},        {3, 131, 127, 4, 60, 3, 1, 1},
    {1, 19, 10, 270, 37, 3, 2, 0},        {115, 1, 1, 350, 352, 3, 1, 1},
    {115, 1, 1, 180, 170, 3, 1, 1, true}, {1, 4, 4, 90, 64, 3, 1, 1},
    {1, 8, 8, 70, 32, 3, 1, 1},           {2, 2, 3, 100, 96, 3, 1, 1, true},
    {1, 4, 5, 150, 220, 3, 1, 1},         {1, 7, 9, 150, 224, 3, 1, 1},
    {1, 3, 3, 360, 192, 3, 1, 1, true},
};

int64_t Products(const ConvShape& s) {
  return s.batch * s.OutHeight() * s.OutWidth() * s.KernelFloats();
}

// Batches on the other side of a rule's border than their samples: of the least
// tiles and pixels, and of the most tiles without a packed kernel, whose sums
// are made in parts of the channels.
const ConvShape kDivided[] = {
    {4, 4, 4, 70, 90, 3, 1, 1},     {9, 3, 2, 64, 70, 4, 1, 2},
    {3, 5, 5, 20, 24, 3, 1, 1},     {12, 5, 5, 20, 24, 3, 1, 1, true},
    {4, 26, 21, 200, 180, 3, 1, 1}, {6, 20, 22, 180, 70, 3, 1, 1, true},
    {5, 9, 6, 33, 2, 7, 3, 3},      {4, 16, 16, 12, 40, 7, 3, 3},
    {4, 7, 6, 30, 40, 3, 1, 1},     {5, 8, 5, 26, 33, 3, 1, 1, true},
    {29, 5, 5, 350, 340, 3, 1, 1},  {5, 4, 4, 150, 220, 3, 1, 1},
};

// The same bits at every number of threads and in every run.
void CheckThreads(const ConvShape& s, const Conv& conv, std::mt19937* random) {
  std::vector<float> x(s.batch * s.height * s.width * s.in),
      w(s.KernelFloats());
  for (auto* list : {&x, &w}) {
    for (float& value : *list) value = (*random)() / 4e9f - 0.5f;
  }
  std::vector<std::vector<float>> all;
  for (int threads : {1, 2, 3, 3, 7}) {
    TestRuntime runtime(threads);
    std::vector<float> dw(w.size());
    std::vector<float> y(s.batch * s.OutHeight() * s.OutWidth() * s.out);
    Convolve(conv, w, x, {}, &y, runtime);
    KernelGradient(s, x.data(), y.data(), dw.data(), nullptr, runtime,
                   ChosenVectors());
    y.insert(y.end(), dw.begin(), dw.end());
    all.push_back(y);
  }
  for (const auto& y : all) {
    if (y == all[0]) continue;
    ++failures;
    std::printf("other numbers of threads gave other bits\n");
  }
}

// A sample has the same bits in a batch as in a part of it, forward and in the
// gradient at the input, whatever is chosen by the number of samples.
void CheckParts(const ConvShape& whole, std::mt19937* random) {
  ConvShape one = whole;
  one.batch = 1;
  one.parts = whole.batch;
  std::vector<float> x(whole.batch * whole.height * whole.width * whole.in),
      y(whole.batch * whole.OutHeight() * whole.OutWidth() * whole.out),
      w(whole.KernelFloats());
  for (auto* list : {&x, &y, &w}) {
    for (float& value : *list) value = (*random)() / 4e9f - 0.5f;
  }
  for (const char* name : {"generic", "avx2", "avx512"}) {
    const Vectors* v = VectorsNamed(name);
    if (v == nullptr) continue;
    for (bool turned : {false, true}) {
      const std::vector<float>& from = turned ? y : x;
      std::vector<float> together(turned ? x.size() : y.size()), alone, each;
      each.resize(together.size() / whole.batch);
      TestRuntime runtime(2);
      const auto conv = turned ? Conv::InputGradient : Conv::Forward;
      Convolve(conv(whole, *v, Usage::kOnce), w, from, {}, &together, runtime);
      for (int64_t n = 0; n < whole.batch; ++n) {
        const auto begin = from.begin() + n * from.size() / whole.batch;
        Convolve(conv(one, *v, Usage::kOnce), w,
                 {begin, begin + from.size() / whole.batch}, {}, &each,
                 runtime);
        alone.insert(alone.end(), each.begin(), each.end());
      }
      if (alone == together) continue;
      ++failures;
      std::printf("%s, %s: a sample alone has other bits than in %s\n", v->name,
                  turned ? "input gradient" : "output",
                  Describe(whole).c_str());
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut

int main(int argc, char** argv) {
  using namespace prioritycut::kernels;
  const int shapes = argc > 1 ? std::atoi(argv[1]) : 60;
  const int64_t most = argc > 3 ? std::atoll(argv[3]) : INT64_MAX;
  std::mt19937 random(argc > 2 ? std::atoi(argv[2]) : 1);
  Worst worst;
  for (int i = 0; i < shapes && failures < 20; ++i) {
    const ConvShape s = Draw(&random);
    if (Products(s) <= most) CheckShape(s, &random, &worst);
  }
  for (const ConvShape& s : kLarge) {
    if (Products(s) <= most) CheckShape(s, &random, &worst);
  }
  const auto kept = [](const ConvShape& s) {
    return Conv::Forward(s, ChosenVectors(), Usage::kKept);
  };
  for (const ConvShape& s :
       std::initializer_list<ConvShape>{{2, 40, 37, 65, 70, 3, 1, 1},
                                        {1, 13, 15, 65, 200, 3, 1, 1},
                                        {2, 33, 21, 64, 3, 7, 3, 3},
                                        {1, 30, 31, 20, 24, 3, 1, 1},
                                        {1, 30, 31, 27, 35, 3, 1, 1},
                                        {1, 30, 31, 20, 3, 7, 3, 3},
                                        {1, 12, 9, 40, 33, 3, 1, 1, true}}) {
    CheckThreads(s, kept(s), &random);
  }
  const ConvShape s = {2, 40, 77, 65, 70, 3, 1, 1};
  Conv large = kept(s);
  large.Use(Method::kLarge);
  CheckThreads(s, large, &random);
  // Kernels whose panels are enough for few threads to share them out.
  for (const ConvShape& d : std::initializer_list<ConvShape>{
           {1, 4, 5, 150, 220, 3, 1, 1}, {1, 7, 9, 150, 220, 3, 1, 1}}) {
    Conv direct = kept(d);
    direct.Use(Method::kDirect);
    CheckThreads(d, direct, &random);
  }
  for (const ConvShape& d : kDivided) CheckParts(d, &random);
  std::printf(
      "%s; worst differences: Winograd %.2g, small tiles %.2g, large tiles "
      "%.2g, others %.2g\n",
      failures == 0 ? "passed" : "FAILED", worst.winograd, worst.small,
      worst.large, worst.direct);
  return failures == 0 ? 0 : 1;
}
