// SPDX-License-Identifier: MIT
// Top-2, log-sum-exp and entropy of ready logits.
#include <Eigen/Core>
#include <lagom/adapt/xtensor.hpp>
#include <lagom/kernel/softmax_stats_of.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"
#if __has_include(<xtensor/misc/xsort.hpp>)
#include <xtensor/core/xmath.hpp>
#include <xtensor/misc/xsort.hpp>
#else
#include <xtensor/xmath.hpp>
#include <xtensor/xsort.hpp>
#endif

namespace {

struct summary {
  float max, second, log_sum, entropy;
  lagom::index_t top;
};

summary eigen(const std::vector<float>& logits) {
  const Eigen::Map<const Eigen::ArrayXf> z(logits.data(), static_cast<Eigen::Index>(logits.size()));
  summary s{};
  Eigen::Index top = 0;
  s.max = z.maxCoeff(&top);
  s.top = top;
  const Eigen::ArrayXf shifted = z - s.max;
  const Eigen::ArrayXf e = shifted.exp();
  const float sum = e.sum();
  s.log_sum = std::log(sum);
  s.entropy = s.log_sum - (shifted * e).sum() / sum;
  s.second = -3e38f;
  for (Eigen::Index i = 0; i < z.size(); ++i) {
    if (i != top && z[i] > s.second) s.second = z[i];
  }
  return s;
}

summary xtensor(const std::vector<float>& logits) {
  const auto z =
      xt::adapt(logits.data(), logits.size(), xt::no_ownership(), std::array<std::size_t, 1>{logits.size()});
  summary s{};
  const xt::xtensor<float, 1> negated = -z;
  const xt::xtensor<std::size_t, 1> best = xt::argpartition(negated, 1);
  s.max = z(best(0));
  s.second = z(best(1));
  s.top = static_cast<lagom::index_t>(best(0));
  const xt::xtensor<float, 1> shifted = z - s.max;
  const xt::xtensor<float, 1> e = xt::exp(shifted);
  const float sum = xt::sum(e)();
  s.log_sum = std::log(sum);
  s.entropy = s.log_sum - xt::sum(shifted * e)() / sum;
  return s;
}

summary loops(const std::vector<float>& logits) {
  summary s{-3e38f, -3e38f, 0, 0, 0};
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > s.max) {
      s.second = s.max;
      s.max = logits[i];
      s.top = static_cast<lagom::index_t>(i);
    } else if (logits[i] > s.second) {
      s.second = logits[i];
    }
  }
  double sum = 0, weighted = 0;
  for (const float z : logits) {
    const float e = std::exp(z - s.max);
    sum += static_cast<double>(e);
    weighted += static_cast<double>(e * (z - s.max));
  }
  s.log_sum = static_cast<float>(std::log(sum));
  s.entropy = static_cast<float>(std::log(sum) - weighted / sum);
  return s;
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::size_t vocab : {4096u, 32000u, 128256u}) {
    const std::string problem = "softmax_stats f32 V=" + std::to_string(vocab);
    const auto z = bench::numbers<float>(vocab, 1, 2.75f);
    bench::add(problem, "read", [z] { bench::read(*z); });
    bench::add(problem, "lagom portable",
               [z] { benchmark::DoNotOptimize(lagom::softmax_stats_of(lagom::portable{}, *z)); });
    bench::add(problem, "Eigen", [z] { benchmark::DoNotOptimize(eigen(*z)); });
    bench::add(problem, "xtensor", [z] { benchmark::DoNotOptimize(xtensor(*z)); });
    bench::add(problem, "loops, std::exp", [z] { benchmark::DoNotOptimize(loops(*z)); });
  }
  return bench::run(argc, argv);
}
