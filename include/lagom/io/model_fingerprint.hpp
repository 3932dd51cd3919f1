// SPDX-License-Identifier: MIT
/// @file io/model_fingerprint.hpp
/// A number that tells models apart.
#pragma once

#include <cstring>

#include "../vocab/fingerprint.hpp"
#include "checkpoint.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Over names, types, shapes and bytes of all tensors, however they are spread over files: a fine-tuned, quantised or
/// edited model is another one. It finds accidents; it does not stop a forger. Cost: one read of the weights.
[[nodiscard]] inline std::uint64_t model_fingerprint(const checkpoint& model) noexcept {
  constexpr std::uint64_t prime = 0x9E3779B97F4A7C15u;
  const auto mixed = [](std::uint64_t x) {
    x = (x ^ (x >> 31)) * prime;
    return x ^ (x >> 29);
  };
  std::uint64_t all = 0;
  for (const auto& [file, shard] : model.shards()) {
    for (const auto& [name, t] : shard.tensors()) {
      vocab::fnv1a head;
      head.push(name);
      head.push(info(t.type).name);
      for (const std::uint64_t extent : t.shape) head.push(extent);
      std::uint64_t part[4] = {head.value(), 2, 3, 4};
      const std::byte* const bytes = t.bytes.data();
      const std::size_t size = t.bytes.size();
      for (std::size_t i = 0; i < size; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + i, size - i < 8 ? size - i : 8);
        std::uint64_t& p = part[i / 8 % 4];
        p = (p ^ word) * prime;
        p ^= p >> 29;
      }
      std::uint64_t one = size;
      for (const std::uint64_t p : part) one = mixed(one ^ p);
      all += one;  // in any order: tensors lie in other files after a resharding
    }
  }
  return mixed(all);
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
