// SPDX-License-Identifier: MIT
// The choice of a pivot and its cost.
#include <lagom/prompt/pivot_choice.hpp>
#include <lagom/prompt/pivot_cost.hpp>
#include <lagom/prompt/plug.hpp>
#include <lagom/text/utf8.hpp>

#include <cstring>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

// One token a character and one for each text, so that joining parts would show.
struct character_counter {
  std::size_t count(std::string_view text) const { return 1 + lagom::count_characters(text); }
};

}  // namespace

TEST_CASE("the best pivot of the published table is English, for each target", "[prompt][pivot]") {
  for (const char* target : {"zh", "ko", "it", "es"}) {
    const auto best = best_pivot(polylm_pivot_gains, target);
    REQUIRE(best);
    CHECK(best->pivot == "en");
  }
  CHECK(best_pivot(polylm_pivot_gains, "ko")->gain == 54.4);
  CHECK_FALSE(best_pivot(polylm_pivot_gains, "sw"));
  CHECK_FALSE(best_pivot(polylm_pivot_gains, "zh", 21.6));
  CHECK(*mean_gain(polylm_pivot_gains, "ko") == Approx((-42.2 - 39.4 - 42.1) / 3));
  CHECK(*mean_gain(polylm_pivot_gains, "en") == Approx((21.6 + 54.4 + 35.9 + 30.3) / 4));
  CHECK_FALSE(mean_gain(polylm_pivot_gains, "de"));
}

TEST_CASE("tables with ties, losses and what is no number", "[prompt][pivot]") {
  double nan = 0;
  const std::uint64_t bits = 0x7ff8000000000000u;
  std::memcpy(&nan, &bits, 8);
  const pivot_gain table[] = {
      {"sw", "sw", 90}, {"fr", "sw", nan}, {"en", "sw", 5}, {"pt", "sw", 5}, {"en", "xh", -1}};
  CHECK(best_pivot(table, "sw")->pivot == "en");
  CHECK_FALSE(best_pivot(table, "xh"));
  CHECK(best_pivot(table, "xh", -2)->pivot == "en");
  CHECK(*mean_gain(table, "en") == 2);
  CHECK_FALSE(mean_gain(table, "fr"));
  CHECK_FALSE(best_pivot({}, "sw"));

  const language_share shares[] = {{"zu", 0},  {"en", 60}, {"zh", 30}, {"sw", 0.1},
                                   {"x", nan}, {"y", -5},  {"z", 60}};
  CHECK(*pivot_by_share(shares, "sw") == "en");
  CHECK(*pivot_by_share(shares, "en") == "z");
  CHECK_FALSE(pivot_by_share(shares, "en", 1.5));
  CHECK(*pivot_by_share(shares, "unlisted", 100) == "en");
  CHECK_FALSE(pivot_by_share({}, "sw"));
  const language_share alone[] = {{"sw", 3}};
  CHECK_FALSE(pivot_by_share(alone, "sw"));
}

TEST_CASE("the cost of a row through the pivot", "[prompt][pivot]") {
  // The golden sample: the answer begins at byte 99, the target text at 235, of 284.
  const quad q{"1", "Explain a rainbow in one sentence.", "Sunlight bends and splits inside raindrops.",
               "用一句话解释彩虹。", "阳光在雨滴中折射并散开成七色。"};
  const plug method{.pivot = "en", .target = "zh", .system = "Think in English, answer in Chinese."};
  const std::vector<quad> quads{q};
  const auto rows = method.rows(quads);
  pivot_cost sum;
  std::size_t seen = 0;
  for (auto&& row : rows) {
    const auto bytes = pivot_cost_of(row, lagom::byte_counter{});
    if (row.kind != pair_kind::through_pivot) {
      REQUIRE_FALSE(bytes);
      CHECK(bytes.error().code == lagom::errc::missing_key);
      CHECK(pivot_cost_of(row, lagom::byte_counter{}, "y_p")->waiting_share() == 0);
      continue;
    }
    ++seen;
    REQUIRE(bytes);
    CHECK(*bytes == pivot_cost{{99, 99}, {136, 136}, {49, 49}});
    CHECK(bytes->factor() == Approx(185.0 / 49));
    CHECK(bytes->waiting_share() == Approx(136.0 / 185));
    CHECK(bytes->seconds_waiting(1000, 50) == Approx(0.099 + 2.72));
    CHECK(bytes->seconds_waiting(0, 0) == 0);
    const auto characters = pivot_cost_of(row, character_counter{});
    CHECK(characters->target == pivot_cost::part{49, 1 + 15 + 4});
    CHECK(pivot_cost_of(row, lagom::byte_counter{}, "x_p")->pivot.bytes == 21);
    sum.merge(*bytes);
    sum.merge(*bytes);
  }
  CHECK(seen == 1);
  CHECK(sum.pivot.tokens == 272);
  CHECK(sum.waiting_share() == Approx(136.0 / 185));
  CHECK(pivot_cost{}.factor() == 0);
}

TEST_CASE("quantiles are of nearest rank", "[prompt][pivot]") {
  CHECK(quantile({}, 0.5) == 0);
  CHECK(quantile({7}, 0.99) == 7);
  CHECK(quantile({4, 1, 3, 2}, 0.5) == 2);
  CHECK(quantile({4, 1, 3, 2, 5}, 0.5) == 3);
  CHECK(quantile({4, 1, 3, 2}, 0) == 1);
  CHECK(quantile({4, 1, 3, 2}, -1) == 1);
  CHECK(quantile({4, 1, 3, 2}, 1) == 4);
  CHECK(quantile({4, 1, 3, 2}, 9) == 4);
  std::vector<std::uint64_t> hundred;
  for (std::uint64_t i = 100; i > 0; --i) hundred.push_back(i);
  CHECK(quantile(hundred, 0.99) == 99);
  CHECK(quantile(hundred, 0.501) == 51);
  CHECK(quantile(hundred, 0.07) == 7);
}
