// SPDX-License-Identifier: MIT
/// @file stop/calibrate/beta_mixture.hpp
/// Two Beta distributions of a confidence: of answers that turn out wrong, and of those that turn out right.
#pragma once

#include <cmath>

#include "../../core/result.hpp"
#include "../../core/vec_view.hpp"
#include "log_gamma.hpp"

namespace lagom {
inline namespace v0 {

/// Density x^(alpha - 1) (1 - x)^(beta - 1) / B(alpha, beta) on (0, 1); alpha, beta > 0.
struct beta_distribution {
  double alpha = 1, beta = 1;

  [[nodiscard]] LAGOM_INLINE double mean() const noexcept { return alpha / (alpha + beta); }
  /// log of the density, 0 < x < 1.
  [[nodiscard]] LAGOM_INLINE double log_density(double x) const noexcept {
    return (alpha - 1) * detail::log(x) + (beta - 1) * std::log1p(-x) +
           detail::log_gamma<portable>(alpha + beta) - detail::log_gamma<portable>(alpha) -
           detail::log_gamma<portable>(beta);
  }
};

/// The mixture of FREE's adaptive threshold (Bae et al. 2023, arXiv 2310.05424): component 0 of confidences where the
/// shallow answer differs from the full model's, component 1 where they agree. The default is what fits start from.
struct beta_mixture {
  beta_distribution component[2] = {{1, 2}, {2, 1}};
  double weight[2] = {0.5, 0.5};
};

/// How a mixture is fitted to labelled confidences. p_k is the density of component k, w_k its weight, y the label.
enum class mixture_mode : std::uint8_t {
  paper,  ///< responsibilities 0.8 w_k p_k(x) + 0.2 [y = k], at least 1e-4, normalised; weights stay
  released,  ///< as the authors' program: an assignment overwrites the first term, so labels alone decide; weights stay
  fixed,  ///< 0.8 w_k p_k(x) / (w_0 p_0(x) + w_1 p_1(x)) + 0.2 [y = k]; weights become mean responsibilities
};

struct beta_mixture_config {
  mixture_mode mode = mixture_mode::fixed;
  int iterations = 1;  ///< of expectation and maximisation: one, as published
};

/// A fitted mixture. A component whose confidences are all alike (their deviation below 1e-4 of what their mean
/// admits), or that no confidence belongs to, has no moments to match: it keeps its parameters and is `kept`.
struct beta_mixture_fit {
  beta_mixture mixture{};
  bool kept[2] = {};
};

namespace detail {

/// Weighted mean and squares of one component's confidences, in one pass (West 1979).
struct beta_moments {
  double weight = 0, mean = 0, squares = 0;

  LAGOM_INLINE void push(double x, double r) noexcept {
    if (!(r > 0)) return;
    weight += r;
    const double d = x - mean;
    mean += d * (r / weight);
    squares += r * d * (x - mean);
  }
  /// The distribution of these moments: alpha = m (m (1 - m) / v - 1), beta = alpha (1 - m) / m. False: there is none.
  [[nodiscard]] LAGOM_INLINE bool matched(beta_distribution& to) const noexcept {
    if (!(weight > 0)) return false;
    const double variance = squares / weight, most = mean * (1 - mean);
    if (!(variance > 1e-8 * most && variance < most)) return false;
    const double alpha = mean * (most / variance - 1);
    to = {alpha, alpha * (1 - mean) / mean};
    return true;
  }
};

/// A confidence where every density is finite.
LAGOM_LEAF constexpr double inside(double x) noexcept {
  return x < 1e-4 ? 1e-4 : x > 1 - 1e-4 ? 1 - 1e-4 : x;
}

/// r_0 and r_1 lifted to 1e-4 and normalised.
LAGOM_LEAF constexpr void lift(double (&r)[2]) noexcept {
  for (double& v : r) v = v > 1e-4 ? v : 1e-4;
  const double sum = r[0] + r[1];
  r[0] /= sum;
  r[1] /= sum;
}

template <backend B>
result<done> check_confidences(vec_view<const double> x) noexcept {
  if (x.empty()) return failure{.code = errc::empty, .key = "confidences"};
  for (index_t i = 0; i < x.size(); ++i) {
    if (is_finite(&x[i]) && x[i] >= 0 && x[i] <= 1) continue;
    return failure{.code = errc::out_of_range, .key = "confidence", .row = static_cast<std::uint64_t>(i)};
  }
  return done{};
}

/// log w_k p_k(x) of both components.
template <backend B>
void log_joint(const beta_mixture& m, double x, double (&to)[2]) noexcept {
  for (int k = 0; k < 2; ++k)
    to[k] = m.component[k].log_density(x) + log(m.weight[k] > 1e-300 ? m.weight[k] : 1e-300);
}

}  // namespace detail

/// Fits a mixture to confidences in [0, 1] (read as at least 1e-4 and at most 1 - 1e-4) and to whether the shallow
/// answer agreed (+1) or not (-1), from `start`: by default from scratch, or from the last fit to go on. Moments are
/// matched.
///
/// The labels weigh 0.2 against 0.8 of what the mixture itself believes. Allocates nothing. Cost: two densities a
/// confidence and iteration, `released` none. Fails with `empty`, `out_of_range`, `wrong_shape`, `bad_value` (a label;
/// a number of iterations).
template <backend B = portable>
[[nodiscard]] result<beta_mixture_fit> fit(const beta_mixture_config& config,
                                           vec_view<const double> confidences,
                                           vec_view<const signed char> agreed,
                                           const beta_mixture& start = {}) noexcept {
  if (auto ok = detail::check_confidences<B>(confidences); !ok) return ok.error();
  if (config.iterations < 1) return failure{.code = errc::bad_value, .key = "iterations"};
  if (agreed.size() != confidences.size()) {
    return failure{.code = errc::wrong_shape,
                   .key = "labels",
                   .expected = static_cast<std::uint64_t>(confidences.size()),
                   .found = static_cast<std::uint64_t>(agreed.size())};
  }
  for (index_t i = 0; i < agreed.size(); ++i) {
    if (agreed[i] != 1 && agreed[i] != -1)
      return failure{.code = errc::bad_value, .key = "label", .row = static_cast<std::uint64_t>(i)};
  }
  beta_mixture_fit out{start};
  beta_mixture& m = out.mixture;
  for (int step = 0; step < config.iterations; ++step) {
    detail::beta_moments moments[2];
    for (index_t i = 0; i < confidences.size(); ++i) {
      const double x = detail::inside(confidences[i]);
      const int y = agreed[i] > 0 ? 1 : 0;
      double r[2] = {};
      if (config.mode != mixture_mode::released) {
        double joint[2];
        detail::log_joint<B>(m, x, joint);
        if (config.mode == mixture_mode::fixed) {
          r[1] = sigmoid(joint[1] - joint[0]);
          r[0] = sigmoid(joint[0] - joint[1]);
        } else {
          for (int k = 0; k < 2; ++k) r[k] = std::exp(joint[k]);
        }
      }
      for (int k = 0; k < 2; ++k) r[k] = 0.8 * r[k] + (k == y ? 0.2 : 0.0);
      if (config.mode != mixture_mode::fixed) detail::lift(r);
      for (int k = 0; k < 2; ++k) moments[k].push(x, r[k]);
    }
    for (int k = 0; k < 2; ++k) {
      out.kept[k] = !moments[k].matched(m.component[k]);
      if (config.mode == mixture_mode::fixed)
        m.weight[k] = moments[k].weight / static_cast<double>(confidences.size());
    }
  }
  return out;
}

/// Fits a mixture to confidences alone, by damped expectation and maximisation as FREE's program does it: every
/// iteration moves parameters and weights a twentieth of the way. Allocates nothing. Fails as `fit` does; of `config`
/// only `iterations` counts.
template <backend B = portable>
[[nodiscard]] result<beta_mixture_fit> fit_unlabelled(const beta_mixture_config& config,
                                                      vec_view<const double> confidences,
                                                      const beta_mixture& start = {}) noexcept {
  if (auto ok = detail::check_confidences<B>(confidences); !ok) return ok.error();
  if (config.iterations < 1) return failure{.code = errc::bad_value, .key = "iterations"};
  beta_mixture_fit out{start};
  beta_mixture& m = out.mixture;
  for (int step = 0; step < config.iterations; ++step) {
    detail::beta_moments moments[2];
    for (index_t i = 0; i < confidences.size(); ++i) {
      const double x = detail::inside(confidences[i]);
      double r[2];
      detail::log_joint<B>(m, x, r);
      for (double& v : r) v = std::exp(v);
      detail::lift(r);
      for (int k = 0; k < 2; ++k) moments[k].push(x, r[k]);
    }
    const double all = moments[0].weight + moments[1].weight;
    for (int k = 0; k < 2; ++k) {
      beta_distribution next = m.component[k];
      out.kept[k] = !moments[k].matched(next);
      m.component[k].alpha = 0.95 * m.component[k].alpha + 0.05 * next.alpha;
      m.component[k].beta = 0.95 * m.component[k].beta + 0.05 * next.beta;
      m.weight[k] = 0.95 * m.weight[k] + 0.05 * moments[k].weight / all;
    }
  }
  return out;
}

}  // namespace v0
}  // namespace lagom
