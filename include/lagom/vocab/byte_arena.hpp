// SPDX-License-Identifier: MIT
/// @file vocab/byte_arena.hpp
/// Byte strings kept one after the other, each for as long as the arena lives.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Memory for byte strings: chunks that double up to 1 MiB and never move, so adding copies nothing that is
/// there. Each string costs its bytes and a length of 1 byte for every 7 bits. Movable.
class byte_arena {
 public:
  byte_arena() = default;
  byte_arena(byte_arena&& other) noexcept { swap(other); }
  byte_arena& operator=(byte_arena&& other) noexcept {
    byte_arena(std::move(other)).swap(*this);
    return *this;
  }
  void swap(byte_arena& other) noexcept {
    chunks_.swap(other.chunks_);
    std::swap(used_, other.used_);
    std::swap(capacity_, other.capacity_);
    std::swap(reserved_, other.reserved_);
  }

  /// Keeps a copy of `bytes` and returns where it is, for `at`.
  const char* add(std::string_view bytes) {
    char length[10];
    std::size_t digits = 0;
    std::size_t rest = bytes.size();
    do {
      const auto low = static_cast<unsigned char>((rest & 0x7Fu) | (rest > 0x7F ? 0x80u : 0u));
      length[digits++] = static_cast<char>(low);
      rest >>= 7;
    } while (rest > 0);
    const std::size_t need = digits + bytes.size();
    if (need > capacity_ - used_) grow(need);
    char* const place = chunks_.back().get() + used_;
    std::memcpy(place, length, digits);
    if (!bytes.empty()) std::memcpy(place + digits, bytes.data(), bytes.size());
    used_ += need;
    return place;
  }

  /// The string that `add` put there.
  [[nodiscard]] static std::string_view at(const char* place) noexcept {
    std::size_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto digit = static_cast<unsigned char>(*place++);
      size |= static_cast<std::size_t>(digit & 0x7Fu) << shift;
      if (digit < 0x80) return {place, size};
    }
  }

  /// Bytes of memory held.
  [[nodiscard]] std::size_t memory() const noexcept { return reserved_; }

 private:
  void grow(std::size_t need) {
    constexpr std::size_t first = 1024, largest = std::size_t{1} << 20;
    const std::size_t size = std::max(need, std::clamp(reserved_, first, largest));
    chunks_.push_back(std::unique_ptr<char[]>(new char[size]));
    used_ = 0;
    capacity_ = size;
    reserved_ += size;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t used_ = 0, capacity_ = 0;  // of the last chunk
  std::size_t reserved_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
