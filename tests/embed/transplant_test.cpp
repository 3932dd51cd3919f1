// SPDX-License-Identifier: MIT
#include <atomic>
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed/fase.hpp>
#include <lagom/embed/focus.hpp>
#include <lagom/embed/knn.hpp>
#include <lagom/embed/ofa.hpp>
#include <lagom/embed/omp.hpp>
#include <lagom/embed/train_token_vectors.hpp>
#include <lagom/embed/undertrained.hpp>
#include <lagom/vocab/reference_focus.hpp>
#include <limits>

#include "support.hpp"
#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {

namespace embed = lagom::embed;
using embed::method;
using lagom::token_id;
using lagom::vocab::source_id;
using lagom::vocab::target_id;
using lagom_test::must;
using rows = std::vector<std::vector<float>>;

lagom::vocab::token_vectors vectors(const rows& from) {
  lagom::vocab::token_vectors out(static_cast<lagom::index_t>(from.size()),
                                  static_cast<lagom::index_t>(from.front().size()));
  for (std::size_t i = 0; i < from.size(); ++i) {
    for (std::size_t j = 0; j < from[i].size(); ++j) out.set(i)[static_cast<lagom::index_t>(j)] = from[i][j];
  }
  return out;
}

// `same` by target; all of the target is wanted.
lagom::vocab::expansion replaced(token_id source_size, const std::vector<token_id>& same) {
  lagom::vocab::expansion e;
  e.source_size = source_size;
  e.target_size = static_cast<lagom::index_t>(same.size());
  for (std::size_t t = 0; t < same.size(); ++t) {
    e.same.push_back(source_id{same[t]});
    e.wanted.push_back(target_id{static_cast<token_id>(t)});
    e.bytes.push_back(std::string_view("x"));
  }
  return e;
}

std::vector<std::pair<int, double>> terms(const embed::plan& p, std::size_t r) {
  std::vector<std::pair<int, double>> out;
  for (const auto& t : p.row(r)) out.emplace_back(static_cast<int>(t.id), static_cast<double>(t.weight));
  return out;
}

}  // namespace

TEST_CASE("orthogonal matching pursuit: the worked example", "[embed][omp]") {
  // atoms (1,0), (0,1), (0.6,0.8), (10,0); x = (1,1)
  auto e = replaced(4, {0, 1, 2, 3, -1});
  e.target_vectors = vectors({{1, 0}, {0, 1}, {0.6f, 0.8f}, {10, 0}, {1, 1}});
  embed::omp two;
  two.atoms = 1;
  auto p = must(two(e));
  CHECK(p.made_by(4) == method::omp);
  REQUIRE(p.row(4).size() == 1);
  CHECK(terms(p, 4)[0].first == 2);
  CHECK(terms(p, 4)[0].second == Approx(1.4).epsilon(1e-6));
  two.atoms = 2;
  p = must(two(e));
  REQUIRE(p.row(4).size() == 2);
  CHECK(terms(p, 4)[0].first == 0);  // ties with token 3; the smaller wins
  CHECK(terms(p, 4)[0].second == Approx(0.25).epsilon(1e-5));
  CHECK(terms(p, 4)[1].second == Approx(1.25).epsilon(1e-5));
  two.atoms = 64;
  CHECK(must(two(e)) == p);  // nothing is left
  two.raw = true;
  p = must(two(e, lagom::xtensor_blas{}));
  REQUIRE(p.row(4).size() == 2);
  CHECK(terms(p, 4)[0].first == 1);
  CHECK(terms(p, 4)[0].second == Approx(1).epsilon(1e-6));
  CHECK(terms(p, 4)[1].first == 3);  // the long row wins
  CHECK(terms(p, 4)[1].second == Approx(0.1).epsilon(1e-6));
  for (std::size_t r = 0; r < 4; ++r) CHECK(p.made_by(r) == method::copy);
}

