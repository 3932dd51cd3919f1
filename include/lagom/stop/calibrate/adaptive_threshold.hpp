// SPDX-License-Identifier: MIT
/// @file stop/calibrate/adaptive_threshold.hpp
/// A threshold that learns from what the deep layers say.
#pragma once

#include <vector>

#include "../threshold.hpp"
#include "mixture_threshold.hpp"

namespace lagom {
inline namespace v0 {

struct adaptive_threshold_config {
  mixture_mode mode = mixture_mode::fixed;
  float first = 0.9f;               ///< until the first fit
  int refits = 300;                 ///< at most; then the threshold stays (FREE: 300 for T5, 100 for LongT5)
  std::size_t capacity = 1u << 16;  ///< confidences that are remembered, the latest
};

/// FREE's adaptive threshold (Bae et al. 2023, arXiv 2310.05424): every pass through the deep layers says of some
/// tokens whether the shallow answer was right; before a sequence the mixture is fitted again, from where it was.
///
/// ```cpp
/// lagom::adaptive_threshold adaptive{{.first = 0.9f}};
/// for (auto& sequence : sequences) {
///   policy.rule = adaptive.rule();                               // the gap is feature 0
///   decode(sequence, policy, [&](double gap, bool same) { adaptive.push(gap, same); });
///   adaptive.refit();
/// }
/// ```
/// Stops above the threshold, not at it. Memory is taken at construction and never again. The program of the authors
/// never forgets; here the oldest confidence makes room when `capacity` is reached.
class adaptive_threshold {
 public:
  LAGOM_INLINE explicit adaptive_threshold(const adaptive_threshold_config& config = {})
      : config_(config), threshold_{static_cast<double>(config.first), saturation::none} {
    const std::size_t room = config.capacity > 0 ? config.capacity : 1;
    confidences_.resize(room);
    agreed_.resize(room);
  }

  /// One token that ran all layers: its confidence at the exit, and whether the exit's answer was the last layer's.
  /// What is no number in [0, 1] is counted and left out.
  LAGOM_INLINE void push(double confidence, bool agreed) noexcept {
    if (!is_finite(&confidence) || confidence < 0 || confidence > 1) {
      ++refused_;
      return;
    }
    const std::size_t at = pushed_ % confidences_.size();
    confidences_[at] = confidence;
    agreed_[at] = agreed ? 1 : -1;
    ++pushed_;
  }

  /// Fits the mixture to what is remembered. False: nothing is, or the refits are used up. Cost: as `fit`.
  LAGOM_INLINE bool refit() noexcept { return refit_on<portable>(); }

  /// The rule for the next sequence.
  [[nodiscard]] LAGOM_INLINE lagom::threshold<above> rule(int feature = 0) const noexcept {
    return {.value = static_cast<float>(threshold_.value), .feature = feature};
  }
  [[nodiscard]] LAGOM_INLINE const mixture_threshold& current() const noexcept { return threshold_; }
  /// The last fit; a component that could not be fitted is marked.
  [[nodiscard]] LAGOM_INLINE const beta_mixture_fit& last_fit() const noexcept { return fit_; }
  [[nodiscard]] LAGOM_INLINE int refits() const noexcept { return refits_; }
  [[nodiscard]] LAGOM_INLINE std::uint64_t refused() const noexcept { return refused_; }
  /// Confidences remembered.
  [[nodiscard]] LAGOM_INLINE std::size_t size() const noexcept {
    return pushed_ < confidences_.size() ? static_cast<std::size_t>(pushed_) : confidences_.size();
  }

 private:
  template <backend B>
  bool refit_on() noexcept {
    if (refits_ >= config_.refits || pushed_ == 0) return false;
    const vec_view<const double> x(confidences_.data(), size());
    const vec_view<const signed char> y(agreed_.data(), size());
    const auto fitted = fit<B>(beta_mixture_config{.mode = config_.mode}, x, y, fit_.mixture);
    if (!fitted) return false;
    fit_ = *fitted;
    threshold_ = threshold_of<B>(fit_.mixture, config_.mode);
    ++refits_;
    return true;
  }

  adaptive_threshold_config config_;
  std::vector<double> confidences_;
  std::vector<signed char> agreed_;
  std::uint64_t pushed_ = 0, refused_ = 0;
  int refits_ = 0;
  beta_mixture_fit fit_{};
  mixture_threshold threshold_;
};

}  // namespace v0
}  // namespace lagom
