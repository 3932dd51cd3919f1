// SPDX-License-Identifier: MIT
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed/apply.hpp>
#include <lagom/embed/centred.hpp>
#include <lagom/embed/clp.hpp>
#include <lagom/embed/focus.hpp>
#include <lagom/embed/ofa.hpp>
#include <lagom/embed/procrustes.hpp>
#include <lagom/embed/wechsel.hpp>
#include <limits>
#include <thread>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {

namespace embed = lagom::embed;
using embed::method;
using embed::reason;
using lagom::vocab::source_id;
using lagom::vocab::target_id;
using rows = std::vector<std::vector<float>>;

void fill(lagom::vocab::token_vectors& out, const rows& from, std::size_t first = 0) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i].empty()) continue;  // no vector
    const auto to = out.set(first + i);
    for (std::size_t j = 0; j < from[i].size(); ++j) to[static_cast<lagom::index_t>(j)] = from[i][j];
  }
}

lagom::vocab::token_vectors vectors(const rows& from) {
  lagom::index_t width = 0;
  for (const auto& r : from) width = std::max(width, static_cast<lagom::index_t>(r.size()));
  lagom::vocab::token_vectors out(static_cast<lagom::index_t>(from.size()), width);
  fill(out, from);
  return out;
}

// An expansion that appends `added` tokens; the first `n` target tokens are the source's.
lagom::vocab::expansion appended(lagom::token_id n, lagom::token_id added) {
  lagom::vocab::expansion e;
  e.source_size = n;
  e.target_size = n + added;
  for (lagom::token_id t = 0; t < n + added; ++t) {
    e.same.push_back(t < n ? source_id{t} : source_id::none);
    if (t < n) continue;
    e.wanted.push_back(target_id{t});
    e.bytes.push_back(std::string_view("new"));
  }
  return e;
}

std::vector<std::vector<double>> applied(const embed::plan& p, const rows& source) {
  std::vector<double> flat;
  for (const auto& r : source) flat.insert(flat.end(), r.begin(), r.end());
  const std::size_t width = source[0].size();
  std::vector<double> out(p.rows() * width);
  embed::apply(p, lagom::mat_view<const double>(flat.data(), source.size(), width),
               lagom::mat_view<double>(out.data(), p.rows(), width));
  std::vector<std::vector<double>> split(p.rows());
  for (std::size_t r = 0; r < p.rows(); ++r) {
    split[r].assign(out.begin() + static_cast<std::ptrdiff_t>(r * width),
                    out.begin() + static_cast<std::ptrdiff_t>((r + 1) * width));
  }
  return split;
}

struct threads {
  template <class Task>
  void operator()(lagom::index_t n, Task&& task) const {
    std::vector<std::thread> pool;
    for (lagom::index_t first = 0; first < 3; ++first) {
      pool.emplace_back([&, first] {
        for (lagom::index_t i = n - 1 - first; i >= 0; i -= 3) task(i);
      });
    }
    for (auto& t : pool) t.join();
  }
};

const lagom::xtensor_blas blas{};

}  // namespace

TEST_CASE("FOCUS combines the overlap by sparsemax of cosines", "[embed][focus]") {
  auto e = appended(3, 1);
  e.target_vectors = vectors({{1, 0}, {0.8f, 0.6f}, {0, 1}, {1, 0}});
  const auto check = [&](const embed::plan& p) {
    REQUIRE(p.rows() == 1);
    CHECK(p.made_by(0) == method::focus);
    REQUIRE(p.row(0).size() == 2);
    CHECK(p.row(0)[0].weight == Approx(0.6).epsilon(1e-6));
    CHECK(p.row(0)[1].weight == Approx(0.4).epsilon(1e-6));
    CHECK(p.convex(0));
    const auto row = applied(p, {{1, 0}, {0, 1}, {2, 2}})[0];
    CHECK(row[0] == Approx(0.6).epsilon(1e-6));
    CHECK(row[1] == Approx(0.4).epsilon(1e-6));
  };
  check(lagom_test::must(embed::focus{}(e)));
  check(lagom_test::must(embed::focus{}(e, blas)));
}