TEST_CASE("orthogonal matching pursuit agrees with the definition", "[embed][omp]") {
  constexpr token_id n = 60, added = 70;
  constexpr std::size_t width = 9, k = 5;
  std::vector<token_id> same;
  for (token_id t = 0; t < n + added; ++t) same.push_back(t < n ? t : -1);
  auto e = replaced(n, same);
  const auto x = lagom_test::normal<float>((n + added) * width, 4);
  rows all;
  for (std::size_t t = 0; t < n + added; ++t) {
    all.emplace_back(x.begin() + static_cast<std::ptrdiff_t>(t * width),
                     x.begin() + static_cast<std::ptrdiff_t>((t + 1) * width));
  }
  e.target_vectors = vectors(all);
  embed::omp few;
  few.atoms = k;
  const auto p = must(few(e));
  for (std::size_t t = n; t < n + added; ++t) {
    CAPTURE(t);
    std::vector<std::size_t> taken;
    std::vector<double> c;
    for (std::size_t step = 0; step < k; ++step) {
      std::vector<double> rest(all[t].begin(), all[t].end());
      for (std::size_t i = 0; i < taken.size(); ++i) {
        for (std::size_t j = 0; j < width; ++j) rest[j] -= c[i] * static_cast<double>(all[taken[i]][j]);
      }
      std::size_t best = 0;
      double most = -1;
      for (std::size_t o = 0; o < n; ++o) {
        double along = 0, square = 0;
        for (std::size_t j = 0; j < width; ++j) {
          along += rest[j] * static_cast<double>(all[o][j]);
          square += static_cast<double>(all[o][j]) * static_cast<double>(all[o][j]);
        }
        if (std::find(taken.begin(), taken.end(), o) == taken.end() &&
            std::abs(along) / std::sqrt(square) > most) {
          most = std::abs(along) / std::sqrt(square);
          best = o;
        }
      }
      taken.push_back(best);
      // least squares by the normal equations, eliminated in full
      const std::size_t m = taken.size();
      std::vector<std::vector<double>> a(m, std::vector<double>(m + 1));
      for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t l = 0; l <= m; ++l) {
          const auto& other = l < m ? all[taken[l]] : all[t];
          for (std::size_t j = 0; j < width; ++j) {
            a[i][l] += static_cast<double>(all[taken[i]][j]) * static_cast<double>(other[j]);
          }
        }
      }
      for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t l = 0; l < m; ++l) {
          if (l == i) continue;
          const double by = a[l][i] / a[i][i];
          for (std::size_t j = 0; j <= m; ++j) a[l][j] -= by * a[i][j];
        }
      }
      c.assign(m, 0);
      for (std::size_t i = 0; i < m; ++i) c[i] = a[i][m] / a[i][i];
    }
    REQUIRE(p.row(t).size() == k);
    for (const auto& [id, weight] : terms(p, t)) {
      const auto at = std::find(taken.begin(), taken.end(), static_cast<std::size_t>(id));
      REQUIRE(at != taken.end());
      CHECK(weight == Approx(c[static_cast<std::size_t>(at - taken.begin())]).epsilon(1e-4).margin(1e-5));
    }
  }
  e.target_vectors = {};
  CHECK(few(e).error().code == lagom::errc::empty);
}

