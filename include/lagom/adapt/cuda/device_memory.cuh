// SPDX-License-Identifier: MIT
/// @file adapt/cuda/device_memory.cuh
/// Device memory with one owner.
#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "error.cuh"

namespace lagom {
inline namespace v0 {

/// `n` elements in device memory, freed with their owner. Trivially copyable types only. Moving it moves the memory.
template <class T>
class device_memory {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  device_memory() noexcept = default;
  device_memory(device_memory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  device_memory& operator=(device_memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~device_memory() { (void)cudaFree(data_); }

  /// Room for `n` elements, with what they are left open. Fails with `device` or `overflow`.
  static result<device_memory> make(std::size_t n) noexcept {
    device_memory m;
    if (n > (std::numeric_limits<std::size_t>::max)() / sizeof(T))
      return failure{.code = errc::overflow, .key = "device memory"};
    if (n > 0) {
      if (const auto e = cudaMalloc(reinterpret_cast<void**>(&m.data_), n * sizeof(T)); e != cudaSuccess) {
        (void)cudaGetLastError();  // said here; not for whoever asks next
        return cuda_failure(e);
      }
    }
    m.size_ = n;
    return result<device_memory>(std::move(m));
  }

  /// A copy of host memory; returns when it is made.
  static result<device_memory> copy_of(const T* from, std::size_t n) noexcept {
    auto m = make(n);
    if (!m || n == 0) return result<device_memory>(std::move(m));
    if (const auto e = cudaMemcpy(m->data_, from, n * sizeof(T), cudaMemcpyHostToDevice); e != cudaSuccess)
      return cuda_failure(e);
    return result<device_memory>(std::move(m));
  }

  /// The elements, on the host, after all work of `stream` before this.
  [[nodiscard]] result<std::vector<T>> read(cudaStream_t stream = nullptr) const {
    std::vector<T> out(size_);
    if (size_ == 0) return result<std::vector<T>>(std::move(out));
    const auto e = cudaMemcpyAsync(out.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost, stream);
    if (const auto done = e != cudaSuccess ? e : cudaStreamSynchronize(stream); done != cudaSuccess)
      return cuda_failure(done);
    return result<std::vector<T>>(std::move(out));
  }

  [[nodiscard]] T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Memory that a backend works in: grows when a call needs more, which waits for the device; kept from call to call.
/// One for every stream: two streams that share it would write over each other's.
class cuda_scratch {
 public:
  /// At least `bytes`, aligned for everything.
  result<char*> reserve(std::size_t bytes) noexcept {
    if (bytes > memory_.size()) {
      auto more = device_memory<char>::make(bytes);
      if (!more) return more.error();
      memory_ = std::move(*more);  // cudaFree of the old waits for whoever uses it
    }
    return memory_.data();
  }

 private:
  device_memory<char> memory_;
};

}  // namespace v0
}  // namespace lagom
