// SPDX-License-Identifier: MIT
// Demonstrations across languages: requests to translate, switched fragments, diverse languages, conjugate prompting.
#include <lagom/prompt/code_switched.hpp>
#include <lagom/prompt/conjugate.hpp>
#include <lagom/prompt/fit_demos.hpp>
#include <lagom/prompt/ldp.hpp>
#include <lagom/prompt/spans.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::philox;
using lagom_test::draws;

namespace {

std::string asked_in_words(const translation_words& w, std::string_view source, std::string_view target) {
  std::string out(w.head);
  if (w.names_source()) out += source;
  return out + std::string(w.middle) + std::string(target) + std::string(w.tail);
}

}  // namespace

TEST_CASE("translation rows ask with one request after the other", "[prompt][demos]") {
  const translation_demos llama{.target = "sw"};
  const aligned_text hello{"1", "Good morning.", "Habari za asubuhi."};
  CHECK(text_of(llama.row(0, hello)) ==
        "<|user|>\nTranslate this text from English into Swahili.\nGood morning.\n<|assistant|>\nHabari za "
        "asubuhi.</s>");
  CHECK(text_of(llama.row(1, hello)) ==
        "<|user|>\nTranslate the text below into Swahili.\nGood morning.\n<|assistant|>\nHabari za "
        "asubuhi.</s>");
  const std::size_t pool = std::size(translation_pool);
  CHECK(text_of(llama.row(pool, hello)) == text_of(llama.row(0, hello)));
  CHECK(llama.count(9) == 9);

  std::set<std::string> wordings;
  std::size_t only_target = 0;
  for (const translation_words& w : translation_pool) {
    wordings.insert(asked_in_words(w, "English", "Swahili"));
    only_target += w.names_source() ? 0u : 1u;
  }
  CHECK(wordings.size() == pool);
  CHECK((only_target > 0 && only_target < pool));

  const translation_demos alpaca{.target = "sw", .both_ways = true};
  CHECK(alpaca.count(9) == 18);
  for (std::size_t k = 0; k < 60; ++k) {
    for (const translation_demos* method : {&llama, &alpaca}) {
      const auto row = method->row(k, hello);
      const bool back = method->both_ways && k % 2 == 1;
      const std::string_view from = back ? hello.target : hello.source,
                             to = back ? hello.source : hello.target;
      const translation_words& w = translation_pool[method->text_of_row(k) % pool];
      const std::string ask =
          back ? asked_in_words(w, "Swahili", "English") : asked_in_words(w, "English", "Swahili");
      auto question = row;
      question.answered = false;
      CHECK(text_of(question) == "<|user|>\n" + ask + "\n" + std::string(from) + "\n<|assistant|>\n");
      CHECK(text_of(row) == text_of(question) + std::string(to) + "</s>");
      std::vector<span> trained;
      for_each_trained(row, [&](span s) { trained.push_back(s); });
      CHECK(trained == std::vector<span>{{text_of(question).size(), text_of(row).size()}});
      for_each_segment(row, [&](const segment& s) {
        if (s.section == "source") CHECK(s.language == (back ? "sw" : "en"));
        if (s.section == "translation") CHECK(s.language == (back ? "en" : "sw"));
      });
    }
  }
  CHECK(text_of(alpaca.asked(hello, true)) ==
        "<|user|>\nTranslate this text from Swahili into English.\nHabari za asubuhi.\n<|assistant|>\n");
}

TEST_CASE("conjugate prompting asks in the other language and comes back", "[prompt][conjugate]") {
  // A translator that turns texts round, and a model that answers only what is turned.
  const auto turned = [](std::string s) {
    std::reverse(s.begin(), s.end());
    return s;
  };
  const conjugate chain{.other = "sw"};
  std::vector<std::string> requests;
  const auto model = [&](const std::string& request) {
    requests.push_back(request);
    const std::string body = request.substr(9, request.size() - 9 - 15);
    const std::size_t line = body.find('\n');
    if (line != std::string::npos) return turned(body.substr(line + 1));
    return turned(turned(body) + "!");
  };
  for (std::uint64_t round = 0; round < 50; ++round) {
    draws d{round};
    const std::string prompt = d.text("abc de", 12);
    requests.clear();
    std::string text = prompt;
    for (std::size_t i = 0; i < conjugate::steps; ++i) text = model(text_of(chain.request(i, text)));
    CHECK(text == prompt + "!");
    CHECK(requests[0] ==
          "<|user|>\nTranslate this text from English into Swahili.\n" + prompt + "\n<|assistant|>\n");
    CHECK(requests[1] == "<|user|>\n" + turned(prompt) + "\n<|assistant|>\n");
    CHECK(requests[2].find("from Swahili into English.\n") != std::string::npos);
  }
}

