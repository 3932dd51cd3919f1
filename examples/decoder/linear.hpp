// SPDX-License-Identifier: MIT
// A linear map whose result for a token has the same bits whatever tokens are computed beside it.
#pragma once

#include <lagom/adapt/xtensor_blas.hpp>
#include <vector>

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

  // x: rows x in, contiguous; to: rows x out, of which columns [first, first + cols) are computed. `from_pad` and `to_pad`
  // are room for a tile, kept by the caller.
  void operator()(lagom::mat_view<const T> x, lagom::mat_view<T> to, std::size_t first, std::size_t cols,
                  std::vector<T>& from_pad, std::vector<T>& to_pad) const {
    const auto rows = static_cast<std::size_t>(x.rows()), in = weight.shape()[1];
    if (to_pad.size() < tile * cols) to_pad.resize(tile * cols);
    if (from_pad.size() < tile * in) from_pad.resize(tile * in);
    for (std::size_t at = 0; at < rows; at += tile) {
      const std::size_t n = std::min(tile, rows - at);
      const T* from = &x(static_cast<lagom::index_t>(at), 0);
      if (n < tile) {
        std::copy_n(from, n * in, from_pad.data());
        std::fill(from_pad.begin() + static_cast<std::ptrdiff_t>(n * in),
                  from_pad.begin() + static_cast<std::ptrdiff_t>(tile * in), T(0));
        from = from_pad.data();
      }
      product(from, to_pad.data(), in, first, cols);
      for (std::size_t r = 0; r < n; ++r) {
        T* const out = &to(static_cast<lagom::index_t>(at + r), static_cast<lagom::index_t>(first));
        std::copy_n(to_pad.data() + r * cols, cols, out);
        if (bias.size() == 0) continue;
        for (std::size_t j = 0; j < cols; ++j) out[j] += bias(first + j);
      }
    }
  }

 private:
  void product(const T* x, T* y, std::size_t in, std::size_t first, std::size_t cols) const {
    const auto from = xt::adapt(x, tile * in, xt::no_ownership(), std::array{tile, in});
    const auto w = xt::adapt(&weight(first, 0), cols * in, xt::no_ownership(), std::array{cols, in});
    auto to = xt::adapt(y, tile * cols, xt::no_ownership(), std::array{tile, cols});
    xt::blas::gemm(from, w, to, false, true);
  }
};

}  // namespace decoder