TEST_CASE("nearest donor rows: the worked example", "[embed][knn]") {
  using list = std::vector<std::pair<int, double>>;
  auto e = replaced(3, {0, 1, 2, -1, -1, -1});
  e.target_vectors = vectors({{1, 0}, {0, 1}, {4, 0}, {1, 1}, {0, 0}, {-1, -1}});
  const auto with = [&](std::size_t k, embed::knn_metric metric, embed::knn_weights weights) {
    return must(embed::knn{.neighbours = k, .metric = metric, .weights = weights}(e));
  };
  const auto check = [](const list& found, const list& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].first == expected[i].first);
      CHECK(found[i].second == Approx(expected[i].second).epsilon(1e-6));
    }
  };
  using metric = embed::knn_metric;
  using weights = embed::knn_weights;
  const auto near = with(2, metric::euclidean, weights::proximity);
  for (const std::size_t r : {0u, 1u, 2u}) CHECK(near.made_by(r) == method::copy);
  CHECK(near.made_by(3) == method::knn);
  check(terms(near, 3), {{0, 0.5}, {1, 0.5}});
  CHECK(near.tag_of(4) == embed::tag{method::random, embed::reason::no_vector});
  const double third = 1 / std::sqrt(10.0);
  check(terms(with(3, metric::euclidean, weights::proximity), 3),
        {{0, 1 / (2 + third)}, {1, 1 / (2 + third)}, {2, third / (2 + third)}});
  check(terms(with(2, metric::euclidean, weights::least_squares), 3), {{0, 1}, {1, 1}});
  check(terms(with(3, metric::euclidean, weights::least_squares), 3), {{0, 1}, {1, 1}});  // two dimensions
  check(terms(with(2, metric::euclidean, weights::barycentric), 3), {{0, 0.5}, {1, 0.5}});
  check(terms(with(3, metric::euclidean, weights::barycentric), 3), {{0, -1.0 / 3}, {1, 1}, {2, 1.0 / 3}});
  check(terms(with(1, metric::euclidean, weights::barycentric), 3), {{0, 1}});
  const auto cosine = with(3, metric::cosine, weights::proximity);
  check(terms(cosine, 3), {{0, 1.0 / 3}, {1, 1.0 / 3}, {2, 1.0 / 3}});
  check(terms(with(2, metric::cosine, weights::proximity), 3), {{0, 0.5}, {1, 0.5}});
  CHECK(cosine.tag_of(5) == embed::tag{method::random, embed::reason::no_neighbours});  // all point away
  CHECK(near.made_by(5) == method::knn);
  CHECK(with(0, metric::euclidean, weights::least_squares).reason(3) == embed::reason::no_neighbours);
  const auto few = must(embed::knn{.neighbours = 2, .excluded = {source_id{0}}}(e));
  CHECK(terms(few, 3)[0].first == 1);
  CHECK(terms(few, 3)[1].first == 2);
  // A row that a shared one equals takes nearly all from it.
  e.target_vectors = vectors({{1, 0}, {0, 1}, {4, 0}, {4, 0}, {0, 0}, {-1, -1}});
  CHECK(terms(with(3, metric::euclidean, weights::proximity), 3)[2].second == Approx(1).epsilon(1e-5));
  e.target_vectors = {};
  CHECK(embed::knn{}(e).error().code == lagom::errc::empty);
}