TEST_CASE("fragments of a demonstration stand in other languages", "[prompt][xcot]") {
  const std::vector<translated_text> has{{"sw", "ana "}, {"ko", "가지고 있다 "}}, apples{{"sw", "tufaha 2."}};
  const std::vector<aligned_fragment> fragments{{"Ann ", {}}, {"has ", has}, {"2 apples.", apples}};
  code_switched demo{.fragments = fragments, .share = 0, .random = philox{1}};
  CHECK(text_of(demo) == "Ann has 2 apples.");
  demo.share = 1;
  std::set<std::string> all;
  for (demo.stream = 0; demo.stream < 20; ++demo.stream) all.insert(text_of(demo));
  CHECK(all == std::set<std::string>{"Ann ana tufaha 2.", "Ann 가지고 있다 tufaha 2."});

  const translate_then_reason<code_switched> ask{.name = "Swahili", .question = demo};
  CHECK(text_of(ask).starts_with(
      "First translate the question into Swahili. Then reason in English, step by step.\nAnn "));
  CHECK(text_of(ask).ends_with(text_of(demo)));
  std::array<std::size_t, 3> drawn{};
  for (std::uint64_t row = 0; row < 3000; ++row) ++drawn[draw_language(philox{1}, row, 3)];
  for (const std::size_t n : drawn) CHECK((n > 900 && n < 1100));

  std::size_t replaced = 0, korean = 0, grew = 0;
  code_switched more = demo;
  demo.share = 0.3;
  more.share = 0.6;
  for (std::uint64_t s = 0; s < 4000; ++s) {
    demo.stream = more.stream = s;
    const auto by = demo.replaced_by(1);
    replaced += by ? 1u : 0u;
    korean += by == 1 ? 1u : 0u;
    if (by) CHECK(more.replaced_by(1) == by);
    grew += more.replaced_by(1) && !by ? 1u : 0u;
    std::string again;
    std::size_t i = 0;
    for_each_segment(demo, [&](const segment& g) {  // what was replaced is known by its language
      CHECK(g.language ==
            (demo.replaced_by(i) ? fragments[i].translations[*demo.replaced_by(i)].language : "en"));
      again += demo.replaced_by(i) ? fragments[i].text : g.text;
      ++i;
    });
    CHECK(again == "Ann has 2 apples.");
  }
  CHECK((replaced > 1100 && replaced < 1300));
  CHECK((korean > 500 && korean < 700));
  CHECK((grew > 1100 && grew < 1300));
}

TEST_CASE("a lexicon cuts a text into words and the rest", "[prompt][xcot]") {
  const std::map<std::string, std::vector<translated_text>, std::less<>> lexicon{
      {"dog", {{"sw", "mbwa"}}}, {"café", {{"sw", "mkahawa"}}}};
  const auto look = [&](std::string_view word) {
    const auto at = lexicon.find(word);
    return at == lexicon.end() ? std::span<const translated_text>{} : std::span(at->second);
  };
  const auto cut = [&](std::string_view text) {
    std::vector<aligned_fragment> out;
    lexicon_fragments(text, look, [&](const aligned_fragment& f) { out.push_back(f); });
    return out;
  };
  const auto fragments = cut("A dog, in the café (dogs)!");
  CHECK(text_of(code_switched{.fragments = fragments, .share = 1}) == "A mbwa, in the mkahawa (dogs)!");
  const std::string words[] = {"dog", "café", "go", "हाथी", "7"},
                    others[] = {" ", ".", "\u2019", "\xFF", "\u3001", "\xC3"};
  std::size_t looked_up = 0;
  for (std::uint64_t round = 0; round < 500; ++round) {
    draws d{round};
    std::vector<std::string> runs;  // of one kind each
    bool word = d.one_in(2);
    std::string text;
    for (std::size_t n = d.below(12); n > 0; --n) {
      const bool now = d.one_in(2);
      const bool mark = !text.empty() && static_cast<unsigned char>(text.back()) < 0xC0 && d.one_in(6);
      const std::string piece = mark ? "\u0301" : now ? words[d.below(5)] : others[d.below(6)];
      if (text.empty() || (now != word && !mark)) runs.emplace_back();
      if (!mark) word = now;
      runs.back() += piece;
      text += piece;
    }
    std::vector<std::string> found;
    for (const aligned_fragment& f : cut(text)) {
      found.emplace_back(f.text);
      CHECK(f.translations.size() == (lexicon.count(found.back()) > 0 ? 1u : 0u));
      looked_up += f.translations.size();
    }
    CHECK(found == runs);
  }
  CHECK(looked_up > 100);
  CHECK(cut("").empty());
}

