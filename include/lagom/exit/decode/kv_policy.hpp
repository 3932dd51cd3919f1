// SPDX-License-Identifier: MIT
/// @file exit/decode/kv_policy.hpp
/// What becomes of the keys and values of layers that a token skipped: the concept.
#pragma once

#include <string_view>

#include "layered_sequence.hpp"

namespace lagom {
inline namespace v0 {

/// Do later tokens find the keys and values that the full model would have left, given the same tokens? Exact says nothing about
/// the tokens themselves: an answer that was given early may still be another one.
enum class kv_exactness : std::uint8_t { exact, approximate };

/// A policy is a plain value:
/// - `name` and `exactness`;
/// - `may_leave(deferred)`: may the next token leave early, with so many tokens before it that deeper layers still miss? The
///   bound on deferral: without one, states pile up and the pass that catches up grows without limit;
/// - `leave(engine, layer, position)`: the newest position leaves after this layer.
///
/// | policy         | later tokens find                         | layers run for a skip | states kept |
/// |----------------|-------------------------------------------|-----------------------|-------------|
/// | `copy_kv`      | the last layer's keys and values, deeper  | none                  | none        |
/// | `propagate_kv` | projections of the exit state             | K and V only          | none        |
/// | `drop_kv`      | nothing                                   | none                  | none        |
/// | `defer_batch`  | the full model's                          | later, together       | bounded     |
/// | `recompute_kv` | the full model's                          | later, from layer 0   | none        |
/// | `fill_kv`      | the full model's                          | at once, after the answer | none    |
///
/// What they cost: `cost/skipped_kv.hpp`; what a run of them cost: `metered`.
template <class P, class E>
concept kv_policy = std::copy_constructible<P> && layered_sequence<E> &&
                    requires(const P policy, E& engine, layer_index l, index_t n) {
                      { P::name } -> std::convertible_to<std::string_view>;
                      { P::exactness } -> std::convertible_to<kv_exactness>;
                      { policy.may_leave(n) } noexcept -> std::same_as<bool>;
                      policy.leave(engine, l, n);
                    };

}  // namespace v0
}  // namespace lagom
