// SPDX-License-Identifier: MIT
/// @file vocab/safe_cuts.hpp
/// Places in a text that no merge of a vocabulary ever crosses.
#pragma once

#include <string_view>
#include <vector>

#include "../text/utf8.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Which pairs of characters some token may hold side by side, as a filter: a pair may be taken to be joined
/// although it is not, never the other way.
///
/// Let every merge make the concatenation of its sides. A token grows over the boundary of two characters x y
/// only by a merge whose left side ends with x and whose right side begins with y; where there is none, what is
/// left of the boundary and what is right of it never meet, and are encoded by themselves.
///
/// Memory: 2 bytes a merge, 2 KiB at least and 512 KiB at most.
class safe_cuts {
 public:
  /// Knows no pair: no boundary is crossed.
  explicit safe_cuts(std::size_t merges = 0) {
    std::size_t bits = smallest;
    while (bits < 16 * merges && bits < largest) bits *= 2;
    for (std::size_t b = bits; b > 1; b /= 2) --shift_;
    words_.resize(bits / 64);
  }

  /// A merge may put these texts together, both valid UTF-8 and not empty.
  void join(std::string_view left, std::string_view right) {
    std::size_t last = left.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(left[last]) & 0xC0) == 0x80) --last;
    const std::size_t bit = place(decode_utf8(left, last).code, decode_utf8(right, 0).code);
    words_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }

  /// Whether a token may reach from `x` over to `y`.
  [[nodiscard]] bool joined(char32_t x, char32_t y) const noexcept {
    const std::size_t bit = place(x, y);
    return ((words_[bit / 64] >> (bit % 64)) & 1) != 0;
  }

 private:
  static constexpr std::size_t smallest = std::size_t{1} << 14, largest = std::size_t{1} << 22;

  [[nodiscard]] std::size_t place(char32_t x, char32_t y) const noexcept {
    return static_cast<std::size_t>(((std::uint64_t{x} << 32 | y) * 0x9E3779B97F4A7C15u) >> shift_);
  }

  unsigned shift_ = 64;
  std::vector<std::uint64_t> words_;
};

/// Cuts a text before every `mark` that comes after something else, as in "▁two▁words".
class mark_cuts {
 public:
  /// Does not cut.
  mark_cuts() = default;
  explicit mark_cuts(std::string_view mark) : mark_(mark) {}

  [[nodiscard]] std::string_view mark() const noexcept { return mark_; }

  /// Whether a merge of these texts crosses such a place.
  [[nodiscard]] bool crossed_by(std::string_view left, std::string_view right) const noexcept {
    return right.substr(0, mark_.size()) == mark_ && !ends(left);
  }

  /// Calls `part(begin, end)` for every part, offsets in the text.
  template <class Part>
  void operator()(std::string_view text, Part&& part) const {
    std::size_t begin = 0;
    if (!mark_.empty()) {
      for (std::size_t at = text.find(mark_, 1); at < text.size(); at = text.find(mark_, at + mark_.size())) {
        if (ends(text.substr(0, at))) continue;
        part(begin, at);
        begin = at;
      }
    }
    if (begin < text.size()) part(begin, text.size());
  }

 private:
  [[nodiscard]] bool ends(std::string_view text) const noexcept {
    return text.size() >= mark_.size() && text.substr(text.size() - mark_.size()) == mark_;
  }

  std::string mark_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
