// SPDX-License-Identifier: MIT
/// @file cost/skipped_kv.hpp
/// What the keys and values of skipped layers cost, policy by policy, in closed form.
#pragma once

#include "shape.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// r tokens that leave after E of l layers, one after the other, and then one that runs all of them. Heads are not counted.
struct skipped_run {
  int layers = 0;  ///< l
  int used = 0;    ///< E, 1 ... l
  int run = 0;     ///< r
};

/// Work in units of one layer on one token.
struct layer_work {
  double token_layers = 0;  ///< operations: positions x layers
  double layer_reads = 0;   ///< weights read, at batch 1: what takes the time there
};

/// All tokens at full depth: (r + 1) l.
LAGOM_LEAF constexpr layer_work full_depth_work(const skipped_run& s) noexcept {
  const double all = (s.run + 1.0) * s.layers;
  return {all, all};
}

/// `drop_kv`, and `copy_kv`, whose copies are not counted: r E + l.
LAGOM_LEAF constexpr layer_work drop_work(const skipped_run& s) noexcept {
  const double some = static_cast<double>(s.run) * s.used + s.layers;
  return {some, some};
}

/// `propagate_kv`: r E + l + r (l - E) k, with k the share of a layer that projects keys and values, kv_macs / layer_macs.
LAGOM_LEAF constexpr layer_work propagate_work(const skipped_run& s, double projection) noexcept {
  const double some = static_cast<double>(s.run) * s.used + s.layers +
                      static_cast<double>(s.run) * (s.layers - s.used) * projection;
  return {some, some};
}

/// `defer_batch`: all operations, (r + 1) l; but the deep layers are read once: (r + 1) E + l - E.
LAGOM_LEAF constexpr layer_work defer_work(const skipped_run& s) noexcept {
  return {(s.run + 1.0) * s.layers, (s.run + 1.0) * s.used + s.layers - s.used};
}

/// `recompute_kv`: token i runs the layers of all that wait before it again: E r (r + 1) / 2 + (r + 1) l operations, r E + l reads.
LAGOM_LEAF constexpr layer_work recompute_work(const skipped_run& s) noexcept {
  const double r = s.run;
  return {s.used * r * (r + 1) / 2 + (r + 1) * s.layers, r * s.used + s.layers};
}

/// `fill_kv`: everything, (r + 1) l, but not before the answer.
LAGOM_LEAF constexpr layer_work fill_work(const skipped_run& s) noexcept { return full_depth_work(s); }

}  // namespace cost
}  // namespace v0
}  // namespace lagom
