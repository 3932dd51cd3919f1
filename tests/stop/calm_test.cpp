// SPDX-License-Identifier: MIT
#include <algorithm>
#include <lagom/core/random.hpp>
#include <lagom/stop/calibrate/consistency.hpp>
#include <lagom/stop/position_decay.hpp>
#include <set>

#include "support/catch.hpp"

using lagom::token_id;
using tokens = std::vector<token_id>;

TEST_CASE("thresholds decay along the sequence, in the released form they do not", "[stop][calm]") {
  const lagom::position_decay decay{.threshold = .8, .temperature = 4, .length = 512};
  CHECK(decay.at(0) == .8);
  CHECK(std::abs(decay.at(1) - .7993774351) <= 5e-11);
  CHECK(std::abs(decay.at(100) - .7566266689) <= 5e-11);
  CHECK(std::abs(decay.at(256) - .7308268227) <= 5e-11);
  CHECK(std::abs(decay.at(511) - .7214767432) <= 5e-11);
  CHECK(decay.at(1'000'000'000) == Approx(.72));
  CHECK(decay.rule(100).value == static_cast<float>(decay.at(100)));
  CHECK(decay.rule<lagom::above>(100, 2).feature == 2);
  CHECK(lagom::position_decay{.threshold = .8, .temperature = 0}.at(300) == Approx(.8));
  const lagom::position_decay_released inert{.threshold = .8};
  for (const int i : {0, 1, 100, 511}) CHECK(inert.at(i) == decay.at(0));
  CHECK(inert.rule(511).value == .8f);
  // A confidence that is enough late and not early.
  lagom::no_state s;
  const std::vector<float> x{.75f};
  CHECK(decay.rule(0).step(s, x) < 0);
  CHECK(decay.rule(200).step(s, x) >= 0);
  CHECK(inert.rule(200).step(s, x) < 0);
}

namespace {

tokens drawn(std::size_t n, std::uint64_t stream) {
  const lagom::philox random{11};
  tokens out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<token_id>(random.below(4, stream, i)));
  return out;
}

bool is_subsequence(const tokens& part, const tokens& of) {
  std::size_t next = 0;
  for (const token_id t : of) next += next < part.size() && part[next] == t;
  return next == part.size();
}

// The longest common subsequence, by trying all of them.
std::size_t longest_common(const tokens& a, const tokens& b) {
  std::size_t longest = 0;
  for (unsigned set = 0; set < 1u << a.size(); ++set) {
    tokens part;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (set >> i & 1u) part.push_back(a[i]);
    }
    if (part.size() > longest && is_subsequence(part, b)) longest = part.size();
  }
  return longest;
}

}  // namespace

static_assert(lagom::token_distance<lagom::exact_match_distance> &&
              lagom::token_distance<lagom::token_f1_distance> &&
              lagom::token_distance<lagom::rouge_l_distance>);

TEST_CASE("distances of texts, against brute force", "[stop][calm]") {
  const lagom::rouge_l_distance rouge;
  const lagom::token_f1_distance f1;
  const lagom::exact_match_distance exact;
  for (std::uint64_t s = 0; s < 400; ++s) {
    const tokens a = drawn(s % 10, 2 * s), b = drawn(s / 10 % 9, 2 * s + 1);
    CAPTURE(s);
    if (a.empty() && b.empty()) continue;
    const auto both = static_cast<double>(a.size() + b.size());
    REQUIRE(rouge(a, b) == Approx(1 - 2 * static_cast<double>(longest_common(a, b)) / both));
    const std::multiset<token_id> x(a.begin(), a.end()), y(b.begin(), b.end());
    tokens common;
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(common));
    REQUIRE(f1(a, b) == Approx(1 - 2 * static_cast<double>(common.size()) / both));
    REQUIRE(exact(a, b) == (a == b ? 0 : 1));
    REQUIRE(rouge(a, b) == rouge(b, a));
    REQUIRE(f1(a, b) <= rouge(a, b));
    REQUIRE(rouge(a, b) <= exact(a, b));
    REQUIRE(rouge(a, a) == 0);
  }
  const auto ends = [](const auto& d) {
    CHECK(d(tokens{}, tokens{}) == 0);
    CHECK(d(tokens{}, tokens{1}) == 1);
    CHECK(d(tokens{1, 2}, tokens{}) == 1);
    CHECK(d(tokens{1, 2}, tokens{3, 4, 5}) == 1);
  };
  ends(rouge);
  ends(f1);
  ends(exact);
  const std::vector<token_id> wide{1, 9, 2, 9, 3, 9};  // a strided view
  CHECK(rouge(lagom::vec_view<const token_id>(wide.data(), 3, 2), tokens{1, 2, 3}) == 0);
}

TEST_CASE("CALM's losses", "[stop][calm]") {
  const tokens full{1, 2, 3, 4}, early{1, 2, 4, 3}, reference{1, 2, 4, 4};
  CHECK(lagom::textual_consistency_loss(early, full) == .25);
  CHECK(lagom::textual_consistency_loss(early, full, lagom::token_f1_distance{}) == 0);
  CHECK(lagom::textual_consistency_loss(early, full, lagom::exact_match_distance{}) == 1);
  // The early text is as near to the reference as the full one: nothing is lost, though the texts differ.
  CHECK(lagom::risk_consistency_loss(early, full, reference) == 0);
  CHECK(lagom::risk_consistency_loss(tokens{7, 7, 7, 7}, full, reference) == .75);
  CHECK(lagom::risk_consistency_loss(reference, full, reference) ==
        0);  // better than the full model: no gain
  CHECK(lagom::risk_consistency_loss(.75, .25) == .5);
  CHECK(lagom::risk_consistency_loss(.2, .7) == 0);
}
