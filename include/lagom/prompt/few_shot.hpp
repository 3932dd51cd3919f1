// SPDX-License-Identifier: MIT
/// @file prompt/few_shot.hpp
/// Demonstrations before a question: one template, filled again and again.
#pragma once

#include "template_form.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Values of a template, by slot, and the answer. The answer of a question that is asked is empty.
struct demonstration {
  std::span<const template_value> values;
  template_value answer;
};

/// `{template}{lead}{answer}{end}` for each demonstration, then the template with the question; after it the
/// question's own answer where it has one, as a training sample. The join of arXiv 2406.11477: lead ` `, end `\n`,
/// which is also where generation stops. An answer is a segment of section `answer`; lead and end are literals that
/// are trained when their answer is. Precondition: each `values` has one value a slot. Sees everything.
struct few_shot {
  template_view form;
  std::span<const demonstration> demonstrations{};
  demonstration question{};
  std::string_view lead = " ";
  std::string_view end = "\n";
  std::string_view tail{};  ///< after a question without answer: " " is what arXiv 2406.11477 has for spans
  prompt::role role = prompt::role::none;
  std::string_view language{};

  struct cursor {
    std::size_t shot = 0, step = 0, part = 0;
  };
  constexpr bool next(cursor& at, segment& out) const {
    for (; at.shot <= demonstrations.size(); ++at.shot, at.step = at.part = 0) {
      const bool asks = at.shot == demonstrations.size();
      const demonstration& d = asks ? question : demonstrations[at.shot];
      if (at.step == 0) {
        const filled_template<std::span<const template_value>> filled{form, d.values, role, language};
        if (filled.next(at.part, out)) return true;
        at.step = 1;
      }
      const bool answered = !asks || !d.answer.text.empty();
      while (at.step < 4) {
        const std::size_t step = at.step++;
        out = {lead, role, {}, language, answered && d.answer.trained, origin::literal};
        if (step == 2) {
          out.text = d.answer.text;
          out.section = "answer";
          out.origin = origin::content;
          if (!d.answer.language.empty()) out.language = d.answer.language;
        } else if (step == 3) {
          out.text = answered ? end : tail;
        }
        if (!out.text.empty() && (answered || step == 3)) return true;
      }
    }
    return false;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
