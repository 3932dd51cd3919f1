// SPDX-License-Identifier: MIT
// Top-2, log-sum-exp and entropy of ready logits.
#include <Eigen/Core>
#include <lagom/adapt/native.hpp>
#include <lagom/adapt/xtensor.hpp>

#include <memory>

#include "inputs.hpp"
#include "ratio_main.hpp"
#include "torch_peer.hpp"
#if __has_include(<xtensor/misc/xsort.hpp>)
#include <xtensor/core/xmath.hpp>
#include <xtensor/misc/xsort.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xmath.hpp>
#include <xtensor/xsort.hpp>
#include <xtensor/xview.hpp>
#endif

namespace {

struct summary {
  float max, second, log_sum, entropy;
  lagom::index_t top;
};

// Vectorised reductions over arrays that are allocated once.
struct with_eigen {
  Eigen::ArrayXf shifted, e;

  summary operator()(const std::vector<float>& logits) {
    const Eigen::Map<const Eigen::ArrayXf> z(logits.data(), static_cast<Eigen::Index>(logits.size()));
    summary s{};
    Eigen::Index top = 0;
    s.max = z.maxCoeff(&top);
    s.top = top;
    const Eigen::Index after = z.size() - top - 1;
    s.second = -3e38f;
    if (top > 0) s.second = z.head(top).maxCoeff();
    if (after > 0) s.second = std::max(s.second, z.tail(after).maxCoeff());
    shifted = z - s.max;
    e = shifted.exp();
    const float sum = e.sum();
    s.log_sum = std::log(sum);
    s.entropy = s.log_sum - (shifted * e).sum() / sum;
    return s;
  }
};

// The same with xtensor's reducers, evaluated at once.
struct with_xtensor {
  xt::xtensor<float, 1> shifted, e;

  summary operator()(const std::vector<float>& logits) {
    constexpr auto now = xt::evaluation_strategy::immediate;
    const std::size_t n = logits.size();
    const auto z = xt::adapt(logits.data(), n, xt::no_ownership(), std::array<std::size_t, 1>{n});
    summary s{};
    const std::size_t top = xt::argmax(z)();
    s.max = z(top);
    s.top = static_cast<lagom::index_t>(top);
    s.second = -3e38f;
    if (top > 0) s.second = xt::amax(xt::view(z, xt::range(std::size_t{0}, top)), now)();
    if (top + 1 < n) s.second = std::max(s.second, xt::amax(xt::view(z, xt::range(top + 1, n)), now)());
    shifted = z - s.max;
    e = xt::exp(shifted);
    const float sum = xt::sum(e, now)();
    s.log_sum = std::log(sum);
    s.entropy = s.log_sum - xt::sum(shifted * e, now)() / sum;
    return s;
  }
};

// What nobody can do without: the sum of the exponentials about a maximum that is known already.
float exponentials(const std::vector<float>& logits, float max) {
  if constexpr (lagom::native::vectorised) {
    using S = lagom::detail::simd<lagom::this_target>;
    S::vec sum[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
    const auto n = static_cast<lagom::index_t>(logits.size());
    for (lagom::index_t i = 0; i + 4 * S::width <= n; i += 4 * S::width) {
      for (lagom::index_t k = 0; k < 4; ++k) {
        const auto z = S::load(logits.data() + i + k * S::width);
        sum[k] = S::add(sum[k], lagom::detail::native_exp<S>(S::sub(z, S::set(max))));
      }
    }
    return S::sum(S::add(S::add(sum[0], sum[1]), S::add(sum[2], sum[3])));
  } else {
    lagom::detail::lanes<float> sum;
    for (std::size_t i = 0; i + 32 <= logits.size(); i += 32) {
      for (std::size_t j = 0; j < 32; ++j)
        sum.value[j] += lagom::exp_summand(lagom::exp_clamp(logits[i + j] - max));
    }
    return sum.total();
  }
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
  if (!bench::torch_there()) bench::skipped("LibTorch");
  for (const std::size_t vocab : {4096u, 32000u, 128256u}) {
    const auto z = bench::numbers<float>(vocab, 1, 2.75f);
    const float max = *std::max_element(z->begin(), z->end());
    // Without entropy, then with: the others are the same work in both.
    for (const bool entropy : {false, true}) {
      const bench::problem p{"softmax_stats",
                             "V=" + std::to_string(vocab) + (entropy ? "" : ", without entropy")};
      p.limit("exponentials", [=] { benchmark::DoNotOptimize(exponentials(*z, max)); });
      p.reference("read", [z] { bench::read(*z); });
      const auto with = [z, entropy](const auto& backend) {
        benchmark::DoNotOptimize(entropy ? lagom::softmax_stats_of(backend, *z)
                                         : lagom::softmax_stats_of(backend, *z, 0, lagom::without_entropy{}));
      };
      p.lagom("lagom native", [=] { with(lagom::native{}); });
      p.lagom("lagom portable", [=] { with(lagom::portable{}); });
      if (!entropy) continue;
      p.peer("Eigen", [z, by = std::make_shared<with_eigen>()] { benchmark::DoNotOptimize((*by)(*z)); });
      p.peer("xtensor", [z, by = std::make_shared<with_xtensor>()] { benchmark::DoNotOptimize((*by)(*z)); });
      p.peer("loops, std::exp", [z] { benchmark::DoNotOptimize(loops(*z)); });
      if (bench::torch_there())
        p.peer("LibTorch", bench::torch_statistics(z->data(), static_cast<int>(vocab)));
    }
  }
  return bench::run(argc, argv);
}
