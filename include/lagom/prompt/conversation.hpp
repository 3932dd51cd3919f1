// SPDX-License-Identifier: MIT
/// @file prompt/conversation.hpp
/// A conversation of any number of turns as segments, in the style of a family of models.
#pragma once

#include <span>

#include "../core/result.hpp"
#include "chat_family.hpp"
#include "segment.hpp"
#include "strip.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What one of them says. Sees its text, which is content: marks in it stay text.
struct turn {
  prompt::role role = role::user;
  std::string_view text{};
  std::string_view language{};
  std::string_view section{};
};

/// Which answers carry loss.
enum class trained_turns : std::uint8_t { none, last, all };

/// The turns of a conversation in the marks of a family. An answer is trained from `lead` to `end`; nothing else is.
/// With `asks` it ends with the mark that an answer begins with, ready for the model. Sees the family and the turns.
///
/// ```cpp
/// conversation c{&chat::llama3, turns, trained_turns::last};
/// if (auto ok = c.check(); !ok) return ok.error();
/// ```
struct conversation {
  const chat_family* family = nullptr;
  std::span<const turn> turns{};
  trained_turns trained = trained_turns::all;
  bool asks = false;

  /// Whether the family can write these turns: `empty` without turns; `bad_value` of "role" with the row of a turn
  /// that is a system and not the first, has no role, comes out of turn where the family alternates, or is the last and
  /// asks nothing; `unsupported` "system" where the family has none.
  [[nodiscard]] result<done> check() const {
    if (turns.empty()) return failure{.code = errc::empty, .key = "turns"};
    const std::size_t first = turns[0].role == role::system ? 1 : 0;
    if (first == 1 && family->system == system_place::refused)
      return failure{.code = errc::unsupported, .key = "system", .row = 0};
    for (std::size_t i = first; i < turns.size(); ++i) {
      const role wanted = (i - first) % 2 == 0 ? role::user : role::assistant;
      const role is = turns[i].role;
      if ((is != role::user && is != role::assistant) || (family->alternates && is != wanted))
        return failure{.code = errc::bad_value, .key = "role", .row = i};
    }
    if (asks && turns.back().role != role::user)
      return failure{.code = errc::bad_value, .key = "role", .row = turns.size() - 1};
    return done{};
  }

  struct cursor {
    std::size_t turn = 0;
    std::uint8_t step = 0;
  };

  constexpr bool next(cursor& at, segment& out) const {
    while (at.turn < turns.size() + 2) {
      const std::size_t i = at.turn;
      const std::uint8_t step = at.step++;
      if (i == 0) {  // before all turns
        out = {family->style.begin, role::none, {}, {}, false, origin::literal};
        at = {1, 0};
      } else if (i == turns.size() + 1) {  // after them
        out = {asks ? family->style.assistant.before : family->finish,
               asks ? role::assistant : role::none,
               {},
               {},
               false,
               origin::literal};
        at = {i + 1, 0};
      } else if (step == steps ||
                 (turns[i - 1].role == role::system && family->system != system_place::own_turn)) {
        at = {i + 1, 0};
        continue;
      } else {
        out = piece(i - 1, step);
      }
      if (!out.text.empty()) return true;
    }
    return false;
  }

 private:
  enum : std::uint8_t { before, lead, system_open, system_text, system_close, text, end, after, steps };

  /// The system that stands inside this turn, or null.
  [[nodiscard]] constexpr const turn* system_in(std::size_t i) const {
    if (turns[0].role != role::system || turns[i].role != role::user) return nullptr;
    if (family->system == system_place::first_user) {
      std::size_t first = 1;
      while (turns[first].role != role::user) ++first;
      return first == i ? &turns[0] : nullptr;
    }
    return family->system == system_place::last_user && i + 1 == turns.size() ? &turns[0] : nullptr;
  }
  [[nodiscard]] constexpr bool is_trained(std::size_t i) const {
    if (turns[i].role != role::assistant || trained == trained_turns::none) return false;
    if (trained == trained_turns::all) return true;
    std::size_t last = turns.size() - 1;
    while (turns[last].role != role::assistant) --last;
    return last == i;
  }

  [[nodiscard]] constexpr segment piece(std::size_t i, std::uint8_t step) const {
    const turn& t = turns[i];
    const turn_marks& marks = t.role == role::system ? family->style.system
                              : t.role == role::user ? family->style.user
                                                     : family->style.assistant;
    const auto literal = [&t](std::string_view of, bool carries_loss = false) {
      return segment{of, t.role, {}, {}, carries_loss, origin::literal};
    };
    const auto said = [](const turn& by, std::string_view of, bool carries_loss) {
      return segment{of, by.role, by.section, by.language, carries_loss, origin::content};
    };
    const turn* const system = system_in(i);
    const stripped_texts& strips = family->strips;
    switch (step) {
      case before:
        return literal(marks.before);
      case lead:
        return literal(marks.lead, is_trained(i));
      case system_open:
        return literal(system != nullptr ? family->system_open : std::string_view{});
      case system_text:
        return system != nullptr ? said(*system, strips.system ? strip(system->text) : system->text, false)
                                 : segment{};
      case system_close:
        return literal(system != nullptr ? family->system_close : std::string_view{});
      case end:
        return literal(marks.end, is_trained(i));
      case after:
        return literal(marks.after);
      default:
        break;
    }
    const bool stripped = t.role == role::system ? strips.system
                          : t.role == role::user ? strips.user
                                                 : strips.assistant;
    const std::string_view words =
        stripped ? strip(t.text, !(strips.joined && system != nullptr), true) : t.text;
    return said(t, words, is_trained(i));
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
