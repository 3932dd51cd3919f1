// SPDX-License-Identifier: MIT
/// @file prompt/exchange.hpp
/// A request and its answer in the turns of a chat style.
#pragma once

#include <optional>

#include "chat_style.hpp"
#include "sectioned.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What a user asks: an optional task in the template's words, joined to a text.
struct request {
  std::string_view task{};   ///< literal, for example "Translate into Korean."; empty: none
  std::string_view joint{};  ///< literal, between task and text
  std::string_view text{};
  std::string_view section{}, language{};  ///< of the text

  using cursor = std::uint8_t;
  constexpr bool next(cursor& at, segment& out) const {
    while (at < 3) {
      switch (at++) {
        case 0:
          out = {task, role::user, {}, {}, false, origin::literal};
          break;
        case 1:
          out = {task.empty() ? task : joint, role::user, {}, {}, false, origin::literal};
          break;
        default:
          out = {text, role::user, section, language, false, origin::content};
      }
      if (!out.text.empty()) return true;
    }
    return false;
  }
};

/// `begin [system] user answer`, each in its marks. With `answered` off it is the prompt to answer: it ends with
/// `assistant.before`, and is a prefix of the whole. Segments of `Answer` keep their own trained flags; of the
/// marks around it `assistant.lead` is trained where `lead_trained` says so and `assistant.end` where `end_trained` does,
/// and nothing else is. Sees its style and its texts.
template <prompt_pieces Request, prompt_pieces Answer>
struct exchange {
  const chat_style* style = nullptr;
  std::optional<std::string_view> system{};
  Request user{};
  Answer answer{};
  bool lead_trained = true, end_trained = true;
  bool answered = true;

  struct cursor {
    std::uint8_t stage = 0;
    typename Request::cursor user{};
    typename Answer::cursor answer{};
  };

  constexpr bool next(cursor& at, segment& out) const {
    while (at.stage < stages) {
      if (at.stage == asked) {
        if (user.next(at.user, out)) return true;
        ++at.stage;
        continue;
      }
      if (at.stage == replied && answered) {
        if (answer.next(at.answer, out)) return true;
        ++at.stage;
        continue;
      }
      out = mark(at.stage++);
      if (!out.text.empty()) return true;
    }
    return false;
  }

 private:
  enum : std::uint8_t {
    begin,
    system_before,
    system_lead,
    system_text,
    system_end,
    system_after,
    user_before,
    user_lead,
    asked,
    user_end,
    user_after,
    assistant_before,
    assistant_lead,
    replied,
    assistant_end,
    assistant_after,
    stages
  };

  [[nodiscard]] constexpr segment mark(std::uint8_t stage) const {
    const auto literal = [](std::string_view text, role who, bool trained = false) {
      return segment{text, who, {}, {}, trained, origin::literal};
    };
    if (stage >= system_before && stage <= system_after && !system) return {};
    if (stage > assistant_before && !answered) return {};
    switch (stage) {
      case begin:
        return literal(style->begin, role::none);
      case system_before:
        return literal(style->system.before, role::system);
      case system_lead:
        return literal(style->system.lead, role::system);
      case system_text:
        return {*system, role::system, "system", {}, false, origin::content};
      case system_end:
        return literal(style->system.end, role::system);
      case system_after:
        return literal(style->system.after, role::system);
      case user_before:
        return literal(style->user.before, role::user);
      case user_lead:
        return literal(style->user.lead, role::user);
      case user_end:
        return literal(style->user.end, role::user);
      case user_after:
        return literal(style->user.after, role::user);
      case assistant_before:
        return literal(style->assistant.before, role::assistant);
      case assistant_lead:
        return literal(style->assistant.lead, role::assistant, lead_trained);
      case assistant_end:
        return literal(style->assistant.end, role::assistant, end_trained);
      case assistant_after:
        return literal(style->assistant.after, role::assistant);
      default:
        return {};
    }
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
