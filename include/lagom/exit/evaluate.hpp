// SPDX-License-Identifier: MIT
/// @file exit/evaluate.hpp
/// How good a policy is: accuracy kept, layers used.
#pragma once

#include "../core/moments.hpp"
#include "../stop/degenerate.hpp"
#include "replay.hpp"

namespace lagom {
inline namespace v0 {

/// Counts over rows; mergeable, so shards of a data set are evaluated apart.
struct evaluation {
  std::int64_t rows = 0;
  std::int64_t full_correct = 0;  ///< the full model's answer was the expected one
  std::int64_t exit_correct = 0;  ///< the answer at the stop was
  std::int64_t agreed = 0;        ///< the answer at the stop was the full model's
  moments stop;                   ///< 0-based layer of the stop
  moments probes;                 ///< passes over the head
  moments earliest_correct;       ///< 0-based first layer with the expected answer, over rows that have one
  moments length;                 ///< tokens read
  stop_counts counts;             ///< recognises rules that decide nothing

  LAGOM_INLINE void merge(const evaluation& other) noexcept {
    rows += other.rows;
    full_correct += other.full_correct;
    exit_correct += other.exit_correct;
    agreed += other.agreed;
    stop.merge(other.stop);
    probes.merge(other.probes);
    earliest_correct.merge(other.earliest_correct);
    length.merge(other.length);
    counts.merge(other.counts);
  }

  [[nodiscard]] LAGOM_INLINE double full_accuracy() const noexcept { return share(full_correct); }
  [[nodiscard]] LAGOM_INLINE double exit_accuracy() const noexcept { return share(exit_correct); }
  [[nodiscard]] LAGOM_INLINE double agreement() const noexcept { return share(agreed); }
  [[nodiscard]] LAGOM_INLINE mean_layer_index mean_stop() const noexcept {
    return mean_layer_index(stop.mean);
  }
  [[nodiscard]] LAGOM_INLINE mean_layers_used mean_used() const noexcept {
    return used_when_stopped_at(mean_stop());
  }

 private:
  [[nodiscard]] LAGOM_INLINE double share(std::int64_t n) const noexcept {
    return rows > 0 ? static_cast<double>(n) / static_cast<double>(rows) : 0;
  }
};

namespace detail {
/// Is this layer's best token the expected one, from sound statistics?
template <trace_kind Kind>
[[nodiscard]] LAGOM_INLINE bool right(const trace<Kind>& t, index_t row, layer_index l) noexcept {
  return t.expected(row) != no_token && t.stats(row, l).valid() && t.stats(row, l).top == t.expected(row);
}
}  // namespace detail

/// First layer whose best token is the expected one: the oracle's stop. -1 when there is none.
template <trace_kind Kind>
[[nodiscard]] LAGOM_INLINE layer_index earliest_correct(const trace<Kind>& t, index_t row) noexcept {
  for (int l = 0; l < t.layers(); ++l) {
    if (detail::right(t, row, l)) return l;
  }
  return -1;
}

/// Judges the outcomes of a replay against the trace, over the rows for which `keep(row)` is true (all of them
/// must have been replayed). Statistics that are flagged count as wrong answers.
template <backend B = portable, trace_kind Kind, class Keep = every_row>
[[nodiscard]] evaluation evaluate(const trace<Kind>& t, const replayed<Kind>& run, const Keep& keep = {}) {
  LAGOM_ASSERT(static_cast<index_t>(run.outcomes.size()) == t.rows());
  evaluation e;
  for (index_t row = 0; row < t.rows(); ++row) {
    if (!keep(row)) continue;
    const exit_outcome& out = run.outcomes[static_cast<std::size_t>(row)];
    LAGOM_ASSERT(out.stop.value >= 0);
    ++e.rows;
    e.full_correct += detail::right(t, row, t.layers() - 1);
    e.exit_correct += detail::right(t, row, out.stop);
    e.agreed += out.token == t.final_token(row);
    e.stop.push(out.stop.value);
    e.probes.push(out.probes);
    e.length.push(t.length(row));
    e.counts.push(out.stop, run.first_probed, t.layers());
    if (const layer_index first = earliest_correct(t, row); first.value >= 0)
      e.earliest_correct.push(first.value);
  }
  return e;
}

}  // namespace v0
}  // namespace lagom
