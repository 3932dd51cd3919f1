// SPDX-License-Identifier: MIT
/// @file io/hf/unicode_changes.hpp
/// Unicode normalization, character by character, with what became of each.
#pragma once

#include "unicode.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A character of a normalized text: 0 if it replaces one of the text, 1 if it is added after the one before,
/// -n if it replaces one and swallows n others.
struct changed_char {
  char32_t code;
  int change;
};

/// The character that two compose to; 0 when they do not.
[[nodiscard]] inline char32_t composed(char32_t first, char32_t second) {
  utf8proc_int32_t pair[2] = {static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second)};
  const auto size =
      utf8proc_normalize_utf32(pair, 2, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  return size == 1 ? static_cast<char32_t>(pair[0]) : 0;
}

/// Replaces `out` by the normalized characters of a text (valid UTF-8): the text of `append_normalized`. The
/// changes are counted as Hugging Face tokenizers counts them: the first character of a decomposition
/// replaces, the others are added, and canonical ordering carries both along; a composition adds up the
/// changes of its parts, less one.
inline void normalized_with_changes(std::string_view text, unicode_form form,
                                    std::vector<changed_char>& out) {
  const bool compose = form == unicode_form::nfc || form == unicode_form::nfkc;
  const bool compatibility = form == unicode_form::nfkc || form == unicode_form::nfkd;
  unsigned options = UTF8PROC_STABLE | (compose ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE);
  if (compatibility) options |= UTF8PROC_COMPAT;
  const auto order = [](char32_t code) {
    return is_normalized_late(code)
               ? 0
               : utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class;
  };
  std::vector<changed_char> parts;
  std::size_t marks = 0;  // where the run of marks at the end of `parts` begins
  const auto sort_marks = [&] {
    std::stable_sort(
        parts.begin() + static_cast<std::ptrdiff_t>(marks), parts.end(),
        [&](const changed_char& a, const changed_char& b) { return order(a.code) < order(b.code); });
  };
  const auto add = [&](char32_t code, int change) {
    if (order(code) == 0) {
      sort_marks();
      marks = parts.size() + 1;
    }
    parts.push_back({code, change});
  };
  for (std::size_t at = 0; at < text.size();) {
    const utf8_char c = decode_utf8(text, at);
    at += c.length;
    if (is_normalized_late(c.code)) {
      add(c.code, 0);
      continue;
    }
    utf8proc_int32_t pieces[32];
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code), pieces, 32,
                                               static_cast<utf8proc_option_t>(options), &boundary);
    for (utf8proc_ssize_t i = 0; i < count && i < 32; ++i)
      add(static_cast<char32_t>(pieces[i]), i > 0 ? 1 : 0);
  }
  sort_marks();
  if (!compose) {
    out.swap(parts);
    return;
  }
  out.clear();
  constexpr std::size_t none = ~std::size_t{0};
  std::size_t starter = none;  // in `out`
  int last_order = -1;         // of the last character that is between the starter and this one; -1: none
  for (const changed_char& part : parts) {
    const int here = order(part.code);
    const bool late = is_normalized_late(part.code);
    if (starter != none && !late && last_order < here) {
      if (const char32_t both = composed(out[starter].code, part.code); both != 0) {
        out[starter] = {both, out[starter].change + part.change - 1};
        continue;
      }
    }
    if (here == 0) {
      starter = late ? none : out.size();
      last_order = -1;
    } else {
      last_order = here;
    }
    out.push_back(part);
  }
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
