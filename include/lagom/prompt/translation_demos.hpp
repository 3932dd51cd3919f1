// SPDX-License-Identifier: MIT
/// @file prompt/translation_demos.hpp
/// Translation-following rows: a request to translate in one of many wordings, a text, its translation.
#pragma once

#include <span>

#include "exchange.hpp"
#include "language.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The words of a request: `head source middle target tail` with the names of both languages; without `middle` only
/// the target is named.
struct translation_words {
  std::string_view head, middle, tail;

  [[nodiscard]] constexpr bool names_source() const noexcept { return !middle.empty(); }
};

/// Requests of our own. The released pool has 33, of which some name only the target.
inline constexpr translation_words translation_pool[] = {
    {"Translate this text from ", " into ", "."},
    {"Translate the text below into ", {}, "."},
    {"The text below is in ", ". Write it in ", "."},
    {"How would you put this in ", {}, "?"},
    {"What does this ", " text say in ", "?"},
    {"A reader knows only ", {}, ". Translate for that reader."},
    {"Give these lines, written in ", ", in ", "."},
    {"Say the same in ", {}, "."},
    {"From ", " to ", ", please."},
    {"Rewrite this in natural ", {}, ", leaving nothing out."},
    {"Turn the following ", " into ", "."},
    {"I need this in ", {}, "."},
};

/// A text under a request. Without `target_name` there is no request, only the text. Sees everything.
struct translation_ask {
  translation_words words{};
  std::string_view source_name{}, target_name{};
  std::string_view joint = "\n";
  std::string_view text{}, language{};

  using cursor = std::uint8_t;
  constexpr bool next(cursor& at, segment& out) const {
    while (at < 7) {
      const std::uint8_t part = at++;
      out = {part_of(part), role::user, {}, {}, false, origin::literal};
      if (part == 6) out = {text, role::user, "source", language, false, origin::content};
      if (!out.text.empty()) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] constexpr std::string_view part_of(std::uint8_t part) const noexcept {
    if (target_name.empty()) return {};
    switch (part) {
      case 0:
        return words.head;
      case 1:
        return words.names_source() ? source_name : std::string_view{};
      case 2:
        return words.middle;
      case 3:
        return target_name;
      case 4:
        return words.tail;
      default:
        return part == 5 ? joint : std::string_view{};
    }
  }
};

/// The translation: trained where it is an answer to learn.
struct translation_reply {
  std::string_view text{}, language{};
  bool trained = true;

  using cursor = std::uint8_t;
  constexpr bool next(cursor& at, segment& out) const {
    if (at++ > 0 || text.empty()) return false;
    out = {text, role::assistant, "translation", language, trained, origin::content};
    return true;
  }
};

/// A text in two languages.
struct aligned_text {
  std::string_view id, source, target;

  friend constexpr bool operator==(const aligned_text&, const aligned_text&) = default;
};

/// Translation tasks among the instructions. x-LLaMA (arXiv 2308.04948): one row a text, training row k asks with
/// request k mod pool, evaluation with request 0. CrossAlpaca (arXiv 2308.14186; only its description is known): a row
/// in each direction, `both_ways`, in which case both rows of a text ask with the same request, so that each direction
/// uses the whole pool. Rows see the method, which has to outlive them.
struct translation_demos {
  using row_type = exchange<translation_ask, translation_reply>;

  language source = "en", target{};
  bool both_ways = false;
  std::span<const translation_words> pool = translation_pool;
  std::string_view joint = "\n";
  chat_style style = plug_style;

  /// Rows that `n` texts become.
  [[nodiscard]] constexpr std::size_t count(std::size_t n) const noexcept { return both_ways ? 2 * n : n; }
  /// The text of row k.
  [[nodiscard]] constexpr std::size_t text_of_row(std::size_t k) const noexcept {
    return both_ways ? k / 2 : k;
  }
  /// Row k, of text `text_of_row(k)`; odd rows of both ways go back. Precondition: a request in the pool.
  [[nodiscard]] constexpr row_type row(std::size_t k, const aligned_text& of) const {
    LAGOM_ASSERT(!pool.empty());
    return make(pool[text_of_row(k) % pool.size()], of, both_ways && k % 2 == 1);
  }
  /// What a model is asked with in evaluation.
  [[nodiscard]] constexpr row_type asked(const aligned_text& of, bool back = false) const {
    LAGOM_ASSERT(!pool.empty());
    row_type out = make(pool[0], of, back);
    out.answered = false;
    return out;
  }

 private:
  [[nodiscard]] constexpr row_type make(const translation_words& words, const aligned_text& of,
                                        bool back) const {
    const language &from = back ? target : source, &to = back ? source : target;
    row_type out;
    out.style = &style;
    out.user = {words, from.name, to.name, joint, back ? of.target : of.source, from.tag};
    out.answer = {back ? of.source : of.target, to.tag};
    return out;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
