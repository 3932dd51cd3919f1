// SPDX-License-Identifier: MIT
// Rows over their budget: what gives way, and what never does.
#include <lagom/core/random.hpp>
#include <lagom/prompt/fit_row.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/crc32.hpp"

using namespace lagom::prompt;
using lagom::byte_counter;

namespace {

const std::vector<quad> rainbow{{"1", "Explain a rainbow in one sentence.",
                                 "Sunlight bends and splits inside raindrops.", "用一句话解释彩虹。",
                                 "阳光在雨滴中折射并散开成七色。"}};

}  // namespace

TEST_CASE("the worked sample over its budget", "[prompt][fit]") {
  const plug method{.pivot = "en", .target = "zh", .system = "Think in English, answer in Chinese."};
  const auto rows = method.rows(rainbow);
  const pivot_row whole = *++rows.begin();

  const compat::right_cut<pivot_row> cut{&whole, 244};
  CHECK(test::crc32(text_of(cut)) == 0xa1824035);
  CHECK(text_of(cut).ends_with("中文回复：\n阳光在"));

  pivot_row row = whole;
  REQUIRE(fit_row(row, 244, byte_counter{}) == budget_verdict::ok);
  const std::string text = text_of(row);
  CHECK(text.size() == 244);
  CHECK(test::crc32(text) == 0xacb66c26);
  CHECK(row.body.answer.fields[0] == "");
  CHECK(row.body.answer.fields[1] == "Sunlight bends and splits inside rain");
  CHECK(text.ends_with("阳光在雨滴中折射并散开成七色。</s>"));

  row = whole;
  REQUIRE(fit_row(row, 244, byte_counter{}, row_cut::sections) == budget_verdict::ok);
  CHECK(text_of(row).size() == 227);
  CHECK(test::crc32(text_of(row)) == 0x2994c5cc);

  row = whole;
  CHECK(fit_row(row, 150, byte_counter{}) == budget_verdict::over_budget);
  CHECK(text_of(row) == text_of(whole));
  CHECK(fit_row(row, 284, byte_counter{}) == budget_verdict::ok);
  CHECK(text_of(row) == text_of(whole));
}

TEST_CASE("whatever the budget, the answer stays or the row is refused", "[prompt][fit]") {
  const plug method{.pivot = "en", .target = "zh"};
  const auto rows = method.rows(rainbow);
  const pivot_row whole = *++rows.begin();
  const std::string_view tail = "中文回复：\n阳光在雨滴中折射并散开成七色。</s>";
  for (std::size_t limit = 0; limit < 260; ++limit) {
    for (const row_cut cut : {row_cut::contents, row_cut::sections}) {
      pivot_row row = whole;
      const auto verdict = fit_row(row, limit, byte_counter{}, cut);
      const std::string text = text_of(row);
      CHECK(text.ends_with(tail));
      if (verdict == budget_verdict::ok) {
        CHECK(text.size() <= limit);
      } else {
        CHECK(text == text_of(whole));
      }
    }
  }
}

TEST_CASE("a cut leaves no header at its end", "[prompt][fit]") {
  const std::vector<quad> quads{
      {"1", "Label:\n中文回复：now\n  English response:: yes", "yp\n中文回复：no", "xt", "你好"}};
  const plug method{.pivot = "en", .target = "zh"};
  const auto rows = method.rows(quads);
  const pivot_row whole = *++rows.begin();
  const grammar<3>& g = *whole.body.answer.grammar;
  REQUIRE_FALSE(collides(g, whole.body.answer.fields, matching::letter_case));
  const std::size_t size = size_of(whole).bytes;
  for (std::size_t less = 0; less < 80; ++less) {
    pivot_row row = whole;
    if (fit_row(row, size - less, byte_counter{}) != budget_verdict::ok) continue;
    CHECK(size_of(row).bytes <= size - less);
    CHECK_FALSE(collides(g, row.body.answer.fields, matching::exact));
    CHECK_FALSE(collides(g, row.body.answer.fields, matching::letter_case));
  }
}
