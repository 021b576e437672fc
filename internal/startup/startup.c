// Settings that TensorFlow reads while its library is loaded: before any Go
// code runs, before a constructor of this program, and, in .preinit_array,
// before the C library can set a variable. But the dynamic loader looks for
// every function of the libraries in the program first: it has a getenv of its
// own, which knows what is to hold where the user has set nothing.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

extern char** environ;

// What the processor has, by bits of what it says about itself.
enum { kAvx2 = 1u << 5, kAvx512 = 1u << 16 };

static int has(unsigned feature) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & feature) != 0;
#else
  return 0;
#endif
}

// Package plain defines it, in the programs that import that.
extern const int prioritycut_plain_convolutions __attribute__((weak));

// one_dnn is whether oneDNN's kernels are wanted where nobody says: on CPUs with
// AVX2 (TensorFlow's default needs AVX512-VNNI), but with AVX2 alone not for
// TensorFlow's own convolutions.
static char* one_dnn(void) {
  static char on[] = "1", off[] = "0";
  if (!has(kAvx2)) return NULL;
  return &prioritycut_plain_convolutions == NULL || has(kAvx512) ? on : off;
}

// unset is the value of a variable that is not set. A log level of 2 hides
// notices.
static char* unset(const char* name) {
  static char quiet[] = "2";
  if (strcmp(name, "TF_CPP_MIN_LOG_LEVEL") == 0) return quiet;
  if (strcmp(name, "TF_ENABLE_ONEDNN_OPTS") == 0) return one_dnn();
  return NULL;
}

// getenv is the C library's for all libraries of the process, with the
// settings.
__attribute__((visibility("default"), used)) char* getenv(const char* name) {
  const size_t n = strlen(name);
  for (char** e = environ; e != NULL && *e != NULL; e++) {
    if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') return *e + n + 1;
  }
  return unset(name);
}
