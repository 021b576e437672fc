// The mask of one sample by one block of threads: ComputeMask of
// priority_cut_mask.h with the same bits, as a body for kernels/device/block.h.
//
// A radix selection finds the last pixel that is cut, digit by digit from the
// key's highest: the keys that begin with the digits found so far are counted
// by their next one. Where the keys of more pixels are equal than may be cut,
// it goes on over the pixels' indices. Nothing is sorted, and the number of
// passes is fixed by the type and the size of the map.

#ifndef PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_DEVICE_H_
#define PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_DEVICE_H_

#include "kernels/device/block.h"
#include "prioritycut/kernels/priority_cut_mask_keys.h"

namespace prioritycut {

// What the kernel is given; block n computes sample n.
template <typename T>
struct MaskArguments {
  const T* occlusion;
  const T* background;
  const float* k;
  T* mask;
  T* foreground;
  T* fraction;
  int64_t pixels;
  KeyOf<T> threshold;
  // Whether k is a fraction of the whole picture.
  int32_t of_image;
  T occluded, rest;
};

constexpr int kMaskThreads = 1024;

// Digits have 8 bits. Every lane of a warp counts for itself, since pixels side
// by side often have one digit, and additions to one counter wait for each
// other.
constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;
constexpr int kLanes = 32;
constexpr int kGroup = 16;

struct MaskShared {
  uint32_t lanes[kDigits * kLanes];
  uint32_t counts[kDigits];
  uint32_t groups[kDigits / kGroup];
  uint32_t foreground, infinite;
  uint32_t digit, below;
};

// Pixel `last` with key `limit` is the last to be cut.
template <typename T>
struct MaskLimit {
  UnsignedKeyOf<T> limit;
  int64_t last;
};

template <typename T, typename Block>
struct MaskBody {
  using Key = KeyOf<T>;
  using Unsigned = UnsignedKeyOf<T>;

  Block& block;
  MaskShared& shared;
  int64_t pixels;
  T* mask;  // holds the keys until it is written

  // Keys in the order of unsigned integers.
  PRIORITYCUT_ANYWHERE static Unsigned Ranked(Key key) {
    return static_cast<Unsigned>(key) ^
           static_cast<Unsigned>(KeyTraits<T>::kLowest);
  }

  template <typename Each>
  PRIORITYCUT_ANYWHERE void ForPixels(Each each) {
    const int64_t step = block.Threads(), end = pixels;
    block.ForAll([=](int thread) {
      for (int64_t i = thread; i < end; i += step) each(thread, i);
    });
  }

  // Reads the maps: Eq. 1 and the keys.
  PRIORITYCUT_ANYWHERE void Survey(const T* occlusion, const T* background,
                                   Key threshold, T* foreground) {
    MaskShared* const s = &shared;
    Block* const b = &block;
    T* const keys = mask;
    const int64_t step = block.Threads(), end = pixels;
    block.ForAll([=](int thread) {
      if (thread == 0) s->foreground = s->infinite = 0;
    });
    block.ForAll([=](int thread) {
      uint32_t count = 0, infinite = 0;
      for (int64_t i = thread; i < end; i += step) {
        const Key value = BitsOf<T>(occlusion[i]);
        const Key alpha = BitsOf<T>(background[i]);
        const bool is_background = KeyOfBits<T>(alpha) > threshold;
        infinite |= !IsFiniteBits<T>(value) || !IsFiniteBits<T>(alpha);
        count += !is_background;
        keys[i] =
            BitCast<T>(is_background ? kBackgroundKey<T> : KeyOfBits<T>(value));
        foreground[i] = is_background ? T{1} : BitCast<T>(value);
      }
      b->Add(&s->foreground, count);
      b->Add(&s->infinite, infinite);
    });
  }

  // Finds the digit that is `rank` places from the least one, in the order of
  // the digits that DigitOf gives of pixels, kDigits where one is left out.
  // shared.digit is it, shared.below how many pixels have a lesser one, and
  // shared.counts[digit] how many have it.
  template <typename DigitOf>
  PRIORITYCUT_ANYWHERE void FindDigit(uint32_t rank, DigitOf digit_of) {
    MaskShared* const s = &shared;
    Block* const b = &block;
    const int step = block.Threads();
    block.ForAll([=](int thread) {
      for (int i = thread; i < kDigits * kLanes; i += step) s->lanes[i] = 0;
    });
    ForPixels([=](int thread, int64_t i) {
      const uint32_t digit = digit_of(i);
      if (digit < kDigits) {
        b->Add(&s->lanes[digit * kLanes + thread % kLanes], 1);
      }
    });
    block.ForAll([=](int thread) {
      for (int digit = thread; digit < kDigits; digit += step) {
        uint32_t sum = 0;
        // Begun at other lanes, neighbours read other banks.
        for (int lane = 0; lane < kLanes; ++lane) {
          sum += s->lanes[digit * kLanes + (digit + lane) % kLanes];
        }
        s->counts[digit] = sum;
      }
    });
    block.ForAll([=](int thread) {
      for (int group = thread; group < kDigits / kGroup; group += step) {
        uint32_t sum = 0;
        for (int i = 0; i < kGroup; ++i) sum += s->counts[group * kGroup + i];
        s->groups[group] = sum;
      }
    });
    block.ForAll([=](int thread) {
      if (thread != 0) return;
      uint32_t below = 0, digit = 0;
      while (below + s->groups[digit / kGroup] <= rank) {
        below += s->groups[digit / kGroup];
        digit += kGroup;
      }
      while (below + s->counts[digit] <= rank) below += s->counts[digit++];
      s->digit = digit;
      s->below = below;
    });
  }

