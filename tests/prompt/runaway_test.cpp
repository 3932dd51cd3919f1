// SPDX-License-Identifier: MIT
// Runaway output against the rule's definition, byte by byte.
#include <lagom/prompt/runaway.hpp>

#include <lagom/core/random.hpp>
#include <string>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

struct fire {
  std::uint64_t at = 0;
  std::size_t period = 0;
  friend bool operator==(const fire&, const fire&) = default;
};

// The definition: O(n P).
fire slowly(const std::string& text, const runaway_rule& rule) {
  std::string symbols;
  std::vector<std::size_t> repeats(rule.max_period + 1, 0);
  bool digits = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (rule.fold_digits) {
      const bool digit = c >= '0' && c <= '9';
      if (digit && digits) continue;
      digits = digit;
      if (digit) c = '0';
    }
    symbols += c;
    const std::size_t n = symbols.size() - 1;
    for (std::size_t p = 1; p <= rule.max_period; ++p) {
      repeats[p] = n >= p && symbols[n - p] == c ? repeats[p] + 1 : 0;
      if (repeats[p] > 0 && repeats[p] + p >= rule.length_for(p)) return {i + 1, p};
    }
  }
  return {};
}

struct numbers {
  lagom::philox random{7};
  std::uint64_t stream = 0, n = 0;
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random.below(bound, stream, n++)); }
};

fire quickly(const std::string& text, const runaway_rule& rule, numbers& r, std::size_t cut) {
  runaway loop(rule);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = (std::min)(text.size() - i, cut == 0 ? text.size() : 1 + r.below(cut));
    const bool fired = loop.push(std::string_view(text).substr(i, n));
    CHECK(fired == loop.fired());
    i += n;
  }
  return {loop.at(), loop.period()};
}

}  // namespace

TEST_CASE("a loop fires at exactly the byte where the rule holds", "[prompt][runaway]") {
  std::string text = "a";
  for (int i = 0; i < 40; ++i) text += "000,";
  const runaway_rule rule{.max_period = 8, .min_repeats = 16, .min_length = 0, .fold_digits = false};
  for (std::size_t cut = 1; cut <= 9; ++cut) {
    runaway loop(rule);
    for (std::size_t i = 0; i < text.size(); i += cut) loop.push(std::string_view(text).substr(i, cut));
    CHECK(loop.at() == 65);
    CHECK(loop.period() == 4);
  }
  runaway loop(rule);
  CHECK_FALSE(loop.push(text.substr(0, 64)));
  CHECK(loop.at() == 0);
  CHECK(loop.push(text.substr(64)));
  loop.reset();
  CHECK_FALSE(loop.fired());
  CHECK_FALSE(loop.push(text.substr(0, 64)));
}

TEST_CASE("a text that counts on without end repeats once digits are folded", "[prompt][runaway]") {
  std::string text;
  for (int i = 1; i < 2000; ++i) text += std::to_string(i) + ", ";
  runaway_rule rule{.max_period = 64, .min_repeats = 8, .min_length = 128, .fold_digits = false};
  runaway plain(rule);
  CHECK_FALSE(plain.push(text));
  rule.fold_digits = true;
  runaway folded(rule);
  REQUIRE(folded.push(text));
  CHECK(folded.period() == 3);
  CHECK(fire{folded.at(), folded.period()} == slowly(text, rule));
}

TEST_CASE("rules without sense have a meaning", "[prompt][runaway]") {
  runaway loop({.max_period = 0, .min_repeats = 0, .min_length = 0, .fold_digits = false});
  CHECK_FALSE(loop.push("abcabc"));
  CHECK(loop.push("c"));
  CHECK(loop.at() == 7);
  CHECK(loop.period() == 1);
  CHECK_FALSE(runaway(runaway_rule{}).push(""));
  const std::size_t huge = ~std::size_t{0};
  CHECK_FALSE(runaway({.max_period = 9, .min_repeats = huge, .min_length = 0}).push(std::string(999, 'a')));
  CHECK_FALSE(runaway({.max_period = 9, .min_repeats = 2, .min_length = huge}).push(std::string(999, 'a')));
}

TEST_CASE("the rule holds where its definition says, for any text and any cuts", "[prompt][runaway]") {
  numbers r;
  int fired = 0, late = 0;
  for (int round = 0; round < 4000; ++round) {
    r.stream = static_cast<std::uint64_t>(round);
    r.n = 0;
    runaway_rule rule;
    rule.max_period = 1 + r.below(round % 3 == 0 ? 200 : 20);
    rule.min_repeats = 2 + r.below(round % 2 == 0 ? 3 : 12);
    rule.min_length = r.below(3) == 0 ? r.below(300) : r.below(30);
    rule.fold_digits = r.below(2) == 0;
    // Loops inside loops, with slips: near misses are what has to be told apart.
    std::string text;
    const std::string letters = "ab01c, ";
    const std::size_t alphabet = 1 + r.below(letters.size());
    while (text.size() < 1500) {
      std::string unit;
      for (std::size_t n = 1 + r.below(r.below(2) == 0 ? 6 : 60); n > 0; --n)
        unit += letters[r.below(alphabet)];
      if (r.below(4) == 0) unit += unit + unit + letters[r.below(alphabet)];
      for (std::size_t n = r.below(2 * rule.min_repeats) + 1; n > 0; --n) text += unit;
      if (r.below(3) == 0) text += std::string(r.below(rule.min_length + 3), letters[r.below(alphabet)]);
    }
    const fire expected = slowly(text, rule);
    fired += expected.at > 0 ? 1 : 0;
    late += expected.at > 400 ? 1 : 0;
    CHECK(quickly(text, rule, r, 0) == expected);
    CHECK(quickly(text, rule, r, 1 + r.below(3)) == expected);
    CHECK(quickly(text, rule, r, 200) == expected);
  }
  CHECK(fired > 1000);
  CHECK(fired < 3900);
  CHECK(late > 500);
}
