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

// has_avx2 asks the processor itself.
static int has_avx2(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 5)) != 0;
#else
  return 0;
#endif
}

// unset is the value of a variable that is not set: a log level that hides
// notices, and oneDNN's kernels on CPUs with AVX2 (TensorFlow's default needs
// AVX512-VNNI).
static char* unset(const char* name) {
  static char quiet[] = "2", fast[] = "1";
  if (strcmp(name, "TF_CPP_MIN_LOG_LEVEL") == 0) return quiet;
  if (strcmp(name, "TF_ENABLE_ONEDNN_OPTS") == 0 && has_avx2()) return fast;
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
