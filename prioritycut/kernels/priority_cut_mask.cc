// Selection of the n least values of a map in linear time.
//
// Every value becomes an integer key of the same order. A histogram of the
// keys' leading bits says which bucket holds the n-th least key; histograms of
// the following bits refine that bucket until its keys are equal or all of
// them are wanted. A round settles 11 bits, so that a float takes at most 3
// and a double at most 6, each one pass over the map. The first round starts
// at the leading bit in which the keys differ, and usually leaves so few keys
// that later rounds do little but skip.
//
// The keys are kept, as bits, where the mask will be written.

#include "prioritycut/kernels/priority_cut_mask.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

// The passes are integer loops that compilers turn into vector code. On x86
// each is compiled for AVX2 as well, and the loader picks by the processor.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define PRIORITYCUT_VECTOR_CLONES \
  __attribute__((target_clones("avx2", "default")))
#else
#define PRIORITYCUT_VECTOR_CLONES
#endif
#define PRIORITYCUT_INLINE inline __attribute__((always_inline))

namespace prioritycut {
namespace {

template <typename T>
using KeyOf = std::conditional_t<std::is_same_v<T, float>, int32_t, int64_t>;

template <typename T>
using UnsignedKeyOf = std::make_unsigned_t<KeyOf<T>>;

template <typename To, typename From>
PRIORITYCUT_INLINE To BitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

// Background pixels rank behind every foreground pixel.
template <typename T>
constexpr KeyOf<T> kBackgroundKey = std::numeric_limits<KeyOf<T>>::max();

// -0 becomes +0: as Eq. 1 has it, and so that both compare equal.
template <typename T>
PRIORITYCUT_INLINE KeyOf<T> BitsOf(T value) {
  using Key = KeyOf<T>;
  const Key bits = BitCast<Key>(value);
  return bits == std::numeric_limits<Key>::min() ? Key{0} : bits;
}

// Signed integers in the order of the floating-point numbers.
template <typename Key>
PRIORITYCUT_INLINE Key KeyOfBits(Key bits) {
  constexpr int kSignShift = 8 * sizeof(Key) - 1;
  return bits ^ ((bits >> kSignShift) & std::numeric_limits<Key>::max());
}

template <typename T>
PRIORITYCUT_INLINE bool IsFiniteBits(KeyOf<T> bits) {
  const KeyOf<T> infinity =
      BitCast<KeyOf<T>>(std::numeric_limits<T>::infinity());
  return (bits & infinity) != infinity;
}

// The key of the largest T that is not above the threshold: a value of T
// exceeds the threshold exactly if its key exceeds this one.
template <typename T>
KeyOf<T> ThresholdKey(double threshold) {
  T floor = static_cast<T>(threshold);
  if (static_cast<double>(floor) > threshold) {
    floor = std::nextafter(floor, -std::numeric_limits<T>::infinity());
  }
  return KeyOfBits(BitsOf(floor));
}

template <typename Key>
struct Survey {
  bool finite;
  Key foreground_pixels;
  Key least, greatest;  // foreground keys
};

// Reads the maps once: Eq. 1, the keys, and what the selection starts from.
template <typename T>
PRIORITYCUT_INLINE Survey<KeyOf<T>> SurveyMapOf(const T* __restrict occlusion,
                                                const T* __restrict background,
                                                int64_t pixels,
                                                KeyOf<T> threshold,
                                                T* __restrict keys,
                                                T* __restrict foreground) {
  using Key = KeyOf<T>;
  constexpr Key kLowest = std::numeric_limits<Key>::min();
  Key infinite = 0, count = 0;
  Key least = kBackgroundKey<T>, greatest = kLowest;
  for (int64_t i = 0; i < pixels; ++i) {
    const Key value = BitsOf(occlusion[i]);
    const Key alpha = BitsOf(background[i]);
    // All ones where the pixel is background; arithmetic on such masks, since
    // compilers vectorise it where they give up on branches.
    const Key is_background = -static_cast<Key>(KeyOfBits(alpha) > threshold);
    const Key key = KeyOfBits(value);
    const Key ranked =
        (kBackgroundKey<T> & is_background) | (key & ~is_background);
    const Key counted = (kLowest & is_background) | (key & ~is_background);
    infinite |= -static_cast<Key>(!IsFiniteBits<T>(value)) |
                -static_cast<Key>(!IsFiniteBits<T>(alpha));
    count += 1 + is_background;
    least = ranked < least ? ranked : least;
    greatest = counted > greatest ? counted : greatest;
    keys[i] = BitCast<T>(ranked);
    foreground[i] = BitCast<T>((BitCast<Key>(T{1}) & is_background) |
                               (value & ~is_background));
  }
  return {infinite == 0, count, least, greatest};
}

constexpr int kDigitBits = 11;
constexpr int kBuckets = 1 << kDigitBits;
// Neighbouring pixels often share a bucket; increments of one counter in
// memory wait for each other, those of two do not.
constexpr int kTables = 2;
constexpr int64_t kBlock = 64;

struct Histogram {
  // The last bucket collects the keys outside the range.
  uint32_t counts[kTables][kBuckets + 1];
};

// Counts the keys of [least, least + width] by (key - least) >> shift; at most
// a block of them.
template <typename T>
PRIORITYCUT_INLINE void CountBlock(const T* __restrict keys, int64_t size,
                                   UnsignedKeyOf<T> least,
                                   UnsignedKeyOf<T> width, int shift,
                                   Histogram* __restrict histogram) {
  using Unsigned = UnsignedKeyOf<T>;
  Unsigned buckets[kBlock];
  Unsigned inside = 0;
  for (int64_t i = 0; i < size; ++i) {
    const Unsigned distance = BitCast<Unsigned>(keys[i]) - least;
    const Unsigned bucket = distance >> shift;
    inside |= distance <= width ? Unsigned{1} : Unsigned{0};
    buckets[i] = bucket < kBuckets ? bucket : Unsigned{kBuckets};
  }
  if (inside == 0) return;
  for (int64_t i = 0; i < size; ++i) {
    ++histogram->counts[i % kTables][buckets[i]];
  }
}

template <typename T>
PRIORITYCUT_INLINE void CountKeysOf(const T* keys, int64_t pixels,
                                    UnsignedKeyOf<T> least,
                                    UnsignedKeyOf<T> width, int shift,
                                    Histogram* histogram) {
  std::memset(histogram, 0, sizeof(*histogram));
  int64_t i = 0;
  for (; i + kBlock <= pixels; i += kBlock) {
    CountBlock(keys + i, kBlock, least, width, shift, histogram);
  }
  CountBlock(keys + i, pixels - i, least, width, shift, histogram);
}

// The index behind the last of the first `wanted` keys that equal `key`.
template <typename T>
PRIORITYCUT_INLINE int64_t EndOfEqualOf(const T* __restrict keys,
                                        int64_t pixels, KeyOf<T> key,
                                        int64_t wanted) {
  int64_t i = 0;
  for (; i + kBlock <= pixels; i += kBlock) {
    KeyOf<T> equal = 0;
    for (int64_t j = 0; j < kBlock; ++j) {
      equal += BitCast<KeyOf<T>>(keys[i + j]) == key;
    }
    if (equal >= wanted) break;
    wanted -= equal;
  }
  for (; i < pixels && wanted > 0; ++i) {
    wanted -= BitCast<KeyOf<T>>(keys[i]) == key;
  }
  return i;
}

// Turns keys into mask values: `occluded` below the limit, `rest` elsewhere.
template <typename T>
PRIORITYCUT_INLINE void WriteMaskOf(T* keys, int64_t pixels, KeyOf<T> limit,
                                    T occluded, T rest) {
  for (int64_t i = 0; i < pixels; ++i) {
    keys[i] = BitCast<KeyOf<T>>(keys[i]) < limit ? occluded : rest;
  }
}

// Vector clones cannot be templates: one set of passes per type.
#define PRIORITYCUT_DEFINE_PASSES(T)                                           \
  PRIORITYCUT_VECTOR_CLONES Survey<KeyOf<T>> SurveyMap(                        \
      const T* occlusion, const T* background, int64_t pixels,                 \
      KeyOf<T> threshold, T* keys, T* foreground) {                            \
    return SurveyMapOf(occlusion, background, pixels, threshold, keys,         \
                       foreground);                                            \
  }                                                                            \
  PRIORITYCUT_VECTOR_CLONES void CountKeys(                                    \
      const T* keys, int64_t pixels, UnsignedKeyOf<T> least,                   \
      UnsignedKeyOf<T> width, int shift, Histogram* histogram) {               \
    CountKeysOf(keys, pixels, least, width, shift, histogram);                 \
  }                                                                            \
  PRIORITYCUT_VECTOR_CLONES int64_t EndOfEqual(const T* keys, int64_t pixels,  \
                                               KeyOf<T> key, int64_t wanted) { \
    return EndOfEqualOf(keys, pixels, key, wanted);                            \
  }                                                                            \
  PRIORITYCUT_VECTOR_CLONES void WriteMask(                                    \
      T* keys, int64_t pixels, KeyOf<T> limit, T occluded, T rest) {           \
    WriteMaskOf(keys, pixels, limit, occluded, rest);                          \
  }

PRIORITYCUT_DEFINE_PASSES(float)
PRIORITYCUT_DEFINE_PASSES(double)
#undef PRIORITYCUT_DEFINE_PASSES

// The selected pixels: all keys below the limit and the first `ties` keys
// equal to it.
template <typename Key>
struct Selection {
  Key limit;
  int64_t ties;
};

template <typename Unsigned>
int BitWidth(Unsigned value) {
  int bits = 0;
  for (; value != 0; value >>= 1) ++bits;
  return bits;
}

// Selects the n least keys; 0 < n < foreground pixels.
template <typename T>
Selection<KeyOf<T>> SelectLeast(const T* keys, int64_t pixels,
                                const Survey<KeyOf<T>>& survey, int64_t n) {
  using Key = KeyOf<T>;
  using Unsigned = UnsignedKeyOf<T>;
  Unsigned least = static_cast<Unsigned>(survey.least);
  Unsigned width = static_cast<Unsigned>(survey.greatest) - least;
  Histogram histogram;
  while (width > 0) {
    const int shift = std::max(0, BitWidth(width) - kDigitBits);
    CountKeys(keys, pixels, least, width, shift, &histogram);
    const auto count = [&](int bucket) {
      int64_t sum = 0;
      for (const auto& table : histogram.counts) sum += table[bucket];
      return sum;
    };
    int bucket = 0;
    for (; count(bucket) < n; ++bucket) n -= count(bucket);
    const Unsigned start = static_cast<Unsigned>(bucket) << shift;
    width = std::min<Unsigned>(width - start, (Unsigned{1} << shift) - 1);
    least += start;
    if (n == count(bucket)) {
      return {static_cast<Key>(least + width + 1), 0};
    }
  }
  return {static_cast<Key>(least), n};
}

template <typename T>
MaskResult ComputeMaskOf(const T* occlusion, const T* background, float k,
                         int64_t pixels, const MaskOptions& options, T* mask,
                         T* foreground) {
  using Key = KeyOf<T>;
  const Survey<Key> survey =
      SurveyMap(occlusion, background, pixels,
                ThresholdKey<T>(options.bg_threshold), mask, foreground);
  const int64_t available = survey.foreground_pixels;
  const MaskResult result = {survey.finite, pixels - available};
  if (!survey.finite) return result;

  const int64_t base = options.base == Base::kForeground ? available : pixels;
  const int64_t n = std::min(
      available, static_cast<int64_t>(std::floor(static_cast<double>(k) *
                                                 static_cast<double>(base))));
  Selection<Key> selection = {kBackgroundKey<T>, 0};
  if (n == 0) {
    selection.limit = std::numeric_limits<Key>::min();
  } else if (n < available) {
    selection = SelectLeast(mask, pixels, survey, n);
  }

  const bool fake_there = options.polarity == Polarity::kFakeAtOccluded;
  const T occluded = fake_there ? T{0} : T{1};
  const T rest = fake_there ? T{1} : T{0};
  int64_t end = 0;
  if (selection.ties > 0) {
    end = EndOfEqual(mask, pixels, selection.limit, selection.ties);
    WriteMask(mask, end, selection.limit + 1, occluded, rest);
  }
  WriteMask(mask + end, pixels - end, selection.limit, occluded, rest);
  return result;
}

}  // namespace

MaskResult ComputeMask(const float* occlusion, const float* background, float k,
                       int64_t pixels, const MaskOptions& options, float* mask,
                       float* foreground) {
  return ComputeMaskOf(occlusion, background, k, pixels, options, mask,
                       foreground);
}

MaskResult ComputeMask(const double* occlusion, const double* background,
                       float k, int64_t pixels, const MaskOptions& options,
                       double* mask, double* foreground) {
  return ComputeMaskOf(occlusion, background, k, pixels, options, mask,
                       foreground);
}

}  // namespace prioritycut
