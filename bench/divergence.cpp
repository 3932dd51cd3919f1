// SPDX-License-Identifier: MIT
// KL both ways and Jensen-Shannon: of two rows of ready logits, and of two states through a head.
#include <Eigen/Core>
#include <lagom/adapt/native.hpp>
#include <lagom/kernel/unembed_divergence.hpp>

#include <memory>

#include "inputs.hpp"
#include "ratio_main.hpp"

namespace {

struct divergences {
  float forward, backward, jensen_shannon;
};

// Vectorised over arrays that are allocated once, from the definitions: digits of nearly equal distributions are lost.
struct with_eigen {
  Eigen::ArrayXf a, b, p, q, m;

  divergences operator()(const std::vector<float>& x, const std::vector<float>& y) {
    const auto log_softmax = [](const std::vector<float>& z, Eigen::ArrayXf& logs,
                                Eigen::ArrayXf& probabilities) {
      const Eigen::Map<const Eigen::ArrayXf> row(z.data(), static_cast<Eigen::Index>(z.size()));
      logs = row - row.maxCoeff();
      probabilities = logs.exp();
      const float sum = probabilities.sum();
      logs -= std::log(sum);
      probabilities /= sum;
    };
    log_softmax(x, a, p);
    log_softmax(y, b, q);
    m = ((p + q) * 0.5f + 1e-38f).log();
    return {(p * (a - b)).sum(), (q * (b - a)).sum(), 0.5f * ((p * (a - m)).sum() + (q * (b - m)).sum())};
  }
};

divergences loops(const std::vector<float>& x, const std::vector<float>& y) {
  const auto normaliser = [](const std::vector<float>& z) {
    const float max = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (const float v : z) sum += static_cast<double>(std::exp(v - max));
    return max + static_cast<float>(std::log(sum));
  };
  const float x_log = normaliser(x), y_log = normaliser(y);
  double forward = 0, backward = 0, middle = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float a = x[i] - x_log, b = y[i] - y_log, p = std::exp(a), q = std::exp(b);
    const float m = std::log((p + q) / 2 + 1e-38f);
    forward += static_cast<double>(p * (a - b));
    backward += static_cast<double>(q * (b - a));
    middle += static_cast<double>(p * (a - m) + q * (b - m)) / 2;
  }
  return {static_cast<float>(forward), static_cast<float>(backward), static_cast<float>(middle)};
}

void of_logits(std::size_t vocab) {
  const auto x = bench::numbers<float>(vocab, 1, 2.75f), y = bench::numbers<float>(vocab, 2, 2.75f);
  const bench::problem p{"divergence", "V=" + std::to_string(vocab)};
  const auto statistics = [=] {
    const lagom::portable b;
    benchmark::DoNotOptimize(lagom::softmax_stats_of(b, *x, 0, lagom::without_entropy{}));
    benchmark::DoNotOptimize(lagom::softmax_stats_of(b, *y, 0, lagom::without_entropy{}));
  };
  p.reference("both statistics alone", statistics);
  p.reference("both statistics alone, native", [=] {
    const lagom::native b;
    benchmark::DoNotOptimize(lagom::softmax_stats_of(b, *x, 0, lagom::without_entropy{}));
    benchmark::DoNotOptimize(lagom::softmax_stats_of(b, *y, 0, lagom::without_entropy{}));
  });
  p.lagom("lagom native", [=] { benchmark::DoNotOptimize(lagom::divergence_of(lagom::native{}, *x, *y)); });
  p.lagom("lagom portable",
          [=] { benchmark::DoNotOptimize(lagom::divergence_of(lagom::portable{}, *x, *y)); });
  p.peer("Eigen", [=, by = std::make_shared<with_eigen>()] { benchmark::DoNotOptimize((*by)(*x, *y)); });
  p.peer("loops, std::exp", [=] { benchmark::DoNotOptimize(loops(*x, *y)); });
}

void of_states(std::size_t vocab, std::size_t dim) {
  const auto w = bench::numbers<float>(vocab * dim, 1, 0.03f);
  const auto x = bench::numbers<float>(dim, 2), y = bench::numbers<float>(dim, 3),
             g = bench::numbers<float>(dim, 4);
  const lagom::head to{lagom::mat_view<const float>(w->data(), vocab, dim), lagom::rms_norm{*g, 1e-5}};
  const lagom::native b;
  const auto xs = lagom::unembed(b, *x, to), ys = lagom::unembed(b, *y, to);
  const bench::problem p{"divergence", "V=" + std::to_string(vocab) + " d=" + std::to_string(dim)};
  p.limit("read", [w] { bench::read(*w); });
  p.reference("unembed of one state", [=] { benchmark::DoNotOptimize(lagom::unembed(b, *x, to)); });
  p.lagom("lagom native",
          [=] { benchmark::DoNotOptimize(lagom::unembed_divergence(b, *x, *y, to, xs, ys)); });
  p.lagom("lagom portable", [=] {
    benchmark::DoNotOptimize(lagom::unembed_divergence(lagom::portable{}, *x, *y, to, xs, ys));
  });
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::size_t vocab : {4096u, 32000u, 128256u}) of_logits(vocab);
  of_states(32000, 4096);
  return bench::run(argc, argv);
}
