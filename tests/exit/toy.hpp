// SPDX-License-Identifier: MIT
#pragma once

#include <lagom/kernel/unembed.hpp>

#include "support/approx.hpp"

namespace lagom_test {

// A toy engine: L layers that sharpen towards an answer, each a function of the previous state.
struct toy {
  static constexpr int layers = 9, dim = 24, vocab = 40;
  std::vector<float> w = normal<float>(dim * vocab, 1, 0.4), g = std::vector<float>(dim, 1.0f);
  lagom::head<float, lagom::rms_norm<float>> head{{w.data(), vocab, dim}, {g, 1e-5}};

  [[nodiscard]] std::vector<float> start(int instance) const {
    return normal<float>(dim, 100 + static_cast<std::uint64_t>(instance));
  }
  void layer(int instance, int l, std::vector<float>& x) const {
    const int answer = instance % vocab;
    const auto noise = normal<float>(dim, 1000 + static_cast<std::uint64_t>(instance * 31 + l), 0.8);
    for (int j = 0; j < dim; ++j) {
      const auto k = static_cast<std::size_t>(j);
      x[k] = 0.7f * x[k] + noise[k] +
             0.25f * static_cast<float>(l) * w[static_cast<std::size_t>(answer * dim + j)];
    }
  }
};

}  // namespace lagom_test
