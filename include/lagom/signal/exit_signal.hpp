// SPDX-License-Identifier: MIT
/// @file signal/exit_signal.hpp
/// The concept of an exit signal, and the sentences that say what is missing.
#pragma once

#include <concepts>
#include <string_view>

#include "../core/backend.hpp"
#include "layer_obs.hpp"
#include "need.hpp"

namespace lagom {
inline namespace v0 {

/// A signal turns one layer's observation into `width` numbers.
///
/// ```cpp
/// struct hidden_norm {                                             // a whole signal
///   static constexpr std::string_view name = "hidden_norm";
///   static constexpr std::size_t width = 1;
///   static constexpr lagom::need needs = lagom::need::hidden;
///   template <class B>
///   LAGOM_HD void operator()(const auto& o, const B& backend, float* out) const noexcept {
///     out[0] = std::sqrt(lagom::squared_norm(backend, o.hidden));
///   }
/// };
/// static_assert(lagom::exit_signal<hidden_norm>);
/// ```
/// A signal that cannot be computed at this layer (no previous layer, NaN in the input) writes a defined number
/// or calls `mark_missing`; a feature that is not finite never stops a model.
template <class S>
concept exit_signal =
    std::copy_constructible<S> && requires(const S s, const layer_obs& o, portable b, float* out) {
      { S::name } -> std::convertible_to<std::string_view>;
      { S::width } -> std::convertible_to<std::size_t>;
      { S::needs } -> std::same_as<const need&>;
      { s(o, b, out) } noexcept -> std::same_as<void>;
    };

/// The same as `exit_signal`, one sentence a requirement: instantiate it to learn what is missing.
template <class S>
struct check_signal {
  static_assert(std::copy_constructible<S>, "signal: must be copyable, it is a plain value");
  static_assert(
      requires {
        { S::name } -> std::convertible_to<std::string_view>;
      }, "signal: needs `static constexpr std::string_view name`");
  static_assert(
      requires {
        { S::width } -> std::convertible_to<std::size_t>;
      }, "signal: needs `static constexpr std::size_t width`, the number of features it writes");
  static_assert(
      requires {
        { S::needs } -> std::same_as<const need&>;
      }, "signal: needs `static constexpr lagom::need needs`, what it reads from a layer");
  static_assert(
      requires(const S s, const layer_obs& o, portable b, float* out) { s(o, b, out); },
      "signal: needs `void operator()(const auto& obs, const auto& backend, float* out) const`");
  static_assert(
      !requires(const S s, const layer_obs& o, portable b, float* out) { s(o, b, out); } ||
          requires(const S s, const layer_obs& o, portable b, float* out) {
            { s(o, b, out) } noexcept -> std::same_as<void>;
          },
      "signal: its call operator must be noexcept and return void");
  static constexpr bool value = exit_signal<S>;
};

/// Writes "no value" to a feature: a NaN, stored as bits so that fast-math cannot reason it away.
LAGOM_LEAF void mark_missing(float* feature) noexcept {
  const std::uint32_t quiet_nan = 0x7fc00000u;
  __builtin_memcpy(feature, &quiet_nan, sizeof quiet_nan);
}

}  // namespace v0
}  // namespace lagom
