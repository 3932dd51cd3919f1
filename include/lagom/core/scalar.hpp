// SPDX-License-Identifier: MIT
/// @file core/scalar.hpp
/// Which element types the kernels read, and in what they accumulate.
#pragma once

#include <concepts>
#include <type_traits>

#include "bf16.hpp"
#include "f16.hpp"

namespace lagom {
inline namespace v0 {

/// How an element type is read. A type that converts to float implicitly and is two or four bytes wide (an
/// engine's own half types) joins by a specialisation:
/// ```cpp
/// template <> struct lagom::scalar_traits<__nv_bfloat16> { using accumulator = float; };
/// ```
template <class T>
struct scalar_traits {};
template <>
struct scalar_traits<float> {
  using accumulator = float;
};
template <>
struct scalar_traits<double> {
  using accumulator = double;
};
template <>
struct scalar_traits<bf16> {
  using accumulator = float;
};
template <>
struct scalar_traits<f16> {
  using accumulator = float;
};

/// An element type of hidden states, weights or logits.
template <class T>
concept scalar = requires(const T x) {
  typename scalar_traits<T>::accumulator;
  static_cast<typename scalar_traits<T>::accumulator>(x);
};

/// What products of these element types are summed in: double as soon as one of them is double, else float.
template <scalar... Ts>
using accumulator_t =
    std::conditional_t<(std::same_as<typename scalar_traits<Ts>::accumulator, double> || ...), double, float>;

}  // namespace v0
}  // namespace lagom
