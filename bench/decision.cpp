// SPDX-License-Identifier: MIT
// From softmax statistics to stop or go on: the price of a decision at one layer.
#include <lagom/lagom.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"

namespace {

constexpr int decisions = 1000;

template <class Rule>
void problem(const char* name, const Rule& rule) {
  const auto logits = bench::numbers<float>(1000, 1, 2);
  const auto stats = lagom::softmax_stats_of(lagom::portable{}, *logits);
  bench::add(
      "decision on gap and top_prob", name,
      [=] {
        const lagom::exit_policy policy{lagom::features<lagom::gap, lagom::top_prob>{}, rule};
        auto state = policy.state(decisions + 1);
        for (int l = 0; l < decisions; ++l) {
          if (policy.observe(state, lagom::layer_obs{.layer = l}, stats)) break;
        }
        benchmark::DoNotOptimize(state);
      },
      decisions);
}

lagom::rbf_svm<2> many(std::size_t n) {
  lagom::rbf_svm<2> r{std::vector<float>(2 * n, 0.3f), std::vector<float>(n, -1.0f), 1.0f, -1.0f};
  return r;
}

}  // namespace

int main(int argc, char** argv) {
  problem("threshold", lagom::threshold{2.0f});
  problem("linear_svm", lagom::standardized<lagom::linear_svm<2>>{{{0, 0}, {1, 1}}, {{1, 1}, -9}});
  problem("logistic", lagom::standardized<lagom::logistic<2>>{{{0, 0}, {1, 1}}, {{1, 1}, -9}});
  problem("crf",
          lagom::standardized<lagom::crf<2>>{{{0, 0}, {1, 1}}, {{{0, 0}, {0, 0}}, {9, 0}, {{0, 0}, {0, 0}}}});
  problem("rbf_svm, 100 vectors", lagom::standardized<lagom::rbf_svm<2>>{{{0, 0}, {1, 1}}, many(100)});
  return bench::run(argc, argv);
}
