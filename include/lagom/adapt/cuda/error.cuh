// SPDX-License-Identifier: MIT
/// @file adapt/cuda/error.cuh
/// What the CUDA runtime says, as lagom's failures.
#pragma once

#include <cuda_runtime.h>

#include "../../core/result.hpp"

namespace lagom {
inline namespace v0 {

/// The failure that a CUDA error is: `errc::device`, its name in `key`, its number in `found`.
[[nodiscard]] inline failure cuda_failure(cudaError_t error) noexcept {
  return failure{
      .code = errc::device, .key = cudaGetErrorName(error), .found = static_cast<std::uint64_t>(error)};
}

/// Success, or the failure that the error is.
[[nodiscard]] inline result<done> cuda_result(cudaError_t error) noexcept {
  if (error == cudaSuccess) return done{};
  return cuda_failure(error);
}

}  // namespace v0
}  // namespace lagom
