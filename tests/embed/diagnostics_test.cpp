// SPDX-License-Identifier: MIT
#include "support.hpp"

using namespace lagom_test;
using namespace lagom;
using embed::method;
using embed::plan;

TEST_CASE("padding never wins", "[embed][padding]") {
  CHECK(embed::padded_height(32'100, 8) == 32'104);
  CHECK(embed::padded_height(32'100, 64) == 32'128);
  CHECK(embed::padded_height(32'100, 128) == 32'128);
  CHECK(embed::padded_height(128'356, 8) == 128'360);
  CHECK(embed::padded_height(256'100, 8) == 256'104);
  CHECK(embed::padded_height(64, 64) == 64);
  CHECK(embed::padded_height(5, 0) == 5);
  CHECK(embed::padded_height(0, 8) == 0);
  CHECK(embed::is_padding(t(5), 5));
  CHECK(!embed::is_padding(t(4), 5));

  // 32,000 logits of -20 and a row of zeros: the defect; then what the mean row takes.
  constexpr index_t n = 32'000;
  table<float> head(n + 1, 1);
  for (index_t r = 0; r < n; ++r) head.view()(r, 0) = -20;
  const auto share = [&] {
    std::vector<double> logits(head.data.begin(), head.data.end() - 1),
        last{static_cast<double>(head.at(n, 0))};
    return embed::measured_drift(logits, last).share();
  };
  CHECK(share() == Approx(0.9999340474341099).epsilon(1e-13));
  embed::fill_padding(head.view(), n, threads{2});
  CHECK(head.at(n, 0) == -20);
  CHECK(share() == Approx(1.0 / 32'001).epsilon(1e-12));

  // Any head, any state: the padding's logit is below the largest, its mass at most 1/n of the rest.
  table<bf16> random(40, 16);
  random.data = normal<bf16>(random.data.size(), 9);
  const auto before = random.data;
  embed::fill_padding(random.view(), 37);
  const auto states = normal<float>(16 * 50, 10, 3);
  for (index_t i = 0; i < 50; ++i) {
    std::vector<double> logits;
    for (index_t r = 0; r < 40; ++r) {
      logits.push_back(
          static_cast<double>(dot(portable{}, random.view().row(r), vec_view(states.data() + 16 * i, 16))));
    }
    const std::vector<double> tokens(logits.begin(), logits.begin() + 37);
    const double top = *std::max_element(tokens.begin(), tokens.end());
    for (std::size_t pad = 37; pad < 40; ++pad) {
      CHECK(logits[pad] < top);
      CHECK(embed::measured_drift(tokens, std::vector{logits[pad]}).mass_ratio < 1.02 / 37);
    }
  }
  CHECK(std::memcmp(before.data(), random.data.data(), 37 * 16 * sizeof(bf16)) == 0);
  CHECK(embed::padding_plan(37, 37, 40).made_by(2) == method::padding);
  CHECK(embed::padding_plan(37, 37, 40).convex(0));

  std::vector<f16> bias(4, f16(1.0f));
  embed::fill_padding_bias(bias, 3);
  CHECK(bias[3].bits == 0xFC00);
  CHECK(bias[2].bits == 0x3C00);
}

TEST_CASE("drift: bounds and what happens", "[embed][drift]") {
  const auto many = [](int k) {
    const std::vector<newcomer> added(static_cast<std::size_t>(k));
    return embed::drift_bound(embed::source_mean{}(expand(32'000, added)));
  };
  CHECK(many(100).kl == Approx(0.003120127336243634).epsilon(1e-12));
  CHECK(many(10'000).kl == Approx(0.27193371548364176).epsilon(1e-12));
  CHECK(many(100).holds);

  const plan mean = embed::mean{}(expand(3, {{"x", {0, 2}}}));
  const std::vector<double> logits{1, 0, -1};
  const double z = std::exp(1.0) + 1 + std::exp(-1.0);
  const std::vector<double> p{std::exp(1.0) / z, 1 / z, std::exp(-1.0) / z};
  const auto bound = embed::drift_bound(mean, p);
  CHECK(bound.mass_ratio == Approx(0.37763576447260117).epsilon(1e-13));
  CHECK(bound.kl == Approx(0.3203688157891521).epsilon(1e-13));
  CHECK(bound.holds);
  const auto seen = embed::measured_drift(logits, std::vector{0.0});
  CHECK(seen.mass_ratio == Approx(0.24472847105479767).epsilon(1e-13));
  CHECK(seen.kl == Approx(0.21891741059206538).epsilon(1e-13));
  CHECK(seen.share() == Approx(0.24472847105479767 / 1.24472847105479767).epsilon(1e-13));
  CHECK(embed::drift_bound(mean).mass_ratio == 0.5);
  CHECK(embed::measured_drift(logits, {}).mass_ratio == 0);

  CHECK(!embed::drift_bound(embed::random{}(expand(3, {{"x", {}}}))).holds);
  CHECK(!embed::drift_bound(embed::subword{}(expand(3, {{"x", {0, 1}}}))).holds);

  // The bound holds for random convex plans, heads and states.
  const philox random{4};
  std::uint64_t n = 0;
  for (std::uint64_t round = 0; round < 40; ++round) {
    std::vector<newcomer> added(5);
    for (newcomer& one : added) {
      for (std::uint64_t i = 0; i <= random.below(4, 0, n); ++i) {
        ++n;
        one.pieces.push_back(static_cast<int>(random.below(12, 0, n++)));
      }
    }
    const plan some = embed::mean{}(expand(12, added));
    table<double> head(12, 4);
    head.data = normal<double>(48, round);
    const auto rows = applied<double>(some, head);
    const auto state = normal<double>(4, 100 + round, 2);
    const auto logits_of = [&](const table<double>& m) {
      std::vector<double> out;
      for (index_t r = 0; r < m.rows; ++r) out.push_back(dot(portable{}, m.view().row(r), state));
      return out;
    };
    const auto old = logits_of(head), fresh = logits_of(rows);
    std::vector<double> soft;
    for (const double x : old) soft.push_back(std::exp(x - embed::log_sum_exp(old)));
    const double found = embed::measured_drift(old, fresh).mass_ratio;
    CHECK(found <= embed::drift_bound(some, soft).mass_ratio * (1 + 1e-6));
    CHECK(found <= embed::drift_bound(some).mass_ratio * (1 + 1e-6));
    CHECK(embed::drift_bound(some).holds);
  }
}

TEST_CASE("column sums count means of groups", "[embed][drift]") {
  embed::plan_builder out(4);
  const auto group = out.add_group(std::vector{s(1), s(3)});
  out.add(s(0), 0.5);
  out.add(embed::gaussian{.group = group, .mean = 0.25f, .deviation = 0});
  out.add(embed::gaussian{.mean = 0.25f, .deviation = 0});
  out.end_row(t(4));
  const plan p = std::move(out).build();
  const auto c = embed::column_sums(p);
  CHECK(c == std::vector<double>{0.5625, 0.1875, 0.0625, 0.1875});
  CHECK(p.convex(0));
  CHECK(embed::above_pieces(0, std::vector{1.0, 1.0}) == Approx(-1 - std::log(2.0)));
}

TEST_CASE("column sums of many rows that share groups", "[embed][drift]") {
  constexpr int n = 3000, added = 5000;
  const philox random{6};
  embed::plan_builder out(n);
  std::vector<std::vector<source_id>> groups;
  std::vector<std::uint32_t> ids;
  for (int g = 0; g < 4; ++g) {
    groups.emplace_back();
    for (int i = g; i < n; i += g + 1) groups.back().push_back(s(i));
    ids.push_back(out.add_group(groups.back()));
  }
  std::vector<double> expected(n), per_group(4);
  std::uint64_t draws = 0;
  for (int r = 0; r < added; ++r) {
    const auto id = static_cast<std::size_t>(random.below(n, 0, draws++));
    const auto g = static_cast<std::size_t>(random.below(4, 0, draws++));
    out.add(s(static_cast<int>(id)), 0.5);
    out.add(embed::gaussian{.group = ids[g], .mean = 0.5f});
    out.add(embed::gaussian{.group = embed::gaussian::standard, .mean = 9});
    expected[id] += 0.5;
    per_group[g] += 0.5;
    out.end_row(t(n + r));
  }
  for (std::size_t g = 0; g < 4; ++g) {
    for (const source_id id : groups[g]) {
      expected[vocab::row_of(id)] += per_group[g] / static_cast<double>(groups[g].size());
    }
  }
  const auto found = embed::column_sums(std::move(out).build());
  for (std::size_t i = 0; i < n; ++i) REQUIRE(found[i] == Approx(expected[i]).epsilon(1e-12));
}

TEST_CASE("drift of states far apart", "[embed][drift]") {
  const auto far = embed::measured_drift(std::vector{-1000.0, -1001.0}, std::vector{1000.0});
  CHECK(is_finite(&far.mass_ratio));
  CHECK(far.mass_ratio > 1e308);
  CHECK(far.kl == Approx(2000 - std::log1p(std::exp(-1.0))).epsilon(1e-15));
  CHECK(far.share() == 1);
  const auto never = embed::measured_drift(std::vector{1000.0}, std::vector{-1000.0});
  CHECK(never.mass_ratio == 0);
  CHECK(never.kl == 0);
  CHECK(never.share() == 0);
  const auto small = embed::measured_drift(std::vector{0.0}, std::vector{-50.0});
  CHECK(small.kl == Approx(std::exp(-50.0)).epsilon(1e-13));
  CHECK(small.share() == Approx(std::exp(-50.0)).epsilon(1e-13));
  const auto even = embed::measured_drift(std::vector{3.0, 3.0}, std::vector{3.0, 3.0});
  CHECK(even.share() == Approx(0.5).epsilon(1e-15));
  CHECK(even.kl == Approx(std::log(2.0)).epsilon(1e-15));
}

TEST_CASE("norms beside nothing, and a matrix with padding", "[embed][diagnostics]") {
  const table<float> source(2, {3, 4, 0, 5, -5, 0, 4, 3, 0, -5, 1e9f, 0, 0, 0, 0, 1e9f});
  const table<float> rows(2, {3, 4, 300, 400, 0, 5});
  const auto facts = embed::facts_of(rows.view());
  CHECK(embed::norm_outliers(facts, {}).empty());
  CHECK(embed::norm_outliers(facts, std::vector{5.0}) == std::vector<index_t>{1});
  const table<float> none(0, 2);
  const auto alone = embed::inspect(none.view(), rows.view());
  CHECK(alone.outliers.empty());
  CHECK(alone.source_norms.empty());
  CHECK(alone.cosine_to_mean == std::vector<float>(3, 0.0f));

  const plan p = embed::source_mean{}(expand(5, {{"a", {}}, {"b", {}}, {"c", {}}}));
  const auto seen = embed::inspect(p, source.view(), rows.view());
  const auto sliced = embed::inspect(source.view().slice_rows(0, 5), rows.view(), threads{2});
  CHECK(seen.source_norms == std::vector<double>{5, 5, 5, 5, 5});
  CHECK(seen.outliers == std::vector<index_t>{1});
  CHECK(seen.source_variability == sliced.source_variability);
  CHECK(seen.cosine_to_mean == sliced.cosine_to_mean);
  CHECK(embed::inspect(source.view(), rows.view()).source_norms.size() == 8);
}

TEST_CASE("what is wrong with rows", "[embed][diagnostics]") {
  const auto bits = [](std::uint32_t b) { return lagom::detail::bit_cast<float>(b); };
  const float nan = bits(0x7fc00000u), infinity = bits(0x7f800000u);
  const table<float> source(2, {3, 4, 0, 5, -5, 0, 4, 3, 0, -5});
  const table<float> rows(2, {3, 4, 0, -0.0f, nan, 1, 3, 4, 1, infinity, 300, 400, 0, 0, nan, 1, 3, 4, 0, 0});
  const auto report = embed::inspect(source.view(), rows.view(), threads{2});
  CHECK(report.not_finite == std::vector<index_t>{2, 4, 7});
  CHECK(report.zero == std::vector<index_t>{1, 6, 9});  // -0 is zero
  CHECK(report.doubles == std::vector<embed::duplicate>{{3, 0}, {7, 2}, {8, 0}, {9, 6}});
  CHECK(report.outliers == std::vector<index_t>{1, 5, 6, 9});
  CHECK(report.source_norms == std::vector<double>{5, 5, 5, 5, 5});
  CHECK(embed::quantile(report.norms, 1) == 500);
  CHECK(embed::quantile(report.norms, 0) == 0);
  CHECK(embed::quantile(std::vector{1.0, 2.0, 4.0}, 0.75) == 3);
  CHECK(embed::quantile({}, 0.5) == 0);
  const double mean_x = 0.4, mean_y = 1.4;
  CHECK(report.cosine_to_mean[0] ==
        Approx((3 * mean_x + 4 * mean_y) / (5 * std::hypot(mean_x, mean_y))).epsilon(1e-6));
  CHECK(report.cosine_to_mean[1] == 0);
  CHECK(report.cosine_to_mean[2] == 0);

  const table<double> spread(2, {1, 3, 2, 2, 0, 4});
  const auto facts = embed::facts_of(spread.view());
  CHECK(embed::embedding_variability(facts, 2) == 1);
  CHECK(embed::embedding_variability(facts, 2, 1) == Approx(1.4142135623730951).epsilon(1e-15));
  CHECK(embed::embedding_variability(facts, 2, 2) == 0);
  CHECK(embed::embedding_variability({}, 2) == 0);
}

TEST_CASE("doubles are found among rows whose hashes clash", "[embed][diagnostics]") {
  const table<float> rows(1, {1, 2, 1, 2, 3, 1});
  auto facts = embed::facts_of(rows.view());
  for (auto& f : facts) f.hash = 7;
  CHECK(embed::duplicates(rows.view(), facts) == std::vector<embed::duplicate>{{2, 0}, {3, 1}, {5, 0}});
}
