// SPDX-License-Identifier: MIT
/// @file adapt/cuda/launch.cuh
/// Tasks on a stream, and the probe as a chain of them.
#pragma once

#include <cuda_runtime.h>

#include "../../kernel/head.hpp"
#include "device_block.cuh"
#include "unembed_dot.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Asks for a grid of x by y blocks of the task. Does not wait.
template <target Target, class Task>
cudaError_t launch(cudaStream_t stream, const Task& task, int x, int y = 1) noexcept {
  static_assert(std::is_trivially_copyable_v<Task>, "what goes to a device is trivially copyable");
  static_assert(Task::shared() <= 48 * 1024);
  if (x <= 0 || y <= 0) return cudaSuccess;
  run_task<Target, Task><<<dim3(static_cast<unsigned>(x), static_cast<unsigned>(y)), Task::threads,
                           static_cast<std::size_t>(Task::shared()), stream>>>(task);
  return cudaGetLastError();
}

/// Sizes of a probe of `states` states: which kernel, and the memory it works in.
template <target Target, class Acc, scalar W>
struct unembed_plan {
  bool tensor_cores = false;
  int n_parts = 1;
  int group = 0;  ///< states a pass over the head
  std::size_t parts_bytes = 0;
  std::size_t state_bytes = 0;

  unembed_plan(mat_view<const W> head, int states) noexcept {
    if constexpr (std::same_as<Acc, float> && (std::same_as<W, bf16> || std::same_as<W, f16>)) {
      tensor_cores = states >= unembed_mma_tuning::from_states && packable(head) && has_tensor_cores();
    }
    n_parts = parts_of(head.rows(), tensor_cores ? unembed_mma_tuning::tile : unembed_dot_tuning::tile);
    group =
        tensor_cores && states > unembed_mma_tuning::most_states ? unembed_mma_tuning::most_states : states;
    const auto count = static_cast<std::size_t>(states);
    parts_bytes = (count * static_cast<std::size_t>(n_parts) * sizeof(softmax_stats<Acc>) + 255) / 256 * 256;
    state_bytes = tensor_cores
                      ? split_packs(head.cols()) * 16 + sizeof(float) * unembed_mma_tuning::most_states
                      : count * static_cast<std::size_t>(padded_width(head.cols())) * sizeof(Acc);
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return parts_bytes + state_bytes; }
  /// Packs of a group of states, high and low.
  [[nodiscard]] std::size_t split_packs(index_t width) const noexcept {
    return static_cast<std::size_t>(split_width(width) / 8 * tiles() * 8 * 2);
  }
  [[nodiscard]] int tiles() const noexcept { return (group + 7) / 8; }

 private:
  /// Were the kernels compiled for a machine that has m16n8k16?
  static bool has_tensor_cores() noexcept {
    cudaFuncAttributes of{};
    const auto e = cudaFuncGetAttributes(
        &of, reinterpret_cast<const void*>(&run_task<Target, unembed_mma_task<bf16, 1>>));
    if (e != cudaSuccess) (void)cudaGetLastError();
    return e == cudaSuccess && of.ptxVersion >= 80;
  }
};

/// The probe by tensor cores, a group of states a pass.
template <target Target, scalar H, scalar W, final_norm Norm>
cudaError_t launch_unembed_mma(cudaStream_t stream, mat_view<const H> hidden, const head<W, Norm>& to,
                               live_rows live, const unembed_plan<Target, float, W>& plan,
                               char* memory) noexcept {
  auto* const parts = reinterpret_cast<softmax_stats<float>*>(memory);
  auto* const packs = reinterpret_cast<pack<W>*>(memory + plan.parts_bytes);
  auto* const unscale = reinterpret_cast<float*>(packs + plan.split_packs(to.rows.cols()));
  const int head_tiles = parts_of(to.rows.rows(), unembed_mma_tuning::tile);
  for (int first = 0; first < live.capacity; first += plan.group) {
    const int left = live.capacity - first;
    const int tiles = ((left < plan.group ? left : plan.group) + 7) / 8;
    const split_states_task<H, W, Norm> states{hidden, to.norm, live, first, tiles, packs, unscale};
    if (const auto e = launch<Target>(stream, states, tiles * 8); e != cudaSuccess) return e;
    const auto pass = [&](auto count) {
      return launch<Target>(stream,
                            unembed_mma_task<W, decltype(count)::value>{
                                to.rows, to.scale, to.first_token, live, first, tiles, packs, unscale, parts},
                            1, head_tiles);
    };
    cudaError_t e = cudaSuccess;
    if (tiles <= 1) {
      e = pass(std::integral_constant<int, 1>{});
    } else if (tiles <= 2) {
      e = pass(std::integral_constant<int, 2>{});
    } else if (tiles <= 4) {
      e = pass(std::integral_constant<int, 4>{});
    } else {
      e = pass(std::integral_constant<int, 8>{});
    }
    if (e != cudaSuccess) return e;
  }
  return cudaSuccess;
}

/// The probe by multiply-adds, `States` states a pass over a tile.
template <target Target, int States, bool Vector, class Acc, scalar W, final_norm Norm>
cudaError_t launch_dot(cudaStream_t stream, const head<W, Norm>& to, live_rows live, const Acc* states,
                       softmax_stats<Acc>* parts) noexcept {
  return launch<Target>(stream,
                        unembed_dot_task<Acc, W, States, Vector>{to.rows, static_cast<Acc>(to.scale),
                                                                 to.first_token, live, states, parts},
                        (live.capacity + States - 1) / States,
                        parts_of(to.rows.rows(), unembed_dot_tuning::tile));
}

/// Parts of the statistics of head . norm(hidden) for the live rows of `hidden`, in `memory` of plan.bytes().
template <target Target, scalar H, scalar W, final_norm Norm>
cudaError_t launch_unembed(cudaStream_t stream, mat_view<const H> hidden, const head<W, Norm>& to,
                           live_rows live, const unembed_plan<Target, accumulator_t<H>, W>& plan,
                           char* memory) noexcept {
  using Acc = accumulator_t<H>;
  if constexpr (std::same_as<Acc, float> && (std::same_as<W, bf16> || std::same_as<W, f16>)) {
    if (plan.tensor_cores) return launch_unembed_mma<Target>(stream, hidden, to, live, plan, memory);
  }
  auto* const parts = reinterpret_cast<softmax_stats<Acc>*>(memory);
  auto* const states = reinterpret_cast<Acc*>(memory + plan.parts_bytes);
  const auto e =
      launch<Target>(stream, norm_states_task<H, Norm>{hidden, to.norm, live, states}, live.capacity);
  if (e != cudaSuccess) return e;
  if (!packable(to.rows)) return launch_dot<Target, 8, false>(stream, to, live, states, parts);
  if (live.capacity == 1) return launch_dot<Target, 1, true>(stream, to, live, states, parts);
  if (live.capacity <= 4) return launch_dot<Target, 4, true>(stream, to, live, states, parts);
  return launch_dot<Target, 8, true>(stream, to, live, states, parts);
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
