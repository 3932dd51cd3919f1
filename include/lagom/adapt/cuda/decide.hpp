// SPDX-License-Identifier: MIT
/// @file adapt/cuda/decide.hpp
/// A policy over a batch of sequences on the device: each decides, and the batch is compacted in the same kernel.
#pragma once

#include "../../exit/batch_obs.hpp"
#include "../../exit/exit_policy.hpp"
#include "live_rows.hpp"
#include "row_stats.hpp"

namespace lagom {
inline namespace v0 {

/// The policy that decides as `policy` does, its sums taken by backend `b`.
template <class F, class R, class S, class Old, backend B>
[[nodiscard]] LAGOM_HD exit_policy<F, R, S, B> with_backend(const exit_policy<F, R, S, Old>& policy,
                                                            const B& b) noexcept {
  return {policy.features, policy.rule, policy.schedule, b};
}

/// The sequences of a batch that are under way, and those that the last layer stopped: lists of rows in device memory,
/// ascending.
struct exit_lists {
  int* rows = nullptr;           ///< that go on
  int* count = nullptr;          ///< their number
  int* stopped = nullptr;        ///< that stopped at the last layer shown
  int* stopped_count = nullptr;  ///< their number
  int* stops = nullptr;          ///< scratch: a number a sequence
  int* arrived = nullptr;        ///< scratch: one number, 0 between kernels
};

namespace detail {

/// The same state under another backend.
template <class To, class From>
LAGOM_HD To state_as(const From& s) noexcept {
  return {s.rule, s.stats, s.score, s.n_layers, s.probes, s.stop, s.stopped};
}

/// to[0 ... kept - 1] = those of from[0 ... n - 1] whose `stops` is `wanted`, in order. In place too: what is written
/// lies at or below what was read before. Returns the number kept.
template <thread_block Block, class Array>
LAGOM_HD int compact(Block& block, Array& ends, const int* stops, int wanted, const int* from, int* to,
                     int n) noexcept {
  int kept = 0;
  for (int first = 0; first < n; first += Block::threads) {
    typename Block::template per_thread<int> row, keep;
    block.barrier();
    block.each([&](int thread) {
      const int i = first + thread;
      keep[thread] = i < n && stops[i] == wanted ? 1 : 0;
      row[thread] = i < n ? from[i] : 0;
      ends.store(thread, thread, keep[thread]);
    });
    // ends[i] becomes the number kept up to i: each round adds what ends `reach` places below.
    for (int reach = 1; reach < Block::threads; reach *= 2) {
      typename Block::template per_thread<int> more;
      block.barrier();
      block.each([&](int thread) { more[thread] = thread >= reach ? ends.load(thread, thread - reach) : 0; });
      block.barrier();
      block.each([&](int thread) { ends.store(thread, thread, ends.load(thread, thread) + more[thread]); });
    }
    block.barrier();
    block.each([&](int thread) {
      if (keep[thread] != 0) to[kept + ends.load(thread, thread) - 1] = row[thread];
    });
    kept += ends.all(Block::threads - 1);
  }
  return kept;
}

/// Block x: fresh states for sequences x * threads ..., all under way.
template <class Policy, scalar T>
struct begin_task {
  static constexpr int threads = sequence_tuning::threads;

  exit_state<Policy, T> fresh{};
  int sequences = 0;
  exit_state<Policy, T>* states = nullptr;
  exit_lists lists{};

  static constexpr int shared() noexcept { return shared_bytes(threads, 0); }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    block.each([&](int thread) {
      const int i = block.x() * threads + thread;
      if (i < sequences) {
        states[i] = fresh;
        lists.rows[i] = i;
      }
      if (i == 0) {
        *lists.count = sequences;
        *lists.stopped_count = 0;
        *lists.arrived = 0;
      }
    });
  }
};

/// Block x: live sequence x of the batch shows its layer to the policy. The last block makes the lists of those that go
/// on, in place, and of those that stop, both in the order they were in.
template <class Policy, scalar T>
struct decide_task {
  using Acc = accumulator_t<T>;
  using state_type = exit_state<Policy, T>;
  static constexpr int threads = sequence_tuning::threads;

  Policy policy{};
  batch_obs<T> obs{};
  state_type* states = nullptr;               ///< a state a sequence
  const softmax_stats<Acc>* parts = nullptr;  ///< live rows x n_parts; none: the answers come later
  int n_parts = 0;
  exit_lists lists{};

  static constexpr int shared() noexcept {
    return shared_bytes(threads, threads * static_cast<int>(sizeof(int)));
  }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    const int n = *lists.count;
    if (block.x() < n) decide(block, block.x(), lists.rows[block.x()]);
    if (!block.last_to_arrive(lists.arrived)) return;
    auto ends = block.template array<int>(threads);
    const int stopped = compact(block, ends, lists.stops, 1, lists.rows, lists.stopped, n);
    const int left = compact(block, ends, lists.stops, 0, lists.rows, lists.rows, n);
    block.each([&](int thread) {
      if (thread == 0) {
        *lists.stopped_count = stopped;
        *lists.count = left;
      }
    });
  }

 private:
  template <class Block>
  LAGOM_HD void decide(Block& block, int i, int row) const noexcept {
    block_backend<Block> b;
    b.block = &block;
    const auto own = with_backend(policy, b);
    auto state = state_as<exit_state<std::remove_const_t<decltype(own)>, T>>(states[row]);
    softmax_stats<Acc> stats;
    if (parts != nullptr) stats = merge_parts(block, parts + static_cast<index_t>(i) * n_parts, n_parts);
    const bool stop = own.observe(state, obs.of_row(row), stats);
    block.barrier();  // every thread has read the state
    block.each([&](int thread) {
      if (thread != 0) return;
      states[row] = state_as<state_type>(state);
      lists.stops[i] = stop ? 1 : 0;
    });
  }
};

/// Block x: the parts of the x-th row that just stopped become its answer.
template <class Policy, scalar T>
struct answer_task {
  using Acc = accumulator_t<T>;
  static constexpr int threads = sequence_tuning::threads;

  exit_state<Policy, T>* states = nullptr;
  const softmax_stats<Acc>* parts = nullptr;
  int n_parts = 0;
  exit_lists lists{};

  static constexpr int shared() noexcept { return shared_bytes(threads, 0); }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    if (block.x() >= *lists.stopped_count) return;
    const auto all = merge_parts(block, parts + static_cast<index_t>(block.x()) * n_parts, n_parts);
    block.each([&](int thread) {
      if (thread == 0) states[lists.stopped[block.x()]].stats = all;
    });
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
