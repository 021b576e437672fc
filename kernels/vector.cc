// Which of the tables of vector.h a process uses.

#include "kernels/vector.h"

#include <cstdlib>
#include <cstring>

namespace prioritycut {
namespace kernels {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)
// These ask the operating system as well: it has to save the registers.
bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq");
}
#else
bool HasAvx2() { return false; }
bool HasAvx512() { return false; }
#endif

const Vectors* Choose() {
  const Vectors* limit = nullptr;
  if (const char* name = std::getenv("PRIORITYCUT_KERNELS")) {
    limit = VectorsNamed(name);
  }
  if (limit != nullptr) return limit;
  if (HasAvx512()) return Avx512Vectors();
  if (HasAvx2()) return Avx2Vectors();
  return GenericVectors();
}

}  // namespace

const Vectors* VectorsNamed(const char* name) {
  if (std::strcmp(name, "generic") == 0) return GenericVectors();
  if (std::strcmp(name, "avx2") == 0 && HasAvx2()) return Avx2Vectors();
  if (std::strcmp(name, "avx512") == 0 && HasAvx512()) return Avx512Vectors();
  return nullptr;
}

const Vectors& ChosenVectors() {
  static const Vectors& chosen = *Choose();
  return chosen;
}

}  // namespace kernels
}  // namespace prioritycut
