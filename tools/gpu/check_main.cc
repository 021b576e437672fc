// check: see check.h, and the script of that name.

#include <cstdio>

#include "tools/gpu/check.h"

int main() {
  const int failures = prioritycut::CheckKernels({}, stdout);
  if (failures > 0) std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
