// SPDX-License-Identifier: MIT
/// @file io/signal_json.hpp
/// Learned signals as JSON.
#pragma once

#include "../signal/lte.hpp"
#include "../signal/meta_confidence.hpp"
#include "../stop/linear_probe.hpp"
#include "json_numbers.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// How a learned signal is written and read: one specialisation a signal. `owner` holds what the signal sees, and its
/// `signal() const&` hands the signal out; `read` makes it for states of `hidden` elements. Signals without one have nothing
/// to save. Specialise it for your own learned signal.
template <class Signal>
struct signal_format;

/// A signal whose weights belong to one model.
template <class Signal>
concept learned_signal = exit_signal<Signal> && requires(const Signal& signal, const json& from) {
  { signal_format<Signal>::write(signal) } -> std::same_as<json>;
  {
    signal_format<Signal>::read(from, index_t{})
  } -> std::same_as<result<typename signal_format<Signal>::owner>>;
};

namespace detail {

/// w . h + b: what `fit` leaves of `lte` and of `meta_confidence`.
template <class Signal>
struct linear_signal_format {
  using owner = linear_probe<Signal>;
  static json write(const Signal& s) {
    return {{"weights", numbers(s.weights)}, {"bias", json_number(s.bias)}};
  }
  static result<owner> read(const json& from, index_t hidden) {
    auto weights = read_numbers(from, "weights", 0);
    if (!weights) return weights.error();
    if (static_cast<index_t>(weights->size()) != hidden) {
      return failure{.code = errc::wrong_shape,
                     .key = "weights",
                     .expected = static_cast<std::uint64_t>(hidden),
                     .found = weights->size()};
    }
    owner out{.weights = std::move(*weights)};
    if (auto ok = read_number(from, "bias", out.bias); !ok) return ok.error();
    return out;
  }
};

}  // namespace detail

template <>
struct signal_format<lte> : detail::linear_signal_format<lte> {};
template <>
struct signal_format<meta_confidence> : detail::linear_signal_format<meta_confidence> {};

}  // namespace io
}  // namespace v0
}  // namespace lagom
