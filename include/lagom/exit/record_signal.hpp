// SPDX-License-Identifier: MIT
/// @file exit/record_signal.hpp
/// Signals that were fitted after the trace was recorded.
#pragma once

#include "../core/result.hpp"
#include "../stop/schedule.hpp"
#include "hidden_states.hpp"
#include "trace.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
/// What can be shown to a signal of recorded states.
inline constexpr need recorded_with_states =
    need::stats | need::last_stats | need::hidden | need::prev_hidden | need::last_hidden;

template <class S>
concept signal_of_row = requires(const S& s, index_t row) {
  { s(row) } -> exit_signal;
};
template <class S>
struct recorded_as {
  using type = S;
};
template <signal_of_row S>
struct recorded_as<S> {
  using type = std::remove_cvref_t<decltype(std::declval<const S&>()(index_t{}))>;
};

/// Do the states belong to the rows and layers of the trace?
template <trace_kind Kind, scalar T>
LAGOM_INLINE result<done> check_states(const trace<Kind>& t, const hidden_states<T>& states) noexcept {
  const auto fail = [](std::string_view key, index_t expected, index_t found) {
    return failure{.code = errc::wrong_shape,
                   .key = key,
                   .expected = static_cast<std::uint64_t>(expected),
                   .found = static_cast<std::uint64_t>(found)};
  };
  if (states.rows() != t.rows()) return fail("rows of hidden states", t.rows(), states.rows());
  if (states.layers() != t.layers()) return fail("layers of hidden states", t.layers(), states.layers());
  return done{};
}
}  // namespace detail

/// Evaluates `signal` over the recorded states and adds its numbers to the trace as columns: `replay`, `label`, `evaluate`,
/// `exit_losses` then read it like one that was recorded live.
///
/// ```cpp
/// auto head = lagom::fit(lagom::lte_config{}, labelled->view());
/// auto ok = lagom::record_signal(trace, states, head->model.signal());
/// auto run = lagom::replay(trace, lagom::exit_policy{lagom::features{head->model.signal()}, rule});
/// ```
/// `signal` may read the hidden state, that of the layer before and of the last probed one, and the softmax statistics of
/// this layer and the last probed one; `probed` is the schedule of the policy, which decides what that is (and nothing else: every layer gets its
/// numbers). A signal whose settings differ by row (draft tokens) is passed as a function of the row that makes it.
/// A second recording of the same name replaces the first. Signals of statistics alone need no columns and get none.
///
/// Fails with `wrong_shape` when states and trace have other rows or layers. Cost: rows x layers evaluations.
template <backend B = portable, trace_kind Kind, scalar T, class Signal, schedule Schedule = every_layer>
  requires(exit_signal<Signal> || detail::signal_of_row<Signal>) && std::same_as<accumulator_t<T>, float>
result<done> record_signal(trace<Kind>& t, const hidden_states<T>& states, const Signal& signal,
                           const Schedule& probed = {}, const B& b = {}) {
  using S = typename detail::recorded_as<Signal>::type;
  static_assert(
      contains(detail::recorded_with_states, S::needs),
      "record_signal: the signal reads attention or MLP outputs, which hidden_states does not hold");
  if (auto ok = detail::check_states(t, states); !ok) return ok;
  if constexpr (!from_stats<S>) {
    index_t columns[S::width];
    for (std::size_t k = 0; k < S::width; ++k) {
      columns[k] = t.find_column(S::name, k);
      if (columns[k] >= 0) continue;
      t.add_column(S::name);
      columns[k] = static_cast<index_t>(t.columns().size()) - 1;
    }
    const auto fill = [&](index_t row, const S& one) {
      basic_layer_obs<T> obs{.n_layers = t.layers()};
      for (int l = 0; l < t.layers(); ++l) {
        obs.layer = l;
        obs.hidden = states.at(row, l);
        obs.stats = t.stats(row, l);
        float x[S::width];
        one(obs, b, x);
        for (std::size_t k = 0; k < S::width; ++k) t.set(columns[k], row, l, x[k]);
        obs.prev_hidden = obs.hidden;
        if (probed(layer_index(l), t.layers())) {
          obs.last_stats = obs.stats;
          obs.last_hidden = obs.hidden;
        }
      }
    };
    for (index_t row = 0; row < t.rows(); ++row) {
      if constexpr (detail::signal_of_row<Signal>) {
        fill(row, signal(row));
      } else {
        fill(row, signal);
      }
    }
  }
  return done{};
}

}  // namespace v0
}  // namespace lagom
