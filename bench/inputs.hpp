// SPDX-License-Identifier: MIT
// Data that every benchmark works on, and the plain read that is the limit.
#pragma once

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <lagom/core/random.hpp>
#include <lagom/core/scalar.hpp>
#include <memory>
#include <vector>

namespace bench {

// Roughly normal numbers: a sum of uniforms is enough here, and quick to make.
template <class T>
std::shared_ptr<std::vector<T>> numbers(std::size_t n, std::uint64_t stream, float deviation = 1) {
  auto out = std::make_shared<std::vector<T>>(n);
  const lagom::philox random{42};
  for (std::size_t i = 0; i < n; i += 4) {
    const auto block = random(stream, i);
    for (std::size_t k = 0; k < 4 && i + k < n; ++k) {
      const std::uint32_t w = block.word[k];
      const float sum =
          static_cast<float>((w & 255u) + (w >> 8 & 255u) + (w >> 16 & 255u) + (w >> 24)) / 255.0f - 2.0f;
      (*out)[i + k] = T(deviation * 1.73f * sum);
    }
  }
  return out;
}

// Sums the words of an array in independent lanes: as fast as memory gives them.
template <class T>
void read(const std::vector<T>& x) {
  const auto* const words = reinterpret_cast<const char*>(x.data());
  const std::size_t bytes = x.size() * sizeof(T);
  std::uint32_t lanes[64] = {};
  for (std::size_t i = 0; i + 256 <= bytes; i += 256) {
    for (std::size_t j = 0; j < 64; ++j) {
      std::uint32_t w;
      __builtin_memcpy(&w, words + i + 4 * j, 4);
      lanes[j] += w;
    }
  }
  benchmark::DoNotOptimize(lanes);
}

}  // namespace bench
