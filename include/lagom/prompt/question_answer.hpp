// SPDX-License-Identifier: MIT
/// @file prompt/question_answer.hpp
/// A question about a text, and its answer.
#pragma once

#include <string_view>

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A question and its answer in one language. Sees its texts.
struct question_answer {
  std::string_view question, answer;

  friend constexpr bool operator==(const question_answer&, const question_answer&) = default;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
