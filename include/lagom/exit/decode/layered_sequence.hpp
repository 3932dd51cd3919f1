// SPDX-License-Identifier: MIT
/// @file exit/decode/layered_sequence.hpp
/// What an engine shows of one sequence, so that decoding may leave early and come back.
#pragma once

#include <concepts>

#include "../../core/layer.hpp"
#include "../../core/result.hpp"
#include "../../kernel/softmax_stats.hpp"
#include "../../signal/layer_obs.hpp"

namespace lagom {
inline namespace v0 {

/// A sequence in an engine, layer by layer. Positions count from 0; `held(l)` is how many of them layer l has keys and values
/// of, and never grows with l. A position that deeper layers do not hold yet has a **state**: what the last block that it went
/// through gave (at first its embedding). The engine keeps the states of the positions that the last layer did not hold when
/// `feed` was last called. Everything that decodes early follows from that, since what a layer must run next is always the
/// range from `held(l)` to the newest position.
///
/// | member                 | what it does                                                                                |
/// |------------------------|---------------------------------------------------------------------------------------------|
/// | `scalar_type`          | of the states                                                                               |
/// | `layers()`, `length()` | blocks; positions fed                                                                       |
/// | `held(l)`              | positions that layer l is done with                                                         |
/// | `feed(token)`          | appends a position, its state the embedding; fails where there is no room or no such token  |
/// | `block(l, first, n)`   | runs block l over the states of n positions, causally; `first == held(l)`, which grows by n |
/// | `crop(n)`              | forgets positions from n on, in all layers                                                  |
/// | `hidden(p)`            | a view of the state of position p                                                           |
/// | `observation(l)`       | the newest position as a policy sees it after block l                                       |
/// | `probe(hidden)`        | softmax statistics of a state, final norm and head included                                 |
/// | `answers(first, n, to)`| the same for n positions, in one pass over the head                                         |
///
/// Members that only some ways of decoding need: `project_kv(l, p)`, `copy_kv(l, p)`, `skip_kv(l, p)`, `rewind(p)` (the policies of
/// skipped keys and values), `logit(hidden, token)` (rollback), `logits(hidden, to)` (sampling); `probe_normed(x)`, `logits_normed(x, to)`: the same as
/// `probe` and `logits` for a state that has been normed already (drafts through exit modules).
template <class E>
concept layered_sequence = requires(E& engine, const E& seen, token_id token, layer_index l, index_t p,
                                    vec_view<const typename E::scalar_type> hidden,
                                    vec_view<softmax_stats<accumulator_t<typename E::scalar_type>>> to) {
  { seen.layers() } -> std::same_as<int>;
  { seen.length() } -> std::same_as<index_t>;
  { seen.held(l) } -> std::same_as<index_t>;
  { engine.feed(token) } -> std::same_as<result<done>>;
  engine.block(l, p, p);
  engine.crop(p);
  { seen.hidden(p) } -> std::same_as<vec_view<const typename E::scalar_type>>;
  { seen.observation(l) } -> std::same_as<basic_layer_obs<typename E::scalar_type>>;
  { engine.probe(hidden) } -> std::same_as<softmax_stats<accumulator_t<typename E::scalar_type>>>;
  engine.answers(p, p, to);
};

/// The same as `layered_sequence`, one sentence a requirement: instantiate it to learn what is missing.
template <class E>
struct check_layered_sequence {
  static_assert(
      requires { typename E::scalar_type; }, "sequence: needs a type `scalar_type`, that of its states");
  static_assert(
      requires(const E& e) {
        { e.layers() } -> std::same_as<int>;
      }, "sequence: needs `int layers() const`");
  static_assert(
      requires(const E& e) {
        { e.length() } -> std::same_as<index_t>;
      }, "sequence: needs `lagom::index_t length() const`");
  static_assert(
      requires(const E& e, layer_index l) {
        { e.held(l) } -> std::same_as<index_t>;
      }, "sequence: needs `lagom::index_t held(lagom::layer_index) const`");
  static_assert(
      requires(E& e, token_id t) {
        { e.feed(t) } -> std::same_as<result<done>>;
      }, "sequence: needs `lagom::result<lagom::done> feed(lagom::token_id)`");
  static_assert(
      requires(E& e, layer_index l, index_t p) { e.block(l, p, p); },
      "sequence: needs `block(layer, first position, positions)`");
  static_assert(requires(E& e, index_t p) { e.crop(p); }, "sequence: needs `crop(length)`");
  static_assert(layered_sequence<E>,
                "sequence: needs `hidden(position)`, `observation(layer)`, `probe(hidden)` and "
                "`answers(first, n, to)`");
  static constexpr bool value = layered_sequence<E>;
};

namespace detail {
/// Brings layer l up to the newest position.
template <layered_sequence E>
LAGOM_INLINE void catch_up(E& engine, layer_index l) {
  const index_t first = engine.held(l), n = engine.length() - first;
  if (n > 0) engine.block(l, first, n);
}
}  // namespace detail

}  // namespace v0
}  // namespace lagom
