// SPDX-License-Identifier: MIT
// What people read (tables) and what machines read (JSON).
#pragma once

#include <fmt/core.h>

#include <lagom/embed/summary.hpp>
#include <lagom/io/edit_report.hpp>
#include <lagom/io/json.hpp>
#include <lagom/vocab/cut_changes.hpp>

#include "change.hpp"
#include "loss_meter.hpp"

namespace expand_vocabulary {

// 12,345: thousands apart.
[[nodiscard]] std::string grouped(std::uint64_t n);
// 1.5 MB
[[nodiscard]] std::string size_text(double bytes);

// A text under the source and under the target tokenizer.
void print_tokens_head();
void print_tokens(const char* what, const lagom::vocab::cut_changes& t);
[[nodiscard]] lagom::io::json to_json(const lagom::vocab::cut_changes& t);

void print_plan(const size_plan& plan);
[[nodiscard]] lagom::io::json to_json(const lagom::cost::vocabulary_point& p);
[[nodiscard]] lagom::io::json to_json(const lagom::cost::vocabulary_recommendation& best);

// A plan in counts.
struct plan_counts : lagom::embed::plan_summary {
  std::size_t backed_off = 0;  // rows that the method asked for did not make

  plan_counts() = default;
  explicit plan_counts(const lagom::embed::plan& plan);
};

// One initializer, applied and measured.
struct measured {
  std::string label;
  plan_counts plan;  // of no rows for the source itself
  text_loss loss;
};
void print_losses(const std::vector<measured>& rows);
[[nodiscard]] lagom::io::json to_json(const measured& m);

// The rows of one matrix: who made them, and what is to be known of them.
void print_rows(const char* matrix, const matrix_rows& rows, const plan_counts& plan,
                const row_findings& found);
[[nodiscard]] lagom::io::json to_json(const matrix_rows& rows, const plan_counts& plan,
                                      const row_findings& found);

void print_written(const std::string& directory, const lagom::io::edit_report& report);
[[nodiscard]] lagom::io::json to_json(const lagom::io::edit_report& report);

// The new tokens of an expansion, with the source tokens that each is made of.
[[nodiscard]] lagom::io::json new_tokens_to_json(const changed_vocabulary& changed);

}  // namespace expand_vocabulary
