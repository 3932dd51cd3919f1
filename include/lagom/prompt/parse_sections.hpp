// SPDX-License-Identifier: MIT
/// @file prompt/parse_sections.hpp
/// Reads an answer in sections from its whole text, with one code for what is wrong with it.
#pragma once

#include "language_scripts.hpp"
#include "losses.hpp"
#include "section_reader.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What is wrong with an answer; the first of these that holds.
enum class parse_code : std::uint8_t {
  ok,
  truncated,         ///< the text ends within a header, and the target section has not begun
  no_sections,       ///< not one header: all of the text is preamble
  missing_target,    ///< the target section has not begun
  monolingual,       ///< there is the target section and no other one that has to be there
  out_of_order,      ///< a section follows one that it should precede; it is named
  duplicate_header,  ///< a header came twice; the first content counts
  missing_section,   ///< a section that has to be there is not
  empty_section,     ///< a section has no content
  wrong_script,      ///< the answer is in no script of its language
};

[[nodiscard]] constexpr std::array<std::string_view, 10> names_of(parse_code) noexcept {
  return {"ok",           "truncated",        "no_sections",     "missing_target", "monolingual",
          "out_of_order", "duplicate_header", "missing_section", "empty_section",  "wrong_script"};
}

/// A code, and the section that it is about (`N` where it is about none).
struct judgement {
  parse_code code = parse_code::ok;
  std::size_t section = 0;

  friend constexpr bool operator==(const judgement&, const judgement&) = default;
};

/// What the script of an answer says about its language: against that of the first section that has to be there.
template <std::size_t N>
[[nodiscard]] inline script_check target_script(const grammar<N>& g, std::string_view target_text) {
  std::string_view other;
  for (std::size_t i = N; i-- > 0;) {
    if (i != g.target && !g.sections[i].optional) other = g.sections[i].language;
  }
  return check_script(target_text, g.sections[g.target].language, other);
}

/// What the places alone say; `target_text` is the content of the target section where it is at hand, and is then
/// checked for its script. Where the prompt began a section, those before it count as there.
template <std::size_t N>
[[nodiscard]] inline judgement judge(const grammar<N>& g, const sections_found<N>& found,
                                     std::string_view target_text = {}) {
  std::size_t missing = N, empty = N, twice = N, other = N;
  bool any = false, led = false;
  for (std::size_t i = N; i-- > 0;) {
    const found_section& s = found.sections[i];
    const bool there = s.count > 0 || (found.prefilled != N && i < found.prefilled);
    any = any || s.count > 0;
    if (s.count > 0 && s.content.size() == 0) empty = i;
    if (s.count > 1) twice = i;
    if (g.sections[i].optional) continue;
    if (!there) missing = i;
    if (i == g.target) continue;
    other = i;
    led = led || there;
  }
  const bool target = found.sections[g.target].count > 0;
  if (!target && found.cut_in_header) return {parse_code::truncated, g.target};
  if (!any) return {parse_code::no_sections, N};
  if (!target) return {parse_code::missing_target, g.target};
  if (other != N && !led) return {parse_code::monolingual, other};
  if (found.out_of_order) return {parse_code::out_of_order, found.misplaced};
  if (twice != N) return {parse_code::duplicate_header, twice};
  if (missing != N) return {parse_code::missing_section, missing};
  if (empty != N) return {parse_code::empty_section, empty};
  if (target_script(g, target_text) == script_check::wrong) return {parse_code::wrong_script, g.target};
  return {parse_code::ok, N};
}

/// An answer that was read. Sees its text.
template <std::size_t N>
struct parsed_sections {
  std::string_view text;
  sections_found<N> found{};
  judgement result{};
  script_check script = script_check::unchecked;  ///< of the target section, whatever the code

  [[nodiscard]] constexpr parse_code code() const noexcept { return result.code; }
  /// The content of a section; none where its header is not there.
  [[nodiscard]] constexpr std::optional<std::string_view> content(std::size_t section) const {
    const found_section& s = found.sections[section];
    if (s.count == 0) return std::nullopt;
    return text.substr(s.content.begin, s.content.size());
  }
  [[nodiscard]] constexpr prompt::fields<N> fields() const {
    prompt::fields<N> out{};
    for (std::size_t i = 0; i < N; ++i) out[i] = content(i);
    return out;
  }
  [[nodiscard]] constexpr std::string_view preamble() const {
    return text.substr(found.preamble.begin, found.preamble.size());
  }
};

/// Reads a text: `tolerant_reader` over all of it, or `exact_reader` at `matching::exact`. For every `x` that
/// `collides` calls free, `parse_sections(g, build(x)).fields() == x` (without white space around contents, unless
/// exact). `prefilled`: the section whose header the prompt ended with. O(text); nothing is allocated.
template <std::size_t N>
[[nodiscard]] inline parsed_sections<N> parse_sections(const grammar<N>& g, std::string_view text,
                                                       matching level = matching::nfc,
                                                       std::optional<std::size_t> prefilled = std::nullopt) {
  parsed_sections<N> out{text, {}, {}, {}};
  const auto read = [&](auto reader) {
    const auto ignore = [](const section_event&) {};
    if (prefilled) reader.prefill(*prefilled);
    reader.feed(text, ignore);
    reader.finish(ignore);
    out.found = reader.found();
  };
  if (level == matching::exact) {
    read(exact_reader<N>(g));
  } else {
    read(tolerant_reader<N>(g, level));
  }
  const std::string_view target = out.content(g.target).value_or(std::string_view{});
  out.result = judge(g, out.found);
  out.script = target_script(g, target);
  if (out.code() == parse_code::ok && out.script == script_check::wrong)
    out.result = {parse_code::wrong_script, g.target};
  return out;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
