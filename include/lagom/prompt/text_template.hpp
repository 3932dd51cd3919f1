// SPDX-License-Identifier: MIT
/// @file prompt/text_template.hpp
/// Templates that the program reads while it runs: what is wrong with them is a failure.
#pragma once

#include <string>
#include <vector>

#include "../core/result.hpp"
#include "template_form.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A placeholder's name and its value.
struct named_text {
  std::string_view name;
  template_value value;
};

/// Puts values into a template by name. Every placeholder needs one value (`missing_key`), every value a
/// placeholder (`unknown_key`), and no name may come twice (`duplicate_key`); `key` names it. Sees the template
/// and the texts. O(values x slots).
[[nodiscard]] inline result<filled_template<std::vector<template_value>>> fill_template(
    template_view form, std::span<const named_text> values) {
  filled_template<std::vector<template_value>> out{form, std::vector<template_value>(form.slots.size())};
  std::vector<bool> given(form.slots.size());
  for (const named_text& v : values) {
    const std::int32_t slot = form.find(v.name);
    if (slot < 0) return failure{.code = errc::unknown_key, .key = v.name};
    const auto at = static_cast<std::size_t>(slot);
    if (given[at]) return failure{.code = errc::duplicate_key, .key = v.name};
    given[at] = true;
    out.values[at] = v.value;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!given[i]) return failure{.code = errc::missing_key, .key = form.name(i)};
  }
  return out;
}

/// A template that owns its text. It has to outlive, unmoved, what it was filled into.
class text_template {
 public:
  /// Takes a template apart (rules: `scan_template`). A brace that stands alone is `bad_value` of "template" with
  /// its byte. O(bytes + parts x slots).
  [[nodiscard]] static result<text_template> parse(std::string text) {
    text_template out;
    out.text_ = std::move(text);
    const std::string_view all = out.text_;
    const template_check check = scan_template(
        all, [&out](std::size_t begin, std::size_t end) { out.parts_.push_back({begin, end, -1}); },
        [&out, all](std::size_t begin, std::size_t end) {
          std::int32_t slot = out.view().find(all.substr(begin, end - begin));
          if (slot < 0) {
            slot = static_cast<std::int32_t>(out.slots_.size());
            out.slots_.push_back({begin, end, slot});
          }
          out.parts_.push_back({begin, end, slot});
        });
    if (check.fault != template_fault::none)
      return failure{.code = errc::bad_value, .key = "template", .byte = check.at};
    return out;
  }

  [[nodiscard]] template_view view() const noexcept { return {text_, parts_, slots_}; }
  /// See `fill_template`.
  [[nodiscard]] result<filled_template<std::vector<template_value>>> fill(
      std::span<const named_text> values) const {
    return fill_template(view(), values);
  }

 private:
  text_template() = default;
  std::string text_;
  std::vector<template_part> parts_, slots_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
