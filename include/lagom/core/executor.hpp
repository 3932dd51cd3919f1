// SPDX-License-Identifier: MIT
/// @file core/executor.hpp
/// How work is spread over threads: a concept, and the executor that uses one.
#pragma once

#include <concepts>

#include "types.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
struct any_task {
  void operator()(index_t) const noexcept {}
};
}  // namespace detail

/// Something that calls `task(i)` once for every i in 0 ... n - 1, in any order, on any threads, and returns
/// when all are done. The library cuts work into tasks by the size of the problem, never by the number of
/// threads, and merges in task order, so every executor gives the same bits.
///
/// A lambda that forwards to an engine's own pool is an executor:
/// ```cpp
/// auto pool = [&](lagom::index_t n, auto task) { engine.parallel_for(n, task); };
/// ```
template <class E>
concept executor = requires(const E& run, index_t n, detail::any_task task) { run(n, task); };

/// One thread, in order. The default.
struct seq {
  LAGOM_HD_UNCHECKED
  template <std::invocable<index_t> Task>
  LAGOM_LEAF constexpr void operator()(index_t n, Task&& task) const {
    for (index_t i = 0; i < n; ++i) task(i);
  }
};

}  // namespace v0
}  // namespace lagom
