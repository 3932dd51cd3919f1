// SPDX-License-Identifier: MIT
// Task templates: bytes and checksums of the published evaluation code, fills, labels, demonstrations.
#include <lagom/prompt/few_shot.hpp>
#include <lagom/prompt/spans.hpp>
#include <lagom/prompt/task_templates.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

// CRC-32 (ISO 3309), bit by bit.
constexpr std::uint32_t crc32(std::string_view text) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}
static_assert(crc32("123456789") == 0xCBF43926u);

struct published {
  lagom::prompt::task task;
  std::string_view language;
  std::size_t bytes;
  std::uint32_t crc;
};
// clang-format off
constexpr published texts[] = {
    {task::nli, "ar", 96, 0x2c12e5f8u},
    {task::nli, "de", 63, 0x97884a34u},
    {task::nli, "el", 120, 0x53042b48u},
    {task::nli, "en", 65, 0x1e92c939u},
    {task::nli, "hi", 123, 0x2bc52060u},
    {task::nli, "ja", 75, 0x9586d4ccu},
    {task::nli, "sw", 57, 0xe8a805afu},
    {task::nli, "th", 110, 0xf9a7151bu},
    {task::summary, "ar", 122, 0x556901f8u},
    {task::summary, "de", 107, 0x70e67d28u},
    {task::summary, "el", 152, 0x5b9f2f89u},
    {task::summary, "en", 83, 0xd5556b4cu},
    {task::summary, "hi", 142, 0xa0dfe920u},
    {task::summary, "ja", 76, 0x2018e7bcu},
    {task::summary, "sw", 86, 0xe0c087bbu},
    {task::summary, "th", 172, 0x4aa22109u},
    {task::span, "ar", 101, 0x4de4596bu},
    {task::span, "de", 81, 0xc4d29e5au},
    {task::span, "el", 129, 0xc80893c4u},
    {task::span, "en", 78, 0xd9962323u},
    {task::span, "hi", 139, 0x038ee5cau},
    {task::span, "ja", 86, 0xadbc0aceu},
    {task::span, "sw", 63, 0x5198a76cu},
    {task::span, "th", 132, 0x60d20441u},
};
// clang-format on

// Without pointers: g++ 12 with a sanitizer takes no comparison with null for a constant.
constexpr bool texts_are_as_published() {
  std::size_t same = 0;
  for (const published& p : texts) {
    for (const task_form& f : task_forms) {
      if (f.task == p.task && f.language == p.language && f.form.text.size() == p.bytes &&
          crc32(f.form.text) == p.crc)
        ++same;
    }
  }
  return same == task_forms.size() && std::size(texts) == task_forms.size();
}
static_assert(texts_are_as_published());

constexpr bool slots_are_in_order() {
  for (const task_form& f : task_forms) {
    const std::size_t n = f.form.slots.size();
    if (f.task == task::nli && (n != 2 || f.form.name(0) != "premise" || f.form.name(1) != "hypothesis"))
      return false;
    if (f.task == task::span && (n != 2 || f.form.name(0) != "context" || f.form.name(1) != "question"))
      return false;
    const std::size_t languages = f.language == "en" ? 1 : 0;
    if (f.task == task::summary && (n != 1 + languages || f.form.name(languages) != "text")) return false;
    if (f.task == task::summary && languages == 1 && f.form.name(0) != "language") return false;
  }
  return true;
}
static_assert(slots_are_in_order());

std::string filled(task what, std::string_view language, std::vector<template_value> values) {
  const task_form* f = find_task(what, language);
  return text_of(filled_template<std::vector<template_value>>{f->form, std::move(values)});
}

}  // namespace

TEST_CASE("each template is found by its task and language", "[prompt][task]") {
  for (const published& p : texts) {
    const task_form* const f = find_task(p.task, p.language);
    REQUIRE(f != nullptr);
    CHECK(crc32(f->form.text) == p.crc);
  }
}

