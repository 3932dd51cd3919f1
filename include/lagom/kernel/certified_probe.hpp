// SPDX-License-Identifier: MIT
/// @file kernel/certified_probe.hpp
/// A decision about the full head, from rows of few bits and those of the full head that are in doubt.
#pragma once

#include "certified_refinement.hpp"
#include "unembed.hpp"

namespace lagom {
inline namespace v0 {

/// How far a certified probe may go.
struct certified_options {
  /// Allowed probability of a wrong answer, a probe. Of no use to int8, which is never wrong.
  double delta = 1e-6;
  /// Share of the full head's rows that may be read one by one. Where it does not suffice, all are read at once.
  double budget = 1;
  /// May all rows be read at once? Else the answer is `unknown` where that would be needed.
  bool fall_back = true;
};

namespace detail {

/// Sum of at most 256 products, in float.
template <class B>
LAGOM_HD float dot_integers(const std::int16_t* LAGOM_RESTRICT d, const float* LAGOM_RESTRICT p,
                            index_t n) noexcept {
  lanes<float> sum;
  constexpr auto width = lanes<float>::width;
  index_t i = 0;
  for (; i + width <= n; i += width) {
    for (index_t j = 0; j < width; ++j)
      sum.value[j] += static_cast<float>(static_cast<int>(d[i + j])) * p[i + j];
  }
  for (index_t j = 0; i < n; ++i, ++j) sum.value[j] += static_cast<float>(static_cast<int>(d[i])) * p[i];
  return sum.total();
}

/// What the products of a tile of rows with the state are too large by: the centre, and the dither of each.
template <backend B, executor E>
LAGOM_HD void prepare_centres(const B&, const prepared_rows& rows, const prepared_state& s,
                              certified_workspace& work, const E& run) noexcept {
  constexpr index_t together = 32, block = 256;
  for (double& c : work.centres) c = s.centre;
  if (work.dither.empty()) return;
  for (index_t j = 0; j < rows.cols; ++j) {
    work.integers[static_cast<std::size_t>(j)] =
        static_cast<float>(128 * s.integers.high[j] + s.integers.low[j]);
  }
  const auto some = [&](index_t task) {
    const index_t end = (task + 1) * together < rows.dithers() ? (task + 1) * together : rows.dithers();
    for (index_t k = task * together; k < end; ++k) {
      const std::int16_t* const d = work.dither.data() + k * rows.cols;
      double sum = 0;
      for (index_t j = 0; j < rows.cols; j += block) {  // few additions in float: `dither_rounding`
        const index_t n = rows.cols - j < block ? rows.cols - j : block;
        sum += static_cast<double>(dot_integers<B>(d + j, work.integers.data() + j, n));
      }
      sum = (sum + s.sum / 2) / 65536;
      for (index_t r = k; r < certified_workspace::tile; r += prepared_rows::most_dithers)
        work.centres[static_cast<std::size_t>(r)] += sum;
    }
  };
  const index_t tasks = (rows.dithers() + together - 1) / together;
  if (rows.dithers() * rows.cols <= index_t{1} << 20) {  // not worth waking threads
    seq{}(tasks, some);
  } else {
    run(tasks, some);
  }
}

/// The first pass: an upper bound of every logit. False where a logit is so large that sums may overflow.
template <backend B, executor E>
LAGOM_HD bool bound_logits(const B& b, const prepared_rows& rows, const prepared_state& s,
                           const certified_bounds& bounds, double head_scale, certified_workspace& work,
                           const E& run) noexcept {
  constexpr index_t tile = certified_workspace::tile;
  constexpr float most = 1e30f;
  constexpr double limit = 1e38;
  const double unit = head_scale * s.step, common = head_scale * s.mean;
  const index_t tiles = (rows.rows + tile - 1) / tile;
  run(tiles, [&](index_t task) {
    const index_t first = task * tile;
    const index_t n = rows.rows - first < tile ? rows.rows - first : tile;
    std::int32_t high[tile], low[tile];
    prepared_products(b, rows, s.integers, first, n, high, low);
    float* LAGOM_RESTRICT upper = work.upper.data() + first;
    const float* LAGOM_RESTRICT scale = rows.scale.data() + first;
    const float* LAGOM_RESTRICT error = rows.error.data() + first;
    const float* LAGOM_RESTRICT norm = rows.norm.data() + first;
    const double* LAGOM_RESTRICT centre = work.centres.data();
    float far[tile];
    for (index_t r = 0; r < n; ++r) {
      const double sum = 128.0 * static_cast<double>(high[r]) + static_cast<double>(low[r]) - centre[r];
      const double z = unit * static_cast<double>(scale[r]) * sum + common;
      const auto logit = static_cast<float>(z < -limit ? -limit : z > limit ? limit : z);
      const float radius = bounds.error * error[r] + bounds.norm * norm[r];
      upper[r] = logit + radius;
      const float size = (logit < 0 ? -logit : logit) + radius;
      far[r] = size < 3.0e38f ? size : 3.0e38f;
    }
    work.sizes[static_cast<std::size_t>(task)] = largest_below<B>(far, n, 3.2e38f);
  });
  bool sound = bounds.error < most && bounds.norm < most;
  for (index_t t = 0; t < tiles; ++t) sound = sound && work.sizes[static_cast<std::size_t>(t)] < most;
  return sound;
}

struct certified_probe_fn {
  template <backend B, tensor<1> Hidden, head_view Head, class Decide, executor E = seq>
    requires scalar<typename Head::weight_type>
  auto operator()(const B& b, const Hidden& hidden, const Head& to, const prepared_rows& rows,
                  certified_workspace& work, const Decide& decide, const certified_options& options = {},
                  const E& run = {}) const noexcept {
    const auto h = as_vec(hidden);
    using H = typename decltype(h)::value_type;
    using Acc = accumulator_t<H>;
    LAGOM_ASSERT(h.size() == to.rows.cols() && rows.cols == h.size() && rows.rows == to.rows.rows());
    LAGOM_ASSERT(static_cast<index_t>(work.upper.size()) == rows.rows && options.delta > 0);
    certified_stats<Acc> out = bounded(b, h, to, rows, work, decide, options, run);
    if (out.decision != certified_verdict::open) {
      const bool hard = rows.code == row_code::int8 || out.rows_read == rows.rows;
      out.how = hard ? certainty::exact : certainty::certified;
      out.delta = hard ? 0 : options.delta;
    } else if (!options.fall_back) {
      out.low = out.high = {};
    } else {
      out.low = out.high = unembed(b, h, to, run);
      out.decision = decide(out.low, out.high);
      out.how = certainty::exact;
      out.rows_read += rows.rows;
      out.bytes_read += static_cast<std::uint64_t>(rows.rows) * row_bytes(to);
    }
    work.account.push(out.how, out.rows_read, out.bytes_read, rows.rows);
    return out;
  }

 private:
  template <backend B, scalar H, head_view Head, class Decide, executor E>
  static auto bounded(const B& b, vec_view<const H> h, const Head& to, const prepared_rows& rows,
                      certified_workspace& work, const Decide& decide, const certified_options& options,
                      const E& run) noexcept {
    certified_stats<accumulator_t<H>> out;
    const prepared_state s =
        prepare_state(b, h, to.norm, rows, work.y.data(), work.high.data(), work.low.data());
    if (!s.bad) {
      const certified_bounds bounds =
          certified_bounds::of(b, rows, s, static_cast<double>(to.scale), options.delta);
      prepare_centres(b, rows, s, work, run);
      out.bytes_read += static_cast<std::uint64_t>(rows.rows * (rows.pitch() + 12));
      if (bound_logits(b, rows, s, bounds, static_cast<double>(to.scale), work, run)) {
        certified_refinement<B, H, Head, E> known(b, h, to, rows, bounds, work, run);
        const auto most = static_cast<index_t>(options.budget * static_cast<double>(rows.rows)) + 16;
        out.decision = refine(known, most, to.first_token, decide, options.fall_back, out);
        out.rows_read = known.known();
        out.bytes_read += static_cast<std::uint64_t>(known.known()) * row_bytes(to);
      }
    }
    return out;
  }

  template <head_view Head>
  static std::uint64_t row_bytes(const Head& to) noexcept {
    return static_cast<std::uint64_t>(to.rows.cols()) * sizeof(typename Head::weight_type);
  }

  /// Reads the rows that may be the best, then those that may matter most to the sum, until `decide` is sure.
  template <class Known, class Decide, std::floating_point Acc>
  static certified_verdict refine(Known& known, index_t most, token_id first_token, const Decide& decide,
                                  bool may_give_up, certified_stats<Acc>& out) noexcept {
    constexpr double most_here_and_there = 0.5;  // of the rows: costs nearly what all of them in order do
    float step = 0.5f;
    if (!known.sweep(known.below(step), most)) return certified_verdict::open;
    while (!known.leads()) {
      if (known.hopeless()) return certified_verdict::open;
      const auto floor = static_cast<float>(known.floor());
      const float cut = floor < known.cut() ? floor : known.below(step);
      if (may_give_up && known.share_from(cut) > most_here_and_there) return certified_verdict::open;
      if (!known.sweep(cut, most)) return certified_verdict::open;
    }
    if (known.hopeless() || known.tied()) return certified_verdict::open;
    for (;;) {
      known.enclose(first_token, false, out.low, out.high);
      certified_verdict v = decide(out.low, out.high);
      if (v == certified_verdict::open && known.averages()) {
        known.enclose(first_token, true, out.low, out.high);
        v = decide(out.low, out.high);
      }
      if (v != certified_verdict::open || known.complete()) return v;
      if (may_give_up) {
        softmax_stats<Acc> low = out.low, high = out.high;
        known.foresee(first_token, most_here_and_there, low, high);
        if (decide(low, high) == certified_verdict::open) return v;
        may_give_up = false;
      }
      if (!known.sweep(known.below(step), most)) return certified_verdict::open;
      step = step < 1 ? 1.25f * step : step;
    }
  }
};

}  // namespace detail

/// `certified_probe(backend, hidden, head, rows, workspace, decide, options, executor)`: what `decide` says of the
/// softmax statistics of `head`, and the best token, as `unembed(backend, hidden, head)` would have it, without
/// reading all of the head. A `certified_stats`.
///
/// 1. All prepared rows give an interval of every logit: `certified_bounds`.
/// 2. Rows of the full head that may be the best are read; then, in order of their bound, those that may matter most
///    to the sum, until `decide(low, high)` is not `open`. `low` and `high` enclose the statistics of the full head.
///    What is left of the sum is bounded row by row, and for dithered rows (`int4`) also by `certified_averaging`.
/// 3. A tie within rounding, or a value so near the threshold that half of the rows would hardly settle it, is
///    decided by reading all of the head, as is a state with NaN or infinity.
///
/// "As the full head would": the intervals hold the numbers that `unembed` computes, with the rounding of its sums
/// (in whatever order: `summation_depth`) and the documented error of its log-sum-exp.
///
/// `rows` are made from the rows of this head by `prepare_head`. `decide` is noexcept, depends on gap() and
/// top_prob() only, and says `stop` or `go_on` only where all values between say the same: see `monotone_decision`.
/// With `low` and `high` equal it may not say `open`. It is also asked what it would say after more reading, of
/// guesses. No allocation. The same bits with every executor, which spreads the prepared rows, the rows in doubt and
/// the sums over threads. Cost: the prepared rows once, a few passes over V bounds, and the rows in doubt.
inline constexpr detail::certified_probe_fn certified_probe{};

}  // namespace v0
}  // namespace lagom
