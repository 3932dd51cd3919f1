// SPDX-License-Identifier: MIT
/// @file vocab/byte_arena.hpp
/// Byte strings with a number each, kept one after the other.
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

/// Memory for byte strings, each with a number that can be changed: chunks that double up to 1 MiB and never
/// move, so adding copies nothing that is there. A string costs its bytes, 8 bytes for the number, and a length of
/// 1 byte for every 7 bits. Movable.
class byte_arena {
 public:
  /// Positions are below this: 2^20 chunks.
  static constexpr std::uint64_t limit = std::uint64_t{1} << 40;

  byte_arena() = default;
  byte_arena(byte_arena&& other) noexcept { swap(other); }
  byte_arena& operator=(byte_arena&& other) noexcept {
    byte_arena(std::move(other)).swap(*this);
    return *this;
  }
  void swap(byte_arena& other) noexcept {
    chunks_.swap(other.chunks_);
    std::swap(room_, other.room_);
    std::swap(reserved_, other.reserved_);
  }

  /// Keeps a copy of `bytes` and returns where it is. Precondition: room for it below `limit`.
  std::uint64_t add(std::string_view bytes, std::uint64_t number) {
    char length[10];
    std::size_t digits = 0;
    std::size_t rest = bytes.size();
    do {
      const auto low = static_cast<unsigned char>((rest & 0x7Fu) | (rest > 0x7F ? 0x80u : 0u));
      length[digits++] = static_cast<char>(low);
      rest >>= 7;
    } while (rest > 0);
    const std::size_t need = sizeof number + digits + bytes.size();
    if (need > room_) grow(need);
    chunk& last = chunks_.back();
    const std::uint64_t position = (std::uint64_t{chunks_.size() - 1} << chunk_bits) | last.used;
    LAGOM_ASSERT(position < limit);
    char* const place = last.bytes.get() + last.used;
    std::memcpy(place, &number, sizeof number);
    std::memcpy(place + sizeof number, length, digits);
    if (!bytes.empty()) std::memcpy(place + sizeof number + digits, bytes.data(), bytes.size());
    last.used += need;
    room_ -= need;
    return position;
  }

  /// The string that `add` put there, and its number.
  [[nodiscard]] std::string_view bytes_at(std::uint64_t position) const noexcept {
    const char* place = at(position) + sizeof(std::uint64_t);
    std::size_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto digit = static_cast<unsigned char>(*place++);
      size |= static_cast<std::size_t>(digit & 0x7Fu) << shift;
      if (digit < 0x80) return {place, size};
    }
  }
  [[nodiscard]] std::uint64_t number_at(std::uint64_t position) const noexcept {
    std::uint64_t number;
    std::memcpy(&number, at(position), sizeof number);
    return number;
  }
  void set_number(std::uint64_t position, std::uint64_t number) noexcept {
    std::memcpy(at(position), &number, sizeof number);
  }

  /// Calls `visit(position)` for every string, in the order in which they were added.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      for (std::size_t i = 0; i < chunks_[c].used;) {
        const std::uint64_t position = (std::uint64_t{c} << chunk_bits) | i;
        const std::string_view bytes = bytes_at(position);
        visit(position);
        i = static_cast<std::size_t>(bytes.data() + bytes.size() - chunks_[c].bytes.get());
      }
    }
  }

  /// Bytes of memory held.
  [[nodiscard]] std::size_t memory() const noexcept { return reserved_; }

 private:
  static constexpr unsigned chunk_bits = 20;
  struct chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t used;
  };

  [[nodiscard]] char* at(std::uint64_t position) const noexcept {
    return chunks_[static_cast<std::size_t>(position >> chunk_bits)].bytes.get() +
           (position & ((std::uint64_t{1} << chunk_bits) - 1));
  }

  void grow(std::size_t need) {
    constexpr std::size_t first = 1024, largest = std::size_t{1} << chunk_bits;
    const std::size_t size = (std::max)(need, std::clamp(reserved_, first, largest));
    chunks_.push_back({std::unique_ptr<char[]>(new char[size]), 0});
    room_ = size;
    reserved_ += size;
  }

  std::vector<chunk> chunks_;
  std::size_t room_ = 0;  // in the last chunk
  std::size_t reserved_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
