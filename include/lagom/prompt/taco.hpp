// SPDX-License-Identifier: MIT
/// @file prompt/taco.hpp
/// TaCo: answers that translate the instruction, answer in English and translate the answer, under English labels.
#pragma once

#include "plug.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// How the sections of TaCo (arXiv 2311.10797) are labelled. No code of its data is public: `lines` is what the 320
/// published outputs look like, `headings` the way of a third party.
enum class taco_form : std::uint8_t {
  lines,     ///< `Instruction in English: ...`, a line each
  headings,  ///< `### Instruction in English:`, a line of its own, sections apart by an empty line
};

namespace detail {

struct taco_name {
  std::string_view tag, name, heading;  // the label of `lines` is a part of the heading
};
inline constexpr taco_name taco_names[] = {
    {"ar", "Arabic", "### Response in Arabic:"},
    {"bn", "Bengali", "### Response in Bengali:"},
    {"de", "German", "### Response in German:"},
    {"el", "Greek", "### Response in Greek:"},
    {"es", "Spanish", "### Response in Spanish:"},
    {"fa", "Persian", "### Response in Persian:"},
    {"fr", "French", "### Response in French:"},
    {"hi", "Hindi", "### Response in Hindi:"},
    {"it", "Italian", "### Response in Italian:"},
    {"ja", "Japanese", "### Response in Japanese:"},
    {"ko", "Korean", "### Response in Korean:"},
    {"mai", "Maithili", "### Response in Maithili:"},
    {"ne", "Nepali", "### Response in Nepali:"},
    {"pt", "Portuguese", "### Response in Portuguese:"},
    {"ru", "Russian", "### Response in Russian:"},
    {"sa", "Sanskrit", "### Response in Sanskrit:"},
    {"sw", "Swahili", "### Response in Swahili:"},
    {"te", "Telugu", "### Response in Telugu:"},
    {"th", "Thai", "### Response in Thai:"},
    {"tr", "Turkish", "### Response in Turkish:"},
    {"vi", "Vietnamese", "### Response in Vietnamese:"},
    {"zh", "Chinese", "### Response in Chinese:"},
};
inline constexpr std::string_view heading_mark = "### ";

[[nodiscard]] constexpr std::string_view taco_label(std::string_view heading, taco_form form) noexcept {
  return form == taco_form::headings ? heading : heading.substr(heading_mark.size());
}

}  // namespace detail

/// English with TaCo's labels.
[[nodiscard]] constexpr language taco_english(taco_form form = taco_form::lines) noexcept {
  return {"en",
          "English",
          {detail::taco_label("### Instruction in English:", form), {}},
          {detail::taco_label("### Response in English:", form), {}}};
}
/// A target language with TaCo's label, of those that have a name here; the label of another is yours to give:
/// `language{"eu", "Basque", {}, {"Response in Basque:", {}}}`.
[[nodiscard]] constexpr std::optional<language> taco_target(std::string_view tag,
                                                            taco_form form = taco_form::lines) noexcept {
  for (const detail::taco_name& n : detail::taco_names) {
    if (n.tag == tag) return language{n.tag, n.name, {}, {detail::taco_label(n.heading, form), {}}};
  }
  return std::nullopt;
}

/// The answer: `x_p`, `y_p`, `y_t`. In the published outputs labels are indented and the first two contents end in a
/// full stop too many: tolerant readers take the indent, the contents are given as they are.
[[nodiscard]] constexpr grammar<3> taco_grammar(const language& target,
                                                taco_form form = taco_form::lines) noexcept {
  grammar<3> g = plug_grammar(taco_english(form), target);
  if (form == taco_form::lines) {
    g.header_end = " ";
    g.separator = "\n";
  }
  return g;
}
[[nodiscard]] constexpr grammar<3> taco_grammar(std::string_view tag, std::string_view label,
                                                taco_form form = taco_form::lines) noexcept {
  return taco_grammar(language{tag, {}, {}, {label, {}}}, form);
}

/// The third party's answer to an instruction with an input: `c_p`, the input in English, is the second section and may
/// be absent.
[[nodiscard]] constexpr grammar<4> taco_context_grammar(const language& target) noexcept {
  const grammar<3> g = taco_grammar(target, taco_form::headings);
  return {.sections = {
              {g.sections[0],
               {.name = "c_p", .language = "en", .header = {"### Context in English:", {}}, .optional = true},
               g.sections[1],
               g.sections[2]}}};
}

/// TaCo as a method: every quad becomes x_t -> [x_p; y_p; y_t]. The style around it is a member like all others.
///
/// ```cpp
/// for (auto&& row : taco(*taco_target("ne")).rows(quads)) write(row.segments(), row.trained());
/// ```
[[nodiscard]] constexpr pivot_method<pair_kind::through_pivot> taco(
    const language& target, taco_form form = taco_form::lines) noexcept {
  const grammar<3> g = taco_grammar(target, form);
  pivot_method<pair_kind::through_pivot> out;
  out.pivot = taco_english(form);
  out.target = target;
  out.header_end = g.header_end;
  out.separator = g.separator;
  return out;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
