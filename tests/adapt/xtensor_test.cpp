// SPDX-License-Identifier: MIT
#include <sys/ioctl.h>  // leaves NCC, the name of a parameter in xtensor-blas

#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/kernel/cosine.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"

#ifdef ASSERT
#error "adapt/xtensor_blas.hpp leaks the macro ASSERT"
#endif
#ifndef NCC
#error "adapt/xtensor_blas.hpp takes away the macro NCC"
#endif

static_assert(lagom::tensor<xt::xtensor<float, 1>, 1> && lagom::tensor<xt::xtensor<float, 2>, 2>);
static_assert(!lagom::tensor<xt::xtensor<float, 2>, 1> && !lagom::tensor<xt::xtensor<float, 1>, 2>);
static_assert(!lagom::tensor<xt::xarray<float>, 1>);  // rank unknown: must be said with a view
static_assert(!std::is_convertible_v<xt::xtensor<float, 2>&, lagom::vec_view<const float>>);

TEST_CASE("containers, views, columns and adaptors are seen in place", "[adapt][xtensor]") {
  xt::xtensor<float, 2> m = xt::arange<float>(0, 12).reshape({3, 4});
  const lagom::mat_view<const float> whole = m;
  CHECK(whole(2, 3) == 11);
  auto column = xt::view(m, xt::all(), 1);
  const lagom::vec_view<float> c = column;
  CHECK(c.size() == 3);
  CHECK(c.stride() == 4);
  c[2] = 50;
  CHECK(m(2, 1) == 50);
  auto block = xt::view(m, xt::range(1, 3), xt::range(2, 4));
  const lagom::mat_view<const float> b = block;
  CHECK(b.rows() == 2);
  CHECK(b(0, 0) == 6);
  CHECK(b.row_stride() == 4);
  std::vector<double> raw{1, 2, 3};
  auto adapted = xt::adapt(raw.data(), 3, xt::no_ownership(), std::array<std::size_t, 1>{3});
  CHECK(lagom::as_vec(adapted)[2] == 3);
  const xt::xtensor<float, 1> row = xt::ones<float>({4});
  CHECK(lagom::dot(lagom::portable{}, row, xt::view(m, 0, xt::all())) == 6);
  CHECK(lagom::as_vec(row).data() == row.data());
}

TEST_CASE("the BLAS backend agrees with the portable one on strided input", "[adapt][xtensor_blas]") {
  const auto x = lagom_test::normal<double>(200, 1), y = lagom_test::normal<double>(200, 2);
  const lagom::vec_view<const double> a(x.data(), 66, 3), b(y.data() + 1, 66, 2);
  CHECK(lagom::dot(lagom::xtensor_blas{}, a, b) ==
        Approx(lagom::dot(lagom::portable{}, a, b)).epsilon(1e-12));
  CHECK(lagom::dot(lagom::xtensor_blas{}, lagom::vec_view<const double>(), lagom::vec_view<const double>()) ==
        0);
}

namespace {

static_assert(lagom::linear_algebra<lagom::xtensor_blas, float>);
static_assert(lagom::linear_algebra<lagom::xtensor_blas, double>);
static_assert(!lagom::matrix_products<lagom::portable, float>);

// A matrix in a larger array, seen with these strides.
template <class T>
struct placed {
  std::vector<T> memory;
  lagom::mat_view<T> view;
  placed(lagom::index_t rows, lagom::index_t cols, int kind, std::uint64_t stream)
      : memory(lagom_test::normal<T>(static_cast<std::size_t>(6 * (rows + 2) * (cols + 2)), stream)) {
    T* const p = memory.data() + 1;
    switch (kind) {
      case 0:
        view = {p, rows, cols};
        break;
      case 1:
        view = {p, rows, cols, cols + 2};
        break;
      case 2:
        view = lagom::mat_view<T>{p, cols, rows, rows + 1}.transposed();
        break;
      default:
        view = {p, rows, cols, 2 * cols + 1, 2};
    }
  }
};

}  // namespace

