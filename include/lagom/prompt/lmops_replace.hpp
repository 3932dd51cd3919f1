// SPDX-License-Identifier: MIT
/// @file prompt/lmops_replace.hpp
/// A pair put into a template by one replacement after the other.
#pragma once

#include <string>

#include "question_answer.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {
namespace compat {

/// A pair as the released templates (microsoft/LMOps, `read_compre.py`) write it: first every `{question}` is replaced,
/// then every `{answer}`, also one that came with the question, which is overwritten. `text_template` fills all places
/// in one pass. O(text), and O(length) more for each place.
[[nodiscard]] inline std::string lmops_replace(std::string_view pattern, const question_answer& pair) {
  std::string out(pattern);
  const auto replace = [&out](std::string_view slot, std::string_view with) {
    for (std::size_t at = out.find(slot); at != std::string::npos; at = out.find(slot, at + with.size()))
      out.replace(at, slot.size(), with);
  };
  replace("{question}", pair.question);
  replace("{answer}", pair.answer);
  return out;
}

}  // namespace compat
}  // namespace prompt
}  // namespace v0
}  // namespace lagom
