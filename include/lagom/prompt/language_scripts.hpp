// SPDX-License-Identifier: MIT
/// @file prompt/language_scripts.hpp
/// Whether a text may be of a language, by its script.
#pragma once

#include "../text/script.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What the script of a text says about its language.
enum class script_check : std::uint8_t {
  unchecked,  ///< nothing: no letters, an unknown language, or a script that both languages are written in
  right,      ///< the text is in a script of the target language, and the other is written in another one
  wrong,      ///< the text is in no script of the target language
};

/// The scripts that a language is written in; empty for a language that is not known here.
[[nodiscard]] inline script_set scripts_of_language(std::string_view tag) noexcept {
  struct known {
    std::string_view tags;
    script_set scripts;
  };
  static constexpr known table[] = {
      {" zh yue wuu lzh ", {script::han, script::bopomofo}},
      {" ja ", {script::han, script::hiragana, script::katakana}},
      {" ko ", {script::hangul, script::han}},
      {" ru uk be bg mk kk ky tg mn ba tt ", {script::cyrillic}},
      {" sr ", {script::cyrillic, script::latin}},
      {" uz ", {script::cyrillic, script::latin}},
      {" el ", {script::greek}},
      {" ar fa ur ps ckb sd ug ", {script::arabic}},
      {" he yi ", {script::hebrew}},
      {" hi ne mr sa mai bho kok ", {script::devanagari}},
      {" bn as ", {script::bengali}},
      {" pa ", {script::gurmukhi, script::arabic}},
      {" gu ", {script::gujarati}},
      {" or ", {script::oriya}},
      {" ta ", {script::tamil}},
      {" te ", {script::telugu}},
      {" kn ", {script::kannada}},
      {" ml ", {script::malayalam}},
      {" si ", {script::sinhala}},
      {" th ", {script::thai}},
      {" lo ", {script::lao}},
      {" my ", {script::myanmar}},
      {" km ", {script::khmer}},
      {" bo dz ", {script::tibetan}},
      {" ka ", {script::georgian}},
      {" hy ", {script::armenian}},
      {" am ti ", {script::ethiopic}},
      {" af az ca cs cy da de en es et eu fi fr ga gl ha hr ht hu id ig is it jv la lt lv ms mt nl no nb nn "
       "pl pt ro rw "
       "sk sl so sq su sv sw tl tn tr vi wo xh yo zu ",
       {script::latin}},
  };
  const std::string_view language = tag.substr(0, tag.find_first_of("-_"));
  if (language.empty() || language.find(' ') != std::string_view::npos) return {};
  for (const known& k : table) {
    const std::size_t at = k.tags.find(language);
    for (std::size_t from = at; from != std::string_view::npos; from = k.tags.find(language, from + 1)) {
      if (k.tags[from - 1] == ' ' && k.tags[from + language.size()] == ' ') return k.scripts;
    }
  }
  return {};
}

/// Whether `text`, asked for in `target`, is in a script of it. `other` is the language that it would be in by mistake:
/// where both are written in the script of the text, script says nothing. O(text).
[[nodiscard]] inline script_check check_script(std::string_view text, std::string_view target,
                                               std::string_view other) {
  const script_set wanted = scripts_of_language(target);
  const script found = majority_script(text);
  if (wanted.empty() || found == script::unknown || found == script::common || found == script::inherited)
    return script_check::unchecked;
  if (!wanted.contains(found)) return script_check::wrong;
  return scripts_of_language(other).contains(found) ? script_check::unchecked : script_check::right;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