TEST_CASE("FOCUS: tokens without a vector, without an overlap, copied, excluded", "[embed][focus]") {
  auto e = appended(3, 4);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  e.target_vectors = vectors({{1, 0}, {0.8f, 0.6f}, {}, {1, 0}, {}, {0, 0}, {nan, 1}});
  const auto p = lagom_test::must(embed::focus{}(e));
  CHECK(p.made_by(0) == method::focus);
  for (const std::size_t r : {1u, 2u, 3u}) {
    CHECK(p.made_by(r) == method::random);
    CHECK(p.reason(r) == reason::no_vector);
    REQUIRE(p.gaussians(r).size() == 1);
    CHECK(p.gaussians(r)[0].stream == e.wanted[r]);
  }
  // weights are of the overlap that has vectors: tokens 0 and 1
  CHECK(p.row(0).size() == 2);
  CHECK(lagom_test::must(embed::focus{.excluded = {source_id{0}}}(e)).row(0)[0].id == source_id{1});

  auto replaced = e;  // all of the target is wanted: overlapping tokens are copied
  replaced.wanted = {target_id{0}, target_id{2}, target_id{3}};
  const auto q = lagom_test::must(embed::focus{}(replaced));
  CHECK(q.made_by(0) == method::copy);
  CHECK(q.made_by(1) == method::copy);
  CHECK(q.row(1)[0] == embed::term{source_id{2}, 1});
  CHECK(q.made_by(2) == method::focus);

  auto alone = e;
  alone.same.assign(7, source_id::none);
  CHECK(lagom_test::must(embed::focus{}(alone)).reason(0) == reason::no_neighbours);
  alone.target_vectors = {};
  const auto none = embed::focus{}(alone);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == lagom::errc::empty);
}

TEST_CASE("a reference that takes token 0 for none loses it as a neighbour", "[embed][focus][compat]") {
  auto e = appended(3, 1);
  e.target_vectors = vectors({{1, 0}, {0.8f, 0.6f}, {0, 1}, {1, 0}});
  const auto right = lagom_test::must(embed::focus{}(e));
  const auto lost = lagom_test::must(embed::focus{.loses_first = true}(e));
  CHECK(right.row(0)[0].id == source_id{0});  // the nearest of all
  REQUIRE(lost.row(0).size() == 2);
  CHECK(lost.row(0)[0].id == source_id{1});
  CHECK(lost.row(0)[0].weight == Approx(0.9).epsilon(1e-6));  // sparsemax of (0.8, 0)
}

TEST_CASE("WECHSEL weighs the nearest by softmax", "[embed][wechsel]") {
  auto e = appended(4, 1);
  e.source_vectors = vectors({{1, 0}, {0.6f, 0.8f}, {0, 1}, {-1, 0}});
  e.target_vectors = vectors({{}, {}, {}, {}, {0.8f, 0.6f}});
  embed::wechsel two;
  two.neighbours = 2;
  const auto p = lagom_test::must(two(e));
  CHECK(p.made_by(0) == method::wechsel);
  REQUIRE(p.row(0).size() == 2);
  CHECK(p.row(0)[0].weight == Approx(0.16798161486607555).epsilon(1e-5));
  CHECK(p.row(0)[1].weight == Approx(0.8320183851339245).epsilon(1e-6));
  const auto row = applied(p, {{1, 0}, {0, 1}, {5, 5}, {7, 7}})[0];
  CHECK(row[0] == Approx(0.16798161486607555).epsilon(1e-5));
  CHECK(row[1] == Approx(0.8320183851339245).epsilon(1e-6));
  CHECK(lagom_test::must(embed::wechsel{}(e, blas)).row(0).size() == 4);  // fewer than ten

  embed::nearest near(3);
  near.push(0, std::vector<float>{0.5f, 0.9f, 0.8f});
  const auto w = embed::softmax_weights{}(near);
  const double expected[] = {0.7213991842739687, 0.2653879287722420, 0.0132128869537894};
  for (std::size_t i = 0; i < 3; ++i) CHECK(w.of[i].value == Approx(expected[i]).epsilon(3e-6));
}

