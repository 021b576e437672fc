// Selection of the n least values of a map in linear time.
//
// Every value becomes an integer key of the same order, and the bracket of
// keys that holds the n-th least one is narrowed by passes that count the keys
// below three pivots: two around the place where interpolation expects it, and
// the middle. Interpolation makes the bracket so narrow in two or three passes
// over common maps that the few keys left are gathered and ordered; the middle
// halves it whatever the map holds, hence at most 32 passes for floats and 64
// for doubles. A pass is a plain loop over integers without branches.
//
// The keys are kept, as bits, where the mask will be written.

#include "prioritycut/kernels/priority_cut_mask.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "prioritycut/kernels/priority_cut_mask_keys.h"

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

template <typename T>
KeyOf<T> ThresholdKey(double threshold) {
  T floor = static_cast<T>(threshold);
  if (static_cast<double>(floor) > threshold) {
    floor = std::nextafter(floor, -std::numeric_limits<T>::infinity());
  }
  return KeyOfBits<T>(BitsOf(floor));
}

template KeyOf<float> ThresholdKey<float>(double);
template KeyOf<double> ThresholdKey<double>(double);

namespace {

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
    const Key is_background =
        -static_cast<Key>(KeyOfBits<T>(alpha) > threshold);
    const Key key = KeyOfBits<T>(value);
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

constexpr int kPivots = 3;

// Counts the keys below each pivot.
template <typename T>
PRIORITYCUT_INLINE void CountBelowOf(const T* __restrict keys, int64_t pixels,
                                     const KeyOf<T>* pivots, int64_t* counts) {
  const KeyOf<T> a = pivots[0], b = pivots[1], c = pivots[2];
  KeyOf<T> below_a = 0, below_b = 0, below_c = 0;
  for (int64_t i = 0; i < pixels; ++i) {
    const KeyOf<T> key = BitCast<KeyOf<T>>(keys[i]);
    below_a += key < a;
    below_b += key < b;
    below_c += key < c;
  }
  counts[0] = below_a;
  counts[1] = below_b;
  counts[2] = below_c;
}

constexpr int64_t kBlock = 64;

// Copies the keys of [least, least + width), which must fit, and returns their
// number.
template <typename T>
PRIORITYCUT_INLINE int64_t GatherOf(const T* __restrict keys, int64_t pixels,
                                    UnsignedKeyOf<T> least,
                                    UnsignedKeyOf<T> width,
                                    KeyOf<T>* __restrict gathered) {
  using Unsigned = UnsignedKeyOf<T>;
  const auto inside = [=](T key) {
    return BitCast<Unsigned>(key) - least < width;
  };
  int64_t count = 0;
  for (int64_t start = 0; start < pixels; start += kBlock) {
    const int64_t end = std::min(start + kBlock, pixels);
    Unsigned any = 0;
    for (int64_t i = start; i < end; ++i) any |= inside(keys[i]) ? 1 : 0;
    if (any == 0) continue;
    for (int64_t i = start; i < end; ++i) {
      if (inside(keys[i])) gathered[count++] = BitCast<KeyOf<T>>(keys[i]);
    }
  }
  return count;
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
  PRIORITYCUT_VECTOR_CLONES void CountBelow(const T* keys, int64_t pixels,     \
                                            const KeyOf<T>* pivots,            \
                                            int64_t* counts) {                 \
    CountBelowOf(keys, pixels, pivots, counts);                                \
  }                                                                            \
  PRIORITYCUT_VECTOR_CLONES int64_t Gather(                                    \
      const T* keys, int64_t pixels, UnsignedKeyOf<T> least,                   \
      UnsignedKeyOf<T> width, KeyOf<T>* gathered) {                            \
    return GatherOf(keys, pixels, least, width, gathered);                     \
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

// The bracket of a selection: below_start keys, fewer than n, are less than
// start, and below_end keys, more than n, are less than end.
template <typename T>
struct Bracket {
  using Key = KeyOf<T>;
  using Unsigned = UnsignedKeyOf<T>;

  Key start, end;
  int64_t below_start, below_end;

  Unsigned Width() const {
    return static_cast<Unsigned>(end) - static_cast<Unsigned>(start);
  }

  // A key strictly inside a bracket that is wider than 1.
  Key Clamp(Key key) const {
    return std::min<Key>(std::max<Key>(key, start + 1), end - 1);
  }

  Key Middle() const {
    return static_cast<Key>(static_cast<Unsigned>(start) + Width() / 2);
  }

  // The key at which the given share of the bracket's keys is expected, their
  // values taken as spread evenly.
  Key Interpolated(double share) const {
    const double from = BitCast<T>(KeyOfBits<T>(start));
    const double to = BitCast<T>(KeyOfBits<T>(end));
    const T value = static_cast<T>(from * (1 - share) + to * share);
    return Clamp(KeyOfBits<T>(BitsOf(value)));
  }

  // Two pivots that are likely to have the n-th key between them, and one that
  // is certain to halve the bracket.
  void Pivots(int64_t n, Key* pivots) const {
    const double inside = static_cast<double>(below_end - below_start);
    const double share = (n - below_start) / inside;
    const double margin = 2 * std::sqrt(share * (1 - share) / inside);
    pivots[0] = Interpolated(std::max(share - margin, 0.0));
    pivots[1] = Interpolated(std::min(share + margin, 1.0));
    pivots[2] = Middle();
  }
};

// A bracket with so few keys is settled by ordering them.
constexpr int64_t kFew = 256;

// Selects the n-th least key of a bracket with at most kFew keys.
template <typename T>
Selection<KeyOf<T>> SelectAmongFew(const T* keys, int64_t pixels,
                                   const Bracket<T>& bracket, int64_t n) {
  KeyOf<T> few[kFew];
  const int64_t count =
      Gather(keys, pixels, static_cast<UnsignedKeyOf<T>>(bracket.start),
             bracket.Width(), few);
  std::sort(few, few + count);
  // The least key that may stay, unless it is needed as a tie.
  const int64_t wanted = n - bracket.below_start;
  const KeyOf<T> limit = few[wanted];
  return {limit, few + wanted - std::lower_bound(few, few + wanted, limit)};
}

// Selects the n least keys; 0 < n < foreground pixels.
template <typename T>
Selection<KeyOf<T>> SelectLeast(const T* keys, int64_t pixels,
                                const Survey<KeyOf<T>>& survey, int64_t n) {
  Bracket<T> bracket = {survey.least, survey.greatest + 1, 0,
                        survey.foreground_pixels};
  while (bracket.Width() > 1) {
    if (bracket.below_end - bracket.below_start <= kFew) {
      return SelectAmongFew(keys, pixels, bracket, n);
    }
    KeyOf<T> pivots[kPivots];
    int64_t counts[kPivots];
    bracket.Pivots(n, pivots);
    CountBelow(keys, pixels, pivots, counts);
    for (int i = 0; i < kPivots; ++i) {
      if (counts[i] == n) return {pivots[i], 0};
      if (counts[i] < n && pivots[i] > bracket.start) {
        bracket.start = pivots[i];
        bracket.below_start = counts[i];
      } else if (counts[i] > n && pivots[i] < bracket.end) {
        bracket.end = pivots[i];
        bracket.below_end = counts[i];
      }
    }
  }
  return {bracket.start, n - bracket.below_start};
}

template <typename T>
T ComputeMaskOf(const T* occlusion, const T* background, float k,
                int64_t pixels, const MaskOptions& options, T* mask,
                T* foreground) {
  using Key = KeyOf<T>;
  const Survey<Key> survey =
      SurveyMap(occlusion, background, pixels,
                ThresholdKey<T>(options.bg_threshold), mask, foreground);
  const int64_t available = survey.foreground_pixels;
  // Written so that a k that is NaN fails as well.
  if (!survey.finite || !(k >= 0 && k <= 1)) {
    constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
    std::fill_n(mask, pixels, kNaN);
    std::fill_n(foreground, pixels, kNaN);
    return kNaN;
  }

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
  return static_cast<T>(static_cast<double>(pixels - available) /
                        static_cast<double>(pixels));
}

}  // namespace

float ComputeMask(const float* occlusion, const float* background, float k,
                  int64_t pixels, const MaskOptions& options, float* mask,
                  float* foreground) {
  return ComputeMaskOf(occlusion, background, k, pixels, options, mask,
                       foreground);
}

double ComputeMask(const double* occlusion, const double* background, float k,
                   int64_t pixels, const MaskOptions& options, double* mask,
                   double* foreground) {
  return ComputeMaskOf(occlusion, background, k, pixels, options, mask,
                       foreground);
}

}  // namespace prioritycut
