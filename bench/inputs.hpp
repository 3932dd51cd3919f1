// SPDX-License-Identifier: MIT
// Data that every benchmark works on, and the plain read that is the limit.
#pragma once

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <lagom/core/random.hpp>
#include <lagom/core/scalar.hpp>
#include <memory>
#include <vector>

namespace bench {

// Asks for large pages where an array is large enough to have some. Before the memory is written for the first time.
inline void huge_pages(void* p, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t huge = 2u << 20;
  const auto first = (reinterpret_cast<std::uintptr_t>(p) + huge - 1) / huge * huge;
  const auto last = (reinterpret_cast<std::uintptr_t>(p) + bytes) / huge * huge;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
  (void)p, (void)bytes;
#endif
}

// An array in large pages, not yet written.
template <class T>
std::shared_ptr<std::vector<T>> array(std::size_t n) {
  auto out = std::make_shared<std::vector<T>>();
  out->reserve(n);
  huge_pages(out->data(), n * sizeof(T));
  out->resize(n);
  return out;
}

// Roughly normal numbers: a sum of uniforms is enough here, and quick to make. Past a million they repeat, shifted.
template <class T>
std::shared_ptr<std::vector<T>> numbers(std::size_t n, std::uint64_t stream, float deviation = 1) {
  auto out = array<T>(n);
  const lagom::philox random{42};
  constexpr std::size_t period = (std::size_t{1} << 20) - 3;
  const std::size_t fresh = std::min(n, period);
  for (std::size_t i = 0; i < fresh; i += 4) {
    const auto block = random(stream, i);
    for (std::size_t k = 0; k < 4 && i + k < fresh; ++k) {
      const std::uint32_t w = block.word[k];
      const float sum =
          static_cast<float>((w & 255u) + (w >> 8 & 255u) + (w >> 16 & 255u) + (w >> 24)) / 255.0f - 2.0f;
      (*out)[i + k] = T(deviation * 1.73f * sum);
    }
  }
  for (std::size_t i = period; i < n; ++i) (*out)[i] = (*out)[i - period];
  return out;
}

// Sums the words of memory in independent lanes: the fastest plain read, in vectors of 32 bytes one after the other. Those of
// 64 are no faster, asking for memory ahead gains nothing, several streams at once lose.
inline void read_bytes(const char* p, std::size_t bytes) {
  constexpr std::size_t width = 32;
  using wide = std::uint32_t __attribute__((vector_size(width)));
  wide sum[4] = {};
  for (std::size_t i = 0; i + 4 * width <= bytes; i += 4 * width) {
    for (std::size_t k = 0; k < 4; ++k) {
      wide w;
      __builtin_memcpy(&w, p + i + width * k, width);
      sum[k] += w;
    }
  }
  wide all = sum[0] + sum[1] + sum[2] + sum[3];
  benchmark::DoNotOptimize(all);
}
template <class T>
void read(const std::vector<T>& x) {
  read_bytes(reinterpret_cast<const char*>(x.data()), x.size() * sizeof(T));
}

}  // namespace bench
