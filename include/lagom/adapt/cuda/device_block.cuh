// SPDX-License-Identifier: MIT
/// @file adapt/cuda/device_block.cuh
/// A block of threads on a device, and the one kernel that runs every task.
#pragma once

#include "../../core/target.hpp"
#include "pack.hpp"
#include "unembed_mma.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// `thread_block` on a device (adapt/cuda/block.hpp): every thread has its own. On the host its members do nothing.
template <int Threads>
class device_block {
 public:
  static constexpr int threads = Threads;

  template <class T>
  struct per_thread {
    T own{};
    LAGOM_LEAF T& operator[](int) noexcept { return own; }
  };

  template <class T>
  class memory {
   public:
    LAGOM_LEAF explicit memory(T* at) noexcept : at_(at) {}
    LAGOM_LEAF void store(int, int i, const T& value) noexcept { at_[i] = value; }
    LAGOM_LEAF T load(int, int i) const noexcept { return at_[i]; }
    LAGOM_LEAF T all(int i) const noexcept { return at_[i]; }

   private:
    T* at_;
  };
  template <class T>
  class slots {
   public:
    LAGOM_LEAF explicit slots(char* at) noexcept : at_(at) {}
    LAGOM_LEAF void store(int, int i, const T& value) noexcept {
      *reinterpret_cast<T*>(at_ + i * scratch_slot) = value;
    }
    LAGOM_LEAF T all(int i) const noexcept { return *reinterpret_cast<const T*>(at_ + i * scratch_slot); }

   private:
    char* at_;
  };

  LAGOM_LEAF int x() const noexcept {
#ifdef __CUDA_ARCH__
    return static_cast<int>(blockIdx.x);
#else
    return 0;
#endif
  }
  LAGOM_LEAF int y() const noexcept {
#ifdef __CUDA_ARCH__
    return static_cast<int>(blockIdx.y);
#else
    return 0;
#endif
  }
  LAGOM_LEAF int blocks() const noexcept {
#ifdef __CUDA_ARCH__
    return static_cast<int>(gridDim.x);
#else
    return 1;
#endif
  }

  template <class F>
  LAGOM_LEAF void each([[maybe_unused]] F&& f) noexcept {
#ifdef __CUDA_ARCH__
    f(static_cast<int>(threadIdx.x));
#endif
  }
  LAGOM_LEAF void barrier() noexcept {
#ifdef __CUDA_ARCH__
    __syncthreads();
#endif
  }

  template <class T>
  LAGOM_LEAF memory<T> array(int) noexcept {
    return memory<T>(reinterpret_cast<T*>(shared() + Threads / warp_threads * scratch_slot));
  }
  template <class T>
  LAGOM_LEAF slots<T> scratch() noexcept {
    return slots<T>(shared());
  }

  template <class T>
  LAGOM_LEAF void merge_down([[maybe_unused]] per_thread<T>& value, [[maybe_unused]] int offset) noexcept {
    static_assert(sizeof(T) % 4 == 0 && std::is_trivially_copyable_v<T>);
#ifdef __CUDA_ARCH__
    unsigned words[sizeof(T) / 4];
    T other;
    memcpy(words, &value.own, sizeof(T));
    LAGOM_UNROLL
    for (unsigned i = 0; i < sizeof(T) / 4; ++i) {
      words[i] = __shfl_down_sync(~0u, words[i], static_cast<unsigned>(offset));
    }
    memcpy(static_cast<void*>(&other), words, sizeof(T));
    value.own.merge(other);
#endif
  }

  template <class W, class A, class B, class C>
  LAGOM_LEAF void mma([[maybe_unused]] A a, [[maybe_unused]] B b, [[maybe_unused]] C c) noexcept {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    const int thread = static_cast<int>(threadIdx.x);
    const mma_a x = a(thread);
    const mma_b y = b(thread);
    mma_c& z = c(thread);
    if constexpr (std::is_same_v<W, bf16>) {
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
          "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
          : "+f"(z.value[0]), "+f"(z.value[1]), "+f"(z.value[2]), "+f"(z.value[3])
          : "r"(x.word[0]), "r"(x.word[1]), "r"(x.word[2]), "r"(x.word[3]), "r"(y.word[0]), "r"(y.word[1]));
    } else {
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
          "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
          : "+f"(z.value[0]), "+f"(z.value[1]), "+f"(z.value[2]), "+f"(z.value[3])
          : "r"(x.word[0]), "r"(x.word[1]), "r"(x.word[2]), "r"(x.word[3]), "r"(y.word[0]), "r"(y.word[1]));
    }
#elif defined(__CUDA_ARCH__)
    __trap();  // `launch_unembed` does not come here
#endif
  }

  LAGOM_LEAF bool last_to_arrive([[maybe_unused]] int* counter) noexcept {
#ifdef __CUDA_ARCH__
    __threadfence();  // what this block wrote, before it is counted
    __syncthreads();
    int* const last = reinterpret_cast<int*>(shared());
    if (threadIdx.x == 0) {
      const unsigned before = atomicInc(reinterpret_cast<unsigned*>(counter), gridDim.x - 1);
      *last = before == gridDim.x - 1 ? 1 : 0;
    }
    __syncthreads();
    const bool is_last = *last != 0;
    __syncthreads();  // the scratch is free again
    __threadfence();  // what the others wrote, before it is read
    return is_last;
#else
    return false;
#endif
  }

  /// Past the first-level cache: the head is read once, the states stay.
  template <class T>
  LAGOM_LEAF pack<T> stream(const T* from) noexcept {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    unsigned w[4];
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3])
                 : "l"(__cvta_generic_to_global(from)));
    pack<T> p;
    memcpy(static_cast<void*>(&p), w, sizeof p);
    return p;
#else
    return *reinterpret_cast<const pack<T>*>(from);
#endif
  }

 private:
  LAGOM_LEAF static char* shared() noexcept {
#ifdef __CUDA_ARCH__
    extern __shared__ __align__(16) char lagom_shared_memory[];
    return lagom_shared_memory;
#else
    return nullptr;
#endif
  }
};

/// Every task is a kernel. Its name carries the compile target, as all bodies do.
template <target Target, class Task>
__global__ void __launch_bounds__(Task::threads) run_task(const __grid_constant__ Task task) {
  device_block<Task::threads> block;
  task(block);
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