TEST_CASE("nearest donor rows: brute force and normal equations", "[embed][knn]") {
  constexpr token_id shared = 300, added = 1100;  // more than a batch
  constexpr lagom::index_t width = 6;
  constexpr std::size_t k = 4;
  std::vector<token_id> same(shared + added, -1);
  for (token_id i = 0; i < shared; ++i) same[static_cast<std::size_t>(i)] = i;
  auto e = replaced(shared, same);
  const auto x = lagom_test::normal<float>(static_cast<std::size_t>((shared + added) * width), 4);
  e.target_vectors = {shared + added, width};
  for (std::size_t t = 0; t < same.size(); ++t) {
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(t) * width, width, e.target_vectors.set(t).data());
  }
  const auto at = [&](std::size_t t, std::size_t j) { return static_cast<double>(x[t * width + j]); };
  for (const auto weights : {embed::knn_weights::barycentric, embed::knn_weights::least_squares}) {
    for (const auto metric : {embed::knn_metric::euclidean, embed::knn_metric::cosine}) {
      const embed::knn knn{.neighbours = k, .metric = metric, .weights = weights};
      const auto p = must(knn(e));
      CHECK(p == must(knn(e, lagom::portable{}, lagom_test::threads{3})));
      for (std::size_t t = shared; t < same.size(); t += 37) {
        std::vector<std::pair<double, std::size_t>> order;
        for (std::size_t o = 0; o < shared; ++o) {
          double xx = 0, xy = 0, yy = 0;
          for (std::size_t j = 0; j < width; ++j) {
            xx += at(t, j) * at(t, j);
            xy += at(t, j) * at(o, j);
            yy += at(o, j) * at(o, j);
          }
          order.emplace_back(
              metric == embed::knn_metric::cosine ? -xy / std::sqrt(xx * yy) : xx - 2 * xy + yy, o);
        }
        std::sort(order.begin(), order.end());
        // [P P^T 1; 1^T 0] [w; m] = [P x; 1], or P P^T w = P x; by elimination
        const std::size_t n = k + (weights == embed::knn_weights::barycentric ? 1 : 0);
        const auto product = [&](std::size_t u, std::size_t v) {
          double sum = 0;
          for (std::size_t j = 0; j < width; ++j) sum += at(u, j) * at(v, j);
          return sum;
        };
        std::vector<std::vector<double>> a(n, std::vector<double>(n + 1, 1));
        for (std::size_t i = 0; i < k; ++i) {
          for (std::size_t c = 0; c < k; ++c) a[i][c] = product(order[i].second, order[c].second);
          a[i][n] = product(order[i].second, t);
        }
        if (n > k) a[k][k] = 0;
        for (std::size_t i = 0; i < n; ++i) {
          std::size_t pivot = i;
          for (std::size_t r = i; r < n; ++r) pivot = std::abs(a[r][i]) > std::abs(a[pivot][i]) ? r : pivot;
          std::swap(a[i], a[pivot]);
          for (std::size_t r = 0; r < n; ++r) {
            const double by = r == i ? 0 : a[r][i] / a[i][i];
            for (std::size_t c = i; c <= n && r != i; ++c) a[r][c] -= by * a[i][c];
          }
        }
        REQUIRE(p.row(t).size() == k);
        for (std::size_t i = 0; i < k; ++i) {
          const auto found = terms(p, t);
          const auto one = std::find_if(found.begin(), found.end(), [&](const auto& w) {
            return w.first == static_cast<int>(order[i].second);
          });
          REQUIRE(one != found.end());
          CHECK(one->second == Approx(a[i][n] / a[i][i]).epsilon(1e-4).margin(1e-5));
        }
      }
    }
  }
}

TEST_CASE("FASE: copies, mutual nearest, the rest by FOCUS", "[embed][fase]") {
  // token 0 is shared; 1 and 2 are both nearest to source 1, which prefers 2; 3 has no vector's direction
  auto e = replaced(3, {0, -1, -1, -1});
  e.source_vectors = vectors({{1, 0}, {0, 1}, {-1, 0}});
  e.target_vectors = vectors({{1, 0}, {0.3f, 0.9f}, {0.05f, 1}, {0, 0}});
  for (const auto& p : {must(embed::fase{}(e)), must(embed::fase{}(e, lagom::xtensor_blas{}))}) {
    CHECK(p.made_by(0) == method::copy);
    CHECK(p.made_by(1) == method::focus);
    CHECK(p.made_by(2) == method::fase);
    CHECK(terms(p, 2) == std::vector<std::pair<int, double>>{{1, 1}});
    CHECK(p.made_by(3) == method::random);
    CHECK(p.reason(3) == embed::reason::no_vector);
    // token 1: sparsemax of its cosines with tokens 0 (source 0) and 2 (source 1)
    const double norm = std::sqrt(0.3 * 0.3 + 0.9 * 0.9);
    const double c0 = 0.3 / norm, c2 = (0.3 * 0.05 + 0.9) / norm / std::sqrt(1 + 0.05 * 0.05);
    const double tau = (c0 + c2 - 1) / 2;
    REQUIRE(p.row(1).size() == 2);
    CHECK(terms(p, 1)[0].second == Approx(c0 - tau).epsilon(1e-5));
    CHECK(terms(p, 1)[1].second == Approx(c2 - tau).epsilon(1e-5));
  }
  CHECK(must(embed::fase{.excluded = {source_id{1}}}(e)).made_by(2) == method::focus);
  e.source_vectors = vectors({{1, 0, 0}});
  CHECK(embed::fase{}(e).error().code == lagom::errc::wrong_shape);
}

