// SPDX-License-Identifier: MIT
// Budgets: cuts at characters, parts that give way, demonstrations that fit, counts without a tokenizer.
#include <lagom/prompt/budget.hpp>
#include <lagom/prompt/fit_demos.hpp>
#include <lagom/prompt/script_estimator.hpp>
#include <lagom/prompt/shrink_by_priority.hpp>

#include <array>
#include <numeric>

#include "prompt/support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::byte_counter;
using lagom_test::draws;

namespace {

// Tokens of up to three bytes, spaces apart: not one a byte, and still monotone.
struct triples {
  [[nodiscard]] std::size_t count(std::string_view text) const {
    std::size_t n = 0, run = 0;
    for (const char c : text) {
      run = c == ' ' ? 0 : run + 1;
      n += c == ' ' || run % 3 == 1 ? 1u : 0u;
    }
    return n;
  }
};
static_assert(lagom::token_counter<triples> && lagom::token_counter<script_estimator>);

// The row of arXiv 2311.08711's kind that has 284 bytes.
const std::string head =
    "<|system|>\nThink in English, answer in Chinese.\n<|user|>\n用一句话解释彩虹。\n<|assistant|>\n";
const std::string x_p = "Explain a rainbow in one sentence.",
                  y_p = "Sunlight bends and splits inside raindrops.", y_t = "阳光在雨滴中折射并散开成七色。";

std::string joined(const std::vector<shrinkable>& parts) {
  std::string out;
  for (const shrinkable& p : parts) out += p.text;
  return out;
}

bool begins_character(std::string_view text, std::size_t at) {
  std::size_t i = 0;
  while (i < at) i += lagom::decode_utf8(text, i).length;
  return i == at;
}

const std::vector<std::string> pieces = {"a",        "b ",           "é",    "阳",   "𝄞",
                                         "\xE9\x98", "\xF0\x9F\x98", "\x80", "\xFF", "\xED\xA0\x80"};

}  // namespace

TEST_CASE("cuts stand before characters", "[prompt][budget]") {
  CHECK(floor_to_code_point(y_t, 8) == 6);
  CHECK(floor_to_code_point(y_t, 9) == 9);
  CHECK(floor_to_code_point(y_t, 10) == 9);
  CHECK(floor_to_code_point(y_t, 11) == 9);
  CHECK(floor_to_code_point(y_t, 1000) == y_t.size());
  CHECK(floor_to_code_point("", 3) == 0);
  for (std::uint64_t round = 0; round < 2000; ++round) {
    draws d{.stream = round};
    std::string text;
    for (std::size_t n = d.below(12); n > 0; --n) text += pieces[d.below(pieces.size())];
    for (std::size_t at = 0; at <= text.size(); ++at) {
      std::size_t expected = at;
      while (!begins_character(text, expected)) --expected;
      CHECK(floor_to_code_point(text, at) == expected);
    }
    for (std::size_t limit = 0; limit <= text.size() + 1; ++limit) {
      const auto check = [&](const auto& counter) {
        std::size_t best = 0;
        for (std::size_t n = 0; n <= text.size(); ++n) {
          if (begins_character(text, n) && counter.count(text.substr(0, n)) <= limit) best = n;
        }
        CHECK(cut_to_tokens(text, limit, counter) == best);
      };
      check(byte_counter{});
      check(triples{});
    }
    CHECK(cut_to_tokens(text, ~std::size_t{0}, byte_counter{}) == text.size());
  }
}

TEST_CASE("sections give way by priority", "[prompt][budget]") {
  const auto row = [] {
    return std::vector<shrinkable>{
        {head},   {"English instruction:\n"}, {x_p, 1}, {"\n\n"}, {"English response:\n"}, {y_p, 2},
        {"\n\n"}, {"中文回复：\n"},           {y_t},    {"</s>"}};
  };
  CHECK(joined(row()).size() == 284);

  auto parts = row();
  shrink_outcome out = shrink_by_priority(std::span(parts), 244, byte_counter{});
  CHECK(out.verdict == budget_verdict::ok);
  CHECK(out.tokens == 244);
  CHECK(joined(parts).size() == 244);
  CHECK(parts[2].text.empty());
  CHECK(parts[5].text == "Sunlight bends and splits inside rain");
  CHECK(joined(parts).ends_with("中文回复：\n" + y_t + "</s>"));

  parts = row();
  for (const std::size_t i : {1u, 2u, 3u}) {
    parts[i].order = 1;
    parts[i].whole = true;
  }
  out = shrink_by_priority(std::span(parts), 244, byte_counter{});
  CHECK(out.tokens == 227);
  CHECK(joined(parts).size() == 227);
  CHECK(parts[5].text == y_p);

  parts = row();
  out = shrink_by_priority(std::span(parts), 150, byte_counter{});
  CHECK(out.verdict == budget_verdict::over_budget);
  CHECK(out.tokens == 207);
  CHECK(joined(parts).size() == 284);

  parts = row();
  CHECK(shrink_by_priority(std::span(parts), 284, byte_counter{}).tokens == 284);
  CHECK(joined(parts).size() == 284);

  parts = {{y_t, 1}};  // whole characters: 8 bytes of room take 6
  CHECK(shrink_by_priority(std::span(parts), 8, byte_counter{}).tokens == 6);
}

