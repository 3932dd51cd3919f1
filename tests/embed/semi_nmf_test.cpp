// SPDX-License-Identifier: MIT
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed/semi_nmf.hpp>
#include <limits>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {

namespace embed = lagom::embed;
using lagom::errc;
using lagom::index_t;
using lagom::mat_view;
using lagom_test::must;

const lagom::xtensor_blas blas{};
using matrix = std::vector<std::vector<double>>;

matrix as_matrix(mat_view<const float> m) {
  matrix out(static_cast<std::size_t>(m.rows()));
  for (index_t r = 0; r < m.rows(); ++r) {
    for (index_t c = 0; c < m.cols(); ++c) {
      out[static_cast<std::size_t>(r)].push_back(static_cast<double>(m(r, c)));
    }
  }
  return out;
}
matrix times(const matrix& a, const matrix& b) {
  matrix out(a.size(), std::vector<double>(b[0].size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < b.size(); ++k) {
      for (std::size_t j = 0; j < b[0].size(); ++j) out[i][j] += a[i][k] * b[k][j];
    }
  }
  return out;
}
matrix transposed(const matrix& a) {
  matrix out(a[0].size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[0].size(); ++j) out[j][i] = a[i][j];
  }
  return out;
}
// x with a x = b, by elimination with pivots.
matrix solved(matrix a, matrix b) {
  const std::size_t n = a.size();
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i; r < n; ++r) pivot = std::abs(a[r][i]) > std::abs(a[pivot][i]) ? r : pivot;
    std::swap(a[i], a[pivot]);
    std::swap(b[i], b[pivot]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const double by = a[r][i] / a[i][i];
      for (std::size_t c = 0; c < n; ++c) a[r][c] -= by * a[i][c];
      for (std::size_t c = 0; c < b[0].size(); ++c) b[r][c] -= by * b[i][c];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (double& x : b[i]) x /= a[i][i];
  }
  return b;
}
double error(const matrix& x, const matrix& f, const matrix& g) {
  const matrix y = times(f, g);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < x[0].size(); ++j) sum += (x[i][j] - y[i][j]) * (x[i][j] - y[i][j]);
  }
  return sum;
}
matrix best_coordinates(const matrix& x, const matrix& g) {
  const matrix gt = transposed(g);
  return transposed(solved(times(g, gt), times(g, transposed(x))));
}
matrix next_primitives(const matrix& x, const matrix& f, matrix g) {
  const matrix ft = transposed(f), cross = times(ft, x), square = times(ft, f);
  const auto part = [](const matrix& m, double sign) {
    matrix out = m;
    for (auto& row : out) {
      for (double& v : row) v = (std::abs(v) + sign * v) / 2;
    }
    return out;
  };
  const matrix up = times(part(square, -1), g), down = times(part(square, 1), g);
  const matrix plus = part(cross, 1), minus = part(cross, -1);
  for (std::size_t i = 0; i < g.size(); ++i) {
    for (std::size_t j = 0; j < g[0].size(); ++j) {
      g[i][j] *= std::sqrt((plus[i][j] + up[i][j]) / (minus[i][j] + down[i][j]));
    }
  }
  return g;
}

}  // namespace

TEST_CASE("semi-NMF: the worked step", "[embed][semi_nmf]") {
  const std::vector<float> e{1, -1, 2, 0.5f}, start{1, 2};
  const mat_view<const float> x(e.data(), 2, 2), g(start.data(), 1, 2);
  const auto before = must(embed::semi_nmf(blas, x, g, {.iterations = 0}));
  CHECK(before.g == start);
  CHECK(before.f[0] == Approx(-0.2).epsilon(1e-6));
  CHECK(before.f[1] == Approx(0.6).epsilon(1e-6));
  const matrix wide = as_matrix(x), f = as_matrix(before.coordinates());
  CHECK(error(wide, f, as_matrix(before.primitives())) == Approx(4.25).epsilon(1e-6));
  const auto after = must(embed::semi_nmf(blas, x, g, {.iterations = 1}));
  CHECK(after.g[0] == Approx(std::sqrt(2.5)).epsilon(1e-6));
  CHECK(after.g[1] == Approx(std::sqrt(2.5)).epsilon(1e-6));
  CHECK(error(wide, f, as_matrix(after.primitives())) == Approx(3.5065835097474314).epsilon(1e-6));
  CHECK(error(wide, as_matrix(after.coordinates()), as_matrix(after.primitives())) < 3.5065835);
}

