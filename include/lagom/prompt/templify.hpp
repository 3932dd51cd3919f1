// SPDX-License-Identifier: MIT
/// @file prompt/templify.hpp
/// Instruction-augmented pre-training texts: raw texts with their tasks, in one of five layouts.
#pragma once

#include <span>

#include "task_style.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// How the tasks of a text stand beside it.
enum class text_layout : std::uint8_t {
  classic,    ///< the text, then its tasks one after the other
  dialog,     ///< the text, then its tasks as turns of two speakers
  numbered,   ///< the text, then all questions by number, then all answers by number
  few_shot,   ///< the text, earlier tasks as examples in a line each, the last one as the question
  next_turn,  ///< the text and the earlier tasks are what is said, the last task is the reply
};

/// The words of the layouts. Empty leads are written as nothing, as half of the released patterns do.
struct layout_style {
  std::string_view read_lead{}, read_end = "\n\n";  ///< around the text
  std::string_view tasks_lead{};  ///< before the tasks; where it is empty, `read_end` is left out
  std::string_view asks = "User: ", replies = "Assistant: ";
  std::string_view number_end = ". ";
  std::string_view example_lead = "Example: ", example_joint = " ";
  std::string_view between_members = "\n\n\n";
};

/// One text of a sequence with its tasks and how they are written. Sees everything.
struct templified {
  std::string_view context;
  std::span<const instruction_task> tasks{};
  std::span<const option_order> orders{};  ///< one a task; missing ones are as given
  task_style style{};
  layout_style words{};
  bool inverted = false;  ///< tasks before the text, in `classic` and `dialog`
};

namespace detail {

class member_writer {
 public:
  member_writer(std::string& out, const templified& m) : out_(out), m_(m) {}

  void write(text_layout layout) {
    if (m_.tasks.empty()) {  // a text without tasks is itself
      out_ += m_.context;
      return;
    }
    const std::string_view separator = m_.style.demo.separator;
    switch (layout) {
      case text_layout::classic:
      case text_layout::dialog:
        if (m_.inverted) {
          if (!m_.words.tasks_lead.empty()) {
            out_ += m_.words.tasks_lead;
            out_ += separator;
          }
          demos(layout);
          out_ += separator;
          out_ += m_.words.read_lead;
          out_ += m_.context;
        } else {
          context();
          out_ += separator;
          demos(layout);
        }
        break;
      case text_layout::numbered:
        context();
        out_ += '\n';
        numbered(true);
        out_ += "\n\n";
        numbered(false);
        break;
      case text_layout::few_shot:
        context();
        for (std::size_t i = 0; i + 1 < m_.tasks.size(); ++i) {
          out_ += separator;
          out_ += m_.words.example_lead;
          question(i);
          out_ += m_.words.example_joint;
          answer(i);
        }
        out_ += separator;
        demo(m_.tasks.size() - 1);
        break;
      case text_layout::next_turn:
        out_ += m_.words.asks;
        context();
        for (std::size_t i = 0; i < m_.tasks.size(); ++i) {
          out_ += separator;
          if (i + 1 < m_.tasks.size()) {
            demo(i);
          } else {
            question(i);
          }
        }
        out_ += '\n';
        out_ += m_.words.replies;
        answer(m_.tasks.size() - 1);
        break;
    }
  }

 private:
  [[nodiscard]] option_order order(std::size_t i) const {
    return i < m_.orders.size() ? m_.orders[i] : option_order::given();
  }
  void question(std::size_t i) { append_question(out_, m_.tasks[i], m_.style, order(i)); }
  void answer(std::size_t i) { append_answer(out_, m_.tasks[i], m_.style, order(i)); }
  void context() {
    out_ += m_.words.read_lead;
    out_ += m_.context;
    if (!m_.words.tasks_lead.empty()) {
      out_ += m_.words.read_end;
      out_ += m_.words.tasks_lead;
    }
  }
  void demo(std::size_t i) {
    out_ += m_.style.demo.question_lead;
    question(i);
    out_ += m_.style.demo.question_end;
    out_ += m_.style.demo.answer_lead;
    answer(i);
  }
  void turn(std::size_t i) {
    out_ += m_.words.asks;
    question(i);
    out_ += '\n';
    out_ += m_.words.replies;
    answer(i);
  }
  void demos(text_layout layout) {
    for (std::size_t i = 0; i < m_.tasks.size(); ++i) {
      if (i > 0) out_ += layout == text_layout::dialog ? std::string_view("\n") : m_.style.demo.separator;
      layout == text_layout::dialog ? turn(i) : demo(i);
    }
  }
  void numbered(bool questions) {
    for (std::size_t i = 0; i < m_.tasks.size(); ++i) {
      if (i > 0) out_ += '\n';
      out_ += std::to_string(i + 1);
      out_ += m_.words.number_end;
      questions ? question(i) : answer(i);
    }
  }

  std::string& out_;
  const templified& m_;
};

}  // namespace detail

/// Appends the texts of one few-shot sequence in one layout. Plain text for a language model: nothing is masked.
inline void append_templified(std::string& out, std::span<const templified> members, text_layout layout) {
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += members[i - 1].words.between_members;
    detail::member_writer(out, members[i]).write(layout);
  }
}

/// The probabilities of layouts in percent (microsoft/LMOps): where every member has two tasks or more, all five;
/// otherwise `classic` takes what the last three would have.
struct layout_shares {
  std::array<std::uint8_t, 5> percent{80, 5, 5, 5, 5};  ///< in the order of `text_layout`; 100 in all
  std::uint8_t inverted = 5;

  /// Draw `slot` of `stream`.
  [[nodiscard]] constexpr text_layout draw(bool all_have_two, const philox& random, std::uint64_t stream,
                                           std::uint64_t slot) const noexcept {
    std::uint64_t x = random.below(100, stream, slot);
    if (x < percent[0]) return text_layout::classic;
    x -= percent[0];
    for (std::size_t i = 1; i < percent.size(); ++i) {
      if (x < percent[i]) return all_have_two || i == 1 ? static_cast<text_layout>(i) : text_layout::classic;
      x -= percent[i];
    }
    return text_layout::classic;
  }
  [[nodiscard]] constexpr bool draw_inverted(const philox& random, std::uint64_t stream,
                                             std::uint64_t slot) const noexcept {
    return random.below(100, stream, slot) < inverted;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
