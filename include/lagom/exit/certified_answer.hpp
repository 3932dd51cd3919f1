// SPDX-License-Identifier: MIT
/// @file exit/certified_answer.hpp
/// A head for a policy that mostly reads prepared rows in its place.
#pragma once

#include "../kernel/certified_probe.hpp"
#include "../stop/monotone.hpp"
#include "exit_policy.hpp"

namespace lagom {
inline namespace v0 {

/// Stands where an engine shows a layer its head: the policy stops where it would have stopped, with the same token, at
/// half the bytes of the head or less.
///
/// ```cpp
/// auto prepared = lagom::prepare_head(backend, rows, {.code = lagom::row_code::int8});   // once
/// lagom::certified_workspace work{backend, prepared->view()};                            // once a thread
/// lagom::certified_answer cheap{policy, head, prepared->view(), work};
/// ...
/// if (run.observe({.layer = l, .hidden = {x, dim}}, cheap)) break;                       // was: head
/// ```
/// The statistics it gives have the token, and a gap and top_prob on which the policy decides alike: lower bounds of the
/// full head's, which may be loose. `work.account` says what was read. With int8 rows every decision is exact; with the others
/// each is wrong with probability at most `options.delta`.
///
/// Reads the policy's signals and rule: functions of gap and top_prob, and a `monotone_rule`. Must not outlive what it is made
/// from. No allocation.
template <class Policy, head_view Head, executor E = seq>
class certified_answer {
  static_assert(grows_with_certainty<typename Policy::features_type>,
                "certified_answer: the policy's signals must be gap and top_prob; others need the full head");
  static_assert(monotone_rule<typename Policy::rule_type>,
                "certified_answer: the policy's rule must be a monotone_rule; others need the full head");

 public:
  certified_answer(const Policy& policy, const Head& head, const prepared_rows& rows,
                   certified_workspace& work, const certified_options& options = {},
                   const E& run = {}) noexcept
      : policy_(&policy), head_(head), rows_(rows), work_(&work), options_(options), run_(run) {
    options_.fall_back = true;  // a last layer without an answer would be none
  }

  template <scalar T>
  [[nodiscard]] auto operator()(vec_view<const T> hidden) const noexcept {
    const monotone_decision decide{policy_->features, policy_->rule};
    return certified_probe(policy_->backend, hidden, head_, rows_, *work_, decide, options_, run_).low;
  }

 private:
  const Policy* policy_;
  Head head_;
  prepared_rows rows_;
  certified_workspace* work_;
  certified_options options_;
  [[no_unique_address]] E run_;
};

}  // namespace v0
}  // namespace lagom
