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
    float size = 0;
    for (index_t r = 0; r < n; ++r) {
      const double sum = 128.0 * static_cast<double>(high[r]) + static_cast<double>(low[r]) - s.centre;
      const double z = unit * static_cast<double>(scale[r]) * sum + common;
      const auto logit = static_cast<float>(z < -limit ? -limit : z > limit ? limit : z);
      const float radius = bounds.error * error[r] + bounds.norm * norm[r];
      upper[r] = logit + radius;
      const float far = (logit < 0 ? -logit : logit) + radius;
      size = far < size ? size : far;
    }
    work.sizes[static_cast<std::size_t>(task)] = size;
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
    const prepared_state s = prepare_state(b, h, to.norm, rows, work.dither.data(), work.y.data(),
                                           work.high.data(), work.low.data());
    if (!s.bad) {
      const certified_bounds bounds =
          certified_bounds::of(b, rows, s, static_cast<double>(to.scale), options.delta);
      out.bytes_read += static_cast<std::uint64_t>(rows.rows * (rows.pitch() + 12));
      if (bound_logits(b, rows, s, bounds, static_cast<double>(to.scale), work, run)) {
        certified_refinement<B, H, Head> known(b, h, to, rows, bounds, work);
        const auto most = static_cast<index_t>(options.budget * static_cast<double>(rows.rows)) + 16;
        out.decision = refine(known, most, to.first_token, decide, out);
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
                        certified_stats<Acc>& out) noexcept {
    float step = 0.5f;
    if (!known.sweep(known.below(step), most)) return certified_verdict::open;
    while (!known.settled()) {
      if (known.tied()) return certified_verdict::open;
      const auto floor = static_cast<float>(known.floor());
      if (!known.sweep(floor < known.cut() ? floor : known.below(step), most)) return certified_verdict::open;
    }
    for (;;) {
      known.enclose(first_token, out.low, out.high);
      const certified_verdict v = decide(out.low, out.high);
      if (v != certified_verdict::open || known.complete()) return v;
      if (!known.sweep(known.below(step), most)) return certified_verdict::open;
      step *= 1.25f;
    }
  }
};

}  // namespace detail

/// `certified_probe(backend, hidden, head, rows, workspace, decide, options, executor)`: what `decide` says of the
/// softmax statistics of `head`, and the best token, as `unembed(backend, hidden, head)` would have it, without reading
/// all of the head. A `certified_stats`.
///
/// 1. All prepared rows give an interval of every logit: `certified_bounds`.
/// 2. Rows of the full head that may be the best are read; then, in order of their bound, those that may matter most to
///    the sum, until `decide(low, high)` is not `open`. `low` and `high` enclose the statistics of the full head.
/// 3. A tie within rounding, or a value on the threshold, is decided by reading all of the head, as is a state with NaN or
///    infinity.
///
/// "As the full head would": the intervals hold the numbers that `unembed` computes, with the rounding of its sums
/// (in whatever order: `summation_depth`) and the documented error of its log-sum-exp.
///
/// `rows` are made from the rows of this head by `prepare_head`. `decide` is noexcept, depends on gap() and top_prob()
/// only, and says `stop` or `go_on` only where all values between say the same: see `monotone_decision`. With `low` and `high` equal it may not
/// say `open`. No allocation. The same bits with every executor. Cost: the prepared rows once, a few passes over V
/// bounds, and the rows in doubt.
inline constexpr detail::certified_probe_fn certified_probe{};

}  // namespace v0
}  // namespace lagom
