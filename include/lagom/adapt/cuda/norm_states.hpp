// SPDX-License-Identifier: MIT
/// @file adapt/cuda/norm_states.hpp
/// The states of a batch, normed once for all rows of the head.
#pragma once

#include "../../core/mat_view.hpp"
#include "block_backend.hpp"
#include "live_rows.hpp"
#include "tuning.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Columns that states are padded to, with zeros: whole packs of any head.
LAGOM_LEAF constexpr index_t padded_width(index_t width) noexcept { return (width + 15) / 16 * 16; }

/// Block x: live row x, normed, in the type it is summed in.
template <scalar H, final_norm Norm>
struct norm_states_task {
  using Acc = accumulator_t<H>;
  static constexpr int threads = sequence_tuning::threads;

  mat_view<const H> hidden{};
  Norm norm{};
  live_rows live{};
  Acc* out = nullptr;  ///< capacity x padded_width

  static constexpr int shared() noexcept { return shared_bytes(threads, 0); }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    if (block.x() >= live.size()) return;
    const auto x = hidden.row(live.row(block.x()));
    const auto scale = prepare_norm(block, norm, x);
    const index_t pitch = padded_width(x.size());
    block.each([&](int thread) {
      for (index_t j = thread; j < pitch; j += threads) {
        out[block.x() * pitch + j] = j < x.size() ? norm.apply(scale, static_cast<Acc>(x[j]), j) : Acc(0);
      }
    });
  }
};

/// A float as the sum of two 16-bit numbers, for tensor cores: x / unscale = high + low. bf16 keeps 17 bits of x, f16
/// 22 bits of all that is not 2^-24 of the state's largest element. What is not finite stays so.
template <class W>
struct split {
  W high{}, low{};

  LAGOM_LEAF explicit split(float x) noexcept : high(x) {
    const auto rounded_to = static_cast<float>(high);
    const float rest = x - rounded_to;
    low = is_finite(&rounded_to) ? W(rest) : W(0.0f);
  }
};

/// The power of two that brings `largest` (of a state, in absolute value) into the range of `W`: f16 only.
template <class W>
LAGOM_LEAF float split_scale(float largest) noexcept {
  if constexpr (std::same_as<W, f16>) {
    const std::uint32_t exponent = bits_of(&largest) >> 23 & 255u;
    if (exponent == 0 || exponent == 255) return 1;
    const std::uint32_t wanted = 267 - exponent;  // to [2^13, 2^14)
    return detail::bit_cast<float>((wanted < 227 ? wanted : 227u) << 23);
  } else {
    return 1;
  }
}

struct largest_of {
  float value = 0;
  LAGOM_LEAF void merge(const largest_of& other) noexcept {
    value = other.value > value ? other.value : value;
  }
};

/// Where a warp of `unembed_mma` looks for 8 columns of a state: 32 lanes side by side, high and low parts apart.
/// `tiles`: groups of 8 states.
LAGOM_LEAF constexpr index_t split_pack_at(index_t columns8, int state, int low, int tiles) noexcept {
  const index_t lane = state % 8 * 4 + columns8 % 4;
  return ((columns8 / 4 * tiles + state / 8) * 2 + low) * warp_threads + lane;
}

/// Columns that `unembed_mma` reads a state in, the last ones zero.
LAGOM_LEAF constexpr index_t split_width(index_t width) noexcept {
  constexpr index_t step = unembed_mma_tuning::step;
  return (width + step - 1) / step * step;
}

/// Block x: live row x of a group of at most `most_states`, normed and split for the tensor cores; zeros from the
/// last live row to the next multiple of 8.
template <scalar H, class W, final_norm Norm>
struct split_states_task {
  static constexpr int threads = sequence_tuning::threads;

  mat_view<const H> hidden{};
  Norm norm{};
  live_rows live{};
  int first = 0;             ///< first live row of the group
  int tiles = 0;             ///< groups of 8 states that there is room for
  pack<W>* out = nullptr;    ///< split_width / 8 x tiles x 8 x 2
  float* unscale = nullptr;  ///< a factor a state

  static constexpr int shared() noexcept { return shared_bytes(threads, 0); }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    const int state = block.x();
    const bool used = first + state < live.size();
    if (!used && first + state / 8 * 8 >= live.size()) return;
    const auto x = hidden.row(live.row(used ? first + state : first));
    const auto norm_scale = prepare_norm(block, norm, x);
    const auto element = [&](index_t j) {
      return used && j < x.size() ? norm.apply(norm_scale, static_cast<float>(x[j]), j) : 0.0f;
    };
    float scale = 1;
    if constexpr (std::same_as<W, f16>) {
      typename Block::template per_thread<largest_of> largest;
      block.each([&](int thread) {
        for (index_t j = thread; j < x.size(); j += threads) {
          const float v = element(j);
          largest[thread].merge({v < 0 ? -v : v});
        }
      });
      scale = split_scale<W>(merge_block<Block, largest_of>(block, largest).value);
    }
    block.each([&](int thread) {
      for (index_t q = thread; q < split_width(x.size()) / 8; q += threads) {
        pack<W> high, low;
        for (int k = 0; k < 8; ++k) {
          const split<W> parts(element(q * 8 + k) * scale);
          high.value[k] = parts.high;
          low.value[k] = parts.low;
        }
        out[split_pack_at(q, state, 0, tiles)] = high;
        out[split_pack_at(q, state, 1, tiles)] = low;
      }
      if (thread == 0) unscale[state] = 1 / scale;
    });
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
