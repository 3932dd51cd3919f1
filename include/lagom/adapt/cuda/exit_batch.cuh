// SPDX-License-Identifier: MIT
/// @file adapt/cuda/exit_batch.cuh
/// A policy over a batch of sequences, layer by layer, without a word from the device to the host.
#pragma once

#include "../cuda.cuh"
#include "decide.hpp"

namespace lagom {
inline namespace v0 {

/// One token of a batch under a policy. States live on the device, one a sequence; every layer is one probe of those
/// that are still under way and one kernel in which each decides and the list of those that go on is made.
///
/// ```cpp
/// auto batch = lagom::exit_batch<decltype(policy), lagom::bf16>::make(gpu, policy, 32);
/// if (auto r = batch->begin(n_layers); !r) return r.error();         // per token
/// for (int l = 0; l < n_layers; ++l) {
///   engine_layer(l, x, batch->live());                               // its kernels read the list on the device
///   if (auto r = batch->observe({.layer = l, .hidden = {x, 32, dim}}, head); !r) return r.error();
/// }
/// auto answers = batch->read();                                      // the first wait
/// ```
/// Row i of every matrix shown is sequence i, live or not; rows of stopped sequences are not read. Layers come in order,
/// each at most once. The policy's backend is not used: sums are taken by the blocks. Policies that own memory
/// (`rbf_svm` over a `std::vector`) do not compile; `rbf_svm<N, vec_view<const float>>` over device memory does.
template <class Policy, scalar T = float, target Target = this_target>
class exit_batch {
  static_assert(std::is_trivially_copyable_v<Policy>,
                "exit_batch: the policy must be trivially copyable, it goes to the device as it is");
  using Acc = accumulator_t<T>;

 public:
  using state_type = exit_state<Policy, T>;

  /// Room for `sequences` states on the device. Precondition: sequences > 0.
  static result<exit_batch> make(const basic_cuda<Target>& on, const Policy& policy, int sequences) noexcept {
    LAGOM_ASSERT(sequences > 0);
    const auto n = static_cast<std::size_t>(sequences);
    auto states = device_memory<state_type>::make(n);
    if (!states) return states.error();
    auto lists = device_memory<int>::make(3 * n + 3);
    if (!lists) return lists.error();
    return exit_batch(on, policy, sequences, std::move(*states), std::move(*lists));
  }

  /// Fresh states: all sequences are under way. Does not wait. Precondition: n_layers > 0.
  result<done> begin(int n_layers) noexcept {
    n_layers_ = n_layers;
    const detail::begin_task<Policy, T> task{policy_.template state<T>(n_layers), sequences_, states_.data(),
                                             lists()};
    return cuda_result(
        detail::launch<Target>(on_.stream, task, (sequences_ + task.threads - 1) / task.threads));
  }

  /// Shows a layer. Does not wait. Layers that the schedule skips cost nothing and stop nobody; `stopped()` is then what it was.
  template <scalar W, final_norm Norm>
  result<done> observe(const batch_obs<T>& obs, const head<W, Norm>& to) noexcept {
    LAGOM_ASSERT(0 <= obs.layer.value && obs.layer.value < n_layers_);
    const bool last = obs.layer.value + 1 == n_layers_;
    if (!last && !policy_.schedule(obs.layer, n_layers_)) return done{};
    const detail::unembed_plan<Target, Acc, W> plan(to.rows, sequences_);
    auto memory = scratch_.reserve(plan.bytes());
    if (!memory) return memory.error();
    const auto* const parts = reinterpret_cast<const softmax_stats<Acc>*>(*memory);
    const bool before = last || Policy::reads_stats;
    if (before) {
      const auto e = detail::launch_unembed<Target>(on_.stream, obs.hidden, to, live(), plan, *memory);
      if (e != cudaSuccess) return cuda_failure(e);
    }
    const detail::decide_task<Policy, T> decide{
        policy_, obs, states_.data(), before ? parts : nullptr, plan.n_parts, lists()};
    if (const auto e = detail::launch<Target>(on_.stream, decide, sequences_); e != cudaSuccess)
      return cuda_failure(e);
    if (before) return done{};
    const auto e = detail::launch_unembed<Target>(on_.stream, obs.hidden, to, stopped(), plan, *memory);
    if (e != cudaSuccess) return cuda_failure(e);
    return cuda_result(detail::launch<Target>(
        on_.stream, detail::answer_task<Policy, T>{states_.data(), parts, plan.n_parts, lists()},
        sequences_));
  }

  /// The sequences under way, and those that the last layer looked at stopped. On the device.
  [[nodiscard]] live_rows live() const noexcept {
    const exit_lists l = lists();
    return {l.rows, l.count, sequences_};
  }
  [[nodiscard]] live_rows stopped() const noexcept {
    const exit_lists l = lists();
    return {l.stopped, l.stopped_count, sequences_};
  }
  /// A state a sequence, on the device.
  [[nodiscard]] const state_type* states() const noexcept { return states_.data(); }
  /// The states, on the host; waits for the stream.
  [[nodiscard]] result<std::vector<state_type>> read() const { return states_.read(on_.stream); }

 private:
  exit_batch(const basic_cuda<Target>& on, const Policy& policy, int sequences,
             device_memory<state_type>&& states, device_memory<int>&& lists) noexcept
      : on_(on),
        policy_(policy),
        sequences_(sequences),
        states_(std::move(states)),
        lists_(std::move(lists)) {}

  [[nodiscard]] exit_lists lists() const noexcept {
    int* const at = lists_.data();
    return {at,
            at + 3 * sequences_,
            at + sequences_,
            at + 3 * sequences_ + 1,
            at + 2 * sequences_,
            at + 3 * sequences_ + 2};
  }

  basic_cuda<Target> on_;
  Policy policy_;
  int sequences_;
  int n_layers_ = 0;
  device_memory<state_type> states_;
  device_memory<int> lists_;
  cuda_scratch scratch_;
};

}  // namespace v0
}  // namespace lagom
