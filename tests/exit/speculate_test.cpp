// SPDX-License-Identifier: MIT
#include <lagom/exit/accept_drafts.hpp>
#include <lagom/exit/draft_length.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::token_id;
using lagom::vec_view;

static_assert(lagom::draft_rule<lagom::fixed_drafts>);
static_assert(lagom::draft_rule<lagom::stepwise_drafts>);
static_assert(lagom::draft_rule<lagom::fastest_drafts>);

namespace {

std::vector<double> probabilities(const std::vector<float>& z) {
  double largest = -1e300, sum = 0;
  for (const float x : z) largest = std::max(largest, static_cast<double>(x));
  std::vector<double> p;
  for (const float x : z) {
    p.push_back(std::exp(static_cast<double>(x) - largest));
    sum += p.back();
  }
  for (double& x : p) x /= sum;
  return p;
}

// Pearson's statistic of counts against a distribution.
double chi_square(const std::vector<int>& counts, const std::vector<double>& p, int n) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double expected = p[i] * n;
    if (expected == 0) {
      REQUIRE(counts[i] == 0);
    } else {
      sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("greedy drafts are kept up to the first that differs", "[exit][speculate]") {
  const std::vector<token_id> drafts{5, 7, 9}, same{5, 7, 9, 2}, first{6, 7, 9, 2}, later{5, 7, 1, 9};
  CHECK(lagom::accept_drafts(drafts, same) == 3);
  CHECK(lagom::accept_drafts(drafts, first) == 0);
  CHECK(lagom::accept_drafts(drafts, later) == 2);
  CHECK(lagom::accept_drafts(vec_view<const token_id>(), vec_view<const token_id>(same)) == 0);
}

TEST_CASE("what is drafted and verified is distributed as the full model", "[exit][speculate]") {
  const float mask = -std::numeric_limits<float>::infinity();
  const lagom::draft_sampler sampler{lagom::philox{42}};
  constexpr int n = 200000;
  constexpr double limit = 26.1;  // 99.9 % of chi-square with 8 degrees of freedom
  for (int kind = 0; kind < 5; ++kind) {
    auto p = normal<float>(9, 10 + static_cast<std::uint64_t>(kind), 1.5),
         q = normal<float>(9, 20 + static_cast<std::uint64_t>(kind), 1.5);
    if (kind == 1) q = p;                      // always kept
    if (kind == 2) p[3] = mask;                // impossible for the full model
    if (kind == 3) q[3] = q[4] = q[5] = mask;  // never drafted
    if (kind == 4)
      for (float& x : q) x *= 20;  // an overconfident drafter
    std::vector<int> out(9), drafted(9);
    int kept = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      const token_id x = sampler.draw(vec_view<const float>(q), 3, i);
      const auto o = sampler.verify(vec_view<const float>(p), vec_view<const float>(q), x, 3, i);
      ++drafted[static_cast<std::size_t>(x)];
      ++out[static_cast<std::size_t>(o.token)];
      kept += o.kept ? 1 : 0;
      REQUIRE((!o.kept || o.token == x));
    }
    const auto ps = probabilities(p), qs = probabilities(q);
    CHECK(chi_square(drafted, qs, n) < limit);
    CHECK(chi_square(out, ps, n) < limit);
    double overlap = 0;  // the share that is kept: sum of min(p, q)
    for (std::size_t i = 0; i < 9; ++i) overlap += std::min(ps[i], qs[i]);
    CHECK(std::abs(kept / static_cast<double>(n) - overlap) < 0.005);
    if (kind == 1) CHECK(kept == n);
  }
}

TEST_CASE("distributions that are not there have no token", "[exit][speculate]") {
  const float mask = -std::numeric_limits<float>::infinity();
  const std::vector<float> none{mask, mask}, some{0, 1};
  std::vector<float> nan{0, 1};
  __builtin_memset(&nan[0], 0xff, sizeof(float));
  const lagom::draft_sampler<> s;
  const auto view = [](const std::vector<float>& v) { return vec_view<const float>(v); };
  CHECK(s.draw(view(none), 0, 0) == lagom::no_token);
  CHECK(s.draw(view(nan), 0, 0) == lagom::no_token);
  CHECK(s.verify(view(none), view(some), 0, 0, 0).token == lagom::no_token);
  CHECK(s.verify(view(nan), view(some), 0, 0, 0).token == lagom::no_token);
  CHECK(s.verify(view(some), view(nan), 1, 0, 0).token != lagom::no_token);
  const std::vector<float> only{3};
  CHECK(s.draw(view(only), 0, 0) == 0);
  CHECK(s.verify(view(only), view(only), 0, 0, 0).kept);
}

TEST_CASE("draft lengths follow what was kept", "[exit][speculate]") {
  const lagom::stepwise_drafts step{.first = 5, .most = 8};
  lagom::stepwise_drafts::state s;
  CHECK(step.drafts(s) == 5);
  step.learn(s, 5, 5);
  CHECK(step.drafts(s) == 7);
  step.learn(s, 7, 7);
  CHECK(step.drafts(s) == 8);
  for (int i = 0; i < 20; ++i) step.learn(s, step.drafts(s), 0);
  CHECK(step.drafts(s) == 1);

  const lagom::fastest_drafts fast{.draft_cost = 0.1, .most = 12, .retry = 4};
  lagom::fastest_drafts::state f;
  const auto run = [&](double acceptance, std::uint64_t stream) {
    const lagom::philox random{7};
    double longest = 0;
    for (std::uint64_t round = 0; round < 400; ++round) {
      const int n = fast.drafts(f);
      int kept = 0;
      while (kept < n && random.uniform(stream, round * 16 + static_cast<std::uint64_t>(kept)) < acceptance)
        ++kept;
      fast.learn(f, n, kept);
      if (round >= 300) longest += n / 100.0;
    }
    return longest;
  };
  CHECK(std::abs(run(0.9, 1) - lagom::cost::best_drafts(0.9, 0.1, 12)) < 2.5);
  CHECK(run(0.02, 2) < 0.6);  // stops drafting, but for the retries
  CHECK(run(0.02, 3) > 0);
  CHECK(run(0.95, 4) > 6);  // and takes it up again
}