TEST_CASE("WECHSEL copies added tokens alone, OFA all shared ones", "[embed][wechsel][ofa]") {
  auto e = appended(3, 1);
  e.source_vectors = vectors({{1, 0}, {0, 1}, {0.6f, 0.8f}});
  e.target_vectors = vectors({{}, {1, 0}, {}, {0, 0}});
  e.wanted = {target_id{0}, target_id{1}, target_id{2}, target_id{3}};
  e.bytes.clear();
  for (const char* text : {"", "b", "c", "new"}) e.bytes.push_back(std::string_view(text));
  const auto p = lagom_test::must(embed::wechsel{}(e));
  CHECK(p.made_by(0) == method::copy);
  CHECK(p.made_by(1) == method::wechsel);
  CHECK(p.made_by(2) == method::random);  // shared, ordinary, and without a vector
  CHECK(p.reason(2) == reason::no_vector);
  CHECK(p.made_by(3) == method::random);
  const auto q = lagom_test::must(embed::ofa{}(e));
  for (const std::size_t r : {0u, 1u, 2u}) CHECK(q.made_by(r) == method::copy);
  CHECK(q.made_by(3) == method::random);

  auto other = e;
  other.source_vectors = vectors({{1, 0, 0}});
  const auto wide = embed::wechsel{}(other);
  REQUIRE_FALSE(wide);
  CHECK(wide.error().code == lagom::errc::wrong_shape);
  CHECK(wide.error().expected == 3);
  CHECK(wide.error().found == 2);
  other.source_vectors = {};
  CHECK_FALSE(embed::wechsel{}(other));
  embed::wechsel cold;
  cold.temperature = 0;
  CHECK(cold(e).error().code == lagom::errc::bad_value);
}

TEST_CASE("softmax without its largest taken out overflows to NaN", "[embed][wechsel][compat]") {
  auto e = appended(2, 1);
  e.source_vectors = vectors({{1, 0}, {0, 1}});
  e.target_vectors = vectors({{}, {}, {3, 4}});
  embed::wechsel cold;
  cold.temperature = 0.001;
  CHECK(applied(lagom_test::must(cold(e)), {{1, 0}, {0, 1}})[0] == std::vector<double>{0, 1});
  cold.shift = false;
  const auto p = lagom_test::must(cold(e));
  CHECK(p.rescaling(0).to == embed::rescale::rule::nan);
  const auto broken = applied(p, {{1, 0}, {0, 1}})[0];
  for (const double x : broken) CHECK_FALSE(lagom::is_finite(&x));
  cold.temperature = 0.1;  // as published: the same numbers either way
  const auto published = lagom_test::must(cold(e));
  cold.shift = true;
  CHECK(published == lagom_test::must(cold(e)));
}

TEST_CASE("CLP: signed weights, and sums near zero are reported", "[embed][clp]") {
  auto e = appended(3, 3);
  const auto unit = [](float c) { return std::vector<float>{c, std::sqrt(1 - c * c)}; };
  e.target_vectors = vectors({unit(0.8f), unit(0.2f), unit(-0.5f), {1, 0}, {}, {0, 0}});
  for (const auto& p : {lagom_test::must(embed::clp{}(e)), lagom_test::must(embed::clp{}(e, blas))}) {
    CHECK(p.made_by(0) == method::clp);
    REQUIRE(p.row(0).size() == 3);
    const double linear[] = {1.6, 0.4, -1.0};
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(static_cast<double>(p.row(0)[i].weight) == Approx(linear[i]).epsilon(2e-6));
    }
    CHECK_FALSE(p.convex(0));
    CHECK(p.reason(1) == reason::no_vector);
    CHECK(p.reason(2) == reason::no_vector);
  }
  const auto plus = lagom_test::must(embed::clp_plus{}(e));
  CHECK(plus.made_by(0) == method::clp_plus);
  REQUIRE(plus.row(0).size() == 2);
  CHECK(plus.row(0)[0].weight == Approx(0.8).epsilon(1e-6));
  CHECK(plus.row(0)[1].weight == Approx(0.2).epsilon(1e-6));

  e.target_vectors = vectors({{1, 0}, {-1, 1e-4f}, {0, 1}, {1, 0}, {}, {}});
  const auto cancelled = lagom_test::must(embed::clp{}(e));
  CHECK(cancelled.made_by(0) == method::random);
  CHECK(cancelled.reason(0) == reason::no_neighbours);
  e.target_vectors = vectors({{1, 0}, {-0.999f, std::sqrt(1 - 0.999f * 0.999f)}, {0, 1}, {1, 0}, {}, {}});
  const auto published = lagom_test::must(embed::clp{.least = 0}(e));
  CHECK(published.made_by(0) == method::clp);
  CHECK(std::abs(published.row(0)[0].weight) > 900);  // what the guard is for
}

