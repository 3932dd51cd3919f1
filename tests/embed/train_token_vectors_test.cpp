// SPDX-License-Identifier: MIT
#include <lagom/embed/nearest.hpp>
#include <lagom/embed/train_token_vectors.hpp>
#include <lagom/embed/unit_rows.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {

using lagom::vocab::target_id;
using lines = std::vector<std::vector<target_id>>;

// Tokens 0 ... 89 in nine clusters of ten; a line stays in its cluster, with tokens 90 ... 99 strewn in everywhere.
lines planted(std::size_t n) {
  const lagom::philox random{7};
  lines out;
  std::uint64_t draw = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto cluster = random.below(9, 0, draw++);
    std::vector<target_id> line;
    for (int k = 0; k < 12; ++k) {
      const auto t = random.below(4, 1, draw) == 0 ? 90 + random.below(10, 2, draw)
                                                   : 10 * cluster + random.below(10, 3, draw);
      ++draw;
      line.push_back(static_cast<target_id>(static_cast<lagom::token_id>(t)));
    }
    out.push_back(line);
  }
  out.push_back({});
  out.push_back({target_id{100}, target_id{5}});
  return out;
}

auto corpus(const lines& from) {
  return [&from](auto visit) {
    for (const auto& line : from) visit(std::span<const target_id>(line));
  };
}

// Of the nearest three of each planted token, the share that is of its cluster.
double purity(const lagom::vocab::token_vectors& v) {
  lagom::embed::unit_rows unit(v.width());
  for (std::size_t t = 0; t < 100; ++t) REQUIRE(unit.push(v[t]));
  int right = 0;
  for (lagom::index_t t = 0; t < 90; ++t) {
    lagom::embed::nearest near(3);
    for (lagom::index_t o = 0; o < 100; ++o) {
      if (o == t) continue;
      near.push(static_cast<std::uint32_t>(o),
                lagom::dot(lagom::portable{}, unit.matrix().row(t), unit.matrix().row(o)));
    }
    for (const auto& s : near.take()) right += static_cast<lagom::index_t>(s.id) / 10 == t / 10 ? 1 : 0;
  }
  return right / 270.0;
}

}  // namespace

TEST_CASE("trained vectors find planted clusters", "[embed][train_token_vectors]") {
  const lines text = planted(4000);
  for (const bool skip_gram : {false, true}) {
    lagom::embed::token_vector_options options{.width = 20, .epochs = 5, .sample = 0, .skip_gram = skip_gram};
    const auto v = lagom_test::must(lagom::embed::train_token_vectors(102, corpus(text), options));
    CHECK(v.size() == 102);
    CHECK(v.width() == 20);
    CHECK_FALSE(v.has(100));  // once, and min_count is 10
    CHECK_FALSE(v.has(101));
    CHECK(purity(v) > 0.98);
    options.epochs = 0;  // the untrained start knows nothing
    CHECK(purity(lagom_test::must(lagom::embed::train_token_vectors(102, corpus(text), options))) < 0.3);
  }
}

TEST_CASE("training gives the same bits every time, and others for another seed",
          "[embed][train_token_vectors]") {
  const lines text = planted(300);
  const auto train = [&](const lagom::embed::token_vector_options& options) {
    const auto v = lagom_test::must(lagom::embed::train_token_vectors(102, corpus(text), options));
    std::vector<float> all;
    for (std::size_t t = 0; t < 102; ++t) {
      for (lagom::index_t j = 0; j < v.width(); ++j) all.push_back(v[t][j]);
    }
    for (const float& x : all) CHECK(lagom::is_finite(&x));
    return all;
  };
  const auto first = train({.width = 13});
  CHECK(first == train({.width = 13}));
  CHECK(first != train({.width = 13, .seed = 43}));
  CHECK(first != train({.width = 13, .sample = 0}));
  CHECK(train({.width = 13, .negatives = 0}) != first);
  (void)train({.width = 1, .min_count = 0, .window = 100});  // window beyond any line, tokens seen never
}

TEST_CASE("negatives are drawn by the square root of the count", "[embed][train_token_vectors]") {
  const std::vector<std::uint64_t> counts{1, 4, 9, 100, 10000};
  const lagom::embed::detail::negative_table table(counts);
  const lagom::philox random{3};
  std::vector<int> hits(5);
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) {
    ++hits[table(random(0, static_cast<std::uint64_t>(i)).word[0])];
  }
  const double expected[] = {1, 2, 3, 10, 100};
  for (std::size_t i = 0; i < 5; ++i) {
    const double p = expected[i] / 116;
    CHECK(std::abs(hits[i] - n * p) < 5 * std::sqrt(n * p));
  }
  const std::vector<std::uint64_t> one{7};
  CHECK(lagom::embed::detail::negative_table(one)(~0u) == 0);
}

TEST_CASE("training refuses what makes no sense", "[embed][train_token_vectors]") {
  const lines text = planted(30);
  const auto why = [&](const lagom::embed::token_vector_options& options, lagom::index_t tokens = 102) {
    const auto r = lagom::embed::train_token_vectors(tokens, corpus(text), options);
    REQUIRE_FALSE(r);
    return r.error().code;
  };
  using lagom::errc;
  CHECK(why({.width = 0}) == errc::bad_value);
  CHECK(why({.window = 0}) == errc::bad_value);
  CHECK(why({.negatives = -1}) == errc::bad_value);
  CHECK(why({.rate = -1}) == errc::bad_value);
  CHECK(why({.min_count = 1000000}) == errc::empty);
  CHECK(why({.min_count = 0, .epochs = 20, .rate = 1e30}) == errc::not_finite);
  CHECK(why({}, -1) == errc::bad_value);
  CHECK(why({}, 50) == errc::out_of_range);
  const lines none;
  CHECK(lagom::embed::train_token_vectors(5, corpus(none)).error().code == errc::empty);
  const lines alone{std::vector<target_id>(20, target_id{3})};  // one token only: no negative to draw
  const auto v = lagom_test::must(lagom::embed::train_token_vectors(5, corpus(alone)));
  CHECK(v.has(3));
  CHECK_FALSE(v.has(0));
}
