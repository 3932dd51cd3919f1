// SPDX-License-Identifier: MIT
/// @file prompt/code_switched.hpp
/// Texts in which some fragments stand in another language, and xCoT's request to translate before reasoning.
#pragma once

#include <optional>
#include <span>

#include "../core/random.hpp"
#include "../text/script.hpp"
#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A text in some language.
struct translated_text {
  std::string_view language, text;
};
/// A piece of a text with its white space, and what it may be replaced by.
struct aligned_fragment {
  std::string_view text;
  std::span<const translated_text> translations{};
};

/// A text whose fragments are replaced by a translation with a probability: the demonstrations of xCoT (arXiv
/// 2401.07037) and contextual code switching, of which only the descriptions are known. Fragment i of text `stream` is
/// drawn by itself (its replacement from slot 2i, which translation from slot 2i + 1): the same in any order, and what
/// a smaller share replaces, a larger one replaces too. Each fragment is a segment with its language. Sees the fragments.
struct code_switched {
  std::span<const aligned_fragment> fragments{};
  std::string_view language = "en";
  double share = 0.5;
  philox random{};
  std::uint64_t stream = 0;
  prompt::role role = prompt::role::user;
  std::string_view section{};
  bool trained = false;

  /// The translation that fragment i is replaced by; none: it stays.
  [[nodiscard]] constexpr std::optional<std::size_t> replaced_by(std::size_t i) const {
    const std::size_t n = fragments[i].translations.size();
    if (n == 0 || !(random.uniform(stream, 2 * i) < share)) return std::nullopt;
    return static_cast<std::size_t>(random.below(n, stream, 2 * i + 1));
  }

  using cursor = std::size_t;
  constexpr bool next(cursor& at, segment& out) const {
    while (at < fragments.size()) {
      const std::size_t i = at++;
      const std::optional<std::size_t> by = replaced_by(i);
      const translated_text t =
          by ? fragments[i].translations[*by] : translated_text{language, fragments[i].text};
      out = {t.text, role, section, t.language, trained, origin::content};
      if (!out.text.empty()) return true;
    }
    return false;
  }
};

/// Cuts a text into fragments at its words and calls `sink(aligned_fragment)`: words alone, with what
/// `lexicon(word) -> std::span<const translated_text>` has for them, and what stands between them as it is; together they
/// are the text. A word is a run of letters, marks and ASCII digits, in scripts that put spaces between words. O(bytes).
template <class Lexicon, class Sink>
void lexicon_fragments(std::string_view text, Lexicon&& lexicon, Sink&& sink) {
  std::size_t begin = 0;
  bool in_word = false;
  const auto end = [&](std::size_t at) {
    const std::string_view piece = text.substr(begin, at - begin);
    if (!piece.empty())
      sink(aligned_fragment{piece, in_word ? lexicon(piece) : std::span<const translated_text>{}});
    begin = at;
  };
  for (std::size_t i = 0; i < text.size();) {
    const utf8_char c = decode_utf8(text, i);
    bool letter = (c.code >= 'a' && c.code <= 'z') || (c.code >= 'A' && c.code <= 'Z') ||
                  (c.code >= '0' && c.code <= '9');
    if (c.code >= 0x80 && c.well_formed) {
      const script s = script_of(c.code);
      letter = s == script::inherited ? in_word : s != script::common && s != script::unknown;
    }
    if (letter != in_word) {
      end(i);
      in_word = letter;
    }
    i += c.length;
  }
  end(text.size());
}

/// xCoT's request: translate the question into a language first, then reason in English. The wording is ours. The
/// question is any prompt, a code-switched one for example. Sees its texts; holds the question.
///
/// ```cpp
/// const language& l = languages[draw_language(random, row, languages.size())];
/// translate_then_reason<code_switched> ask{.name = l.name, .question = switched};
/// ```
template <prompt_pieces Question>
struct translate_then_reason {
  std::string_view name;  ///< of the language, in English
  Question question{};
  std::string_view head = "First translate the question into ",
                   tail = ". Then reason in English, step by step.", joint = "\n";

  struct cursor {
    std::uint8_t part = 0;
    typename Question::cursor question{};
  };
  constexpr bool next(cursor& at, segment& out) const {
    while (at.part < 4) {
      const std::string_view words[] = {head, name, tail, joint};
      out = {words[at.part++], role::user, {}, {}, false, origin::literal};
      if (!out.text.empty()) return true;
    }
    return question.next(at.question, out);
  }
};

/// One of `n` languages, for a row; a function of (key, row) alone. Precondition: n > 0.
[[nodiscard]] constexpr std::size_t draw_language(const philox& random, std::uint64_t row,
                                                  std::size_t n) noexcept {
  return static_cast<std::size_t>(random.below(n, row, ~std::uint64_t{0}));
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