TEST_CASE("semi-NMF follows its formulas and never gets worse", "[embed][semi_nmf]") {
  constexpr index_t m = 700, n = 23, rank = 6;  // more rows than are turned to float at once
  const auto e = lagom_test::normal<float>(static_cast<std::size_t>(m * n), 1);
  const mat_view<const float> x(e.data(), m, n);
  const matrix wide = as_matrix(x);
  const auto first = must(embed::semi_nmf(blas, x, rank, {.iterations = 0}));
  matrix f, g = as_matrix(first.primitives());
  for (const auto& row : g) {
    for (const double v : row) CHECK((v >= 1e-4 && v < 1.00011));
  }
  double last = std::numeric_limits<double>::max();
  for (int i = 0; i < 12; ++i) {
    const auto made = must(embed::semi_nmf(blas, x, rank, {.iterations = i, .tolerance = -1}));
    f = best_coordinates(wide, g);
    const double now = error(wide, as_matrix(made.coordinates()), as_matrix(made.primitives()));
    CHECK(now == Approx(error(wide, f, g)).epsilon(1e-5));
    CHECK(now <= last * (1 + 1e-7));
    last = now;
    double off = 0;
    for (std::size_t k = 0; k < g.size(); ++k) {
      for (std::size_t c = 0; c < g[0].size(); ++c) {
        off = std::max(off, std::abs(g[k][c] - static_cast<double>(made.primitives()(
                                                   static_cast<index_t>(k), static_cast<index_t>(c)))));
      }
    }
    CHECK(off < 1e-3);
    for (const float v : made.g) CHECK(v >= 0);
    g = next_primitives(wide, f, g);
  }
  // The best of that rank without a sign is better, the start is worse, and the end is found by itself.
  const auto best = must(embed::factorise(blas, x, rank));
  const auto ended = must(embed::semi_nmf(blas, x, rank, {.iterations = 100'000}));
  const double found = error(wide, as_matrix(ended.coordinates()), as_matrix(ended.primitives()));
  CHECK(found < last);
  CHECK(found > error(wide, as_matrix(best.coordinates()), as_matrix(best.primitives())));
  CHECK(must(embed::semi_nmf(blas, x, rank, {.iterations = 100'000})).g == ended.g);
  CHECK(must(embed::semi_nmf(blas, x, rank, {.seed = 7})).g != must(embed::semi_nmf(blas, x, rank)).g);
}

TEST_CASE("semi-NMF finds what a matrix is made of", "[embed][semi_nmf]") {
  constexpr index_t m = 300, n = 20, rank = 3;
  const auto f = lagom_test::normal<float>(static_cast<std::size_t>(m * rank), 2);
  const auto g = lagom_test::normal<float>(static_cast<std::size_t>(rank * n), 3);
  std::vector<lagom::bf16> e;
  double size = 0;
  for (index_t r = 0; r < m; ++r) {
    for (index_t c = 0; c < n; ++c) {
      float sum = 0;
      for (index_t k = 0; k < rank; ++k) {
        sum += f[static_cast<std::size_t>(r * rank + k)] * std::abs(g[static_cast<std::size_t>(k * n + c)]);
      }
      e.emplace_back(sum);
      size += static_cast<double>(sum) * static_cast<double>(sum);
    }
  }
  const mat_view<const lagom::bf16> x(e.data(), m, n);
  const auto made = must(embed::semi_nmf(blas, x, rank, {.iterations = 3000, .tolerance = 0}));
  std::vector<float> back(static_cast<std::size_t>(m * n));
  embed::product(blas, made.coordinates(), made, mat_view<float>(back.data(), m, n));
  double off = 0;
  for (std::size_t i = 0; i < back.size(); ++i) {
    const double d = static_cast<double>(back[i]) - static_cast<double>(static_cast<float>(e[i]));
    off += d * d;
  }
  CHECK(off < 1e-3 * size);
}

TEST_CASE("semi-NMF at the edges", "[embed][semi_nmf]") {
  std::vector<float> e{1, 2, 3, 4};
  const mat_view<const float> x(e.data(), 2, 2);
  const auto code = [](const auto& made) { return made ? errc{} : made.error().code; };
  CHECK(code(embed::semi_nmf(blas, x, 0)) == errc::bad_value);
  CHECK(code(embed::semi_nmf(blas, mat_view<const float>(e.data(), 0, 2), 1)) == errc::empty);
  std::vector<float> start{1, 2, 3};
  const auto from = [&](index_t rows, index_t cols) {
    return embed::semi_nmf(blas, x, mat_view<const float>(start.data(), rows, cols));
  };
  CHECK(code(from(1, 3)) == errc::wrong_shape);
  CHECK(code(from(0, 2)) == errc::empty);
  CHECK(code(from(1, 2)) == errc{});
  start[1] = -1;
  CHECK(code(from(1, 2)) == errc::bad_value);
  start[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK(code(from(1, 2)) == errc::not_finite);
  // primitives of zeros, and more of them than columns
  start = {0, 0, 0};
  const auto zero = must(from(1, 2));
  CHECK(zero.f == std::vector<float>{0, 0});
  CHECK(zero.g == std::vector<float>{0, 0});
  const auto many = must(embed::semi_nmf(blas, x, 5));
  CHECK(error(as_matrix(x), as_matrix(many.coordinates()), as_matrix(many.primitives())) < 1e-8);
  e[2] = std::numeric_limits<float>::infinity();
  CHECK(code(embed::semi_nmf(blas, x, 1)) == errc::not_finite);
}
