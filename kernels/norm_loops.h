// The loops of normalisation behind vector.h, a part of vector_loops.h.

namespace prioritycut {
namespace kernels {
namespace {

// Calls f(place, place in the lists, values) for vectors of a run; the last one
// may be short.
template <typename F>
PRIORITYCUT_INLINE void ForVectors(int64_t floats, int64_t period, F f) {
  for (int64_t at = 0; at < floats; at += period) {
    const int64_t count = floats - at < period ? floats - at : period;
    int64_t j = 0;
    for (; j + kLanes <= count; j += kLanes) f(at + j, j, kLanes);
    if (j < count) f(at + j, j, count - j);
  }
}

void NormMoments(const float* x, int64_t floats, int64_t period,
                 const float* about, float* sums, float* squares) {
  ForVectors(
      floats, period,
      [&](int64_t at, int64_t j, int64_t n) __attribute__((always_inline)) {
        // Behind the last value are zeros on both sides.
        const Vector d = LoadFirst(x + at, n) - LoadFirst(about + j, n);
        Store(sums + j, Load(sums + j) + d);
        Store(squares + j, Load(squares + j) + d * d);
      });
}

PRIORITYCUT_INLINE Vector Negative(Vector z, Vector value, float slope) {
  return z < Vector{} ? value * slope : value;
}

void NormValues(const NormRun& r, float* y) {
  ForVectors(
      r.floats, r.period,
      [&](int64_t at, int64_t j, int64_t n) __attribute__((always_inline)) {
        const Vector d = LoadFirst(r.x + at, n) - Load(r.mean + j);
        const Vector z = d * Load(r.scale + j) + Load(r.shift + j);
        StoreFirst(y + at, Negative(z, z, r.slope), n);
      });
}

// The gradient at z from that behind the slope, which is the one at 0 too.
PRIORITYCUT_INLINE Vector AtNorm(const NormRun& r, Vector d, int64_t j,
                                 Vector dy) {
  const Vector z = d * Load(r.scale + j) + Load(r.shift + j);
  return z > Vector{} ? dy : dy * r.slope;
}

void NormSums(const NormRun& r, const float* dy, float* sums, float* products) {
  ForVectors(
      r.floats, r.period,
      [&](int64_t at, int64_t j, int64_t n) __attribute__((always_inline)) {
        const Vector d = LoadFirst(r.x + at, n) - Load(r.mean + j);
        const Vector g = AtNorm(r, d, j, LoadFirst(dy + at, n));
        Store(sums + j, Load(sums + j) + g);
        Store(products + j, Load(products + j) + g * d);
      });
}

void NormGradient(const NormRun& r, const float* dy, const float* base,
                  const float* factor, float* dx) {
  ForVectors(
      r.floats, r.period,
      [&](int64_t at, int64_t j, int64_t n) __attribute__((always_inline)) {
        const Vector d = LoadFirst(r.x + at, n) - Load(r.mean + j);
        const Vector g = AtNorm(r, d, j, LoadFirst(dy + at, n));
        StoreFirst(
            dx + at,
            Load(r.scale + j) * g - Load(base + j) - d * Load(factor + j), n);
      });
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
