// Settings that TensorFlow reads, and notices that it writes, while its library
// is loaded: before any Go code runs, and before a constructor of this program.
// Only functions of .preinit_array come earlier, but the C library is not set up
// there, so setenv is out of reach. What is possible is to start the same
// program again with a longer environment.

#include <cpuid.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// has_avx2 asks the processor itself.
static int has_avx2(void) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 5)) != 0;
}

// lacks reports whether no variable begins with prefix, "NAME=".
static int lacks(char** environment, const char* prefix) {
  for (size_t n = strlen(prefix); *environment != NULL; environment++) {
    if (strncmp(*environment, prefix, n) == 0) return 0;
  }
  return 1;
}

// start_again replaces the process by itself where a setting is missing: a log
// level that hides notices, and oneDNN's kernels on CPUs with AVX2 (TensorFlow's
// default needs AVX512-VNNI). Where that is not possible the program goes on,
// louder and slower.
static void start_again(int argc, char** argv, char** environment) {
  (void)argc;
  char quiet[] = "TF_CPP_MIN_LOG_LEVEL=2";
  char fast[] = "TF_ENABLE_ONEDNN_OPTS=1";
  size_t n = 0;
  while (environment[n] != NULL) n++;
  char* longer[n + 3];
  memcpy(longer, environment, n * sizeof(char*));
  size_t m = n;
  if (lacks(environment, "TF_CPP_MIN_LOG_LEVEL=")) longer[m++] = quiet;
  if (has_avx2() && lacks(environment, "TF_ENABLE_ONEDNN_OPTS=")) {
    longer[m++] = fast;
  }
  if (m == n) return;
  longer[m] = NULL;
  char program[4096];
  long length = syscall(SYS_readlink, "/proc/self/exe", program, sizeof(program) - 1);
  if (length <= 0) return;
  program[length] = 0;
  syscall(SYS_execve, program, argv, longer);
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(
    int, char**, char**) = start_again;
