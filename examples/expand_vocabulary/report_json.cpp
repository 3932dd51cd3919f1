// SPDX-License-Identifier: MIT
#include "report.hpp"

namespace expand_vocabulary {

namespace embed = lagom::embed;
using lagom::io::json;

namespace {

// Doubles that count are whole numbers.
std::uint64_t whole(double x) { return static_cast<std::uint64_t>(x + 0.5); }

void add_summary(json& out, const embed::plan_summary& plan) {
  json made_by = json::object(), reasons = json::object();
  for (unsigned m = 0; m < embed::method_count; ++m) {
    if (plan.methods[m] > 0)
      made_by[std::string(embed::name(static_cast<embed::method>(m)))] = plan.methods[m];
  }
  for (unsigned bit = 0; bit < embed::reason_bits; ++bit) {
    if (plan.reasons[bit] > 0)
      reasons[std::string(embed::name(static_cast<embed::reason>(1u << bit)))] = plan.reasons[bit];
  }
  out["made_by"] = std::move(made_by);
  out["reasons"] = std::move(reasons);
}

}  // namespace

json to_json(const lagom::vocab::cut_changes& t) {
  return {{"lines", t.lines()},
          {"recut_lines", t.recut},
          {"bytes", t.before.of.bytes},
          {"characters", t.before.of.characters},
          {"source_tokens", t.before.tokens},
          {"target_tokens", t.after.tokens}};
}

json to_json(const lagom::cost::vocabulary_point& p) {
  return {{"tokens", p.tokens},
          {"target_tokens", p.target_tokens},
          {"more_text_percent", p.more_text_percent},
          {"less_time_percent", p.less_time_percent},
          {"decode_speedup", p.decode_speedup},
          {"row_bytes", whole(p.row_bytes)},
          {"kv_bytes_saved", whole(p.kv_bytes_saved)}};
}

json to_json(const lagom::cost::vocabulary_recommendation& best) {
  constexpr const char* reasons[] = {"advice", "stops_paying", "ran_out", "nothing"};
  return {{"tokens", best.tokens},
          {"reason", reasons[static_cast<std::size_t>(best.reason)]},
          {"paying", best.paying}};
}

json to_json(const measured& m) {
  json out = {{"rows", m.label},
              {"nats_per_byte", m.loss.per_byte()},
              {"tokens_per_line", m.loss.tokens_per_line()},
              {"lines", m.loss.lines},
              {"bytes", m.loss.bytes},
              {"tokens", m.loss.tokens},
              {"mass_on_new", m.loss.mass_on_new()}};
  if (m.plan.rows > 0) {
    out["backed_off"] = m.plan.backed_off;
    add_summary(out, m.plan);
  }
  return out;
}

json to_json(const matrix_rows& rows, const plan_counts& plan, const row_findings& found) {
  json out = {{"rows", rows.from.size()},
              {"copied", rows.count(row_kind::copied)},
              {"made", found.rows},
              {"padding", rows.count(row_kind::padding)},
              {"not_finite", found.not_finite},
              {"zero", found.zero},
              {"doubles", found.doubles},
              {"norm_outliers", found.outliers},
              {"variability", found.variability},
              {"source_variability", found.source_variability},
              {"median_norm", found.median_norm},
              {"source_median_norm", found.source_median_norm}};
  add_summary(out, plan);
  return out;
}

json to_json(const lagom::io::edit_report& report) {
  json tensors = json::array(), files = json::array();
  for (const auto& t : report.tensors) {
    tensors.push_back({{"tensor", t.tensor},
                       {"file", t.file},
                       {"rows_before", t.rows_before},
                       {"rows_after", t.rows_after},
                       {"rows_made", t.rows_made}});
  }
  for (const auto& f : report.files) {
    constexpr const char* actions[] = {"copied", "edited", "left_out"};
    files.push_back({{"name", f.name}, {"action", actions[static_cast<std::size_t>(f.action)]}});
    if (!f.why.empty()) files.back()["why"] = f.why;
  }
  return {{"tensors", std::move(tensors)},
          {"files", std::move(files)},
          {"notes", report.notes},
          {"bytes_copied", report.bytes.copied},
          {"bytes_written", report.bytes.written}};
}

json new_tokens_to_json(const changed_vocabulary& changed) {
  json out = json::array();
  for (std::size_t i = 0; i < changed.tokens.size(); ++i) {
    const lagom::vocab::new_token& t = changed.tokens[i];
    json pieces = json::array();
    for (const auto piece : changed.change.pieces[i]) pieces.push_back(static_cast<lagom::token_id>(piece));
    out.push_back({{"id", t.id},
                   {"text", changed.tokenizer->content_of(t.id)},
                   {"gain", t.saved()},
                   {"count", t.count},
                   {"pieces", std::move(pieces)},
                   {"reachable", t.reachable},
                   {"intermediate", t.intermediate}});
  }
  return out;
}

}  // namespace expand_vocabulary
