// SPDX-License-Identifier: MIT
/// @file io/hf/char_table.hpp
/// What the well-known patterns ask of a character, looked up in one table.
#pragma once

#include <utf8proc.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "unicode_tables.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Sets of characters, one bit each.
namespace char_bit {
inline constexpr std::uint8_t letter = 1;         ///< `\p{L}`
inline constexpr std::uint8_t number = 2;         ///< `\p{N}`
inline constexpr std::uint8_t space = 4;          ///< `\s`
inline constexpr std::uint8_t mark = 8;           ///< `\p{M}`
inline constexpr std::uint8_t upper = 16;         ///< `\p{Lu}` and `\p{Lt}`
inline constexpr std::uint8_t lower = 32;         ///< `\p{Ll}`
inline constexpr std::uint8_t numeric = 64;       ///< what the Digits pre-tokenizer splits at
inline constexpr std::uint8_t punctuation = 128;  ///< what the Punctuation pre-tokenizer splits at
}  // namespace char_bit

/// The sets of every code point, those that `io/hf/char_class.hpp` spells for PCRE2: blocks of 128 code
/// points, equal ones stored once. 60 KiB; made in milliseconds when first used, by one thread.
class hf_char_table {
 public:
  static const hf_char_table& get() {
    static const hf_char_table table;
    return table;
  }

  /// Precondition: `code` is at most 0x10FFFF.
  [[nodiscard]] std::uint8_t operator[](char32_t code) const noexcept {
    return bits_[(std::size_t{index_[code >> 7]} << 7) | (code & 127)];
  }

  /// Precondition: `byte` is below 0x80.
  [[nodiscard]] std::uint8_t of_ascii(unsigned char byte) const noexcept { return bits_[byte]; }

 private:
  static constexpr char32_t code_points = 0x110000;

  hf_char_table() {
    std::vector<std::uint8_t> all(code_points);
    for (char32_t c = 0; c < code_points; ++c) all[c] = of_category(c);
    for (const category_range& r : assigned_late) {
      for (char32_t c = r.first; c <= r.last; ++c) all[c] = of_category_name(r.major, r.minor);
    }
    const auto turn = [&all](const auto& ranges, std::uint8_t bit, bool on) {
      for (const code_range& r : ranges) {
        for (char32_t c = r.first; c <= r.last; ++c) {
          all[c] = static_cast<std::uint8_t>(on ? all[c] | bit : all[c] & ~bit);
        }
      }
    };
    turn(white_space, char_bit::space, true);
    turn(numeric_late, char_bit::numeric, true);
    turn(punctuation_once, char_bit::punctuation, true);
    turn(punctuation_late, char_bit::punctuation, false);
    constexpr code_range ascii_punctuation[] = {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}};
    turn(ascii_punctuation, char_bit::punctuation, true);

    std::map<std::string, std::uint16_t> known;
    for (char32_t c = 0; c < code_points; c += 128) {
      const std::string block(all.begin() + static_cast<std::ptrdiff_t>(c),
                              all.begin() + static_cast<std::ptrdiff_t>(c + 128));
      const auto [at, is_new] = known.emplace(block, static_cast<std::uint16_t>(known.size()));
      if (is_new) bits_.insert(bits_.end(), block.begin(), block.end());
      index_[c >> 7] = at->second;
    }
  }

  static std::uint8_t of_category(char32_t code) noexcept {
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
      case UTF8PROC_CATEGORY_LU:
      case UTF8PROC_CATEGORY_LT:
        return of_category_name('L', 'u');
      case UTF8PROC_CATEGORY_LL:
        return of_category_name('L', 'l');
      case UTF8PROC_CATEGORY_LM:
      case UTF8PROC_CATEGORY_LO:
        return of_category_name('L', 'o');
      case UTF8PROC_CATEGORY_MN:
      case UTF8PROC_CATEGORY_MC:
      case UTF8PROC_CATEGORY_ME:
        return of_category_name('M', 'n');
      case UTF8PROC_CATEGORY_ND:
      case UTF8PROC_CATEGORY_NL:
      case UTF8PROC_CATEGORY_NO:
        return of_category_name('N', 'd');
      case UTF8PROC_CATEGORY_PC:
      case UTF8PROC_CATEGORY_PD:
      case UTF8PROC_CATEGORY_PS:
      case UTF8PROC_CATEGORY_PE:
      case UTF8PROC_CATEGORY_PI:
      case UTF8PROC_CATEGORY_PF:
      case UTF8PROC_CATEGORY_PO:
        return of_category_name('P', 'o');
      default:
        return 0;
    }
  }
  static constexpr std::uint8_t of_category_name(char major, char minor) noexcept {
    if (major == 'L') {
      return static_cast<std::uint8_t>(char_bit::letter | (minor == 'u' || minor == 't' ? char_bit::upper
                                                           : minor == 'l'               ? char_bit::lower
                                                                                        : 0));
    }
    if (major == 'N') return char_bit::number | char_bit::numeric;
    return major == 'M' ? char_bit::mark : major == 'P' ? char_bit::punctuation : std::uint8_t{0};
  }

  std::array<std::uint16_t, (code_points >> 7)> index_{};
  std::vector<std::uint8_t> bits_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
