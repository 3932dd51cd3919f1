// SPDX-License-Identifier: MIT
// Softmax statistics as a program built with fast-math for the oldest x86-64 gets them: vectorised, without fused
// multiply-adds.
#include <cmath>
#include <cstdio>
#include <lagom/kernel/softmax_stats_of.hpp>
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
  }
  return wrong;
}