TEST_CASE("Procrustes finds rotations", "[embed][procrustes]") {
  const auto solved = [](const rows& x, const rows& y) {
    embed::procrustes pairs(static_cast<lagom::index_t>(x[0].size()));
    for (std::size_t i = 0; i < x.size(); ++i) pairs.push(x[i], y[i]);
    return lagom_test::must(pairs.solve(blas));
  };
  const auto quarter = solved({{1, 0}, {0, 1}, {1, 1}}, {{0, 1}, {-1, 0}, {-1, 1}});
  const double expected[] = {0, 1, -1, 0};
  for (int i = 0; i < 4; ++i) CHECK(std::abs(quarter.matrix()(i / 2, i % 2) - expected[i]) < 1e-15);
  const auto eighth = solved({{2, 0}, {0, 1}}, {{1, 1}, {-1, 1}});
  const double h = std::sqrt(0.5), diagonal[] = {h, h, -h, h};
  for (int i = 0; i < 4; ++i) CHECK(std::abs(eighth.matrix()(i / 2, i % 2) - diagonal[i]) < 1e-15);
  const auto v = embed::rotated(vectors({{3, 4}, {}}), quarter);
  CHECK(v[0][0] == -4);
  CHECK(v[0][1] == 3);
  CHECK_FALSE(v.has(1));

  // as many pairs as dimensions, from a hidden rotation: it is found; with fewer, something orthogonal is
  const lagom::index_t d = 12;
  const auto hidden_from = lagom_test::normal<float>(12 * 12, 1),
             hidden_to = lagom_test::normal<float>(12 * 12, 2);
  embed::procrustes maker(d);
  for (lagom::index_t i = 0; i < d; ++i) {
    maker.push({hidden_from.data() + i * d, d}, {hidden_to.data() + i * d, d});
  }
  const auto hidden = lagom_test::must(maker.solve(blas));
  for (const lagom::index_t n : {1, 5, 40}) {
    const auto x = lagom_test::normal<float>(static_cast<std::size_t>(n * d), 3);
    embed::procrustes left(d), right(d);
    std::vector<float> y(static_cast<std::size_t>(d));
    for (lagom::index_t i = 0; i < n; ++i) {
      hidden.apply({x.data() + i * d, d}, lagom::vec_view<float>(y));
      (i % 2 == 0 ? left : right).push({x.data() + i * d, d}, y);
    }
    left.merge(right);
    CHECK(left.pairs() == static_cast<std::uint64_t>(n));
    const auto r = lagom_test::must(left.solve(blas));
    double off = 0, wrong = 0;
    for (lagom::index_t i = 0; i < d; ++i) {
      for (lagom::index_t j = 0; j < d; ++j) {
        double product = i == j ? -1 : 0;
        for (lagom::index_t k = 0; k < d; ++k) product += r.matrix()(i, k) * r.matrix()(j, k);
        off = std::max(off, std::abs(product));
        wrong = std::max(wrong, std::abs(r.matrix()(i, j) - hidden.matrix()(i, j)));
      }
    }
    CHECK(off < 1e-12);
    if (n > d) CHECK(wrong < 1e-6);
  }
  CHECK(embed::procrustes(3).solve(blas).error().code == lagom::errc::empty);
}

