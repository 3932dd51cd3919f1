// SPDX-License-Identifier: MIT
/// @file adapt/openmp.hpp
/// The executor that runs tasks on OpenMP's threads.
#pragma once

#include "../core/executor.hpp"

namespace lagom {
inline namespace v0 {

/// Tasks on OpenMP's threads, handed out one by one. `threads` = 0 leaves their number to OpenMP.
/// ```cpp
/// auto stats = lagom::unembed(lagom::native{}, hidden, head, lagom::openmp{});
/// ```
/// Where the compiler was not told to use OpenMP (`-fopenmp`) it is `seq`. `Parallel` is part of the type: units built
/// with and without share no body. Tasks must not throw.
template <bool Parallel>
struct basic_openmp {
  int threads = 0;

  template <std::invocable<index_t> Task>
  void operator()(index_t n, Task&& task) const {
#ifdef _OPENMP
    if constexpr (Parallel) {
      if (threads > 0) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (index_t i = 0; i < n; ++i) task(i);
      } else {
#pragma omp parallel for schedule(dynamic, 1)
        for (index_t i = 0; i < n; ++i) task(i);
      }
      return;
    }
#endif
    for (index_t i = 0; i < n; ++i) task(i);
  }
};

/// The OpenMP executor of this translation unit.
#ifdef _OPENMP
using openmp = basic_openmp<true>;
#else
using openmp = basic_openmp<false>;
#endif

}  // namespace v0
}  // namespace lagom
