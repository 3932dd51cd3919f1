// SPDX-License-Identifier: MIT
// Computed permutations: one to one, uniform, and the subsets that they give.
#include <lagom/prompt/permutation.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

TEST_CASE("a permutation is one to one, and its inverse undoes it", "[prompt][permutation]") {
  for (std::uint64_t n = 0; n < 600; ++n) {
    const permutation p(n, 5, n);
    std::vector<char> seen(n, 0);
    bool ok = true;
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t x = p(i);
      ok = ok && x < n && seen[x]++ == 0 && p.inverse(x) == i;
    }
    CHECK(ok);
  }
  for (const std::uint64_t n :
       {std::uint64_t{96000}, std::uint64_t{93'000'000}, (std::uint64_t{1} << 32) + 1, ~std::uint64_t{0}}) {
    const permutation p(n, 5);
    std::uint64_t above = 0;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      const std::uint64_t at = n / 4001 * i;
      CHECK(p(at) < n);
      CHECK(p.inverse(p(at)) == at);
      above += p(at) >= n / 2 ? 1u : 0u;
    }
    CHECK(above > 1850);  // 2000, sigma 32
    CHECK(above < 2150);
  }
}

TEST_CASE("small permutations are all about as frequent", "[prompt][permutation]") {
  for (std::uint64_t n = 2; n <= 5; ++n) {
    std::map<std::vector<std::uint64_t>, double> count;
    std::vector<std::uint64_t> order(n);
    std::iota(order.begin(), order.end(), std::uint64_t{0});
    do count[order] = 0;
    while (std::next_permutation(order.begin(), order.end()));
    const double draws = 200.0 * static_cast<double>(count.size());
    for (std::uint64_t s = 0; s < 200 * count.size(); ++s) {
      const permutation p(n, 11, s);
      for (std::uint64_t i = 0; i < n; ++i) order[i] = p(i);
      count.at(order) += 1;
    }
    double chi = 0;
    const double expected = draws / static_cast<double>(count.size());
    for (const auto& [o, c] : count) chi += (c - expected) * (c - expected) / expected;
    const auto freedom = static_cast<double>(count.size() - 1);
    CHECK(chi < freedom + 4 * std::sqrt(2 * freedom) + 4);
  }
}

TEST_CASE("every pair of places and elements is about as frequent", "[prompt][permutation]") {
  for (const std::uint64_t n : {std::uint64_t{7}, std::uint64_t{9}, std::uint64_t{100}}) {
    std::vector<double> at(n * n, 0), next(n * n, 0);
    const std::uint64_t rounds = 400 * n;
    for (std::uint64_t s = 0; s < rounds; ++s) {
      const permutation p(n, s, 3);
      for (std::uint64_t i = 0; i < n; ++i) {
        at[i * n + p(i)] += 1;
        next[p(i) * n + p((i + 1) % n)] += 1;  // neighbours are any two
      }
    }
    double chi_at = 0, chi_next = 0;
    const auto m = static_cast<double>(n), total = static_cast<double>(rounds);
    for (std::uint64_t i = 0; i < n * n; ++i) {
      chi_at += (at[i] - total / m) * (at[i] - total / m) / (total / m);
      const double e = total / (m - 1);
      if (i % (n + 1) != 0) chi_next += (next[i] - e) * (next[i] - e) / e;
    }
    CHECK(std::abs(chi_at - (m - 1) * (m - 1)) < 5 * std::sqrt(2 * (m - 1) * (m - 1)));
    CHECK(std::abs(chi_next - m * (m - 2)) < 7 * std::sqrt(2 * m * (m - 1)));
  }
}

TEST_CASE("seeds and streams give other orders", "[prompt][permutation]") {
  const permutation a(1000, 1), b(1000, 2), c(1000, 1, 1), again(1000, 1);
  int same_b = 0, same_c = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    CHECK(a(i) == again(i));
    same_b += a(i) == b(i);
    same_c += a(i) == c(i);
  }
  CHECK(same_b < 10);
  CHECK(same_c < 10);
}

TEST_CASE("the smaller subset is inside the larger", "[prompt][permutation]") {
  const nested_subsets subsets{permutation(96000, 42)};
  std::uint64_t sizes[] = {2000, 4000, 48000, 96000}, counted[4] = {};
  for (std::uint64_t row = 0; row < 96000; ++row) {
    bool before = false;
    for (int s = 0; s < 4; ++s) {
      const bool now = subsets.contains(row, sizes[s]);
      CHECK((now || !before));
      before = now;
      counted[s] += now ? 1u : 0u;
    }
  }
  CHECK(std::equal(sizes, sizes + 4, counted));
  CHECK(subsets.contains(subsets[1999], 2000));
  CHECK_FALSE(subsets.contains(subsets[2000], 2000));
  CHECK_FALSE(subsets.contains(96000, 97000));
}