TEST_CASE("factorised matrices", "[embed][ofa]") {
  const std::vector<float> small{3, 0, 0, 4, 0, 0};
  const auto one =
      lagom_test::must(embed::factorise(blas, lagom::mat_view<const float>(small.data(), 3, 2), 1));
  const float sign = one.f[1];
  CHECK(std::abs(sign) == Approx(1));
  const double f[] = {0, 1, 0}, g[] = {0, 4};
  for (std::size_t i = 0; i < 3; ++i) CHECK(one.f[i] * sign == Approx(f[i]).margin(1e-6));
  for (std::size_t i = 0; i < 2; ++i) CHECK(one.g[i] * sign == Approx(g[i]).margin(1e-6));
  std::vector<float> back(6);
  embed::product(blas, one.coordinates(), one, lagom::mat_view<float>(back.data(), 3, 2));
  const double expected[] = {0, 0, 0, 4, 0, 0};
  for (std::size_t i = 0; i < 6; ++i) CHECK(back[i] == Approx(expected[i]).margin(1e-6));

  // a matrix whose singular values fall by a fifth each: randomised and exact agree, and beat no optimum
  const lagom::index_t m = 300, n = 60, rank = 8;
  std::vector<float> e(static_cast<std::size_t>(m * n));
  const auto u = lagom_test::normal<float>(static_cast<std::size_t>(m * n), 11);
  const auto v = lagom_test::normal<float>(static_cast<std::size_t>(n * n), 12);
  for (lagom::index_t i = 0; i < m; ++i) {
    for (lagom::index_t j = 0; j < n; ++j) {
      double sum = 0;
      for (lagom::index_t k = 0; k < n; ++k) {
        sum += std::pow(0.8, k) * static_cast<double>(u[static_cast<std::size_t>(i * n + k)]) *
               static_cast<double>(v[static_cast<std::size_t>(k * n + j)]);
      }
      e[static_cast<std::size_t>(i * n + j)] = static_cast<float>(sum);
    }
  }
  const lagom::mat_view<const float> matrix(e.data(), m, n);
  const auto error = [&](const embed::low_rank& x) {
    std::vector<float> y(e.size());
    embed::product(blas, x.coordinates(), x, lagom::mat_view<float>(y.data(), m, n));
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += std::pow(static_cast<double>(y[i] - e[i]), 2);
    return std::sqrt(sum);
  };
  const auto exact = lagom_test::must(embed::factorise(blas, matrix, rank));
  const auto quick = lagom_test::must(embed::factorise(blas, matrix, rank, {.exact_up_to = 0}));
  CHECK(quick.rank == rank);
  CHECK(error(quick) < error(exact) * 1.0001);
  CHECK(error(quick) > error(exact) * 0.9999);
  std::vector<float> s(60), left(e.size()), right(3600);
  REQUIRE(blas.svd(matrix, lagom::mat_view<float>(left.data(), m, n), lagom::vec_view<float>(s),
                   lagom::mat_view<float>(right.data(), n, n)));
  double tail = 0;
  for (std::size_t i = 8; i < 60; ++i) tail += static_cast<double>(s[i]) * static_cast<double>(s[i]);
  CHECK(error(exact) == Approx(std::sqrt(tail)).epsilon(1e-4));
  const auto again = lagom_test::must(embed::factorise(blas, matrix, rank, {.exact_up_to = 0}));
  CHECK(again.f == quick.f);
  CHECK(lagom_test::must(embed::factorise(blas, matrix, 1000)).rank == 60);
  CHECK(embed::factorise(blas, matrix, 0).error().code == lagom::errc::bad_value);
  CHECK(embed::factorise(blas, lagom::mat_view<const float>(e.data(), 0, 4), 2).error().code ==
        lagom::errc::empty);
  e[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(embed::factorise(blas, matrix, rank).error().code == lagom::errc::not_finite);
  CHECK(embed::factorise(blas, matrix, rank, {.exact_up_to = 0}).error().code == lagom::errc::not_finite);
}

TEST_CASE("OFA: coordinates of new tokens times the primitives", "[embed][ofa]") {
  auto e = appended(6, 2);
  e.source_vectors = vectors({{1, 0}, {0, 1}, {1, 1}, {-1, 2}, {2, -1}, {0.5f, 0.1f}});
  e.target_vectors = vectors({{}, {}, {}, {}, {}, {}, {1, 0.2f}, {0, 0}});
  const auto p = lagom_test::must(embed::ofa{}(e));
  CHECK(p.made_by(0) == method::ofa);
  CHECK(p.made_by(1) == method::random);
  const rows source{{1, 2, 3, 4}, {0, 1, -1, 2}, {3, 1, 4, 1}, {2, 7, 1, 8}, {-1, 0, 1, 0}, {5, 5, 0, 2}};
  std::vector<float> flat;
  for (const auto& r : source) flat.insert(flat.end(), r.begin(), r.end());
  const lagom::mat_view<const float> matrix(flat.data(), 6, 4);
  for (const lagom::index_t rank : {4, 2}) {
    const auto f = lagom_test::must(embed::factorise(blas, matrix, rank));
    std::vector<float> coordinates(2 * static_cast<std::size_t>(rank)), made(8), back(24);
    embed::apply(p, f.coordinates(), lagom::mat_view<float>(coordinates.data(), 2, rank));
    embed::product(blas, lagom::mat_view<const float>(coordinates.data(), 2, rank), f,
                   lagom::mat_view<float>(made.data(), 2, 4));
    embed::product(blas, f.coordinates(), f, lagom::mat_view<float>(back.data(), 6, 4));
    rows truncated(6);
    for (std::size_t i = 0; i < 24; ++i) truncated[i / 4].push_back(back[i]);
    const auto expected = applied(p, rank == 4 ? source : truncated)[0];
    for (std::size_t j = 0; j < 4; ++j) CHECK(made[j] == Approx(expected[j]).epsilon(1e-5).margin(1e-5));
    for (const float& x : made) CHECK(lagom::is_finite(&x));
  }
}

TEST_CASE("centred vectors lose what they share", "[embed][focus]") {
  auto shared = vectors({{11, 10}, {9, 10}, {}, {10, 12}, {10, 8}});
  const auto c = embed::centred(shared);
  CHECK_FALSE(c.has(2));
  const float expected[][2] = {{1, 0}, {-1, 0}, {0, 0}, {0, 2}, {0, -2}};
  for (const std::size_t t : {0u, 1u, 3u, 4u}) {
    CHECK(c[t][0] == expected[t][0]);
    CHECK(c[t][1] == expected[t][1]);
  }
  shared.set(0)[0] = std::numeric_limits<float>::infinity();
  const auto d = embed::centred(shared);
  CHECK_FALSE(lagom::is_finite(&d[0][0]));
  CHECK(d[3][1] == 2);  // the mean of the other three is (29 / 3, 10)
  CHECK(embed::centred(lagom::vocab::token_vectors()).empty());
}

TEST_CASE("large problems: brute force, tiles and threads agree", "[embed][focus][wechsel]") {
  const lagom::token_id n = 9001, added = 1100;
  const lagom::index_t width = 7;
  auto e = appended(n, added);
  e.source_vectors = {n, width};
  e.target_vectors = {n + added, width};
  const auto x = lagom_test::normal<float>(static_cast<std::size_t>((n + added) * width), 21);
  for (lagom::index_t t = 0; t < n + added; ++t) {
    for (lagom::index_t j = 0; j < width; ++j) {
      e.target_vectors.set(static_cast<std::size_t>(t))[j] = x[static_cast<std::size_t>(t * width + j)];
      if (t < n)
        e.source_vectors.set(static_cast<std::size_t>(t))[j] = x[static_cast<std::size_t>(t * width + j)];
    }
  }
  const auto focus = lagom_test::must(embed::focus{}(e));
  const auto wechsel = lagom_test::must(embed::wechsel{}(e));
  CHECK(focus == lagom_test::must(embed::focus{}(e, lagom::portable{}, threads{})));
  CHECK(wechsel == lagom_test::must(embed::wechsel{}(e, lagom::portable{}, threads{})));
  const auto fast = lagom_test::must(embed::focus{}(e, blas));
  for (const std::size_t r : {0u, 63u, 64u, 1023u, 1024u, 1099u}) {
    CAPTURE(r);
    const auto a = e.target_vectors[row_of(e.wanted[r])];
    std::vector<std::pair<double, lagom::token_id>> cosines;
    for (lagom::token_id s = 0; s < n; ++s) {
      const auto c = lagom::cosine(lagom::portable{}, a, e.source_vectors[static_cast<std::size_t>(s)]);
      cosines.emplace_back(-static_cast<double>(c.value()), s);
    }
    std::sort(cosines.begin(), cosines.end());
    std::vector<lagom::token_id> near;
    for (std::size_t i = 0; i < 10; ++i) near.push_back(cosines[i].second);
    std::sort(near.begin(), near.end());
    REQUIRE(wechsel.row(r).size() == 10);
    for (std::size_t i = 0; i < 10; ++i) CHECK(wechsel.row(r)[i].id == source_id{near[i]});
    double sum = 0, tau = 0;
    std::size_t k = 0;
    for (; k < cosines.size(); ++k) {
      if (!(1 - static_cast<double>(k + 1) * cosines[k].first > sum - cosines[k].first)) break;
      sum -= cosines[k].first;
      tau = (sum - 1) / static_cast<double>(k + 1);
    }
    for (const auto& p : {focus, fast}) {
      double total = 0, worst = 0;
      for (const auto& t : p.row(r)) {
        const auto c = lagom::cosine(lagom::portable{}, a, e.source_vectors[row_of(t.id)]);
        worst =
            std::max(worst, std::abs(static_cast<double>(t.weight) - (static_cast<double>(c.value()) - tau)));
        total += static_cast<double>(t.weight);
      }
      CHECK(std::abs(total - 1) < 1e-6);
      CHECK(worst < 1e-6);
    }
  }
}