TEST_CASE("fills of the task templates, to the byte", "[prompt][task]") {
  const auto is = [](const std::string& text, std::size_t bytes, std::uint32_t crc) {
    CAPTURE(text);
    CHECK(text.size() == bytes);
    CHECK(crc32(text) == crc);
  };
  is(filled(task::nli, "de", {"Es regnet.", "Die Straße ist nass."}), 73, 0xc1e1d70bu);
  is(filled(task::nli, "ja", {"雨だ。", "道は濡れている。"}), 87, 0x6ba1f921u);
  is(filled(task::summary, "th", {"ฝนตก"}), 178, 0x79bf7fdfu);
  is(filled(task::span, "ar", {"القاهرة عاصمة مصر.", "ما عاصمة مصر؟"}), 139, 0xb550a076u);
  is(filled(task::nli, "en", {"It says {hypothesis}.", "Braces {premise} stay."}), 87, 0xe675846au);
  is(filled(task::summary, "en", {"English", "A."}), 83 - 10 - 6 + 9,
     crc32("Write a short summary of the following "
           "text in English. Article: A. Summary:"));
}

TEST_CASE("languages are found by tag", "[prompt][task]") {
  CHECK(find_task(task::nli, "DE-ch") == find_task(task::nli, "de"));
  CHECK(find_task(task::nli, "deu") == nullptr);
  CHECK(find_task(task::nli, "") == nullptr);
  CHECK(find_nli_labels("th_TH")->language == "th");
  CHECK(find_nli_labels("zh") == nullptr);
}

TEST_CASE("labels: words with their space, and the numbers of two data sets", "[prompt][task]") {
  CHECK((*find_nli_labels("en"))[nli_label::neutral] == " Neither");
  CHECK((*find_nli_labels("ja"))[nli_label::contradiction] == " 偽");
  std::string all;
  for (const nli_labels& l : nli_label_words) {
    for (const std::string_view w : l.words) {
      CHECK(w.front() == ' ');
      all += w;
    }
    // The words stand in the NLI template of their language, but for the two templates that shorten or join them.
    for (const std::string_view w : l.words) {
      const bool shortened = l.language == "el" || l.language == "ar" || l.language == "hi";
      if (!shortened)
        CHECK(find_task(task::nli, l.language)->form.text.find(w.substr(1)) != std::string::npos);
    }
  }
  for (int id = 0; id < 3; ++id) CHECK(static_cast<int>(*xnli_label(id)) == id);
  CHECK(jnli_label(0) == nli_label::entailment);
  CHECK(jnli_label(1) == nli_label::contradiction);
  CHECK(jnli_label(2) == nli_label::neutral);
  CHECK(!xnli_label(3));
  CHECK(!jnli_label(-1));
}

TEST_CASE("demonstrations come before the question", "[prompt][task]") {
  const template_value a[] = {"c1", "q1"}, b[] = {"c2", "q2"}, c[] = {"c3", "q3"};
  const demonstration shots[] = {{a, "a1"}, {b, "a2"}};
  few_shot p{.form = find_task(task::span, "sw")->form, .demonstrations = shots, .question = {c, ""}};
  const std::string asked =
      "Jibu swali lifuatalo. Makala: c1 Swali: q1 Jibu: a1\n"
      "Jibu swali lifuatalo. Makala: c2 Swali: q2 Jibu: a2\n"
      "Jibu swali lifuatalo. Makala: c3 Swali: q3 Jibu:";
  CHECK(text_of(p) == asked);
  p.tail = " ";
  CHECK(text_of(p) == asked + " ");
  p.question.answer = {"", "sw", true};
  CHECK(size_of(p).trained == 0);
  p.question.answer = {"a3", "sw", true};
  CHECK(text_of(p) == asked + " a3\n");
  std::vector<span> trained;
  for_each_trained(p, [&](span s) { trained.push_back(s); });
  CHECK(trained == std::vector<span>{{asked.size(), asked.size() + 4}});
  std::size_t answers = 0, contents = 0;
  for_each_segment(p, [&](const segment& s) {
    if (s.section == "answer") ++answers;
    if (s.origin == origin::content) ++contents;
  });
  CHECK(answers == 3);
  CHECK(contents == 9);
  p.demonstrations = {};
  CHECK(text_of(p) == "Jibu swali lifuatalo. Makala: c3 Swali: q3 Jibu: a3\n");
}