TEST_CASE("rows that are copied cost no products", "[embed][fase][wechsel]") {
  struct counting : lagom::portable {
    std::atomic<std::size_t>* products;
    explicit counting(std::atomic<std::size_t>& n) : products(&n) {}
    float dot(lagom::vec_view<const float> x, lagom::vec_view<const float> y) const noexcept {
      ++*products;
      return lagom::dot(lagom::portable{}, x, y);
    }
  };
  // A vocabulary that is replaced by one that shares all but 100 of its 2,000 tokens.
  constexpr token_id size = 2000, added = 100;
  std::vector<token_id> same(size, -1);
  for (token_id i = 0; i < size - added; ++i) same[static_cast<std::size_t>(i + i / 19)] = i;
  auto e = replaced(size - added, same);
  const auto random = [](token_id n, std::uint64_t stream) {
    lagom::vocab::token_vectors out(n, 8);
    const auto x = lagom_test::normal<float>(static_cast<std::size_t>(8 * n), stream);
    for (token_id i = 0; i < n; ++i) {
      const auto row = out.set(static_cast<std::size_t>(i));
      for (int j = 0; j < 8; ++j) row[j] = x[static_cast<std::size_t>(8 * i + j)];
    }
    return out;
  };
  e.source_vectors = random(size - added, 1);
  e.target_vectors = random(size, 2);
  std::atomic<std::size_t> products{0};
  const auto cost = [&](const auto& initializer) {
    products = 0;
    const auto p = must(initializer(e, counting(products)));
    CHECK(p == must(initializer(e)));
    return products.load();
  };
  const std::size_t keys = size - added, rows = added;
  CHECK(cost(embed::focus{}) == rows * keys);
  CHECK(cost(embed::ofa{}) == rows * keys);
  CHECK(cost(embed::wechsel{}) == size * keys);  // makes shared tokens too
  const auto p = must(embed::fase{}(e));
  std::size_t matched = 0;
  for (std::size_t r = 0; r < p.rows(); ++r) matched += p.made_by(r) == method::fase ? 1u : 0u;
  CHECK(matched > 10);
  CHECK(matched < rows);
  // there, at most as much back, and the rest over shared and matched tokens
  CHECK(cost(embed::fase{}) <= rows * keys + rows * rows + (rows - matched) * (keys + matched));
  // WECHSEL copies added tokens alone: 50 of those cost nothing
  e.bytes.clear();
  for (token_id i = 0; i < size; ++i) e.bytes.push_back(std::string_view(i < 50 ? "" : "x"));
  std::size_t specials = 0;
  for (std::size_t i = 0; i < 50; ++i) specials += same[i] >= 0 ? 1u : 0u;
  CHECK(cost(embed::wechsel{}) == (size - specials) * keys);
}

TEST_CASE("FASE's release: token 0 is no overlap, sums for norms", "[embed][fase][compat]") {
  auto e = replaced(2, {1, -1});  // target 0 is source 1, and its vector is nearest to source 0's
  e.source_vectors = vectors({{1, 0}, {0, 1}});
  e.target_vectors = vectors({{1, 0}, {0, 1}});
  CHECK(terms(must(embed::fase{}(e)), 0) == std::vector<std::pair<int, double>>{{1, 1}});
  const auto lost = must(embed::fase{.loses_first = true}(e));
  CHECK(lost.made_by(0) == method::fase);
  CHECK(terms(lost, 0) == std::vector<std::pair<int, double>>{{0, 1}});

  const auto before = vectors({{1, -1, 0, 0, 0, 0, 0, 0}, {1, 1, 0, 0, 0, 0, 0, 0}});
  const auto after = embed::with_zero_sums_replaced(before);
  const auto c = lagom::cosine(lagom::portable{}, before[0], after[0]);
  CHECK(std::abs(c.value()) < 0.9f);  // it pointed somewhere
  CHECK(after[1][0] == 1);
  CHECK(embed::with_zero_sums_replaced(before)[0][1] == after[0][1]);
}

