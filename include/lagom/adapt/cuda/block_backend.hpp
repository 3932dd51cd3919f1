// SPDX-License-Identifier: MIT
/// @file adapt/cuda/block_backend.hpp
/// The backend within a kernel: signals and norms as they are, every sum taken by all threads of a block.
#pragma once

#include "../../kernel/cosine.hpp"
#include "../../kernel/norm.hpp"
#include "block.hpp"
#include "pack.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Calls `add(sum, x_i, y_i)` for all i, each thread into its own sum, and merges them.
template <class Sum, class Block, scalar X, scalar Y, class Add>
LAGOM_HD Sum sum_pairs(Block& block, vec_view<const X> x, vec_view<const Y> y, Add add) noexcept {
  typename Block::template per_thread<Sum> sum;
  constexpr index_t width = pack<X>::size;
  index_t packs = 0;
  if constexpr (std::same_as<X, Y>) {
    if (packable(x.data(), x.stride()) && packable(y.data(), y.stride())) packs = x.size() / width;
  }
  block.each([&](int thread) {
    if constexpr (std::same_as<X, Y>) {
      for (index_t p = thread; p < packs; p += Block::threads) {
        const pack<X> a = block.stream(x.data() + p * width), b = block.stream(y.data() + p * width);
        for (int k = 0; k < width; ++k) add(sum[thread], a.value[k], b.value[k]);
      }
    }
    for (index_t i = packs * width + thread; i < x.size(); i += Block::threads) {
      add(sum[thread], x.data()[i * x.stride()], y.data()[i * y.stride()]);
    }
  });
  return merge_block<Block, Sum>(block, sum);
}

}  // namespace detail

/// A backend for the inside of a kernel: `dot`, `squared_norm` and `cosine` by the whole block. Every thread of the
/// block calls with the same arguments and gets the same result, so signals, norms and policies run in a kernel as
/// they are written. Softmax statistics come from the kernels that gather them.
template <class Block>
struct block_backend : basic_portable<target::baseline> {
  Block* block = nullptr;

  template <scalar X, scalar Y>
  [[nodiscard]] LAGOM_HD accumulator_t<X, Y> dot(vec_view<const X> x, vec_view<const Y> y) const noexcept {
    using Acc = accumulator_t<X, Y>;
    return detail::sum_pairs<detail::sums<Acc>>(
               *block, x, y,
               [](auto& sum, X a, Y b) { sum.value[0] += static_cast<Acc>(a) * static_cast<Acc>(b); })
        .value[0];
  }

  template <scalar X>
  [[nodiscard]] LAGOM_HD accumulator_t<X> squared_norm(vec_view<const X> x) const noexcept {
    return dot(x, x);
  }

  template <scalar X, scalar Y>
  [[nodiscard]] LAGOM_HD auto cosine(vec_view<const X> x, vec_view<const Y> y) const noexcept {
    using Acc = accumulator_t<X, Y>;
    return detail::sum_pairs<cosine_stats<Acc>>(*block, x, y, [](auto& sum, X a, Y b) {
      const auto p = static_cast<Acc>(a), q = static_cast<Acc>(b);
      sum.merge({p * q, p * p, q * q});
    });
  }
};

namespace detail {

/// `norm.prepare`, by the block where the norm asks its backend for a sum. LayerNorm does not: its sums are written here.
template <class Block, scalar H, final_norm Norm>
LAGOM_HD auto prepare_norm(Block& block, const Norm& norm, vec_view<const H> x) noexcept {
  block_backend<Block> b;
  b.block = &block;
  return norm.prepare(b, x);
}

template <class Block, scalar H, scalar G>
LAGOM_HD auto prepare_norm(Block& block, const layer_norm<G>& norm, vec_view<const H> x) noexcept {
  using Acc = accumulator_t<H>;
  const auto n = static_cast<double>(x.size());
  const double mean =
      sum_pairs<sums<double>>(block, x, x, [](auto& sum, H a, H) { sum.value[0] += static_cast<double>(a); })
          .value[0] /
      n;
  const double variance = sum_pairs<sums<double>>(block, x, x,
                                                  [mean](auto& sum, H a, H) {
                                                    const double d = static_cast<double>(a) - mean;
                                                    sum.value[0] += d * d;
                                                  })
                              .value[0] /
                          n;
  return typename layer_norm<G>::template scale<Acc>{
      static_cast<Acc>(mean), static_cast<Acc>(1 / detail::sqrt(variance + norm.epsilon))};
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
