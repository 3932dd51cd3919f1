// SPDX-License-Identifier: MIT
/// @file prompt/template_form.hpp
/// A template, taken apart: runs of literal text and places where values go. A value is never read as a template.
#pragma once

#include <span>

#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What may be wrong with the text of a template.
enum class template_fault : std::uint8_t {
  none,
  lone_open,   ///< a `{` that begins no placeholder
  lone_close,  ///< a `}` that ends none
};

/// Bytes [begin, end) of a template: literal text when `slot` is negative, else the name of that placeholder.
struct template_part {
  std::size_t begin = 0, end = 0;
  std::int32_t slot = -1;
};

/// Where a template is wrong; `at` is the byte of the brace.
struct template_check {
  template_fault fault = template_fault::none;
  std::size_t at = 0;
};

/// Reads the text of a template from left to right and calls `literal(begin, end)` and `name(begin, end)`.
///
/// `{name}` is a placeholder; a name is made of letters A-Z a-z, digits and `_`, and does not begin with a digit.
/// `{{` stands for `{` and `}}` for `}`. Any other brace is a fault. Bytes above 127 are literal. O(bytes).
template <class Literal, class Name>
constexpr template_check scan_template(std::string_view text, Literal&& literal, Name&& name) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '{' && text[i] != '}') {
      ++i;
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == text[i]) {  // the first brace is text, the second is gone
      literal(begin, i + 1);
      begin = i += 2;
      continue;
    }
    if (text[i] == '}') return {template_fault::lone_close, i};
    std::size_t end = i + 1;
    for (; end < text.size(); ++end) {
      const char c = text[end];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      if (!letter && (c < '0' || c > '9' || end == i + 1)) break;
    }
    if (end == i + 1 || end == text.size() || text[end] != '}') return {template_fault::lone_open, i};
    if (begin < i) literal(begin, i);
    name(i + 1, end);
    begin = i = end + 1;
  }
  if (begin < text.size()) literal(begin, text.size());
  return {};
}

/// A template that was taken apart. Sees its text and tables, does not own them.
struct template_view {
  std::string_view text;
  std::span<const template_part> parts;  ///< in the order of the text
  std::span<const template_part> slots;  ///< by slot: where its name first stands

  [[nodiscard]] constexpr std::string_view name(std::size_t slot) const {
    return text.substr(slots[slot].begin, slots[slot].end - slots[slot].begin);
  }
  /// The slot of that name, or -1. O(slots).
  [[nodiscard]] constexpr std::int32_t find(std::string_view name_of_slot) const {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (name(i) == name_of_slot) return static_cast<std::int32_t>(i);
    }
    return -1;
  }
};

/// What goes into a placeholder. Sees its text, does not own it.
struct template_value {
  std::string_view text;
  std::string_view language;  ///< BCP 47 tag; empty: that of the template
  bool trained = false;

  constexpr template_value() = default;
  template <std::convertible_to<std::string_view> Text>
  constexpr template_value(const Text& t, std::string_view tag = {}, bool carries_loss = false)
      : text(t), language(tag), trained(carries_loss) {}
};

/// A template with its values, as a prompt. A value is a segment of origin `content` whose section is the name of
/// its placeholder; empty values give no segment. `Values` holds one `template_value` a slot: an array, a vector,
/// a span. Sees the template and the texts.
template <class Values>
struct filled_template {
  template_view form;
  Values values{};
  prompt::role role = prompt::role::none;  ///< of every segment
  std::string_view language{};             ///< of the literals
  bool trained = false;                    ///< whether the literals carry loss

  using cursor = std::size_t;
  constexpr bool next(cursor& at, segment& out) const {
    while (at < form.parts.size()) {
      const template_part& part = form.parts[at++];
      const std::string_view own = form.text.substr(part.begin, part.end - part.begin);
      if (part.slot < 0) {
        out = {own, role, {}, language, trained, origin::literal};
        return true;
      }
      const template_value& v = values[static_cast<std::size_t>(part.slot)];
      if (v.text.empty()) continue;
      out = {v.text, role, own, v.language.empty() ? language : v.language, v.trained, origin::content};
      return true;
    }
    return false;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
