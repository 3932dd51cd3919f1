// SPDX-License-Identifier: MIT
// Threads, and a BLAS that does not start its own.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace support {

// The decoder is parallel over sequences: one thread a product.
inline void single_threaded_blas() {
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
}

// Calls task(i) for i in 0 ... n - 1 on up to `threads` threads. After an exception no further task starts; the first
// one is thrown again here.
template <class Task>
void parallel(std::size_t n, unsigned threads, Task&& task) {
  std::atomic<std::size_t> next = 0;
  std::exception_ptr thrown;
  std::mutex one;
  const auto work = [&]() noexcept {
    try {
      for (std::size_t i = next++; i < n; i = next++) task(i);
    } catch (...) {
      const std::lock_guard hold(one);
      if (!thrown) thrown = std::current_exception();
      next = n;
    }
  };
  {
    std::vector<std::jthread> pool;
    for (unsigned t = 1; t < threads && t < n; ++t) pool.emplace_back(work);
    work();
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace support