  // Finds the last of n pixels, 0 < n < foreground pixels.
  PRIORITYCUT_ANYWHERE MaskLimit<T> Select(uint32_t n) {
    const T* const keys = mask;
    uint32_t rank = n - 1;
    Unsigned prefix = 0;
    for (int shift = 8 * sizeof(T) - kDigitBits; shift >= 0;
         shift -= kDigitBits) {
      FindDigit(rank, [=](int64_t i) -> uint32_t {
        const Unsigned key = Ranked(BitCast<Key>(keys[i]));
        const Unsigned digits = key >> shift;
        // In two steps: a shift by all bits means nothing.
        return (digits >> kDigitBits) == prefix
                   ? static_cast<uint32_t>(digits % kDigits)
                   : kDigits;
      });
      prefix = (prefix << kDigitBits) | shared.digit;
      rank -= shared.below;
    }
    if (rank + 1 == shared.counts[shared.digit]) return {prefix, pixels - 1};
    return {prefix, LastOfEqual(prefix, rank)};
  }

  // The index of the pixel that is `rank` places from the first one with `key`.
  PRIORITYCUT_ANYWHERE int64_t LastOfEqual(Unsigned key, uint32_t rank) {
    const T* const keys = mask;
    int64_t prefix = 0;
    int shift = 0;
    while ((pixels - 1) >> shift >= kDigits) shift += kDigitBits;
    for (; shift >= 0; shift -= kDigitBits) {
      FindDigit(rank, [=](int64_t i) -> uint32_t {
        const int64_t digits = i >> shift;
        return digits >> kDigitBits == prefix &&
                       Ranked(BitCast<Key>(keys[i])) == key
                   ? static_cast<uint32_t>(digits % kDigits)
                   : kDigits;
      });
      prefix = (prefix << kDigitBits) | shared.digit;
      rank -= shared.below;
    }
    return prefix;
  }
};

template <typename T, typename Block>
PRIORITYCUT_ANYWHERE void MaskOfSample(Block& block, MaskShared& shared,
                                       const MaskArguments<T>& a) {
  using Body = MaskBody<T, Block>;
  using Key = KeyOf<T>;
  const int64_t sample = block.Index(), pixels = a.pixels;
  T* const mask = a.mask + sample * pixels;
  T* const foreground = a.foreground + sample * pixels;
  T* const fraction = a.fraction + sample;
  Body body{block, shared, pixels, mask};
  body.Survey(a.occlusion + sample * pixels, a.background + sample * pixels,
              a.threshold, foreground);

  const float k = a.k[sample];
  const int64_t available = shared.foreground;
  // Written so that a k that is NaN fails as well.
  if (shared.infinite != 0 || !(k >= 0 && k <= 1)) {
    const T nan = BitCast<T>(KeyTraits<T>::kNaN);
    body.ForPixels([=](int, int64_t i) { mask[i] = foreground[i] = nan; });
    block.ForAll([=](int thread) {
      if (thread == 0) *fraction = nan;
    });
    return;
  }
  const int64_t base = a.of_image ? pixels : available;
  // Rounded down, since it is not negative.
  const int64_t part =
      static_cast<int64_t>(static_cast<double>(k) * static_cast<double>(base));
  const int64_t n = part < available ? part : available;
  MaskLimit<T> end = {Body::Ranked(kBackgroundKey<T>), -1};
  if (n == 0) {
    end.limit = 0;
  } else if (n < available) {
    end = body.Select(static_cast<uint32_t>(n));
  }
  const T occluded = a.occluded, rest = a.rest;
  body.ForPixels([=](int, int64_t i) {
    const auto key = Body::Ranked(BitCast<Key>(mask[i]));
    const bool cut = key < end.limit || (key == end.limit && i <= end.last);
    mask[i] = cut ? occluded : rest;
  });
  block.ForAll([=](int thread) {
    if (thread != 0) return;
    *fraction = static_cast<T>(static_cast<double>(pixels - available) /
                               static_cast<double>(pixels));
  });
}

}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_DEVICE_H_
