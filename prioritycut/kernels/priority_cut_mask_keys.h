// The integers by which pixels are ranked, on every device.

#ifndef PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_KEYS_H_
#define PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_KEYS_H_

#include "kernels/device/block.h"

namespace prioritycut {

template <typename T>
struct KeyTraits;

template <>
struct KeyTraits<float> {
  using Key = int32_t;
  using Unsigned = uint32_t;
  static constexpr Key kLowest = -2147483647 - 1;
  static constexpr Key kHighest = 2147483647;
  // Bits of numbers.
  static constexpr Key kInfinity = 0x7f800000, kNaN = 0x7fc00000;
};

template <>
struct KeyTraits<double> {
  using Key = int64_t;
  using Unsigned = uint64_t;
  static constexpr Key kLowest = -9223372036854775807LL - 1;
  static constexpr Key kHighest = 9223372036854775807LL;
  static constexpr Key kInfinity = 0x7ff0000000000000LL;
  static constexpr Key kNaN = 0x7ff8000000000000LL;
};

template <typename T>
using KeyOf = typename KeyTraits<T>::Key;

template <typename T>
using UnsignedKeyOf = typename KeyTraits<T>::Unsigned;

// Background pixels rank behind every foreground pixel.
template <typename T>
constexpr KeyOf<T> kBackgroundKey = KeyTraits<T>::kHighest;

// -0 becomes +0: as Eq. 1 has it, and so that both compare equal.
template <typename T>
PRIORITYCUT_ANYWHERE KeyOf<T> BitsOf(T value) {
  const KeyOf<T> bits = BitCast<KeyOf<T>>(value);
  return bits == KeyTraits<T>::kLowest ? KeyOf<T>{0} : bits;
}

// Signed integers in the order of the floating-point numbers.
template <typename T>
PRIORITYCUT_ANYWHERE KeyOf<T> KeyOfBits(KeyOf<T> bits) {
  constexpr int kSignShift = 8 * sizeof(T) - 1;
  return bits ^ ((bits >> kSignShift) & KeyTraits<T>::kHighest);
}

template <typename T>
PRIORITYCUT_ANYWHERE bool IsFiniteBits(KeyOf<T> bits) {
  return (bits & KeyTraits<T>::kInfinity) != KeyTraits<T>::kInfinity;
}

}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_PRIORITY_CUT_MASK_KEYS_H_
