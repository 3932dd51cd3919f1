// SPDX-License-Identifier: MIT
#include "support.hpp"

using namespace lagom_test;
using namespace lagom;
using embed::gaussian;
using embed::method;
using embed::plan;
using embed::plan_builder;
using embed::reason;
using embed::rescale;
using embed::term;

namespace {

std::vector<term> terms_of(const plan& p, std::size_t r) { return {p.row(r).begin(), p.row(r).end()}; }

// Terms, means of groups and noise; no rescaling unless asked.
plan random_plan(std::uint64_t seed, int source_size, int first_target, int rows) {
  const philox random{seed};
  plan_builder out(source_size);
  std::uint64_t n = 0;
  const auto group = out.add_group(std::vector{s(0), s(2), s(static_cast<int>(2 + seed % 3))});
  for (int r = 0; r < rows; ++r) {
    for (std::uint64_t k = random.below(4, 0, n++); k > 0; --k) {
      const auto id = static_cast<int>(random.below(static_cast<std::uint64_t>(source_size), 0, n++));
      const double weight = 0.125 * static_cast<double>(random.below(16, 0, n++));
      out.add(s(id), weight);
    }
    if (r % 3 == 0) out.add(gaussian{.group = group, .ddof = 1, .mean = 0.5f, .seed = seed});
    out.end_row(t(first_target + r), {r % 2 == 0 ? method::align : method::merge, reason::unseen});
  }
  return std::move(out).build();
}

plan must(result<plan> r) {
  REQUIRE(r);
  return std::move(*r);
}
errc code(const result<plan>& r) { return r ? errc{} : r.error().code; }

}  // namespace

TEST_CASE("a mixture of plans gives the mixture of their rows", "[embed][algebra]") {
  table<double> source(9, 70);
  source.data = normal<double>(source.data.size(), 1);
  const plan a = random_plan(1, 9, 9, 12), b = random_plan(2, 9, 9, 12);
  const auto rows_a = applied<double>(a, source), rows_b = applied<double>(b, source);
  for (const double alpha : {0.0, 0.25, 0.7, 1.0, -0.5, 1.5}) {
    const plan m = must(embed::mix(alpha, a, b));
    const auto rows = applied<double>(m, source);
    for (std::size_t i = 0; i < rows.data.size(); ++i) {
      CHECK(near(rows.data[i], alpha * rows_a.data[i] + (1 - alpha) * rows_b.data[i], 1e-6, 10));
    }
    for (std::size_t r = 0; r < m.rows(); ++r) {
      CHECK(near(m.sum(r), alpha * a.sum(r) + (1 - alpha) * b.sum(r), 1e-6, 10));
    }
  }
  CHECK(applied<double>(must(embed::mix(1, a, b)), source).data == rows_a.data);
  CHECK(applied<double>(must(embed::mix(0, a, b)), source).data == rows_b.data);
  CHECK(must(embed::mix(0.5, a, a)).made_by(1) == method::merge);
  CHECK(must(embed::mix(0.5, a, a)).reason(1) == reason::unseen);
  CHECK(code(embed::mix(0.5, a, random_plan(2, 9, 10, 12))) == errc::wrong_shape);
  CHECK(code(embed::mix(0.5, a, random_plan(2, 8, 9, 12))) == errc::wrong_shape);
  CHECK(code(embed::mix(0.5, a, embed::rescaled(b, {rescale::rule::norm, 2}))) == errc::unsupported);
  CHECK(must(embed::mix(0.5, embed::rescaled(a, {rescale::rule::norm, 2}),
                        embed::rescaled(b, {rescale::rule::norm, 2})))
            .rescaling(3)
            .value == 2);
}

TEST_CASE("plans are selected by tag, overlaid, rescaled, thinned", "[embed][algebra]") {
  const plan a = random_plan(1, 9, 9, 12), b = random_plan(2, 9, 13, 12);
  const plan aligned = embed::select(a, [&](std::size_t r) { return a.made_by(r) == method::align; });
  REQUIRE(aligned.rows() == 6);
  for (std::size_t r = 0; r < 6; ++r) {
    CHECK(aligned.target(r) == a.target(2 * r));
    CHECK(terms_of(aligned, r) == terms_of(a, 2 * r));
  }
  const plan both = must(embed::overlay(a, b));
  REQUIRE(both.rows() == 16);
  table<double> source(9, 5);
  source.data = normal<double>(source.data.size(), 1);
  const auto rows = applied<double>(both, source), of_a = applied<double>(a, source),
             of_b = applied<double>(b, source);
  for (index_t r = 0; r < 16; ++r) {
    for (index_t c = 0; c < 5; ++c) CHECK(rows.at(r, c) == (r < 4 ? of_a.at(r, c) : of_b.at(r - 4, c)));
  }
  CHECK(must(embed::overlay(aligned, a)) == a);
  CHECK(must(embed::overlay(embed::plan(plan_builder(9).build()), a)) == a);
  CHECK(code(embed::overlay(a, random_plan(2, 8, 9, 1))) == errc::wrong_shape);

  const plan unit = embed::rescaled(a, {rescale::rule::norm, 3});
  const auto scaled = applied<double>(unit, source);
  for (index_t r = 0; r < 12; ++r) {
    double square = 0, was = 0;
    for (index_t c = 0; c < 5; ++c) {
      square += scaled.at(r, c) * scaled.at(r, c);
      was += std::abs(of_a.at(r, c));
    }
    CHECK(std::sqrt(square) == Approx(was > 0 ? 3 : 0));
  }

  plan_builder out(4);
  out.add(s(0), 0.5);
  out.add(s(1), -0.25);
  out.add(s(2), 0.01);
  out.add(s(3), -0.01);
  out.end_row(t(4));
  const plan thin = embed::without_small_weights(std::move(out).build(), 0.1f);
  CHECK(terms_of(thin, 0) == std::vector<term>{{s(0), 0.5f}, {s(1), -0.25f}});
}

