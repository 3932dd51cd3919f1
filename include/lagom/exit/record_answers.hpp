// SPDX-License-Identifier: MIT
/// @file exit/record_answers.hpp
/// A trace as it would be with other heads at its layers.
#pragma once

#include "answer.hpp"
#include "record_signal.hpp"

namespace lagom {
inline namespace v0 {

/// Replaces the softmax statistics of every layer but the last by those of `at(layer)`, an answer source (a head, or a function
/// of the hidden state such as `exit_modules::at`), over the recorded states. The last layer keeps the model's own answer:
/// what agreement and guarantees are measured by.
///
/// Columns stay as they are: signals that read statistics and more are to be recorded anew (`record_signal`). Fails with
/// `wrong_shape` when states and trace have other rows or layers. Cost: rows x (layers - 1) probes.
template <backend B = portable, trace_kind Kind, scalar T, class At>
  requires std::same_as<accumulator_t<T>, float>
result<done> record_answers(trace<Kind>& t, const hidden_states<T>& states, const At& at, const B& b = {}) {
  if (auto ok = detail::check_states(t, states); !ok) return ok;
  for (int l = 0; l + 1 < t.layers(); ++l) {
    const auto from = at(layer_index(l));
    static_assert(answer_source<std::remove_cvref_t<decltype(from)>, T>,
                  "record_answers: at(layer) must be what a policy takes in place of the head");
    for (index_t row = 0; row < t.rows(); ++row)
      t.set(row, l, detail::answer<need::stats>(b, states.at(row, l), from));
  }
  return done{};
}

}  // namespace v0
}  // namespace lagom
