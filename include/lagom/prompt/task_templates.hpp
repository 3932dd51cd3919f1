// SPDX-License-Identifier: MIT
/// @file prompt/task_templates.hpp
/// The prompts of three tasks in eight languages, as the vocabulary-expansion papers evaluate with them.
#pragma once

#include <array>
#include <optional>

#include "template_text.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Natural-language inference, summarisation, and questions whose answer is a span of a text.
enum class task : std::uint8_t { nli, summary, span };

/// The template of a task in a language. Placeholders, in this order: nli {premise} {hypothesis}; summary {text}
/// (English: {language} {text}); span {context} {question}.
struct task_form {
  prompt::task task{};
  std::string_view language;
  template_view form;
};

/// Eight languages of arXiv 2402.10712 and 2406.11477, as their evaluation code (MIT) has them. To the byte: display
/// order of Arabic in editors proves nothing. A native reader has not confirmed the middle option of Hindi.
// clang-format off
inline constexpr std::array<task_form, 24> task_forms{{
    {task::nli, "ar", template_text<"{premise} سؤال: {hypothesis} صحيح ، خطأ أو لا هذا ولا ذاك؟ إجابة:">},
    {task::nli, "de", template_text<"{premise} Frage: {hypothesis} Wahr, Falsch oder Weder? Antwort:">},
    {task::nli, "el", template_text<"{premise} Ερώτηση: {hypothesis} Αληθές, Ψευδές, ή Κανένα από τα δύο; Απάντηση:">},
    {task::nli, "en", template_text<"{premise} Question: {hypothesis} True, False, or Neither? Answer:">},
    {task::nli, "hi", template_text<"{premise} प्रश्न: {hypothesis} सही, ना तो सही ना गलत, गलत? उत्तर:">},
    {task::nli, "ja", template_text<"{premise} 質問: {hypothesis} 真、偽、どちらでもない？ 答え:">},
    {task::nli, "sw", template_text<"{premise} Swali: {hypothesis} Kweli, Uongo au Wala? Jibu:">},
    {task::nli, "th", template_text<"{premise} คำถาม: {hypothesis} จริง, เท็จ, ไม่แน่ใจ? คำตอบ:">},
    {task::summary, "ar", template_text<"اكتب ملخصًا قصيرًا للنص التالي باللغة العربية. المقالة: {text} الملخص:">},
    {task::summary, "de", template_text<"Schreiben Sie eine kurze Zusammenfassung des folgenden Textes auf Deutsch. Artikel: {text} Zusammenfassung:">},
    {task::summary, "el", template_text<"Γράψε μια σύντομη περίληψη του παρακάτω κειμένου στα ελληνικά. Άρθρο: {text} Περίληψη:">},
    {task::summary, "en", template_text<"Write a short summary of the following text in {language}. Article: {text} Summary:">},
    {task::summary, "hi", template_text<"निम्नलिखित का संक्षेप हिंदी में लिखे। लेख: {text} संक्षेप:">},
    {task::summary, "ja", template_text<"次の文章の要約を日本語で書きなさい。記事: {text} 要約:">},
    {task::summary, "sw", template_text<"Andika muhtasari mfupi wa maandishi yafuatayo kwa Kiswahili. Makala: {text} Muhtasari:">},
    {task::summary, "th", template_text<"เขียนสรุปสั้น ๆ ของข้อความต่อไปนี้เป็นภาษาไทย บทความ: {text} สรุป:">},
    {task::span, "ar", template_text<"أجب على السؤال التالي. سياق: {context} السؤال: {question} الإجابة:">},
    {task::span, "de", template_text<"Beantworten Sie die folgende Frage. Artikel: {context} Frage: {question} Antwort:">},
    {task::span, "el", template_text<"Απάντησε στην παρακάτω ερώτηση. Κείμενο: {context} Ερώτηση: {question} Απάντηση:">},
    {task::span, "en", template_text<"Answer the following question. Context: {context} Question: {question} Answer:">},
    {task::span, "hi", template_text<"इस प्रश्न का उत्तर दें। संदर्भ: {context} प्रश्न: {question} उत्तर:">},
    {task::span, "ja", template_text<"次の文章の質問に答えなさい。文章: {context} 質問: {question} 答え:">},
    {task::span, "sw", template_text<"Jibu swali lifuatalo. Makala: {context} Swali: {question} Jibu:">},
    {task::span, "th", template_text<"ตอบคำถามอันต่อไปนี้ บทความ: {context} คำถาม: {question} คำตอบ:">},
}};
// clang-format on

/// Whether a language tag is that language: its first part is ("de", "de-CH"), whatever the case.
[[nodiscard]] constexpr bool is_language(std::string_view tag, std::string_view language) noexcept {
  if (tag.size() < language.size()) return false;
  for (std::size_t i = 0; i < language.size(); ++i) {
    const char c = tag[i] >= 'A' && tag[i] <= 'Z' ? static_cast<char>(tag[i] - 'A' + 'a') : tag[i];
    if (c != language[i]) return false;
  }
  return tag.size() == language.size() || tag[language.size()] == '-' || tag[language.size()] == '_';
}

/// The template of that task and language, or null. O(24).
[[nodiscard]] constexpr const task_form* find_task(task what, std::string_view language) noexcept {
  for (const task_form& f : task_forms) {
    if (f.task == what && is_language(language, f.language)) return &f;
  }
  return nullptr;
}

/// The three answers of natural-language inference.
enum class nli_label : std::uint8_t { entailment, neutral, contradiction };

/// Their words in a language, each with the space that follows the prompt: `words[label]`.
struct nli_labels {
  std::string_view language;
  std::array<std::string_view, 3> words;
  [[nodiscard]] constexpr std::string_view operator[](nli_label l) const noexcept {
    return words[static_cast<std::size_t>(l)];
  }
};

// clang-format off
inline constexpr std::array<nli_labels, 8> nli_label_words{{
    {"ar", {" صحيح", " لا هذا ولا ذاك", " خطأ"}},
    {"de", {" Wahr", " Weder", " Falsch"}},
    {"el", {" Αληθές", " Κανένα από τα δύο", " Ψευδές"}},
    {"en", {" True", " Neither", " False"}},
    {"hi", {" सही", " ना तो सही ना गलत", " गलत"}},
    {"ja", {" 真", " どちらでもない", " 偽"}},
    {"sw", {" Kweli", " Wala", " Uongo"}},
    {"th", {" จริง", " ไม่แน่ใจ", " เท็จ"}},
}};
// clang-format on

/// The words of that language, or null.
[[nodiscard]] constexpr const nli_labels* find_nli_labels(std::string_view language) noexcept {
  for (const nli_labels& l : nli_label_words) {
    if (is_language(language, l.language)) return &l;
  }
  return nullptr;
}

/// Number of a label in XNLI: 0 entailment, 1 neutral, 2 contradiction.
[[nodiscard]] constexpr std::optional<nli_label> xnli_label(int id) noexcept {
  if (id < 0 || id > 2) return std::nullopt;
  return static_cast<nli_label>(id);
}
/// Number of a label in JNLI: 0 entailment, 1 contradiction, 2 neutral.
[[nodiscard]] constexpr std::optional<nli_label> jnli_label(int id) noexcept {
  constexpr nli_label order[] = {nli_label::entailment, nli_label::contradiction, nli_label::neutral};
  if (id < 0 || id > 2) return std::nullopt;
  return order[id];
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
