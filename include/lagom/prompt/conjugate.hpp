// SPDX-License-Identifier: MIT
/// @file prompt/conjugate.hpp
/// Conjugate prompting: ask in another language what tuning made a model forget in this one, and translate back.
#pragma once

#include "translation_demos.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// With a transformation s that a model undoes as well (arXiv 2309.10105): the answer to P is s^-1(model(s(P))). Here s
/// is translation by the model itself: three requests, each made of what the one before was answered. The order is the
/// paper's, the words are ours. Requests see the value and the text.
///
/// ```cpp
/// std::string text = prompt;
/// for (std::size_t i = 0; i < conjugate::steps; ++i) text = model(text_of(chain.request(i, text)));
/// ```
struct conjugate {
  using request_type = translation_demos::row_type;
  static constexpr std::size_t steps = 3;

  language own = "en";  ///< of the prompt and of the answer that is wanted
  language other{};     ///< in which the model is asked
  translation_words forth = translation_pool[0], back = translation_pool[0];
  std::string_view joint = "\n";
  chat_style style = plug_style;

  /// 0: translate the prompt into `other`. 1: the translated prompt, nothing else. 2: translate the answer back.
  /// Precondition: step < steps.
  [[nodiscard]] constexpr request_type request(std::size_t step, std::string_view text) const {
    LAGOM_ASSERT(step < steps);
    const language &from = step == 0 ? own : other, &to = step == 0 ? other : own;
    request_type out;
    out.style = &style;
    out.user = {
        step == 0 ? forth : back, from.name, step == 1 ? std::string_view{} : to.name, joint, text, from.tag};
    out.answered = false;
    return out;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
