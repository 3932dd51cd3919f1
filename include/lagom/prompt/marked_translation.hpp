// SPDX-License-Identifier: MIT
/// @file prompt/marked_translation.hpp
/// Quads from pairs: instruction and response are translated in one request, between marks, and taken apart again.
#pragma once

#include <array>

#include "losses.hpp"
#include "quad.hpp"
#include "segment.hpp"
#include "strip.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What stands around the two texts of a request, as PLUG's data was made (arXiv 2311.08711):
/// `<|user|> {instruction} \n\n<|assistant|> {response}`.
struct translation_marks {
  std::string_view instruction = "<|user|>";
  std::string_view response = "<|assistant|>";
  std::string_view lead = " ";         ///< between a mark and its text
  std::string_view between = " \n\n";  ///< between the instruction and the second mark
};

/// The request as segments: a task in words of one's own (literal, may be empty; end it with its separator), then the
/// marked pair. Sees everything.
struct marked_request {
  pair source;
  std::string_view task{};
  translation_marks marks{};
  std::string_view language{};  ///< of the pair

  using cursor = std::uint8_t;
  constexpr bool next(cursor& at, segment& out) const {
    while (at < 8) {
      const std::uint8_t step = at++;
      out = {{}, role::user, {}, {}, false, origin::literal};
      switch (step) {
        case 0:
          out.text = task;
          break;
        case 1:
          out.text = marks.instruction;
          break;
        case 4:
          out.text = marks.between;
          break;
        case 5:
          out.text = marks.response;
          break;
        case 2:
        case 6:
          out.text = marks.lead;
          break;
        default:
          out = {step == 3 ? source.x : source.y,
                 role::user,
                 step == 3 ? "x" : "y",
                 language,
                 false,
                 origin::content};
      }
      if (!out.text.empty()) return true;
    }
    return false;
  }
};

/// What became of a translated pair. Everything but `ok` is a loss: no text is guessed.
enum class split_code : std::uint8_t {
  ok,
  collision,  ///< the source has a mark in its text: not to be sent
  no_marks,   ///< neither mark is left
  no_instruction_mark,
  no_response_mark,
  repeated_mark,  ///< one of them stands twice
  out_of_order,   ///< the response's mark stands first
  preamble,       ///< the translator said something before the first mark
  empty_instruction,
  empty_response,
};
[[nodiscard]] constexpr std::array<std::string_view, 10> names_of(split_code) noexcept {
  return {"ok",
          "collision",
          "no_marks",
          "no_instruction_mark",
          "no_response_mark",
          "repeated_mark",
          "out_of_order",
          "preamble",
          "empty_instruction",
          "empty_response"};
}

/// How marks are looked for: to the byte, or as translators rewrite them: other ASCII case, white space
/// inside, and the full-width forms of ASCII (`＜｜user｜＞`).
enum class mark_matching : std::uint8_t { exact, folded };

/// Bytes of a mark in a text.
struct mark_place {
  std::size_t begin = std::string_view::npos, end = std::string_view::npos;
  [[nodiscard]] constexpr bool found() const noexcept { return begin != std::string_view::npos; }
};

/// The first place of a mark at or after `from`. An empty mark is nowhere. O(bytes x mark).
[[nodiscard]] constexpr mark_place find_mark(std::string_view text, std::string_view mark, std::size_t from,
                                             mark_matching how) noexcept {
  if (mark.empty()) return {};
  if (how == mark_matching::exact) {
    const std::size_t at = text.find(mark, from);
    return at == std::string_view::npos ? mark_place{} : mark_place{at, at + mark.size()};
  }
  const auto fold = [](char32_t c) {
    if (c > 0xFF00 && c < 0xFF5F) c -= 0xFEE0;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
  };
  for (std::size_t begin = from; begin < text.size(); begin += decode_utf8(text, begin).length) {
    std::size_t at = begin, want = 0;
    while (want < mark.size() && at < text.size()) {
      const utf8_char wanted = decode_utf8(mark, want);
      const utf8_char have = decode_utf8(text, at);
      if (fold(have.code) == fold(wanted.code) && have.well_formed == wanted.well_formed) {
        want += wanted.length;
        at += have.length;
      } else if (want > 0 && is_space(have.code)) {
        at += have.length;
      } else {
        break;
      }
    }
    if (want == mark.size()) return {begin, at};
  }
  return {};
}

/// Whether a mark stands in the texts of a pair, so that the request could not be taken apart.
[[nodiscard]] constexpr bool collides(const pair& source, const translation_marks& marks = {},
                                      mark_matching how = mark_matching::folded) noexcept {
  for (const std::string_view text : {source.x, source.y}) {
    for (const std::string_view mark : {marks.instruction, marks.response}) {
      if (find_mark(text, mark, 0, how).found()) return true;
    }
  }
  return false;
}

/// A translated pair, as views of the translation.
struct split_translation {
  split_code code = split_code::no_marks;
  std::string_view x, y;  ///< stripped; both are set when the code is `ok`
};

/// Takes a translation apart: both marks must be there, once, in order, with nothing but white space before the first
/// and a text after each. O(bytes x mark).
[[nodiscard]] constexpr split_translation split_marked(std::string_view text,
                                                       const translation_marks& marks = {},
                                                       mark_matching how = mark_matching::folded) noexcept {
  const mark_place x = find_mark(text, marks.instruction, 0, how),
                   y = find_mark(text, marks.response, 0, how);
  if (!x.found() && !y.found()) return {split_code::no_marks, {}, {}};
  if (!x.found()) return {split_code::no_instruction_mark, {}, {}};
  if (!y.found()) return {split_code::no_response_mark, {}, {}};
  if (find_mark(text, marks.instruction, x.end, how).found() ||
      find_mark(text, marks.response, y.end, how).found())
    return {split_code::repeated_mark, {}, {}};
  if (y.begin < x.end) return {split_code::out_of_order, {}, {}};
  if (!strip(text.substr(0, x.begin)).empty()) return {split_code::preamble, {}, {}};
  split_translation out{split_code::ok, strip(text.substr(x.end, y.begin - x.end)),
                        strip(text.substr(y.end))};
  if (out.x.empty()) out.code = split_code::empty_instruction;
  if (!out.x.empty() && out.y.empty()) out.code = split_code::empty_response;
  return out;
}

/// A quad of a pair in the pivot language and its translation; the id is the pair's. `account` counts what
/// became of it. Gives false, and leaves `out`, where there is no quad. The quad sees both texts.
[[nodiscard]] constexpr bool make_quad(const pair& source, std::string_view translation, quad& out,
                                       losses<split_code>& account, const translation_marks& marks = {},
                                       mark_matching how = mark_matching::folded) noexcept {
  split_translation made = split_marked(translation, marks, how);
  if (collides(source, marks, how)) made.code = split_code::collision;
  account.count(made.code);
  if (made.code != split_code::ok) return false;
  out = {source.id, source.x, source.y, made.x, made.y};
  return true;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
