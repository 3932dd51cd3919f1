// SPDX-License-Identifier: MIT
/// @file adapt/cuda/block.hpp
/// What a block of threads is to a kernel's body, and how it reduces mergeable values.
#pragma once

#include <concepts>
#include <type_traits>

#include "../../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Threads that exchange registers.
inline constexpr int warp_threads = 32;
/// Bytes a warp has to leave a value for the rest of the block.
inline constexpr int scratch_slot = 64;

/// Kernels are *tasks*: aggregates of views and numbers with `operator()(block)` for one block of the grid. A body is the
/// block's program, not a thread's: what stands outside `each` is the same for all threads, what differs lives in a
/// `per_thread`. `device_block` (adapt/cuda/device_block.cuh) gives every thread its own share of it; an emulator
/// runs the threads of a phase one after the other. A block has
///
/// - `threads`, a constant and a multiple of 32; `x()`, `y()`: its place in the grid; `blocks()`: blocks of a row of the grid;
/// - `per_thread<T>`: a T in the registers of every thread, `value[thread]` within `each`;
/// - `each(f)`: f(thread) for every thread; `barrier()`: what was written to shared memory before it is seen after it;
/// - `array<T>(n)`: shared memory, one a task, `store(thread, i, value)` and `load(thread, i)`;
/// - `scratch<T>()`: a slot a warp, with `store(thread, i, value)` and `all(i)`, which all threads read;
/// - `merge_down(values, offset)`: every thread merges the value of the thread `offset` places up in its warp; what the
///   last `offset` threads of the warp hold afterwards is unspecified;
/// - `mma<W>(a, b, c)`: c(thread) += a(thread) b(thread), the 16 x 8 x 16 product of a warp (`unembed_mma`);
/// - `last_to_arrive(counter)`: true in the one block of the row of the grid that calls it last, which then sees what the
///   others wrote to memory; sets `*counter` back to 0;
/// - `stream(p)`: 16 bytes that nobody reads again.
template <class B>
concept thread_block = B::threads % warp_threads == 0 && requires(B& b, int* counter) {
  { b.x() } -> std::same_as<int>;
  { b.y() } -> std::same_as<int>;
  { b.blocks() } -> std::same_as<int>;
  { b.last_to_arrive(counter) } -> std::same_as<bool>;
  b.barrier();
};

/// Shared memory of a task whose array has `bytes`.
LAGOM_LEAF constexpr int shared_bytes(int threads, int bytes) noexcept {
  return threads / warp_threads * scratch_slot + bytes;
}

/// Merges the values of all threads, in one order whatever is scheduled when; every thread gets the result.
template <thread_block Block, class T>
LAGOM_HD T merge_block(Block& block, typename Block::template per_thread<T>& value) noexcept {
  static_assert(sizeof(T) <= scratch_slot && std::is_trivially_copyable_v<T>);
  for (int offset = warp_threads / 2; offset > 0; offset /= 2) block.merge_down(value, offset);
  auto scratch = block.template scratch<T>();
  block.barrier();  // whoever reads the last result has read it
  block.each([&](int thread) {
    if (thread % warp_threads == 0) scratch.store(thread, thread / warp_threads, value[thread]);
  });
  block.barrier();
  T total = scratch.all(0);
  for (int warp = 1; warp < Block::threads / warp_threads; ++warp) total.merge(scratch.all(warp));
  return total;
}

/// Sums that merge by addition.
template <class Acc, std::size_t N = 1>
struct sums {
  Acc value[N] = {};
  LAGOM_LEAF constexpr void merge(const sums& other) noexcept {
    LAGOM_UNROLL
    for (std::size_t i = 0; i < N; ++i) value[i] += other.value[i];
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
