// SPDX-License-Identifier: MIT
/// @file stop/perceptron.hpp
/// Training a perceptron with one hidden layer for a yes or a no.
#pragma once

#include <utility>

#include "../core/random.hpp"
#include "../kernel/dot.hpp"
#include "adam.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Training rows: inputs, one row after another; labels (0 or 1); weights.
struct perceptron_rows {
  std::vector<float> inputs;
  std::vector<float> label, weight;
};

/// inputs -> hidden -> ReLU -> 1 in training. Parameters: the first weights input by input, their biases, the second weights,
/// their bias.
template <backend B>
class perceptron {
 public:
  std::vector<float> theta;

  perceptron(index_t inputs, index_t hidden)
      : theta(static_cast<std::size_t>(hidden * (inputs + 2) + 1)),
        n_(inputs),
        h_(hidden),
        unit_(static_cast<std::size_t>(hidden)) {}

  /// PyTorch's initial weights and biases: uniform in +-1 / sqrt(fan in).
  void start(const philox& random, std::uint64_t stream) noexcept {
    const auto n1 = static_cast<std::size_t>(h_ * (n_ + 1));
    for (std::size_t i = 0; i < theta.size(); ++i) {
      const double bound = 1 / sqrt(static_cast<double>(i < n1 ? n_ : h_));
      theta[i] = static_cast<float>((2 * random.uniform(stream, i) - 1) * bound);
    }
  }

  /// The logit of one row; the units stay for `add_gradient`.
  float logit(const float* x) noexcept {
    float* LAGOM_RESTRICT const unit = unit_.data();
    const float* const b1 = theta.data() + n_ * h_;
    for (index_t j = 0; j < h_; ++j) unit[j] = b1[j];
    for (index_t f = 0; f < n_; ++f) {
      const float* LAGOM_RESTRICT const w = theta.data() + f * h_;
      const float v = x[f];
      for (index_t j = 0; j < h_; ++j) unit[j] += v * w[j];
    }
    for (index_t j = 0; j < h_; ++j) unit[j] = unit[j] > 0 ? unit[j] : 0.0f;
    return dot(B{}, vec_view<const float>(unit, h_), vec_view<const float>(b1 + h_, h_)) + b1[2 * h_];
  }

  /// Adds slope times the gradient of the logit of the row that was shown last.
  void add_gradient(const float* x, float slope, float* gradient) noexcept {
    float* LAGOM_RESTRICT const unit = unit_.data();
    const float* LAGOM_RESTRICT const w2 = theta.data() + (n_ + 1) * h_;
    float* const g1 = gradient + n_ * h_;
    float* LAGOM_RESTRICT const g2 = g1 + h_;
    for (index_t j = 0; j < h_; ++j) {
      g2[j] += slope * unit[j];
      unit[j] = unit[j] > 0 ? slope * w2[j] : 0.0f;
    }
    g2[h_] += slope;
    for (index_t f = 0; f <= n_; ++f) {
      float* LAGOM_RESTRICT const g = gradient + f * h_;
      const float v = f < n_ ? x[f] : 1.0f;
      for (index_t j = 0; j < h_; ++j) g[j] += v * unit[j];
    }
  }

  /// Weighted mean cross-entropy, and its gradient if asked for, over the rows order[0 ... n - 1].
  double loss(const perceptron_rows& rows, const index_t* order, index_t n, float* gradient) noexcept {
    double total = 0, sum = 0;
    for (index_t k = 0; k < n; ++k)
      total += static_cast<double>(rows.weight[static_cast<std::size_t>(order[k])]);
    if (!(total > 0)) return 0;
    for (index_t k = 0; k < n; ++k) {
      const auto i = static_cast<std::size_t>(order[k]);
      const float* const x = rows.inputs.data() + order[k] * n_;
      const float z = logit(x), share = static_cast<float>(static_cast<double>(rows.weight[i]) / total);
      sum += static_cast<double>(share) * softplus(static_cast<double>(rows.label[i] > 0 ? -z : z));
      if (gradient != nullptr) add_gradient(x, share * (sigmoid(z) - rows.label[i]), gradient);
    }
    return sum;
  }

  /// Runs the epochs; the number of steps.
  int train(const perceptron_rows& rows, const adam_config& settings, int epochs, index_t batch,
            const philox& random, std::uint64_t stream) {
    const auto n = static_cast<index_t>(rows.label.size());
    adam<B> optimizer(settings, static_cast<index_t>(theta.size()));
    std::vector<float> gradient(theta.size());
    std::vector<index_t> order(rows.label.size());
    for (index_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
    int steps = 0;
    for (int epoch = 0; epoch < epochs; ++epoch) {
      for (std::size_t i = order.size(); i > 1; --i) {
        const auto j = random.below(i, stream + 1, static_cast<std::uint64_t>(epoch) * order.size() + i);
        std::swap(order[i - 1], order[static_cast<std::size_t>(j)]);
      }
      for (index_t first = 0; first < n; first += batch, ++steps) {
        for (float& g : gradient) g = 0;
        loss(rows, order.data() + first, n - first < batch ? n - first : batch, gradient.data());
        optimizer.step(theta, gradient);
      }
    }
    return steps;
  }

  /// Weights for inputs as they are, from those for (x - mean) * inverse_deviation.
  void fold(const std::vector<float>& mean, const std::vector<float>& inverse_deviation) noexcept {
    float* const b1 = theta.data() + n_ * h_;
    for (index_t f = 0; f < n_; ++f) {
      for (index_t j = 0; j < h_; ++j) {
        float& w = theta[static_cast<std::size_t>(f * h_ + j)];
        w *= inverse_deviation[static_cast<std::size_t>(f)];
        b1[j] -= w * mean[static_cast<std::size_t>(f)];
      }
    }
  }

 private:
  index_t n_, h_;
  std::vector<float> unit_;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
