// SPDX-License-Identifier: MIT
// What people read (tables) and what machines read (JSON).
#pragma once

#include <fmt/core.h>
#include <fmt/format.h>
#include <lagom/cost/vocabulary_plan.hpp>
#include <lagom/io/atomic_file.hpp>
#include <map>

#include "change.hpp"
#include "held_out_loss.hpp"
#include "initializers.hpp"
#include "new_rows.hpp"

namespace expand_vocabulary {

// 12,345: thousands apart.
[[nodiscard]] inline std::string grouped(std::uint64_t n) {
  const std::string digits = std::to_string(n);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

// 1.5 MB
[[nodiscard]] inline std::string size_text(double bytes) {
  constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t u = 0;
  for (; bytes >= 1000 && u + 1 < std::size(units); ++u) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, u == 0 ? 0 : 1, units[u]);
}

// A text under the source and under the target tokenizer.
inline void print_tokens(const char* what, const lagom::vocab::cut_changes& t) {
  fmt::print("{:<15}  {:>9}  {:>8.4f} {:>8.4f}  {:>8.4f} {:>8.4f}  {:>7.1f} {:>7.1f}  {:>7.2f}\n", what,
             grouped(t.lines()), t.before.character(), t.after.character(), t.before.byte(), t.after.byte(),
             t.before.line(), t.after.line(), 100 * t.recut_share());
}

inline void print_tokens_head() {
  fmt::print("\n{:<15}  {:>9}  {:^17}  {:^17}  {:^15}  {:>7}\n", "text", "lines", "tokens/character",
             "tokens/byte", "tokens/line", "recut");
  fmt::print("{:<15}  {:>9}  {:>8} {:>8}  {:>8} {:>8}  {:>7} {:>7}  {:>7}\n", "", "", "source", "target",
             "source", "target", "source", "target", "% lines");
}

[[nodiscard]] inline std::string_view name(lagom::cost::vocabulary_reason why) {
  using enum lagom::cost::vocabulary_reason;
  return why == advice         ? "more would still pay, but quality falls with k"
         : why == stops_paying ? "the next token saves less than its row costs to stream"
         : why == ran_out      ? "all that the corpus gives pay, and there are no more"
                               : "not even the first token pays";
}

inline void print_plan(const std::vector<lagom::cost::vocabulary_point>& curve,
                       const lagom::cost::vocabulary_recommendation& best) {
  fmt::print("\n{:>7}  {:>13}  {:>10}  {:>10}  {:>8}  {:>10}  {:>10}\n", "new", "corpus tokens", "more text",
             "less time", "decoding", "rows", "KV saved");
  for (const auto& p : curve) {
    fmt::print("{:>7}  {:>13}  {:>9.1f}%  {:>9.1f}%  {:>7.2f}x  {:>10}  {:>10}\n", p.tokens,
               grouped(p.target_tokens), p.more_text_percent, p.less_time_percent, p.decode_speedup,
               size_text(p.row_bytes), size_text(p.kv_bytes_saved));
  }
  fmt::print("recommended: {} tokens ({})\n", best.tokens, name(best.reason));
}

// One initializer, applied and measured.
struct measured {
  std::string label;
  lagom::embed::plan plan;  // empty for the source itself
  text_loss loss;
};

inline void print_losses(const std::vector<measured>& rows) {
  fmt::print("\n{:<24}  {:>10}  {:>11}  {:>13}  {:>12}\n", "rows", "nats/byte", "tokens/line",
             "mass on new %", "backed off");
  for (const measured& m : rows) {
    std::size_t backed_off = 0;
    for (std::size_t r = 0; r < m.plan.rows(); ++r) {
      if (m.plan.reason(r) != lagom::embed::reason::none) ++backed_off;
    }
    const auto tokens = static_cast<double>(std::max<std::uint64_t>(1, m.loss.tokens));
    fmt::print("{:<24}  {:>10.4f}  {:>11.2f}  {:>13.2f}  {:>12}\n", m.label, m.loss.per_byte(),
               m.loss.tokens_per_line(), 100 * m.loss.new_mass / tokens,
               m.plan.empty() ? "" : std::to_string(backed_off));
  }
}

// What is wrong with the planned rows of the input embedding, if anything, and how they lie beside the source's.
inline void print_rows(const lagom::io::tensor_view& source, const lagom::embed::plan& plan) {
  if (plan.empty()) return;
  auto made = detail::made_rows(source, plan);
  if (!made) return;
  const auto cols = static_cast<lagom::index_t>(source.shape[1]);
  const auto look = [&]<class T>(T) {
    const auto at = source.in_place<T>();
    if (!at) return;  // a file that does not align its tensors
    const auto report = lagom::embed::inspect(
        plan, lagom::mat_view<const T>(at->data(), static_cast<lagom::index_t>(source.shape[0]), cols),
        lagom::mat_view<const T>(reinterpret_cast<const T*>(made->data()),
                                 static_cast<lagom::index_t>(plan.rows()), cols));
    fmt::print(
        "\n{} rows made: {} not finite, {} zero, {} doubles, {} of unusual norm; variability {:.4f} (source "
        "{:.4f})\n",
        grouped(plan.rows()), report.not_finite.size(), report.zero.size(), report.doubles.size(),
        report.outliers.size(), report.variability, report.source_variability);
  };
  using enum lagom::io::dtype;
  if (source.type == f32) look(float{});
  if (source.type == f64) look(double{});
  if (source.type == f16) look(lagom::f16{});
  if (source.type == bf16) look(lagom::bf16{});
  std::map<std::string_view, std::size_t> made_by;
  for (std::size_t r = 0; r < plan.rows(); ++r) ++made_by[lagom::embed::name(plan.made_by(r))];
  for (const auto& [method, n] : made_by) fmt::print("  {} by {}\n", grouped(n), method);
}

[[nodiscard]] inline lagom::io::json to_json(const lagom::vocab::cut_changes& t) {
  return {{"lines", t.lines()},
          {"recut_lines", t.recut},
          {"bytes", t.before.of.bytes},
          {"characters", t.before.of.characters},
          {"source_tokens", t.before.tokens},
          {"target_tokens", t.after.tokens}};
}

[[nodiscard]] inline lagom::io::json to_json(const lagom::cost::vocabulary_point& p) {
  return {{"tokens", p.tokens},
          {"target_tokens", p.target_tokens},
          {"more_text_percent", p.more_text_percent},
          {"less_time_percent", p.less_time_percent},
          {"decode_speedup", p.decode_speedup},
          {"row_bytes", p.row_bytes},
          {"kv_bytes_saved", p.kv_bytes_saved}};
}

[[nodiscard]] inline lagom::io::json to_json(const measured& m) {
  lagom::io::json out = {
      {"rows", m.label},
      {"nats_per_byte", m.loss.per_byte()},
      {"tokens_per_line", m.loss.tokens_per_line()},
      {"lines", m.loss.lines},
      {"bytes", m.loss.bytes},
      {"tokens", m.loss.tokens},
      {"mass_on_new", m.loss.tokens > 0 ? m.loss.new_mass / static_cast<double>(m.loss.tokens) : 0}};
  if (!m.plan.empty()) {
    std::map<std::string, std::size_t> made_by, reasons;
    for (std::size_t r = 0; r < m.plan.rows(); ++r) {
      ++made_by[std::string(lagom::embed::name(m.plan.made_by(r)))];
      lagom::embed::for_each_reason(m.plan.reason(r), [&](lagom::embed::reason one) {
        ++reasons[std::string(lagom::embed::name(one))];
      });
    }
    out["made_by"] = made_by;
    out["reasons"] = reasons;
  }
  return out;
}

}  // namespace expand_vocabulary
