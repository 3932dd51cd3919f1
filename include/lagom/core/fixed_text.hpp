// SPDX-License-Identifier: MIT
/// @file core/fixed_text.hpp
/// A short text inside a plain value: no heap, trivially copyable.
#pragma once

#include <concepts>
#include <string_view>

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// Up to `N` bytes of text. What is longer loses its middle, because the end of a path or of a tensor name
/// says more than its middle does.
template <std::size_t N>
class fixed_text {
  static_assert(N >= 16 && N < 65536);

 public:
  constexpr fixed_text() noexcept = default;
  template <std::convertible_to<std::string_view> Text>
  LAGOM_INLINE constexpr fixed_text(const Text& from) noexcept {
    const std::string_view text = from;
    if (text.size() <= N) {
      append(text);
      return;
    }
    constexpr std::string_view gap = "...";
    constexpr std::size_t head = (N - gap.size()) / 3;
    append(text.substr(0, head));
    append(gap);
    append(text.substr(text.size() - (N - gap.size() - head)));
  }

  [[nodiscard]] LAGOM_INLINE constexpr std::string_view view() const noexcept { return {bytes_, size_}; }
  [[nodiscard]] LAGOM_INLINE constexpr bool empty() const noexcept { return size_ == 0; }

 private:
  LAGOM_INLINE constexpr void append(std::string_view text) noexcept {
    for (const char c : text) bytes_[size_++] = c;
  }

  char bytes_[N] = {};
  std::uint16_t size_ = 0;
};

}  // namespace v0
}  // namespace lagom