TEST_CASE("diverse demonstrations, and pairs of stage 1 as those of stage 2", "[prompt][ldp]") {
  const std::vector<ldp_demo> pool{{"fr", "Bonjour.", "en", "Hello."},
                                   {"zh", "你好。", "en", "Hello."},
                                   {"fr", "Merci.", "en", "Thanks."},
                                   {"ar", "شكرا.", "en", "Thanks."}};
  std::set<std::string_view> french;
  for (std::uint64_t stream = 0; stream < 20; ++stream) {
    const auto demos = one_a_language(pool, philox{5}, stream);
    REQUIRE(demos.size() == 3);
    CHECK(demos[0].source_language == "fr");
    CHECK(demos[1] == pool[1]);
    CHECK(demos[2] == pool[3]);
    french.insert(demos[0].source);
  }
  CHECK(french.size() == 2);

  const std::vector<ldp_demo> demos{pool[0], pool[1], pool[3]};
  const ldp_prompt one{.demos = demos, .query = "Habari.", .query_language = "sw"};
  CHECK(
      text_of(one) ==
      "Text: Bonjour.\nTranslation: Hello.\n\nText: 你好。\nTranslation: Hello.\n\nText: شكرا.\nTranslation: "
      "Thanks.\n\nText: Habari.\nTranslation:");
  CHECK(size_of(one).trained == 0);
  // a demonstration is what the prompt asks for: the answer read back of its own text
  const ldp_prompt last{.demos = std::span(demos).first(2), .query = demos[2].source};
  const std::string whole = text_of(one), asked = text_of(last);
  CHECK(whole.starts_with(asked));
  CHECK(ldp_answer(std::string_view(whole).substr(asked.size())) == demos[2].target);
  CHECK(ldp_answer(" Hi.") == "Hi.");
  CHECK(ldp_answer("\n\n Hi. \n\nText: more") == "Hi.");

  std::array<std::size_t, 3> sizes{};
  demo_sizes(one, lagom::byte_counter{}, sizes);
  const std::size_t fixed = text_of(ldp_prompt{.query = one.query}).size();
  CHECK(fixed + sizes[0] + sizes[1] + sizes[2] == whole.size());
  std::array<bool, 3> keep{};
  const demo_fit fit = fit_demos(sizes, fixed, whole.size() - 1, {}, keep);
  CHECK(fit.kept == 2);
  ldp_prompt shorter = one;
  shorter.keep = keep;
  CHECK(text_of(shorter).size() == fit.tokens);
  CHECK(text_of(shorter).starts_with("Text: 你好。"));

  const ldp_demo made{"sw", "Habari.", "en", "News."}, on{"en", "News.", "fr", "Nouvelles."};
  CHECK(reversed(made) == ldp_demo{"en", "News.", "sw", "Habari."});
  CHECK(reversed(reversed(made)) == made);
  CHECK(composed(made, on) == ldp_demo{"sw", "Habari.", "fr", "Nouvelles."});
  CHECK_FALSE(composed(made, reversed(on)));
  CHECK_FALSE(composed(made, ldp_demo{"en", "Newt.", "fr", "Triton."}));
}