TEMPLATE_TEST_CASE("products of views of every layout", "[adapt][xtensor_blas]", float, double) {
  using view = lagom::mat_view<const TestType>;
  for (const lagom::index_t m : {1, 2, 5}) {
    for (const lagom::index_t k : {0, 1, 3}) {
      for (const lagom::index_t n : {1, 4}) {
        for (int kinds = 0; kinds < 64; ++kinds) {
          CAPTURE(m, k, n, kinds);
          placed<TestType> a(m, k, kinds % 4, 1), b(k, n, kinds / 4 % 4, 2), c(m, n, kinds / 16, 3);
          auto expected = c.memory;
          const lagom::mat_view<TestType> e(expected.data() + (c.view.data() - c.memory.data()), m, n,
                                            c.view.row_stride(), c.view.col_stride());
          for (lagom::index_t i = 0; i < m; ++i) {
            for (lagom::index_t j = 0; j < n; ++j) {
              TestType sum = e(i, j) / 2;
              for (lagom::index_t l = 0; l < k; ++l) sum += 3 * a.view(i, l) * b.view(l, j);
              e(i, j) = sum;
            }
          }
          lagom::xtensor_blas{}.gemm(TestType(3), view(a.view), view(b.view), TestType(0.5), c.view);
          double worst = 0;  // over the whole array: nothing beside the matrix is written
          for (std::size_t i = 0; i < expected.size(); ++i) {
            worst = std::max(worst, static_cast<double>(std::abs(expected[i] - c.memory[i])));
          }
          CHECK(worst < (sizeof(TestType) == 4 ? 1e-5 : 1e-13));
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("thin singular value decompositions", "[adapt][xtensor_blas]", float, double) {
  const double tolerance = sizeof(TestType) == 4 ? 2e-5 : 1e-12;
  for (const auto& [m, n] : {std::pair{1, 1}, {7, 3}, {3, 7}, {40, 40}, {0, 3}}) {
    for (int kind = 0; kind < 4; ++kind) {
      CAPTURE(m, n, kind);
      const int k = std::min(m, n);
      placed<TestType> u(m, k, kind, 1), vt(k, n, 3 - kind, 2);
      placed<TestType> original(m, n, kind, 9);
      std::vector<TestType> s(static_cast<std::size_t>(k));
      REQUIRE(lagom::xtensor_blas{}.svd(lagom::mat_view<const TestType>(original.view), u.view,
                                        lagom::vec_view<TestType>(s), vt.view));
      double wrong = 0;
      for (int i = 0; i < m; ++i) {
        for (int j = 0; j < n; ++j) {
          double sum = -static_cast<double>(original.view(i, j));
          for (int l = 0; l < k; ++l) {
            sum += static_cast<double>(u.view(i, l)) * static_cast<double>(s[static_cast<std::size_t>(l)]) *
                   static_cast<double>(vt.view(l, j));
          }
          wrong = std::max(wrong, std::abs(sum));
        }
      }
      for (int p = 0; p < k; ++p) {
        if (p > 0) CHECK(s[static_cast<std::size_t>(p)] <= s[static_cast<std::size_t>(p) - 1]);
        for (int q = 0; q <= p; ++q) {
          double uu = p == q ? -1 : 0, vv = uu;
          for (int i = 0; i < m; ++i)
            uu += static_cast<double>(u.view(i, p)) * static_cast<double>(u.view(i, q));
          for (int j = 0; j < n; ++j)
            vv += static_cast<double>(vt.view(p, j)) * static_cast<double>(vt.view(q, j));
          wrong = std::max({wrong, std::abs(uu), std::abs(vv)});
        }
      }
      CHECK(wrong < tolerance);
    }
  }
  std::vector<TestType> bad{1, std::numeric_limits<TestType>::quiet_NaN(), 1, 1}, u(4), s(2), vt(4);
  const auto r = lagom::xtensor_blas{}.svd(
      lagom::mat_view<const TestType>(bad.data(), 2, 2), lagom::mat_view<TestType>(u.data(), 2, 2),
      lagom::vec_view<TestType>(s), lagom::mat_view<TestType>(vt.data(), 2, 2));
  REQUIRE_FALSE(r);
  CHECK(r.error().code == lagom::errc::not_finite);
}
