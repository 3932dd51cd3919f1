// SPDX-License-Identifier: MIT
/// @file embed/random.hpp
/// Rows that know nothing of their token: noise, the mean of all rows, zero.
#pragma once

#include "back_off.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Every row is drawn from N(mu, sigma) per dimension, mu and sigma those of all source rows ("Random" of
/// arXiv 2406.11477). Tokens that are source tokens too are copied.
///
/// NumPy's sigma has ddof 0, PyTorch's ddof 1. Draws are named by (seed, token, column), so a token's row is
/// the same in every plan that has it, and on any number of threads.
/// `random{.group = gaussian::standard, .mean = 0, .deviation = s}` draws from N(0, s) whatever the source.
struct random {
  std::uint64_t seed = 42;
  std::uint32_t ddof = 0;
  std::uint32_t group = gaussian::every_row;
  float mean = 1;
  float deviation = 1;

  struct rule {
    static constexpr method made_by = method::random;
    gaussian value;
    reason operator()(std::size_t, plan_builder& out) const {
      out.add(value);
      return reason::none;
    }
  };
  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    return back_off(e, rule{{group, ddof, mean, deviation, seed}});
  }
};

/// Every row is the mean of all source rows. This is what Hugging Face's resizing with `mean_resizing` amounts
/// to, and what Hewitt (2021) argues for: each of k new tokens takes at most 1/n of the old probability mass.
///
/// Hugging Face adds a draw from N(0, 1e-9 Sigma), Sigma the covariance of the dimensions. `resize_deviation`
/// as `deviation` adds its diagonal part: independent draws of 3.2e-5 sigma per dimension. The correlations
/// between dimensions are left out; they cost O(n d^2) and move no row by more than that.
struct source_mean {
  static constexpr float resize_deviation = 3.16227766e-5f;  ///< sqrt(1e-9)

  float deviation = 0;
  std::uint64_t seed = 42;

  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    return back_off(e, mean_row{{.deviation = deviation, .seed = seed}});
  }
};

/// Every row is zero, but for tokens that are source tokens too. In a head a zero row has logit 0, which may
/// well be the largest: see `padding`.
struct zero {
  [[nodiscard]] plan operator()(const vocab::expansion& e) const { return back_off(e); }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
