// SPDX-License-Identifier: MIT
/// @file io/hexadecimal.hpp
/// 64-bit numbers as text that every reader keeps exact.
#pragma once

#include <charconv>
#include <optional>
#include <string>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// 16 hexadecimal digits: JSON readers of other languages round large integers.
[[nodiscard]] inline std::string hexadecimal(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15u];
  return text;
}

/// Reads 16 hexadecimal digits, and nothing else.
[[nodiscard]] inline std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value, 16);
  if (text.size() != 16 || error != std::errc() || end != last) return std::nullopt;
  return value;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
