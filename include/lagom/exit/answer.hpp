// SPDX-License-Identifier: MIT
/// @file exit/answer.hpp
/// How a policy gets softmax statistics from whatever the engine gives it.
#pragma once

#include "../kernel/softmax_stats_of.hpp"
#include "../kernel/unembed.hpp"
#include "../signal/layer_obs.hpp"
#include "../signal/need.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
template <class A, class T>
concept logits_of =
    tensor<A, 1> &&
    std::same_as<accumulator_t<typename decltype(as_vec(std::declval<const A&>()))::value_type>,
                 accumulator_t<T>>;
template <class F, class T>
concept answers_itself = requires(const F& f, vec_view<const T> hidden) {
  { f(hidden) } -> std::same_as<softmax_stats<accumulator_t<T>>>;
};
}  // namespace detail

/// What may stand in the place of the head when an engine shows a layer:
/// - a `head`: the fused probe runs, the logits never exist;
/// - logits that the engine already has, as any vector whose accumulator type is that of the states (float for
///   f16, bf16 and float; double for double);
/// - softmax statistics that the engine already has;
/// - a function `softmax_stats(hidden)`: an engine's own head, sharded, quantised or on a device.
template <class A, class T>
concept answer_source = head_view<A> || detail::logits_of<A, T> ||
                        std::same_as<A, softmax_stats<accumulator_t<T>>> || detail::answers_itself<A, T>;

namespace detail {

/// `Reads` is what the answer is read for: entropy of ready logits is left out where nobody asks for it.
template <need Reads, backend B, scalar T, answer_source<T> A>
LAGOM_LEAF softmax_stats<accumulator_t<T>> answer(const B& b, vec_view<const T> hidden,
                                                  const A& from) noexcept {
  if constexpr (head_view<A>) {
    return unembed(b, hidden, from);
  } else if constexpr (std::same_as<A, softmax_stats<accumulator_t<T>>>) {
    return from;
  } else if constexpr (answers_itself<A, T>) {
    return from(hidden);
  } else if constexpr (contains(Reads, need::stats) || contains(Reads, need::last_stats)) {
    return softmax_stats_of(b, from);
  } else {
    return softmax_stats_of(b, from, 0, without_entropy{});
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
