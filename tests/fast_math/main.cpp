// SPDX-License-Identifier: MIT
// Softmax statistics and divergences as a program built with fast-math for the oldest x86-64 gets them: vectorised, without fused
// multiply-adds.
#include <cmath>
#include <cstdio>
#include <lagom/kernel/divergence_of.hpp>
#include <vector>

int main() {
  int wrong = 0;
  for (std::size_t n : {5u, 16u, 1000u, 50257u}) {
    std::vector<float> z(n);
    double largest = -1e30, sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      z[i] = std::sin(0.37f * static_cast<float>(i)) * 6;
      largest = static_cast<double>(z[i]) > largest ? static_cast<double>(z[i]) : largest;
    }
    for (const float v : z) sum += std::exp(static_cast<double>(v) - largest);
    const auto s = lagom::softmax_stats_of(lagom::portable{}, z);
    const double off = static_cast<double>(s.log_sum_exp()) - (largest + std::log(sum));
    std::printf("%zu: %.2g\n", n, off);
    wrong += !(std::fabs(off) < 1e-5);

    // Nearly equal distributions: an eighth of the variance of the differences of their logits, to that order.
    std::vector<float> y = z;
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) {
      y[i] += 1e-3f * std::cos(1.7f * static_cast<float>(i));
      const double p = std::exp(static_cast<double>(z[i]) - largest) / sum;
      const double d = static_cast<double>(y[i]) - static_cast<double>(z[i]);
      mean += p * d;
      square += p * d * d;
    }
    const double expected = (square - mean * mean) / 8;
    const double js = static_cast<double>(lagom::divergence_of(lagom::portable{}, z, y).jensen_shannon());
    std::printf("%zu: %.3g of %.3g\n", n, js - expected, expected);
    wrong += !(std::fabs(js - expected) < 5e-3 * expected);
  }
  return wrong;
}
