// SPDX-License-Identifier: MIT
#include <array>
#include <lagom/core/mat_view.hpp>
#include <span>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

using lagom::mat_view;
using lagom::vec_view;

namespace {
// A tensor of an engine, joined through the customization point.
struct engine_row {
  float* p;
  int n;
};
// Looks like a container, but says that it has a shape: its rank is unknown.
struct some_matrix {
  std::vector<float> v;
  [[nodiscard]] const float* data() const { return v.data(); }
  [[nodiscard]] std::size_t size() const { return v.size(); }
  [[nodiscard]] std::array<int, 2> shape() const { return {2, 3}; }
};
}  // namespace

template <>
struct lagom::tensor_traits<engine_row> {
  static constexpr int rank = 1;
  static float* data(const engine_row& r) { return r.p; }
  static index_t extent(const engine_row& r, int) { return r.n; }
  static index_t stride(const engine_row&, int) { return 1; }
};

static_assert(std::is_trivially_copyable_v<vec_view<float>> &&
              std::is_trivially_copyable_v<mat_view<const double>>);
static_assert(lagom::tensor<std::vector<float>, 1> && lagom::tensor<std::array<float, 3>, 1>);
static_assert(lagom::tensor<std::span<const double>, 1> && lagom::tensor<engine_row, 1>);
static_assert(!lagom::tensor<some_matrix, 1> && !lagom::tensor<some_matrix, 2>);
static_assert(!std::is_convertible_v<some_matrix&, vec_view<const float>>);
static_assert(!std::is_convertible_v<vec_view<const float>, vec_view<float>>);
static_assert(!std::is_convertible_v<mat_view<float>, vec_view<float>>);

TEST_CASE("what an engine has converts to a view", "[core][views]") {
  std::vector<float> v{1, 2, 3};
  std::array<float, 2> a{4, 5};
  float* const p = v.data();
  const int n = 3;
  const vec_view<const float> from_vector = v, from_array = a, from_pair{p, n},
                              from_engine = engine_row{p, 2};
  CHECK(from_vector[2] == 3);
  CHECK(from_array.size() == 2);
  CHECK(from_pair.data() == p);
  CHECK(from_engine.size() == 2);
  CHECK(vec_view<const float>().empty());
}

TEST_CASE("a strided view keeps its stride when its elements become constant", "[core][views]") {
  std::vector<double> v{0, 1, 2, 3, 4, 5};
  const vec_view<double> odd(v.data() + 1, 3, 2);
  const vec_view<const double> same = odd;
  CHECK(same.stride() == 2);
  CHECK(same[2] == 5);
  CHECK_FALSE(same.contiguous());
  CHECK(lagom::as_vec(odd)[1] == 3);
  CHECK(odd.slice(1, 2)[1] == 5);
}

TEST_CASE("rows, columns and transposition of a matrix view", "[core][views]") {
  std::vector<int> v{1, 2, 3, 9, 4, 5, 6, 9};
  const mat_view<int> m(v.data(), 2, 3, 4);
  CHECK(m(1, 2) == 6);
  CHECK(m.row(1)[0] == 4);
  CHECK(m.col(2)[1] == 6);
  CHECK(m.col(2).stride() == 4);
  CHECK(m.transposed()(2, 1) == 6);
  CHECK(m.transposed().row(0)[1] == 4);
  CHECK(m.slice_rows(1, 1)(0, 0) == 4);
  const mat_view<const int> same = m;
  CHECK(same.row_stride() == 4);
  CHECK(mat_view<int>().empty());
}
