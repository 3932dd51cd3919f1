// SPDX-License-Identifier: MIT
/// @file kernel/certified_tail.hpp
/// What rows that have not been read may add to the sum of the exponentials.
#pragma once

#include "../core/executor.hpp"
#include "certified_average.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// What some of the rows that were not read add to the sum, relative to e^level.
template <class B>
struct certified_tail {
  double level = 0;
  double high = 0, low = 0;  ///< sums of e^bound
  float largest = -3.0e38f;  ///< of the upper bounds
  float floor = -3.0e38f;    ///< largest of the lower bounds

  LAGOM_HD void store(double* to) const noexcept {
    to[0] = high;
    to[1] = low;
    to[2] = static_cast<double>(largest);
    to[3] = static_cast<double>(floor);
  }
  /// What `store` wrote, added.
  LAGOM_HD void merge(const double* from) noexcept {
    high += from[0];
    low += from[1];
    largest = from[2] > static_cast<double>(largest) ? static_cast<float>(from[2]) : largest;
    floor = from[3] > static_cast<double>(floor) ? static_cast<float>(from[3]) : floor;
  }
};

/// The largest of n bounds that is below `cut`; -3e38 where there is none.
template <class B>
LAGOM_HD float largest_below(const float* LAGOM_RESTRICT x, index_t n, float cut) noexcept {
  constexpr auto width = lanes<float>::width;
  lanes<float> most;
  for (float& m : most.value) m = -3.0e38f;
  index_t i = 0;
  for (; i + width <= n; i += width) {
    for (index_t j = 0; j < width; ++j) {
      const float v = x[i + j] < cut ? x[i + j] : -3.0e38f;
      most.value[j] = v > most.value[j] ? v : most.value[j];
    }
  }
  const index_t rest = n - i;
  for (index_t j = 0; j < rest; ++j)
    most.value[j] = x[i + j] < cut && x[i + j] > most.value[j] ? x[i + j] : most.value[j];
  return fold(most.value, max_op{});
}

/// How many of n bounds are at or above `cut`?
template <class B>
LAGOM_HD index_t count_from(const float* LAGOM_RESTRICT x, index_t n, float cut) noexcept {
  std::int32_t some = 0;
  for (index_t i = 0; i < n; ++i) some += x[i] >= cut ? 1 : 0;
  return some;
}

/// The rows first ... end - 1 that are below the cut. Sums a tile in float, in lanes; tiles in double.
template <backend B>
LAGOM_HD certified_tail<B> certified_tail_part(const prepared_rows& rows, const certified_bounds& bounds,
                                               const float* uppers, float cut, float level, index_t begin,
                                               index_t end) noexcept {
  constexpr index_t tile = certified_workspace::tile;
  constexpr auto width = lanes<float>::width;
  certified_tail<B> t;
  for (index_t first = begin; first < end; first += tile) {
    const index_t n = end - first < tile ? end - first : tile;
    const float* LAGOM_RESTRICT upper = uppers + first;
    const float* LAGOM_RESTRICT error = rows.error.data() + first;
    const float* LAGOM_RESTRICT norm = rows.norm.data() + first;
    float high_at[tile], low_at[tile];
    for (index_t r = 0; r < n; ++r) {
      const bool in_tail = upper[r] < cut;
      const float lower = upper[r] - 2 * (bounds.error * error[r] + bounds.norm * norm[r]);
      high_at[r] = in_tail ? upper[r] : -3.0e38f;
      low_at[r] = in_tail ? lower : -3.0e38f;
    }
    for (index_t r = n; r % width != 0; ++r) high_at[r] = low_at[r] = -3.0e38f;
    lanes<float> high, low, most, least;
    for (index_t j = 0; j < width; ++j) most.value[j] = least.value[j] = -3.0e38f;
    for (index_t r = 0; r < n; r += width) {
      for (index_t j = 0; j < width; ++j) {
        const float h = high_at[r + j], l = low_at[r + j];
        most.value[j] = h > most.value[j] ? h : most.value[j];
        least.value[j] = l > least.value[j] ? l : least.value[j];
        high.value[j] += exp_nonpositive(h - level);
        low.value[j] += exp_nonpositive(l - level);
      }
    }
    const float largest = fold(most.value, max_op{}), floor = fold(least.value, max_op{});
    t.largest = largest > t.largest ? largest : t.largest;
    t.floor = floor > t.floor ? floor : t.floor;
    t.high += static_cast<double>(high.total());
    t.low += static_cast<double>(low.total());
  }
  return t;
}

/// One pass over the bounds; with `average` one more, which uses that errors average out. `best`: the best logit of
/// the full head.
template <backend B, executor E>
LAGOM_HD certified_tail<B> certified_tail_of(const B&, const prepared_rows& rows,
                                             const certified_bounds& bounds, certified_workspace& work,
                                             float cut, double best, bool average, const E& run) noexcept {
  constexpr index_t part = certified_workspace::part;
  constexpr index_t stride = certified_workspace::sums_of_part;
  const auto parts = static_cast<index_t>(work.sums.size()) / stride;
  // The least of best, best - 1, ... that is not below the cut.
  const double distance = best - static_cast<double>(cut);
  const bool near = distance >= 0 && distance < static_cast<double>(certified_bounds::levels);
  float level = near ? static_cast<float>(best - static_cast<double>(static_cast<int>(distance))) : cut;
  average = average && near && level >= cut;
  if (!average) level = cut;
  double* const sums = work.sums.data();
  const auto sum = [&](index_t task) {
    const index_t first = task * part, end = first + part < rows.rows ? first + part : rows.rows;
    double* const to = sums + task * stride;
    certified_tail_part<B>(rows, bounds, work.upper.data(), cut, level, first, end).store(to);
    if (average) certified_averaging<B>::part(rows, bounds, work, cut, level, first, end).store(to + 4);
  };
  if (parts < 8) {  // not worth waking threads
    seq{}(parts, sum);
  } else {
    run(parts, sum);
  }
  certified_tail<B> all;
  for (index_t i = 0; i < parts; ++i) all.merge(sums + i * stride);
  all.level = static_cast<double>(level);
  all.high += static_cast<double>(rows.rows) * 1e-38;  // what was too small to add
  if (average) {
    certified_average<B> together;
    for (index_t i = 0; i < parts; ++i) together.merge(sums + i * stride + 4);
    together.over += static_cast<double>(rows.rows) * 1e-38;
    certified_averaging<B>::narrow(together, bounds, all.low, all.high);
  }
  return all;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
