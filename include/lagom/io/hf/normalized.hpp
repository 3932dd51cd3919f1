// SPDX-License-Identifier: MIT
/// @file io/hf/normalized.hpp
/// A text on its way through a normalizer.
#pragma once

#include "json.hpp"
#include "pattern.hpp"
#include "unicode.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A text being normalized: valid UTF-8.
struct hf_normalized {
  std::string text{};
  std::size_t origin = 0;  ///< bytes at its begin that come from the first character of the input

  /// Replaces every character: `write(code, bytes, out)` appends what it becomes.
  template <class Write>
  void rewrite_chars(Write write) {
    std::string out;
    out.reserve(text.size());
    std::size_t new_origin = 0;
    for (std::size_t at = 0; at < text.size();) {
      const utf8_char c = decode_utf8(text, at);
      write(c.code, std::string_view(text).substr(at, c.length), out);
      if (at < origin) new_origin = out.size();
      at += c.length;
    }
    text = std::move(out);
    origin = new_origin;
  }
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
