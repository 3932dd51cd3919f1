// SPDX-License-Identifier: MIT
/// @file embed/negative_sampling.hpp
/// The inner loop of training token vectors.
#pragma once

#include <span>
#include <vector>

#include "../core/random.hpp"
#include "../kernel/dot.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {
namespace detail {

/// Draws tokens with probability proportional to the square roots of their counts, O(1) (Walker's aliases).
class negative_table {
 public:
  explicit negative_table(std::span<const std::uint64_t> counts)
      : keep_(counts.size()), alias_(counts.size()) {
    double sum = 0;
    for (const auto c : counts) sum += lagom::detail::sqrt(static_cast<double>(c));
    std::vector<std::uint32_t> small, large;
    for (std::uint32_t i = 0; i < counts.size(); ++i) {
      const double share = lagom::detail::sqrt(static_cast<double>(counts[i])) / sum;
      keep_[i] = share * static_cast<double>(counts.size());
      alias_[i] = i;
      (keep_[i] < 1 ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
      const std::uint32_t under = small.back(), over = large.back();
      small.pop_back();
      alias_[under] = over;
      keep_[over] -= 1 - keep_[under];
      if (keep_[over] < 1) {
        large.pop_back();
        small.push_back(over);
      }
    }
    for (const auto i : small) keep_[i] = 1;
    for (const auto i : large) keep_[i] = 1;
  }
  [[nodiscard]] std::uint32_t operator()(std::uint32_t bits) const noexcept {
    const std::uint64_t place = std::uint64_t{bits} * keep_.size();
    const auto i = static_cast<std::uint32_t>(place >> 32);
    return static_cast<double>(static_cast<std::uint32_t>(place)) * 0x1p-32 < keep_[i] ? i : alias_[i];
  }

 private:
  std::vector<double> keep_;
  std::vector<std::uint32_t> alias_;
};

/// The two matrices of a CBOW or skip-gram model, and its step. Rows are padded with zeros to whole blocks.
class negative_sampling_model {
 public:
  static constexpr index_t block = 8;

  negative_sampling_model(std::size_t tokens, index_t width, std::uint64_t seed)
      : pitch_((width + block - 1) / block * block),
        in_(tokens * static_cast<std::size_t>(pitch_)),
        out_(in_.size()),
        hidden_(static_cast<std::size_t>(pitch_)),
        gradient_(hidden_.size()) {
    const philox random{seed};
    for (std::size_t t = 0; t < tokens; ++t) {
      for (index_t j = 0; j < width; ++j) {
        const double u = random.uniform(~std::uint64_t{t}, static_cast<std::uint64_t>(j));
        in_[t * static_cast<std::size_t>(pitch_) + static_cast<std::size_t>(j)] =
            static_cast<float>((2 * u - 1) / static_cast<double>(width));
      }
    }
  }

  [[nodiscard]] const float* input(std::uint32_t t) const noexcept {
    return in_.data() + index_t{t} * pitch_;
  }

  [[nodiscard]] std::span<const float> inputs() const noexcept { return in_; }

  void begin() noexcept {
    for (float& x : hidden_) x = 0;
    for (float& x : gradient_) x = 0;
  }
  void add_context(std::uint32_t t, float weight) noexcept { axpy(weight, input(t), hidden_.data()); }

  /// One logistic regression of a pair: step of log sigma(+-h . o_t).
  void step(std::uint32_t t, float label, float rate) noexcept {
    float* LAGOM_RESTRICT const o = out_.data() + index_t{t} * pitch_;
    const float* LAGOM_RESTRICT const h = hidden_.data();
    float* LAGOM_RESTRICT const gradient = gradient_.data();
    const float score =
        lagom::detail::dot_contiguous<portable, float>(h, static_cast<const float*>(o), pitch_);
    const float by = rate * (label - sigmoid(score));
    for (index_t j = 0; j < pitch_; j += block) {
      for (index_t i = j; i < j + block; ++i) {
        gradient[i] += by * o[i];
        o[i] += by * h[i];
      }
    }
  }
  void update(std::uint32_t t) noexcept { axpy(1, gradient_.data(), in_.data() + index_t{t} * pitch_); }

 private:
  void axpy(float a, const float* LAGOM_RESTRICT x, float* LAGOM_RESTRICT y) const noexcept {
    for (index_t j = 0; j < pitch_; j += block) {
      for (index_t i = j; i < j + block; ++i) y[i] += a * x[i];
    }
  }

  index_t pitch_;
  std::vector<float> in_, out_, hidden_, gradient_;
};

}  // namespace detail
}  // namespace embed
}  // namespace v0
}  // namespace lagom