TEST_CASE("rows that training hardly touched are listed on demand", "[embed][undertrained]") {
  constexpr lagom::index_t n = 400, d = 16;
  auto x = lagom_test::normal<float>(n * d, 8);
  for (lagom::index_t r = 100; r < 104; ++r) {  // unused ones: small and alike
    for (lagom::index_t j = 0; j < d; ++j)
      x[static_cast<std::size_t>(r * d + j)] = 0.01f * static_cast<float>(j + 1 + r % 2);
  }
  const lagom::mat_view<const float> m(x.data(), n, d);
  const embed::undertrained find;
  const std::vector<source_id> small{source_id{100}, source_id{101}, source_id{102}, source_id{103}};
  CHECK(find.by_norm(lagom::portable{}, m) == small);
  const std::vector<source_id> unused{source_id{100}, source_id{101}};
  for (const source_id id : find.by_unused(lagom::portable{}, m, unused))
    CHECK(std::count(small.begin(), small.end(), id) == 1);
  CHECK_FALSE(find.by_unused(lagom::portable{}, m, unused).empty());
  CHECK(find.by_unused(lagom::portable{}, m, {}).empty());  // nothing points to the mean of none
  x[7 * d] = std::numeric_limits<float>::quiet_NaN();
  for (const auto& list :
       {find.by_norm(lagom::portable{}, m), find.by_unused(lagom::portable{}, m, unused)}) {
    CHECK(std::count(list.begin(), list.end(), source_id{7}) == 1);
  }
}

TEST_CASE("a released FOCUS: overlap by spelling, short lines dropped", "[embed][focus][compat]") {
  const std::vector<std::string_view> source{"\xE2\x96\x81house", "a", "<0x41>", "a"};
  const std::vector<std::string_view> target{"\xC4\xA0house", "a", "b"};
  const auto same = lagom::vocab::same_by_spelling(
      4, [&](token_id t) { return source[static_cast<std::size_t>(t)]; }, 3,
      [&](token_id t) { return target[static_cast<std::size_t>(t)]; });
  CHECK(same == std::vector<source_id>{source_id::none, source_id{1}, source_id::none});
  // " house" is one token in both, and FOCUS loses its best neighbour
  auto right = replaced(4, {0, 1, -1});
  right.target_vectors = vectors({{1, 0}, {0, 1}, {1, 0.1f}});
  auto wrong = right;
  wrong.same = same;
  CHECK(terms(must(embed::focus{}(right)), 2)[0].first == 0);
  CHECK(terms(must(embed::focus{}(wrong)), 2) == std::vector<std::pair<int, double>>{{1, 1}});

  using lagom::vocab::keeps_line;
  CHECK(keeps_line("one two three four five", false));
  CHECK_FALSE(keeps_line("  one two\tthree four ", false));
  CHECK(keeps_line("\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4", true));
  CHECK_FALSE(keeps_line("\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4", true));
  CHECK_FALSE(keeps_line("\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4", false));
  CHECK_FALSE(keeps_line("", true));
  // a token that stands in short lines alone loses its vector, and FOCUS its row
  const std::vector<std::string> text(20, "7 8"), longer(20, "1 2 3 4 5 6");
  const auto train = [&](bool filter) {
    return must(lagom::embed::train_token_vectors(9, [&](auto visit) {
      for (const auto* part : {&text, &longer}) {
        for (const std::string& line : *part) {
          if (filter && !keeps_line(line, false)) continue;
          std::vector<target_id> ids;
          for (const char c : line) {
            if (c != ' ') ids.push_back(target_id{c - '0'});
          }
          visit(std::span<const target_id>(ids));
        }
      }
    }));
  };
  CHECK(train(false).has(7));
  CHECK_FALSE(train(true).has(7));
  CHECK(train(true).has(1));
}
