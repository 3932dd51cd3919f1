// SPDX-License-Identifier: MIT
/// @file io/hf/unicode.hpp
/// Unicode normalization forms and lower case (utf8proc), as Hugging Face tokenizers has them.
#pragma once

#include <utf8proc.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../../text/utf8.hpp"
#include "unicode_tables.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

enum class unicode_form : std::uint8_t { nfc, nfd, nfkc, nfkd };

/// Whether a code point is left alone by the reference's normalization, whose tables are older.
[[nodiscard]] inline bool is_normalized_late(char32_t code) noexcept {
  return code >= 0x7FD && (holds(mark_late, code) || holds(normalized_late, code));
}

[[nodiscard]] inline bool is_mark(char32_t code) noexcept {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  const bool now = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
                   category == UTF8PROC_CATEGORY_ME;
  return (now && !holds(mark_late, code)) || holds(mark_once, code);
}

/// Appends a text in a normalization form: full decomposition, canonical order (a stable sort: no text is
/// quadratic), composition for the C forms. `text` is valid UTF-8.
inline void append_normalized(std::string& out, std::string_view text, unicode_form form) {
  const bool compose = form == unicode_form::nfc || form == unicode_form::nfkc;
  const bool compatibility = form == unicode_form::nfkc || form == unicode_form::nfkd;
  unsigned options = UTF8PROC_STABLE | (compose ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE);
  if (compatibility) options |= UTF8PROC_COMPAT;
  std::vector<utf8proc_int32_t> run;
  const auto flush = [&] {
    const auto order = [](utf8proc_int32_t code) { return utf8proc_get_property(code)->combining_class; };
    for (auto at = run.begin(); at != run.end();) {
      const auto marks = std::find_if(at, run.end(), [&](auto c) { return order(c) != 0; });
      at = std::find_if(marks, run.end(), [&](auto c) { return order(c) == 0; });
      if (at - marks > 1) std::stable_sort(marks, at, [&](auto a, auto b) { return order(a) < order(b); });
    }
    auto size = static_cast<utf8proc_ssize_t>(run.size());
    if (compose) size = utf8proc_normalize_utf32(run.data(), size, static_cast<utf8proc_option_t>(options));
    for (utf8proc_ssize_t i = 0; i < size; ++i) {
      append_utf8(out, static_cast<char32_t>(run[static_cast<std::size_t>(i)]));
    }
    run.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const utf8_char c = decode_utf8(text, at);
    at += c.length;
    if (is_normalized_late(c.code)) {
      flush();
      append_utf8(out, c.code);
      continue;
    }
    utf8proc_int32_t parts[32];  // no character decomposes into more than 18
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code), parts, 32,
                                               static_cast<utf8proc_option_t>(options), &boundary);
    for (utf8proc_ssize_t i = 0; i < count && i < 32; ++i) run.push_back(parts[i]);
    // No character below U+0300 is moved or composed with what is before it.
    if (run.size() > 256 && at < text.size() && static_cast<unsigned char>(text[at]) < 0xCC) flush();
  }
  flush();
}

/// Whether the form is known to leave a text as it is, by a glance: ASCII, and for NFC all below U+0300.
[[nodiscard]] inline bool is_surely_normalized(std::string_view text, unicode_form form) noexcept {
  if (form != unicode_form::nfc) return find_non_ascii(text) == text.size();
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0xCC; });
}

/// Appends the lower case of one character: no context, so a final sigma is a plain one.
inline void append_lower(std::string& out, char32_t code) {
  if (code == 0x130) {  // the only one that becomes two: i and a dot above
    out += "i\xCC\x87";
    return;
  }
  char32_t lower = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
  for (const case_range& r : lower_late) {
    if (code >= r.first && code <= r.last) lower = r.lower_of_first + (code - r.first);
  }
  append_utf8(out, lower);
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
