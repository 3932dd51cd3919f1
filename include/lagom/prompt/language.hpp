// SPDX-License-Identifier: MIT
/// @file prompt/language.hpp
/// Languages by tag, with the labels of sections written in them.
#pragma once

#include <optional>

#include "../config.hpp"
#include "grammar.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A language and the headers of what is written in it.
///
/// ```cpp
/// lagom::prompt::language swahili = "sw";   // one that has headers here; another tag is a precondition violation
/// lagom::prompt::language basque{"eu", "Basque", {"Jarraibidea euskaraz:"}, {"Erantzuna euskaraz:"}};
/// ```
/// A tag that is known only at run time goes through `find_language`.
struct language {
  std::string_view tag;   ///< BCP 47: "sw"
  std::string_view name;  ///< in English: "Swahili"
  header instruction, response;

  constexpr language() = default;
  constexpr language(std::string_view of_tag, std::string_view english_name, header of_instruction,
                     header of_response) noexcept
      : tag(of_tag), name(english_name), instruction(of_instruction), response(of_response) {}
  constexpr language(const char* known_tag) noexcept;

  friend constexpr bool operator==(const language&, const language&) = default;
};

namespace detail {

// The response headers of en, es, it, ko and zh are PLUG's (arXiv 2311.08711); the others are our own wording.
inline constexpr language languages[] = {
    // clang-format off
    {"ar", "Arabic", {"التعليمات بالعربية:", {}}, {"الرد بالعربية:", {}}},
    {"bn", "Bengali", {"বাংলা নির্দেশ:", {}}, {"বাংলা উত্তর:", {}}},
    {"de", "German", {"Anweisung auf Deutsch:", {}}, {"Antwort auf Deutsch:", {}}},
    {"el", "Greek", {"Οδηγία στα ελληνικά:", "\xCE\x9F\xCE\xB4\xCE\xB7\xCE\xB3\xCE\xB9\xCC\x81\xCE\xB1 \xCF\x83\xCF\x84\xCE\xB1 \xCE\xB5\xCE\xBB\xCE\xBB\xCE\xB7\xCE\xBD\xCE\xB9\xCE\xBA\xCE\xB1\xCC\x81:"}, {"Απάντηση στα ελληνικά:", "\xCE\x91\xCF\x80\xCE\xB1\xCC\x81\xCE\xBD\xCF\x84\xCE\xB7\xCF\x83\xCE\xB7 \xCF\x83\xCF\x84\xCE\xB1 \xCE\xB5\xCE\xBB\xCE\xBB\xCE\xB7\xCE\xBD\xCE\xB9\xCE\xBA\xCE\xB1\xCC\x81:"}},
    {"en", "English", {"English instruction:", {}}, {"English response:", {}}},
    {"es", "Spanish", {"Instrucción en español:", "Instruccio\xCC\x81n en espan\xCC\x83ol:"}, {"Respuesta en español:", "Respuesta en espan\xCC\x83ol:"}},
    {"fr", "French", {"Instruction en français:", "Instruction en franc\xCC\xA7""ais:"}, {"Réponse en français:", "Re\xCC\x81ponse en franc\xCC\xA7""ais:"}},
    {"hi", "Hindi", {"हिंदी निर्देश:", {}}, {"हिंदी उत्तर:", {}}},
    {"it", "Italian", {"Istruzione in italiano:", {}}, {"Risposta in italiano:", {}}},
    {"ja", "Japanese", {"日本語の指示：", {}}, {"日本語の回答：", {}}},
    {"ko", "Korean", {"한국어 지시:", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xE1\x84\x80\xE1\x85\xAE\xE1\x86\xA8\xE1\x84\x8B\xE1\x85\xA5 \xE1\x84\x8C\xE1\x85\xB5\xE1\x84\x89\xE1\x85\xB5:"}, {"한국어 응답:", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xE1\x84\x80\xE1\x85\xAE\xE1\x86\xA8\xE1\x84\x8B\xE1\x85\xA5 \xE1\x84\x8B\xE1\x85\xB3\xE1\x86\xBC\xE1\x84\x83\xE1\x85\xA1\xE1\x86\xB8:"}},
    {"ne", "Nepali", {"नेपाली निर्देशन:", {}}, {"नेपाली उत्तर:", {}}},
    {"pt", "Portuguese", {"Instrução em português:", "Instruc\xCC\xA7""a\xCC\x83o em portugue\xCC\x82s:"}, {"Resposta em português:", "Resposta em portugue\xCC\x82s:"}},
    {"ru", "Russian", {"Инструкция на русском:", {}}, {"Ответ на русском:", {}}},
    {"sw", "Swahili", {"Agizo kwa Kiswahili:", {}}, {"Jibu kwa Kiswahili:", {}}},
    {"te", "Telugu", {"తెలుగు సూచన:", {}}, {"తెలుగు సమాధానం:", {}}},
    {"th", "Thai", {"คำสั่งภาษาไทย:", {}}, {"คำตอบภาษาไทย:", {}}},
    {"tr", "Turkish", {"Türkçe talimat:", "Tu\xCC\x88rkc\xCC\xA7""e talimat:"}, {"Türkçe yanıt:", "Tu\xCC\x88rkc\xCC\xA7""e yan\xC4\xB1t:"}},
    {"vi", "Vietnamese", {"Yêu cầu tiếng Việt:", "Ye\xCC\x82u ca\xCC\x82\xCC\x80u tie\xCC\x82\xCC\x81ng Vie\xCC\xA3\xCC\x82t:"}, {"Câu trả lời tiếng Việt:", "Ca\xCC\x82u tra\xCC\x89 lo\xCC\x9B\xCC\x80i tie\xCC\x82\xCC\x81ng Vie\xCC\xA3\xCC\x82t:"}},
    {"zh", "Chinese", {"中文指令：", {}}, {"中文回复：", {}}},
    // clang-format on
};

}  // namespace detail

/// The language of a tag that has headers here.
[[nodiscard]] constexpr std::optional<language> find_language(std::string_view tag) noexcept {
  for (const language& l : detail::languages) {
    if (l.tag == tag) return l;
  }
  return std::nullopt;
}

constexpr language::language(const char* known_tag) noexcept {
  const std::optional<language> found = find_language(known_tag);
  LAGOM_ASSERT(found.has_value());
  if (found) *this = *found;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
