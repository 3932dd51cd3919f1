// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <fmt/format.h>

namespace expand_vocabulary {

namespace embed = lagom::embed;

std::string grouped(std::uint64_t n) {
  const std::string digits = std::to_string(n);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string size_text(double bytes) {
  constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t u = 0;
  for (; bytes >= 1000 && u + 1 < std::size(units); ++u) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, u == 0 ? 0 : 1, units[u]);
}

void print_tokens(const char* what, const lagom::vocab::cut_changes& t) {
  fmt::print("{:<15}  {:>9}  {:>8.4f} {:>8.4f}  {:>8.4f} {:>8.4f}  {:>7.1f} {:>7.1f}  {:>7.2f}\n", what,
             grouped(t.lines()), t.before.character(), t.after.character(), t.before.byte(), t.after.byte(),
             t.before.line(), t.after.line(), 100 * t.recut_share());
}

void print_tokens_head() {
  fmt::print("\n{:<15}  {:>9}  {:^17}  {:^17}  {:^15}  {:>7}\n", "text", "lines", "tokens/character",
             "tokens/byte", "tokens/line", "recut");
  fmt::print("{:<15}  {:>9}  {:>8} {:>8}  {:>8} {:>8}  {:>7} {:>7}  {:>7}\n", "", "", "source", "target",
             "source", "target", "source", "target", "% lines");
}

namespace {

std::string_view sentence(lagom::cost::vocabulary_reason why) {
  using enum lagom::cost::vocabulary_reason;
  return why == advice         ? "more would still pay, but quality falls with k"
         : why == stops_paying ? "the next token saves less than its row costs to stream"
         : why == ran_out      ? "all that the corpus gives pay, and there are no more"
                               : "not even the first token pays";
}

}  // namespace

plan_counts::plan_counts(const embed::plan& plan) : plan_summary(embed::summary_of(plan)) {
  for (std::size_t r = 0; r < plan.rows(); ++r) {
    if (plan.reason(r) != embed::reason::none) ++backed_off;
  }
}

void print_plan(const size_plan& plan) {
  fmt::print("\n{:>7}  {:>13}  {:>10}  {:>10}  {:>8}  {:>10}  {:>10}\n", "new", "corpus tokens", "more text",
             "less time", "decoding", "rows", "KV saved");
  for (const auto& p : plan.curve) {
    fmt::print("{:>7}  {:>13}  {:>9.1f}%  {:>9.1f}%  {:>7.2f}x  {:>10}  {:>10}\n", p.tokens,
               grouped(p.target_tokens), p.more_text_percent, p.less_time_percent, p.decode_speedup,
               size_text(p.row_bytes), size_text(p.kv_bytes_saved));
  }
  fmt::print("recommended: {} tokens ({})\n", plan.best.tokens, sentence(plan.best.reason));
}

void print_losses(const std::vector<measured>& rows) {
  std::size_t width = 24;
  for (const measured& m : rows) width = std::max(width, m.label.size());
  fmt::print("\n{:<{}}  {:>10}  {:>11}  {:>13}  {:>12}\n", "rows", width, "nats/byte", "tokens/line",
             "mass on new %", "backed off");
  for (const measured& m : rows) {
    fmt::print("{:<{}}  {:>10.4f}  {:>11.2f}  {:>13}  {:>12}\n", m.label, width, m.loss.per_byte(),
               m.loss.tokens_per_line(),
               m.plan.rows == 0 ? "" : fmt::format("{:.2f}", 100 * m.loss.mass_on_new()),
               m.plan.rows == 0 ? "" : std::to_string(m.plan.backed_off));
  }
}

void print_rows(const char* matrix, const matrix_rows& rows, const plan_counts& plan,
                const row_findings& found) {
  fmt::print(
      "\n{}: {} rows, {} copied, {} made: {} not finite, {} zero, {} doubles, {} of unusual norm; "
      "variability\n{:.4f} (source {:.4f}), median norm {:.4f} (source {:.4f})\n",
      matrix, grouped(rows.from.size()), grouped(rows.count(row_kind::copied)), grouped(found.rows),
      found.not_finite, found.zero, found.doubles, found.outliers, found.variability,
      found.source_variability, found.median_norm, found.source_median_norm);
  for (unsigned m = 0; m < embed::method_count; ++m) {
    const auto method = static_cast<embed::method>(m);
    const std::size_t n = plan.made_by(method);
    if (n > 0) fmt::print("  {} by {}\n", grouped(n), embed::name(method));
  }
  if (const std::size_t padding = rows.count(row_kind::padding); padding > 0) {
    fmt::print("  {} of padding, which are no tokens: the mean row\n", grouped(padding));
  }
}

void print_written(const std::string& directory, const lagom::io::edit_report& report) {
  fmt::print("\nwrote {} ({} copied, {} written)\n", directory,
             size_text(static_cast<double>(report.bytes.copied)),
             size_text(static_cast<double>(report.bytes.written)));
  for (const auto& t : report.tensors) {
    fmt::print("  {} in {}: {} rows before, {} after, {} made\n", t.tensor, t.file, t.rows_before,
               t.rows_after, t.rows_made);
  }
  for (const auto& f : report.files) {
    if (f.action == lagom::io::file_action::copied) continue;
    const bool edited = f.action == lagom::io::file_action::edited;
    fmt::print("  {} {}{}{}\n", f.name, edited ? "edited" : "left out", f.why.empty() ? "" : ": ", f.why);
  }
  for (const std::string& note : report.notes) fmt::print("  note: {}\n", note);
}

}  // namespace expand_vocabulary
