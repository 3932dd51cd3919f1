// SPDX-License-Identifier: MIT
// From softmax statistics to stop or go on: the price of a decision at one layer, and what share of a layer that is.
#include <lagom/lagom.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"

namespace {

constexpr int decisions = 1000;

template <class Rule>
void decide(const bench::problem& p, const char* name, const Rule& rule) {
  const auto logits = bench::numbers<float>(1000, 1, 2);
  const auto stats = lagom::softmax_stats_of(lagom::portable{}, *logits);
  p.lagom(
      name,
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
  const bench::problem p{"decision", "gap and top_prob, one layer"};
  // A decoder layer takes no less than reading its weights: those of Llama-2-7B, 4 x 4096^2 + 3 x 4096 x 11008 in bf16, are
  // 405 MB. An eighth of them is read. The unit is a millionth of a layer.
  constexpr std::size_t part = 2u * (4u * 4096u * 4096u + 3u * 4096u * 11008u) / 8;
  const auto weights = bench::array<char>(part);
  p.limit("1e-6 Llama-2-7B layers", [=] { bench::read(*weights); }, 1e6 / 8);
  decide(p, "threshold", lagom::threshold{2.0f});
  decide(p, "linear_svm", lagom::standardized<lagom::linear_svm<2>>{{{0, 0}, {1, 1}}, {{1, 1}, -9}});
  decide(p, "logistic", lagom::standardized<lagom::logistic<2>>{{{0, 0}, {1, 1}}, {{1, 1}, -9}});
  decide(p, "crf",
         lagom::standardized<lagom::crf<2>>{{{0, 0}, {1, 1}}, {{{0, 0}, {0, 0}}, {9, 0}, {{0, 0}, {0, 0}}}});
  decide(p, "rbf_svm, 100 vectors", lagom::standardized<lagom::rbf_svm<2>>{{{0, 0}, {1, 1}}, many(100)});
  decide(p, "rbf_svm, 1000 vectors", lagom::standardized<lagom::rbf_svm<2>>{{{0, 0}, {1, 1}}, many(1000)});
  return bench::run(argc, argv);
}
