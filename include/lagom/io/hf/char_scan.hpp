// SPDX-License-Identifier: MIT
/// @file io/hf/char_scan.hpp
/// Walking over characters of given sets.
#pragma once

#include <bit>
#include <cstring>

#include "../../vocab/byte_alphabet.hpp"
#include "char_table.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A character's sets, and how many bytes it takes.
struct hf_char {
  std::uint8_t bits, length;
};

/// Walks over valid UTF-8.
class hf_text_scan {
 public:
  /// Precondition: a character begins at `p`.
  [[nodiscard]] hf_char at(const char* p) const noexcept {
    const auto byte = [p](int i) { return char32_t{static_cast<unsigned char>(p[i])}; };
    const char32_t lead = byte(0);
    if (lead < 0x80) return {table_->of_ascii(static_cast<unsigned char>(lead)), 1};
    if (lead < 0xE0) return {(*table_)[((lead & 0x1F) << 6) | (byte(1) & 0x3F)], 2};
    if (lead < 0xF0) {
      return {(*table_)[((lead & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F)], 3};
    }
    return {(*table_)[((lead & 0x07) << 18) | ((byte(1) & 0x3F) << 12) | ((byte(2) & 0x3F) << 6) |
                      (byte(3) & 0x3F)],
            4};
  }

  /// Past all characters from `p` on that are in one of the sets.
  [[nodiscard]] const char* past(const char* p, const char* end, unsigned sets) const noexcept {
    return walk(p, end, [sets](unsigned bits) { return (bits & sets) != 0; });
  }

  /// Past all characters from `p` on that are in none of the sets.
  [[nodiscard]] const char* until(const char* p, const char* end, unsigned sets) const noexcept {
    return walk(p, end, [sets](unsigned bits) { return (bits & sets) == 0; });
  }

  /// `past` for sets that hold all letters: eight ASCII letters at a time.
  [[nodiscard]] const char* past_letters(const char* p, const char* end, unsigned sets) const noexcept {
    if constexpr (std::endian::native == std::endian::little) {
      constexpr std::uint64_t every = 0x0101010101010101u;
      while (end - p >= 8) {
        std::uint64_t word;
        std::memcpy(&word, p, 8);
        const std::uint64_t low = (word | 0x20 * every) & 0x7F * every;
        const std::uint64_t from_a = low + (0x80 - 'a') * every, past_z = low + (0x7F - 'z') * every;
        const std::uint64_t others = (~from_a | past_z | word) & 0x80 * every;
        if (others != 0) {
          p += std::countr_zero(others) / 8;
          if (static_cast<unsigned char>(*p) < 0x80 &&
              (table_->of_ascii(static_cast<unsigned char>(*p)) & sets) == 0) {
            return p;
          }
          break;
        }
        p += 8;
      }
    }
    return past(p, end, sets);
  }

 private:
  template <class Holds>
  [[nodiscard]] const char* walk(const char* p, const char* end, Holds holds) const noexcept {
    while (p < end) {
      const hf_char c = at(p);
      if (!holds(c.bits)) break;
      p += c.length;
    }
    return p;
  }

  const hf_char_table* table_ = &hf_char_table::get();
};

/// Walks over bytes, each of which is its letter in the byte alphabet.
class hf_letter_scan {
 public:
  [[nodiscard]] hf_char at(const char* p) const noexcept {
    return {letters()[static_cast<unsigned char>(*p)], 1};
  }
  [[nodiscard]] const char* past(const char* p, const char* end, unsigned sets) const noexcept {
    while (p < end && (at(p).bits & sets) != 0) ++p;
    return p;
  }
  [[nodiscard]] const char* until(const char* p, const char* end, unsigned sets) const noexcept {
    while (p < end && (at(p).bits & sets) == 0) ++p;
    return p;
  }

 private:
  static const std::array<std::uint8_t, 256>& letters() {
    static const std::array<std::uint8_t, 256> bits = [] {
      std::array<std::uint8_t, 256> out{};
      for (std::size_t b = 0; b < 256; ++b) out[b] = hf_char_table::get()[vocab::byte_alphabet[b]];
      return out;
    }();
    return bits;
  }
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
