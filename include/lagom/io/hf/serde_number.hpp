// SPDX-License-Identifier: MIT
/// @file io/hf/serde_number.hpp
/// Fractions as Hugging Face tokenizers reads them from JSON, to the last bit.
#pragma once

#include <charconv>
#include <cstdio>
#include <string>

#include "../../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// The double that the reference's JSON reader (serde_json without "float_roundtrip") makes of a number: its
/// digits as an integer (those that fit 64 bits), rounded, times or divided by a power of ten, rounded again.
/// That may be next to the nearest double, and two sums of scores tie or not by it. `nearest` is the
/// correctly rounded value, and stands where the exponent is out of all bounds.
[[nodiscard]] inline double as_serde_reads(const std::string& text, double nearest) {
  std::uint64_t digits = 0;
  int exponent = 0;
  std::size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  bool fraction = false, full = false;
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] < '0' || text[at] > '9') {
      fraction = true;
      continue;
    }
    const auto digit = static_cast<std::uint64_t>(text[at] - '0');
    full = full || digits > (~std::uint64_t{0} - digit) / 10;
    if (!full) digits = digits * 10 + digit;
    exponent += fraction ? (full ? 0 : -1) : (full ? 1 : 0);
  }
  if (at < text.size()) {
    const bool plus = at + 1 < text.size() && text[at + 1] == '+';
    int written = 0;
    const char* const first = text.data() + at + 1 + (plus ? 1 : 0);
    if (std::from_chars(first, text.data() + text.size(), written).ec != std::errc{}) return nearest;
    if (written > 100000 || written < -100000) return nearest;
    exponent += written;
  }
  if (exponent > 308 || exponent < -308) return nearest;
  const auto power_of_ten = [](int n) {
    char spelled[8];
    const int size = std::snprintf(spelled, sizeof spelled, "1e%d", n);
    double out = 1;
    std::from_chars(spelled, spelled + size, out);
    return out;
  };
  const auto whole = static_cast<double>(digits);
  const double value = exponent >= 0 ? whole * power_of_ten(exponent) : whole / power_of_ten(-exponent);
  return text[0] == '-' ? -value : value;
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
