// SPDX-License-Identifier: MIT
#include <lagom/adapt/streaming.hpp>

#include <cstring>
#include <vector>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom;

namespace {
struct weighted {
  int id;
  float weight;
};
}  // namespace

TEMPLATE_TEST_CASE("streamed rows are the portable ones, at every length and place", "[adapt][streaming]",
                   float, double, bf16, f16) {
  const index_t width = 700;
  const auto source = lagom_test::normal<TestType>(static_cast<std::size_t>(12 * width), 1);
  const mat_view<const TestType> rows(source.data(), 12, width);
  const std::vector<weighted> terms{{3, 0.5f},  {7, 1.0f},  {0, -2.0f}, {11, 0.1f}, {3, 1.0f},
                                    {2, 0.25f}, {9, 0.75f}, {1, 3.0f},  {10, 0.3f}, {5, 1.0f}};
  for (index_t cols = 0; cols <= width; cols = cols < 70 ? cols + 1 : cols + 83) {
    const mat_view<const TestType> part(rows.data(), 12, cols, width);
    for (const index_t n :
         {index_t{0}, index_t{1}, index_t{2}, index_t{3}, index_t{4}, index_t{5}, index_t{9}}) {
      for (index_t first = 0; first < 2; ++first) {
        const index_t place = cols % 9;
        std::vector<TestType> a(static_cast<std::size_t>(cols + 20), TestType(7.0f)), b = a;
        const index_t ahead = static_cast<index_t>(terms.size()) - first - n;
        combine_rows(portable{}, part, terms.data() + first, n, vec_view(a.data() + place, cols), ahead);
        combine_rows(streaming{}, part, terms.data() + first, n, vec_view(b.data() + place, cols), ahead);
        REQUIRE(std::memcmp(a.data(), b.data(), a.size() * sizeof(TestType)) == 0);
      }
    }
  }
}

TEST_CASE("what does not lie side by side is left to the portable body", "[adapt][streaming]") {
  const auto source = lagom_test::normal<float>(64, 2);
  const mat_view<const float> rows(source.data(), 8, 8);
  const weighted terms[] = {{1, 0.5f}, {2, 0.5f}};
  std::vector<float> a(16), b(16);
  combine_rows(portable{}, rows.transposed(), terms, 2, vec_view(a.data(), 8, 2));
  combine_rows(streaming{}, rows.transposed(), terms, 2, vec_view(b.data(), 8, 2));
  CHECK(a == b);
  CHECK(a[0] == 0.5f * source[1] + 0.5f * source[2]);
}
