// SPDX-License-Identifier: MIT
/// @file exit/decode/early_token.hpp
/// One token of a sequence, early if the policy says so, with the cache kept right.
#pragma once

#include "../exit_policy.hpp"
#include "kv_policy.hpp"

namespace lagom {
inline namespace v0 {

/// What a token took.
struct early_answer {
  token_id token = no_token;  ///< `no_token`: the last layer had no valid logit
  layers_used used{};
  int probes = 0;           ///< passes over the head
  index_t taken_along = 0;  ///< earlier tokens that ran a layer beside this one
};

/// Called with nothing to do.
struct no_delivery {
  LAGOM_INLINE constexpr void operator()(token_id) const noexcept {}
};

/// Feeds `last` and decodes the token after it: layer by layer, with those that wait taken along, until the policy stops;
/// then settles the keys and values of the skipped layers. `deliver(token)` is called as soon as the token is known, before that.
///
/// ```cpp
/// lagom::exit_policy policy{lagom::features<lagom::gap>{}, lagom::threshold{0.9f}};
/// for (lagom::token_id t = first; t != end;) {
///   auto next = lagom::early_token(sequence, t, policy, lagom::defer_batch{.most = 16});
///   if (!next) return report(next.error());
///   t = next->token;
/// }
/// ```
/// Signals see what the engine's `observation` shows; nothing is kept from one layer to the next. Where the KV policy does not
/// let the token leave, no layer before the last is probed. Fails as `feed` does; nothing has
/// happened then. No allocation. Preconditions: every position before was decoded under a policy of the same kind, or ran all
/// layers.
template <layered_sequence E, class Policy, kv_policy<E> Kv, class Deliver = no_delivery>
[[nodiscard]] result<early_answer> early_token(E& engine, token_id last, const Policy& policy, const Kv& kv,
                                               Deliver&& deliver = {}) {
  using T = typename E::scalar_type;
  if (auto fed = engine.feed(last); !fed) return fed.error();
  const int n = engine.layers();
  const index_t at = engine.length() - 1;
  const index_t deferred = at - engine.held(layer_index(n - 1));
  const bool may_leave = kv.may_leave(deferred);
  const auto head = [&](vec_view<const T> hidden) noexcept { return engine.probe(hidden); };
  auto state = policy.template state<T>(n);
  early_answer out;
  for (int l = 0; l < n; ++l) {
    const index_t beside = at - engine.held(layer_index(l));
    if (beside > out.taken_along) out.taken_along = beside;
    detail::catch_up(engine, layer_index(l));
    if (!may_leave && l + 1 < n) continue;
    if (!policy.observe(state, engine.observation(layer_index(l)), head)) continue;
    out.token = state.stats.top;
    out.used = used_when_stopped_at(state.stop);
    out.probes = state.probes;
    deliver(out.token);
    if (l + 1 < n) kv.leave(engine, layer_index(l), at);
    break;
  }
  return out;
}

}  // namespace v0
}  // namespace lagom
