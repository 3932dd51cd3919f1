// SPDX-License-Identifier: MIT
/// @file io/hf/base64.hpp
/// Bytes spelled in base 64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// The bytes of a text in the standard alphabet (RFC 4648, section 4); nothing for other texts. Padding must
/// be complete or absent.
[[nodiscard]] inline std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    std::uint32_t six = 0;
    if (c >= 'A' && c <= 'Z') {
      six = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      six = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      six = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      six = c == '+' ? 62 : 63;
    } else {
      return std::nullopt;
    }
    bits = bits << 6 | six;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(static_cast<unsigned char>(bits >> count & 0xFF)));
  }
  return out;
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
