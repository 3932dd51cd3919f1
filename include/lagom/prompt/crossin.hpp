// SPDX-License-Identifier: MIT
/// @file prompt/crossin.hpp
/// CrossIn: three rows across two languages for every draw.
#pragma once

#include <span>

#include "../core/random.hpp"
#include "alpaca_row.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// An instruction with its input and output in one language. Sees its texts.
struct instruction_row {
  std::string_view id;
  std::string_view instruction, input, output;

  friend constexpr bool operator==(const instruction_row&, const instruction_row&) = default;
};

/// The same row in two languages; `tag_t` and `tag_p` ask for the language of the output ("\n[zh]", "\n[en]").
struct crossin {
  std::string_view pivot = "en", target;
  std::string_view tag_p = "\n[en]", tag_t;
  std::string_view translate = "Translate the following sentence into English.";
  alpaca_words words{.lead = "\n", .end = {}};

  static constexpr std::size_t kinds = 3;

  /// Row `kind` (arXiv 2404.11932): 0 asks in the pivot language and answers in the target language, 1 the other way
  /// round, 2 translates the instruction into the pivot language.
  [[nodiscard]] constexpr alpaca_row row(std::size_t kind, const instruction_row& p,
                                         const instruction_row& t) const {
    switch (kind) {
      case 0:
        return {p.instruction, p.input, t.output, tag_t, false, pivot, target, words};
      case 1:
        return {t.instruction, t.input, p.output, tag_p, false, target, pivot, words};
      default:
        return {translate, t.instruction, p.instruction, {}, true, target, pivot, words};
    }
  }
};

/// One draw: a row with replacement, and a language; a function of (key, draw) alone.
struct crossin_draw {
  std::size_t row = 0, language = 0;
};
[[nodiscard]] constexpr crossin_draw draw_crossin(const philox& random, std::uint64_t draw, std::size_t rows,
                                                  std::size_t languages) noexcept {
  return {static_cast<std::size_t>(random.below(rows, draw, 0)),
          static_cast<std::size_t>(random.below(languages, draw, 1))};
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