TEST_CASE("a plan without noise is its expectation", "[embed][algebra]") {
  const auto e = expand(6, {{"x", {}}, {"y", {1}}});
  const plan random = embed::random{}(e);
  const plan quiet = embed::without_noise(random);
  CHECK(applied<double>(quiet, input_rows<double>()).data ==
        applied<double>(embed::source_mean{}(e), input_rows<double>()).data);
  CHECK(quiet.made_by(0) == method::random);
  // A second moment stays positive.
  const table<float> moment(1, {1e-8f, 2e-8f, 0, 4e-8f, 1e-8f, 1e-8f});
  for (const float v : applied<float>(quiet, moment).data) CHECK(v > 0);
}

TEST_CASE("two steps as one", "[embed][algebra]") {
  table<double> source(9, 6);
  source.data = normal<double>(source.data.size(), 3);
  const plan first = random_plan(1, 9, 9, 8);
  plan_builder out(17);
  out.add(s(3), 0.5);
  out.add(s(9), 0.25);
  out.add(s(12), 0.25);
  out.end_row(t(17), {method::align, reason::none});
  out.add(s(16), 1);
  out.set({rescale::rule::norm, 2});
  out.end_row(t(18));
  const plan second = std::move(out).build();
  // By hand: the matrix in between.
  const auto made = applied<double>(first, source);
  table<double> between(17, 6);
  std::copy(source.data.begin(), source.data.end(), between.data.begin());
  std::copy(made.data.begin(), made.data.end(), between.data.begin() + 54);
  const auto expected = applied<double>(second, between);
  const plan both = must(embed::compose(second, first));
  CHECK(both.source_size() == 9);
  CHECK(both.made_by(0) == method::align);
  const auto rows = applied<double>(both, source);
  for (std::size_t i = 0; i < rows.data.size(); ++i) CHECK(near(rows.data[i], expected.data[i], 1e-6, 4));

  CHECK(code(embed::compose(embed::random{}(expand(17, {{"x", {}}})), first)) == errc::unsupported);
  CHECK(code(embed::compose(second, embed::rescaled(first, {rescale::rule::norm, 2}))) == errc::unsupported);
  CHECK(code(embed::compose(second, random_plan(1, 9, 9, 3))) == errc::out_of_range);
}

TEST_CASE("the order in which terms come does not matter, to the bit", "[embed]") {
  const philox random{77};
  std::vector<std::pair<int, double>> terms;
  for (std::uint64_t i = 0; i < 200; ++i) {
    terms.emplace_back(static_cast<int>(random.below(9, 0, 2 * i)), random.uniform(0, 2 * i + 1) - 0.5);
  }
  const auto build = [&] {
    plan_builder out(9);
    for (const auto& [id, weight] : terms) out.add(s(id), weight);
    out.end_row(t(9));
    return std::move(out).build();
  };
  const plan once = build();
  CHECK(once.row(0).size() == 9);
  for (std::uint64_t round = 0; round < 20; ++round) {
    for (std::size_t i = terms.size(); i > 1; --i)
      std::swap(terms[i - 1], terms[random.below(i, 1 + round, i)]);
    CHECK(build() == once);
  }
}

TEST_CASE("a plan in a few counts", "[embed]") {
  auto e = expand(3, {{"ab", {0, 1}}, {"bb", {1, 1}}, {"?", {}}});
  e.rules = {{t(0), t(1), t(3)}};
  const plan p = embed::merge{}(e);
  auto found = embed::summary_of(p);
  CHECK(found.rows == 3);
  CHECK(found.terms == 3);
  CHECK(found.convex == 3);
  CHECK(found.noisy == 0);
  CHECK(found.made_by(method::merge) == 1);
  CHECK(found.made_by(method::mean) == 1);
  CHECK(found.made_by(method::source_mean) == 1);
  CHECK(found.because(reason::no_rule) == 2);
  CHECK(found.because(reason::no_pieces) == 1);
  CHECK(found.because(reason::none) == 0);
  const auto noise = embed::summary_of(embed::random{}(e));
  CHECK(noise.noisy == 3);
  CHECK(noise.convex == 0);
  CHECK(embed::random{}(e).affine(0));
  CHECK(!embed::zero{}(e).affine(0));
  auto sum = embed::plan_summary{};
  sum.merge(found);
  CHECK(sum == found);
  sum.merge(noise);
  CHECK(sum.rows == 6);
}

TEST_CASE("a source row that is none is found before it is read", "[embed]") {
  auto e = expand(3, {{"ab", {0, 7}}});
  const table<float> source(1, {1, 2, 3});
  table<float> out(1, 1);
  const auto looked = embed::applicable(embed::mean{}(e), source.view(), out.view());
  REQUIRE(!looked);
  CHECK(looked.error().code == errc::out_of_range);
  CHECK(looked.error().row == 0);
  CHECK(looked.error().found == 7);
}
