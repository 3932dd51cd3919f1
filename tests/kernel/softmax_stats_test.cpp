// SPDX-License-Identifier: MIT
#include <algorithm>
#include <lagom/kernel/softmax_stats_of.hpp>
#include <numeric>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::portable;
using lagom::softmax_stats;
using lagom::softmax_stats_of;
using lagom::token_id;

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float not_a_number = std::numeric_limits<float>::quiet_NaN();

struct golden_row {
  std::vector<double> z;
  token_id top, second;
  double p1, gap, lse, entropy;
};

// Computed in extended precision; natural logarithm, ties to the lowest index.
const std::vector<golden_row> rows{
    {{2, 1, 0.1, -1, 3},
     4,
     0,
     .63429496501671982,
     .40095088774850938,
     3.45524118823171296,
     1.00795307228314741},
    {{1, 1, 0}, 0, 1, .42231879825151820, 0, 1.86199480405825108, 1.01735720755521469},
    {{0, 0, 0, 0}, 0, 1, .25, 0, 1.38629436111989062, 1.38629436111989062},
    {{1e4, 9999, -1e4},
     0,
     1,
     .73105857863000488,
     .46211715726000976,
     10000.3132616875182,
     .58220310888821795},
    {{-1e4, -10001, -3e4},
     0,
     1,
     .73105857863000488,
     .46211715726000976,
     -9999.68673831248,
     .58220310888821795},
    {{20, 0, 0, 0},
     0,
     1,
     .99999999381653917,
     .99999999175538556,
     20.0000000061834608,
     1.29852677429807788e-7},
    {{800, 0, -800}, 0, 1, 1, 1, 800, 0},
};

template <class T>
void check(const softmax_stats<T>& s, const golden_row& row) {
  const double t = sizeof(T) == 4 ? 1e-6 : 1e-13;
  CHECK(s.valid());
  CHECK(s.top == row.top);
  CHECK(s.runner_up == row.second);
  CHECK(near(static_cast<double>(s.top_prob()), row.p1, t));
  CHECK(near(static_cast<double>(s.gap()), row.gap, t));
  CHECK(near(static_cast<double>(s.log_sum_exp()), row.lse, t, std::abs(row.lse)));
  CHECK(near(static_cast<double>(s.entropy()), row.entropy, t));
}

// Brute force in long double over one row.
struct brute {
  double log_sum, entropy, p1, p2;
  token_id top = -1, second = -1;
  template <class Z>
  explicit brute(const std::vector<Z>& z) {
    std::vector<std::size_t> order(z.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return static_cast<double>(z[a]) > static_cast<double>(z[b]); });
    const long double m = static_cast<double>(z[order[0]]);
    long double sum = 0, weighted = 0;
    for (const Z& v : z) sum += std::exp(static_cast<double>(v) - m);
    for (const Z& v : z) weighted += std::exp(static_cast<double>(v) - m) * (static_cast<double>(v) - m);
    log_sum = static_cast<double>(std::log(sum));
    entropy = static_cast<double>(std::log(sum) - weighted / sum);
    p1 = static_cast<double>(1 / sum);
    p2 = z.size() > 1 ? static_cast<double>(std::exp(static_cast<double>(z[order[1]]) - m) / sum) : 0;
    top = static_cast<token_id>(order[0]);
    if (z.size() > 1) second = static_cast<token_id>(order[1]);
  }
};

template <class Z>
void sweep_sizes() {
  const auto all = normal<Z>(3000, 9, 4);
  std::vector<std::size_t> sizes{1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 2997};
  for (std::size_t n = 4; n <= 70; ++n) sizes.push_back(n);
  for (const std::size_t n : sizes) {
    for (std::size_t shift : {0u, 1u, 3u}) {
      const std::vector<Z> z(all.begin() + static_cast<std::ptrdiff_t>(shift),
                             all.begin() + static_cast<std::ptrdiff_t>(shift + n));
      const auto s = softmax_stats_of(portable{}, lagom::vec_view(all.data() + shift, n));
      const brute b(z);
      const double t = sizeof(lagom::accumulator_t<Z>) == 4 ? 5e-7 : 1e-13;
      REQUIRE(s.count == static_cast<std::int64_t>(n));
      REQUIRE(s.top == b.top);
      REQUIRE(s.runner_up == b.second);
      REQUIRE(near(static_cast<double>(s.log_sum()), b.log_sum, t));
      REQUIRE(near(static_cast<double>(s.entropy()), b.entropy, 4 * t));
      REQUIRE(near(static_cast<double>(s.top_prob()), b.p1, 2 * t));
      REQUIRE(near(static_cast<double>(s.gap()), n > 1 ? b.p1 - b.p2 : 1.0, 2 * t));
    }
  }
}

}  // namespace

TEST_CASE("softmax statistics reproduce the known vectors", "[kernel][softmax_stats]") {
  for (const auto& row : rows) {
    const std::vector<float> z(row.z.begin(), row.z.end());
    check(softmax_stats_of(portable{}, row.z), row);
    if (row.lse != -9999.68673831248) check(softmax_stats_of(portable{}, z), row);
    softmax_stats<double> backwards;
    for (std::size_t i = row.z.size(); i-- > 0;) backwards.push(row.z[i], static_cast<token_id>(i));
    check(backwards, row);
  }
}

TEST_CASE("softmax statistics match brute force at every size and alignment", "[kernel][softmax_stats]") {
  sweep_sizes<float>();
  sweep_sizes<double>();
  sweep_sizes<lagom::bf16>();
  sweep_sizes<lagom::f16>();
}

