// SPDX-License-Identifier: MIT
// A linear map whose result for a token has the same bits whatever tokens are computed beside it.
#pragma once

#include <lagom/adapt/native.hpp>
#include <lagom/adapt/xtensor.hpp>
#include <lagom/kernel/dot.hpp>

namespace decoder {

// y = x W^T + b, with W as Hugging Face stores it: out x in.
//
// A BLAS picks its kernel, and with it the order of summation, by the shape of the product, so that a token's result
// would depend on its company. Here every element is an inner product of its own. One token reads W at the speed of
// memory; several share what they read, a few rows of W at a time.
template <std::floating_point T>
struct linear {
  xt::xtensor<T, 2> weight;
  xt::xtensor<T, 1> bias;  // empty when there is none

  // x: rows x in; to: rows x out, of which columns [first, first + cols) are computed.
  void operator()(lagom::mat_view<const T> x, lagom::mat_view<T> to, std::size_t first,
                  std::size_t cols) const {
    constexpr lagom::index_t shared = 32768;  // bytes of W that all tokens meet before the next ones are read
    const lagom::mat_view<const T> w = weight;
    const auto begin = static_cast<lagom::index_t>(first), end = begin + static_cast<lagom::index_t>(cols);
    const lagom::index_t block = std::max<lagom::index_t>(1, shared / (w.cols() * lagom::index_t{sizeof(T)}));
    for (lagom::index_t from = begin; from < end; from += block) {
      const lagom::index_t until = std::min(from + block, end);
      for (lagom::index_t r = 0; r < x.rows(); ++r) {
        for (lagom::index_t j = from; j < until; ++j)
          to(r, j) = lagom::dot(lagom::native{}, x.row(r), w.row(j));
      }
    }
    if (bias.size() == 0) return;
    for (lagom::index_t r = 0; r < x.rows(); ++r) {
      for (lagom::index_t j = begin; j < end; ++j) to(r, j) += bias(static_cast<std::size_t>(j));
    }
  }
};

}  // namespace decoder
