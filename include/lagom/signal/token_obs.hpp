// SPDX-License-Identifier: MIT
/// @file signal/token_obs.hpp
/// What a sampler shows of one generated token, and the signals of the token axis.
#pragma once

#include "../core/token_position.hpp"
#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// One generated token and the distribution that it was taken from. Every member has a default. Owns nothing.
///
/// `position`, `last_stats` and `repeats` are filled in by the run: the engine shows what it has sampled.
template <scalar T>
struct basic_token_obs {
  token_id token = no_token;  ///< the token that was taken
  softmax_stats<accumulator_t<T>> stats{};
  float end_prob = 0;               ///< probability of the end of the text, in that distribution
  vec_view<const T> hidden{};       ///< last block's output where the token was taken
  vec_view<const T> prev_hidden{};  ///< the same one token earlier
  token_position position{};
  softmax_stats<accumulator_t<T>> last_stats{};  ///< one token earlier
  int repeats = 0;  ///< how often the last phrase stands there in a row, see `loop_watch`
};

using token_obs = basic_token_obs<float>;

/// A signal turns one token's observation into `width` numbers: as `exit_signal`, on the other axis. One that reads statistics
/// says so in a `static constexpr bool reads_stats = true`, and is then not asked about tokens without a distribution; one that
/// reads `repeats`, in a `watches_loops = true`.
template <class S>
concept token_signal =
    std::copy_constructible<S> && requires(const S s, const token_obs& o, portable b, float* out) {
      { S::name } -> std::convertible_to<std::string_view>;
      { S::width } -> std::convertible_to<std::size_t>;
      { s(o, b, out) } noexcept -> std::same_as<void>;
    };

/// A signal of layers, read along the tokens: `of_token<entropy>` is that of the sampler's distribution, `of_token<agreement>`
/// says whether the best token is the one before's, `of_token<hidden_cosine>` compares the last states of neighbouring
/// tokens. Signals that know which layer they are at have no such meaning and do not compile.
template <exit_signal S>
struct of_token {
  static_assert(S::needs != need::none &&
                    contains(need::stats | need::last_stats | need::hidden | need::prev_hidden, S::needs),
                "of_token: the signal reads more of a layer than a token has");
  static constexpr std::string_view name = S::name;
  static constexpr std::size_t width = S::width;
  static constexpr bool reads_stats = intersects(S::needs, need::stats | need::last_stats);

  [[no_unique_address]] S signal{};

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_token_obs<T>& o, const B& b, float* out) const noexcept {
    basic_layer_obs<T> same;
    same.stats = o.stats;
    same.last_stats = o.last_stats;
    same.hidden = o.hidden;
    same.prev_hidden = o.prev_hidden;
    signal(same, b, out);
  }
};

template <exit_signal S>
of_token(S) -> of_token<S>;

/// The probability of the end of the text, as the engine shows it. In [0, 1].
struct end_prob {
  static constexpr std::string_view name = "end_prob";
  static constexpr std::size_t width = 1;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_token_obs<T>& o, const B&, float* out) const noexcept {
    out[0] = o.end_prob;
  }
};

/// How often the last phrase of up to `loop_watch`'s length stands there in a row: 1 for text that goes on.
struct repeats {
  static constexpr std::string_view name = "repeats";
  static constexpr std::size_t width = 1;
  static constexpr bool watches_loops = true;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_token_obs<T>& o, const B&, float* out) const noexcept {
    out[0] = static_cast<float>(o.repeats);
  }
};

namespace detail {
template <class S>
inline constexpr bool watches_loops = requires { requires S::watches_loops; };
template <class S>
inline constexpr bool reads_token_stats = requires { requires S::reads_stats; };

template <std::size_t I, token_signal S>
struct token_signal_slot {
  [[no_unique_address]] S signal{};
};
template <class Indices, class... Ss>
struct token_signal_pack;
template <std::size_t... Is, class... Ss>
struct token_signal_pack<std::index_sequence<Is...>, Ss...> : token_signal_slot<Is, Ss>... {};
}  // namespace detail

/// The features of `Ss...`, one after another: `features` of the token axis.
template <token_signal... Ss>
class token_features {
  static_assert(sizeof...(Ss) > 0, "token_features: needs at least one signal");

 public:
  static constexpr std::string_view name = "token_features";
  static constexpr std::size_t width = (std::size_t{0} + ... + Ss::width);
  static constexpr bool watches_loops = (detail::watches_loops<Ss> || ...);
  static constexpr bool reads_stats = (detail::reads_token_stats<Ss> || ...);

  constexpr token_features() noexcept = default;
  LAGOM_HD constexpr explicit token_features(const Ss&... ss) noexcept
    requires(sizeof...(Ss) > 0)
      : token_features(std::index_sequence_for<Ss...>{}, ss...) {}

  /// Writes `width` numbers.
  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_token_obs<T>& o, const B& b, float* out) const noexcept {
    write(o, b, out, std::index_sequence_for<Ss...>{});
  }

 private:
  template <std::size_t... Is>
  LAGOM_HD constexpr token_features(std::index_sequence<Is...>, const Ss&... ss) noexcept
      : pack_{detail::token_signal_slot<Is, Ss>{ss}...} {}

  template <backend B, scalar T, std::size_t... Is>
  LAGOM_LEAF void write(const basic_token_obs<T>& o, const B& b, float* out,
                        std::index_sequence<Is...>) const noexcept {
    std::size_t at = 0;
    ((static_cast<const detail::token_signal_slot<Is, Ss>&>(pack_).signal(o, b, out + at), at += Ss::width),
     ...);
  }

  [[no_unique_address]] detail::token_signal_pack<std::index_sequence_for<Ss...>, Ss...> pack_{};
};

template <class... Ss>
token_features(const Ss&...) -> token_features<Ss...>;

}  // namespace v0
}  // namespace lagom
