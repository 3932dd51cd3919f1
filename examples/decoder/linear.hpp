// SPDX-License-Identifier: MIT
// A linear map whose result for a token has the same bits whatever tokens are computed beside it.
#pragma once

#include <lagom/adapt/xtensor_blas.hpp>
#include <span>

namespace decoder {

// y = x W^T + b, with W as Hugging Face stores it: out x in.
//
// A BLAS picks its kernel, and with it the order of summation, by the shape of the product. So every product
// here has one shape: `tile` tokens, the last tile filled up with zeros. Within one shape each row of the result
// depends on its own row of x alone. A single token pays for a whole tile, which costs little where it counts:
// a large matrix is read once a tile, and reading it is what takes the time.
template <std::floating_point T>
struct linear {
  static constexpr std::size_t tile = 8;

  xt::xtensor<T, 2> weight;
  xt::xtensor<T, 1> bias;  // empty when there is none

  // x: rows x in, y: rows x out, both contiguous.
  void operator()(const xt::xtensor<T, 2>& x, xt::xtensor<T, 2>& y) const {
    const std::size_t rows = x.shape()[0], in = weight.shape()[1], out = weight.shape()[0];
    std::size_t first = 0;
    for (; first + tile <= rows; first += tile) product(&x(first, 0), &y(first, 0), in, out);
    if (first < rows) {
      xt::xtensor<T, 2> padded = xt::zeros<T>({tile, in});
      xt::xtensor<T, 2> result = xt::zeros<T>({tile, out});
      std::copy_n(&x(first, 0), (rows - first) * in, padded.data());
      product(padded.data(), result.data(), in, out);
      std::copy_n(result.data(), (rows - first) * out, &y(first, 0));
    }
    if (bias.size() == 0) return;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t j = 0; j < out; ++j) y(r, j) += bias(j);
    }
  }

 private:
  void product(const T* x, T* y, std::size_t in, std::size_t out) const {
    const auto from = xt::adapt(x, tile * in, xt::no_ownership(), std::array{tile, in});
    auto to = xt::adapt(y, tile * out, xt::no_ownership(), std::array{tile, out});
    xt::blas::gemm(from, weight, to, false, true);
  }
};

}  // namespace decoder
