// SPDX-License-Identifier: MIT
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/kernel/cosine.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"

#ifdef ASSERT
#error "adapt/xtensor_blas.hpp leaks the macro ASSERT"
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
