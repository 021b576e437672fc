// Pieces of a pool against what was written to them, and how much of its range
// they take.

#include "kernels/memory_pool.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

namespace prioritycut {
namespace kernels {
namespace {

int failures = 0;

void Expect(bool ok, const char* what) {
  if (ok) return;
  ++failures;
  std::printf("not so: %s\n", what);
}

struct Held {
  uint64_t* begin;
  size_t words;
  uint64_t seed;

  void Fill() const {
    for (size_t i = 0; i < words; ++i) begin[i] = seed + i;
  }
  bool Intact() const {
    for (size_t i = 0; i < words; ++i) {
      if (begin[i] != seed + i) return false;
    }
    return true;
  }
};

// Takes and gives back pieces of 1 byte to 1 MB at random: each keeps what was
// written to it, whoever else writes.
void Shuffle(MemoryPool* pool, unsigned seed, int rounds, bool* intact) {
  std::mt19937 random(seed);
  std::vector<Held> held;
  *intact = true;
  for (int i = 0; i < rounds; ++i) {
    if (held.size() < 4 || (held.size() < 24 && random() % 2 == 0)) {
      const size_t bytes = 1 + random() % (size_t{1} << (random() % 21));
      void* piece = pool->Take(bytes);
      if (piece == nullptr || !pool->Owns(piece) ||
          reinterpret_cast<uintptr_t>(piece) % MemoryPool::kAlignment != 0) {
        *intact = false;
        return;
      }
      held.push_back({static_cast<uint64_t*>(piece), bytes / 8, random()});
      held.back().Fill();
      continue;
    }
    std::swap(held[random() % held.size()], held.back());
    *intact = *intact && held.back().Intact();
    pool->Give(held.back().begin);
    held.pop_back();
  }
  for (const Held& h : held) {
    *intact = *intact && h.Intact();
    pool->Give(h.begin);
  }
}

void TestThreads(int rounds) {
  MemoryPool pool(size_t{1} << 30);
  bool intact[3];
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; ++i) {
    threads.emplace_back(Shuffle, &pool, i, rounds, &intact[i]);
  }
  for (std::thread& t : threads) t.join();
  for (bool ok : intact) Expect(ok, "pieces keep what was written to them");
  // All is one free piece again.
  const size_t extent = pool.Extent();
  Expect(extent > 0 && extent < size_t{100} << 20, "free pieces serve again");
  void* all = pool.Take(extent);
  Expect(all != nullptr && pool.Extent() == extent, "neighbours are joined");
}

void TestFit() {
  constexpr size_t kMega = size_t{1} << 20;
  MemoryPool pool(64 * kMega);
  char* large = static_cast<char*>(pool.Take(30 * kMega));
  void* wall = pool.Take(kMega);
  void* small = pool.Take(10 * kMega);
  void* end = pool.Take(kMega);
  pool.Give(large);
  pool.Give(small);
  const size_t extent = pool.Extent();
  Expect(extent == 42 * kMega, "pieces lie side by side");
  // More than half of the free piece, and still the rest is free.
  Expect(pool.Take(9 * kMega) == small, "the smallest that suffices serves");
  Expect(pool.Take(16 * kMega) == large, "a large piece is cut");
  Expect(pool.Take(14 * kMega) == large + 16 * kMega, "its rest serves, too");
  Expect(pool.Extent() == extent, "nothing new was taken");
  Expect(pool.Take(2 * kMega) == static_cast<char*>(end) + kMega,
         "it grows where no free piece suffices");
  pool.Give(end);
  Expect(pool.Take(30 * kMega) == nullptr, "the range ends");
  Expect(pool.Take(SIZE_MAX) == nullptr, "no piece is larger than the range");
  Expect(pool.Take(20 * kMega) != nullptr, "up to its end all can be had");
  Expect(!pool.Owns(&pool) && pool.Owns(wall), "it knows its own");
}

// What is free at the top becomes part of what is new there.
void TestGrow() {
  constexpr size_t kMega = size_t{1} << 20;
  MemoryPool pool(80 * kMega);
  void* first = pool.Take(40 * kMega);
  pool.Give(first);
  Expect(pool.Take(70 * kMega) == first, "the free top grows");
  Expect(pool.Extent() == 70 * kMega, "by what lacks");
}

void TestNoAddresses() {
  const MemoryPool pool(SIZE_MAX / 2);
  Expect(!pool.Valid(), "more addresses than there are cannot be had");
}

}  // namespace
}  // namespace kernels
}  // namespace prioritycut

int main(int argc, char** argv) {
  using namespace prioritycut::kernels;
  TestThreads(argc > 1 ? std::atoi(argv[1]) : 3000);
  TestFit();
  TestGrow();
  TestNoAddresses();
  std::printf(failures == 0 ? "passed\n" : "FAILED\n");
  return failures == 0 ? 0 : 1;
}
