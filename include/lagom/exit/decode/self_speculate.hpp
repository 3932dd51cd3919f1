// SPDX-License-Identifier: MIT
/// @file exit/decode/self_speculate.hpp
/// A round of self-speculation: the first layers draft, the others verify all drafts at once.
#pragma once

#include "layered_sequence.hpp"

namespace lagom {
inline namespace v0 {

/// What drafts and verifies in a round. `draft` is shown the newest position after the drafting layers; `verify` n + 1 positions
/// after all layers, `drafts` being the tokens that follow the first n of them: it gives how many are kept, and the token after
/// those. `greedy_drafts` and `sampled_drafts` are drafters.
template <class D, class E>
concept drafter =
    layered_sequence<E> && requires(D& d, E& engine, index_t p, vec_view<const token_id> drafts) {
      { d.draft(engine, p).token } -> std::convertible_to<token_id>;
      { d.draft(engine, p).go_on } -> std::convertible_to<bool>;
      { d.verify(engine, p, drafts).kept } -> std::convertible_to<index_t>;
      { d.verify(engine, p, drafts).next } -> std::convertible_to<token_id>;
    };

/// A drafted token, and whether to draft another after it.
struct drafted_token {
  token_id token = no_token;
  bool go_on = true;
};

/// Drafts that the full model keeps, and the token it has after them.
struct verdict {
  index_t kept = 0;
  token_id next = no_token;
};

/// How a round is set up.
struct speculation_round {
  layers_used draft_layers{};  ///< E: layers that drafting runs, 1 ... l
  int drafts = 4;              ///< at most
  token_id end = no_token;     ///< a draft of it ends the drafting; kept, it ends the round
};

/// What a round gave: `tokens` of `out` were written, `kept` of `drafted` drafts among them.
struct speculated {
  index_t tokens = 0;
  int drafted = 0;
  int kept = 0;
};

/// Feeds `last`, drafts up to `round.drafts` tokens with the first E layers, verifies them with the others, and keeps what the
/// full model would have said: `out` gets the kept drafts and, unless they end the text, the full model's next token.
/// LayerSkip (arXiv 2404.16710): verifying begins where drafting stopped, from the states that drafting left (the exit query
/// cache), and nothing is computed twice. Kangaroo (arXiv 2404.18911) is the same with a drafter that stops by itself.
///
/// ```cpp
/// lagom::greedy_drafts<float> drafter{16};
/// auto r = lagom::self_speculate(sequence, t, {.draft_layers = lagom::layers_used(8), .drafts = 5}, drafter, out);
/// ```
/// The sequence then holds all positions but the last token's, in all layers: `last` of the next round is the last token of
/// `out`. With `greedy_drafts` the output is that of greedy decoding, with `sampled_drafts` it is distributed as the full
/// model's. Drafts end early where the sequence has no more room. Fails as `feed(last)` does.
/// Precondition: `out` has room for round.drafts + 1 tokens. No allocation.
template <layered_sequence E, drafter<E> D>
[[nodiscard]] result<speculated> self_speculate(E& engine, token_id last, const speculation_round& round,
                                                D& drafting, vec_view<token_id> out) {
  LAGOM_ASSERT(round.drafts >= 0 && out.size() > round.drafts);
  LAGOM_ASSERT(0 < round.draft_layers.value && round.draft_layers.value <= engine.layers());
  if (auto fed = engine.feed(last); !fed) return fed.error();
  const index_t first = engine.length() - 1;
  index_t n = 0;
  for (bool go_on = true;;) {
    for (int l = 0; l < round.draft_layers.value; ++l) detail::catch_up(engine, layer_index(l));
    if (!go_on || n == round.drafts) break;
    const auto next = drafting.draft(engine, first + n);
    if (next.token == no_token || !engine.feed(next.token)) break;
    out[n++] = next.token;
    go_on = next.go_on && next.token != round.end;
  }
  for (int l = round.draft_layers.value; l < engine.layers(); ++l) detail::catch_up(engine, layer_index(l));
  const auto judged = drafting.verify(engine, first, vec_view<const token_id>(out.data(), n));
  speculated done{judged.kept, static_cast<int>(n), static_cast<int>(judged.kept)};
  const bool ended = judged.kept > 0 && out[judged.kept - 1] == round.end;
  if (!ended) out[done.tokens++] = judged.next;
  engine.crop(first + done.tokens);
  return done;
}

}  // namespace v0
}  // namespace lagom