TEST_CASE("whatever is shrunk fits, and what must stay stays", "[prompt][budget]") {
  for (std::uint64_t round = 0; round < 2000; ++round) {
    draws d{.stream = round};
    std::list<std::string> texts;
    std::vector<shrinkable> parts;
    for (std::size_t n = d.below(7); n > 0; --n) {
      std::string text;
      for (std::size_t k = d.below(10); k > 0; --k) text += pieces[d.below(4)];
      texts.push_back(std::move(text));
      parts.push_back({texts.back(), static_cast<unsigned>(d.below(4)), d.one_in(4)});
    }
    const std::vector<shrinkable> before = parts;
    const std::size_t limit = d.below(60);
    const triples counter;
    const shrink_outcome out = shrink_by_priority(std::span(parts), limit, counter);
    std::size_t total = 0, fixed = 0, all = 0;
    unsigned last_touched = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      total += counter.count(parts[i].text);
      all += counter.count(before[i].text);
      if (before[i].order == 0) fixed += counter.count(before[i].text);
      CHECK(before[i].text.starts_with(parts[i].text));
      if (parts[i].text.size() < before[i].text.size())
        last_touched = (std::max)(last_touched, before[i].order);
      if (before[i].whole) CHECK((parts[i].text.empty() || parts[i].text == before[i].text));
    }
    if (out.verdict == budget_verdict::over_budget) {
      CHECK(fixed > limit);
      CHECK(out.tokens == fixed);
      CHECK(total == all);
      continue;
    }
    CHECK(fixed <= limit);
    CHECK(total <= limit);
    CHECK(out.tokens == total);
    if (all <= limit) CHECK(total == all);
    for (std::size_t i = 0; i < parts.size();
         ++i) {  // a later order gives way only when the earlier has nothing
      if (before[i].order == 0) CHECK(parts[i].text == before[i].text);
      if (before[i].order > 0 && before[i].order < last_touched) CHECK(counter.count(parts[i].text) == 0);
    }
  }
}

TEST_CASE("demonstrations go as the policy says", "[prompt][budget]") {
  const std::vector<std::size_t> sizes = {5, 9, 3, 9, 4};  // 30
  std::array<bool, 5> keep{};
  const auto kept = [&](std::size_t limit, const demo_policy& policy) {
    const demo_fit fit = fit_demos(sizes, 10, limit, policy, keep);
    std::string out;
    std::size_t sum = 10;
    for (std::size_t i = 0; i < 5; ++i) {
      if (keep[i]) out += static_cast<char>('0' + static_cast<char>(i)), sum += sizes[i];
    }
    CHECK(fit.tokens == sum);
    CHECK(fit.kept == out.size());
    CHECK((fit.verdict == budget_verdict::over_budget) == (limit < 10));
    return out;
  };
  CHECK(kept(40, {}) == "01234");
  CHECK(kept(39, {}) == "1234");
  CHECK(kept(26, {}) == "234");
  CHECK(kept(25, {}) == "34");
  CHECK(kept(10, {}).empty());
  CHECK(kept(9, {}).empty());
  CHECK(kept(39, {.drop = drop_demos::all}).empty());
  CHECK(kept(40, {.drop = drop_demos::all}) == "01234");
  CHECK(kept(39, {.drop = drop_demos::longest}) == "0234");
  CHECK(kept(23, {.drop = drop_demos::longest}) == "024");
  CHECK(kept(21, {.drop = drop_demos::longest}) == "24");
  CHECK(kept(40, {.most = 2}) == "34");
  CHECK(kept(22, {.most = 2}) == "4");
  CHECK(kept(40, {.most = 0}).empty());
  CHECK(kept(22, {.drop = drop_demos::all, .most = 2}).empty());
}

TEST_CASE("tokens are estimated by script", "[prompt][budget]") {
  const script_estimator e;
  CHECK(e.count("") == 0);
  CHECK(e.count("    ") == 0);
  CHECK(e.count("2024") == 4);
  CHECK(e.count("\xFF\xFE") == 2);
  CHECK(e.count("ᏣᎳᎩ") == 9);  // no rate: its bytes
  CHECK(e.count("阳光在雨滴中折射并散开成七色") >= 14);
  CHECK(script_estimator{{}, 2}.count("one two three") == 2 * 390 * 11 / 1024 + 1);
  CHECK(script_estimator{{}, 0}.count("one") == 0);
  // Additive up to rounding.
  const std::string a = "Ein Satz, 7 Wörter? ", b = "और एक वाक्य।";
  CHECK(e.count(a + b) <= e.count(a) + e.count(b));
  CHECK(e.count(a + b) + 1 >= e.count(a) + e.count(b));
}

TEST_CASE("rates are learned from true counts", "[prompt][budget]") {
  script_calibration one, two, both;
  // A tokenizer of two tokens a Greek letter, and one for two ASCII letters.
  one.push("αβγδ", 8);
  one.push("αβ 1", 5);  // the digit has its rate
  two.push("abcd efgh", 4);
  both.merge(one);
  both.merge(two);
  const script_estimator e{both.apply()};
  CHECK(e.count("αααα") == 8);
  CHECK(e.count("qwertz") == 3);
  CHECK(e.count("世") == script_estimator{}.count("世"));
}
