// SPDX-License-Identifier: MIT
/// @file vocab/space_mark.hpp
/// "▁", which many vocabularies of characters spell for a space.
#pragma once

#include <string>
#include <string_view>

#include "bpe_options.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// U+2581.
inline constexpr std::string_view space_mark = "\xE2\x96\x81";

/// Whether a model spells spaces as "▁": its units are characters and a token begins with one.
template <class Model>
[[nodiscard]] bool marks_spaces(const Model& model) {
  if constexpr (requires { model.options().unit; }) {
    if (model.options().unit != bpe_unit::character) return false;
  }
  for (token_id id = 0; id < model.size(); ++id) {
    if (std::string_view(model.bytes_of(id)).substr(0, space_mark.size()) == space_mark) return true;
  }
  return false;
}

/// A model's text with every "▁" a space.
[[nodiscard]] inline std::string without_marks(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t mark = text.find(space_mark, at);
    out.append(text.substr(at, mark - at));
    if (mark == std::string_view::npos) break;
    out.push_back(' ');
    at = mark + space_mark.size();
  }
  return out;
}

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