TEST_CASE("log-sum keeps its digits over a large vocabulary", "[kernel][softmax_stats]") {
  for (const double deviation : {0.01, 2.75, 30.0}) {
    const auto z = normal<float>(128'256, 11, deviation);
    const auto s = softmax_stats_of(portable{}, z);
    const brute b(z);
    CHECK(near(static_cast<double>(s.log_sum()), b.log_sum, 5e-7));
    CHECK(near(static_cast<double>(s.entropy()), b.entropy, 2e-6));
  }
}

TEST_CASE("rising, falling and constant logits", "[kernel][softmax_stats]") {
  std::vector<float> z(1000);
  for (std::size_t i = 0; i < z.size(); ++i) z[i] = static_cast<float>(i) * 0.5f;
  CHECK(softmax_stats_of(portable{}, z).top == 999);
  CHECK(softmax_stats_of(portable{}, z).runner_up == 998);
  std::reverse(z.begin(), z.end());
  CHECK(softmax_stats_of(portable{}, z).top == 0);
  CHECK(softmax_stats_of(portable{}, z).runner_up == 1);
  std::fill(z.begin(), z.end(), -7.0f);
  const auto s = softmax_stats_of(portable{}, z);
  CHECK(s.top == 0);
  CHECK(s.runner_up == 1);
  CHECK(s.entropy() == Approx(std::log(1000.0)).epsilon(1e-6));
}

TEST_CASE("masked logits are not part of the distribution", "[kernel][softmax_stats]") {
  const std::vector<float> z{-infinity, 5, -infinity, -3.4028235e38f};
  const auto s = softmax_stats_of(portable{}, z);
  CHECK(s.valid());
  CHECK(s.count == 1);
  CHECK(s.top == 1);
  CHECK(s.runner_up == lagom::no_token);
  CHECK(s.top_prob() == 1);
  CHECK(s.gap() == 1);
  CHECK(s.entropy() == 0);
  CHECK(s.log_sum_exp() == 5);
  CHECK(s.prob(-infinity) == 0);
}

TEST_CASE("nothing to normalise, NaN and +infinity are flagged", "[kernel][softmax_stats]") {
  const auto of = [](std::vector<float> z) { return softmax_stats_of(portable{}, z); };
  for (const auto& s : {of({}), of({-infinity, -infinity}), softmax_stats<float>{}}) {
    CHECK_FALSE(s.valid());
    CHECK_FALSE(s.bad);
    CHECK(s.top == lagom::no_token);
    CHECK(s.top_prob() == 0);
    CHECK(s.gap() == 0);
    CHECK(s.entropy() == 0);
  }
  for (const float poison : {not_a_number, infinity, -not_a_number}) {
    for (std::size_t at : {0u, 1u, 299u}) {
      std::vector<float> z(300, 1.0f);
      z[7] = 2;
      z[at] = poison;
      const auto s = of(z);
      CHECK(s.bad);
      CHECK_FALSE(s.valid());
      CHECK(s.top == 7);
      CHECK(s.count == 299);
      CHECK(s.top_prob() == 0);
      CHECK(s.entropy() == Approx(std::log(299.0)));
      softmax_stats<float> pushed;
      for (std::size_t i = 0; i < z.size(); ++i) pushed.push(z[i], static_cast<token_id>(i));
      CHECK(pushed.bad);
      CHECK(pushed.top == 7);
    }
  }
}

TEST_CASE("merging any shards in any order keeps ids and counts, and sums to rounding",
          "[kernel][softmax_stats]") {
  const lagom::philox random{5};
  for (std::uint64_t trial = 0; trial < 300; ++trial) {
    const std::size_t n = 1 + random.below(60, trial, 0);
    std::vector<double> z(n);
    for (std::size_t i = 0; i < n; ++i) {
      z[i] = static_cast<double>(random.below(8, trial, 1 + i)) - 3;  // many ties
      if (random.below(10, trial, 100 + i) == 0) z[i] = -std::numeric_limits<double>::infinity();
    }
    const auto whole = softmax_stats_of(portable{}, z);
    std::vector<softmax_stats<double>> parts;
    for (std::size_t first = 0; first < n;) {
      const std::size_t size = std::min<std::size_t>(n - first, 1 + random.below(9, trial, 200 + first));
      parts.push_back(softmax_stats_of(portable{}, lagom::vec_view(z.data() + first, size),
                                       static_cast<token_id>(first)));
      first += size;
    }
    for (std::size_t i = parts.size(); i > 1; --i)
      std::swap(parts[i - 1], parts[random.below(i, trial, 300 + i)]);
    softmax_stats<double> merged;
    for (const auto& p : parts) merged.merge(p);
    merged.merge({});
    REQUIRE(merged.top == whole.top);
    REQUIRE(merged.runner_up == whole.runner_up);
    REQUIRE(merged.count == whole.count);
    if (whole.count > 0) {
      REQUIRE(merged.max == whole.max);
      REQUIRE(near(merged.log_sum(), whole.log_sum(), 1e-13));
      REQUIRE(near(merged.entropy(), whole.entropy(), 1e-13));
      REQUIRE(near(merged.gap(), whole.gap(), 1e-13));
    }
  }
}

TEST_CASE("a shift of all logits and their order change nothing that is a probability",
          "[kernel][softmax_stats]") {
  auto z = normal<double>(500, 21, 3);
  const auto before = softmax_stats_of(portable{}, z);
  for (double& v : z) v += 12345;
  std::reverse(z.begin(), z.end());
  const auto after = softmax_stats_of(portable{}, z);
  CHECK(after.top == 499 - before.top);
  CHECK(near(after.top_prob(), before.top_prob(), 1e-11));
  CHECK(near(after.entropy(), before.entropy(), 1e-11));
}

static_assert(std::is_trivially_copyable_v<softmax_stats<float>>);
