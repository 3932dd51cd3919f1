// SPDX-License-Identifier: MIT
#include "row_writer.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace pivot_data {

namespace lp = lagom::prompt;
using row_json = nlohmann::ordered_json;

std::string_view name_of_role(lp::role r) noexcept {
  switch (r) {
    case lp::role::system:
      return "system";
    case lp::role::user:
      return "user";
    case lp::role::assistant:
      return "assistant";
    case lp::role::none:
      break;
  }
  return "none";
}

namespace {

[[nodiscard]] row_json json_of(const segment_list& pieces) {
  row_json out = row_json::array();
  lp::for_each_span(pieces, [&](lp::span at, const lp::segment& s) {
    row_json one = {{"begin", at.begin}, {"end", at.end}, {"role", name_of_role(s.role)}};
    if (!s.section.empty()) one["section"] = s.section;
    if (!s.language.empty()) one["language"] = s.language;
    one["trained"] = s.trained;
    one["origin"] = s.origin == lp::origin::content ? "content" : "literal";
    out.push_back(std::move(one));
  });
  return out;
}

[[nodiscard]] lp::straddle straddle_of(const std::string& name) {
  return name == "train" ? lp::straddle::train : name == "error" ? lp::straddle::error : lp::straddle::mask;
}

}  // namespace

row_writer::row_writer(const row_options& o, std::string end_text, complaints& complain)
    : sink_(o.out),
      complain_(complain),
      limit_(o.max_tokens == 0 ? std::numeric_limits<std::size_t>::max() : o.max_tokens),
      asks_(o.asks) {
  if (o.tokenizer.empty()) return;
  tokenizer_ = std::make_unique<tokens>(o.tokenizer);
  counter_.tokenizer = tokenizer_.get();
  mask_.joint = o.mask == "joint";
  mask_.at_seam = straddle_of(o.straddle);
  if (!o.begin.empty()) {
    const auto id = tokenizer_->only_token(o.begin);
    if (!id) stop({.code = lagom::errc::unknown_token, .file = o.tokenizer, .key = "--begin " + o.begin});
    mask_.labels.begin = *id;
  }
  if (end_text.empty() || o.asks) return;
  if (const auto id = tokenizer_->only_token(end_text)) {
    mask_.labels.end = *id;
  } else if (!o.end.empty()) {
    stop({.code = lagom::errc::unknown_token, .file = o.tokenizer, .key = "--end " + o.end});
  } else {
    unknown_end_ = true;
  }
}

void row_writer::lose(row_loss why, const std::string& sentence) {
  account_.lose(why);
  complain_(sentence);
}

void row_writer::write(std::string_view id, std::string_view kind, const segment_list& pieces) {
  row_json row = {{"id", id}, {"kind", kind}, {"text", lp::text_of(pieces)}, {"segments", json_of(pieces)}};
  row_json& trained = row["trained"] = row_json::array();
  lp::for_each_trained(pieces, [&](lp::span s) { trained.push_back({s.begin, s.end}); });
  if (tokenizer_) {
    const lp::row_verdict verdict = tokenizer_->mask(pieces, mask_, row_);
    const bool untrained = verdict == lp::row_verdict::all_masked || verdict == lp::row_verdict::no_end;
    const auto refuse = [&](row_loss why) {
      lose(why, fmt::format("row {} {}: {}", id, kind, lp::name_of(why)));
    };
    if (verdict != lp::row_verdict::ok && !(asks_ && untrained)) {
      return refuse(static_cast<row_loss>(static_cast<int>(row_loss::unaligned) + static_cast<int>(verdict) -
                                          static_cast<int>(lp::row_verdict::unaligned)));
    }
    if (row_.ids.size() > limit_) return refuse(row_loss::over_budget);
    row["ids"] = row_.ids;
    row["labels"] = row_.labels;
    token_count_ += row_.ids.size();
    trained_tokens_ += row_.trained;
    straddlers_ += row_.straddlers.size();
  }
  const lp::prompt_size size = lp::size_of(pieces);
  bytes_ += size.bytes;
  trained_bytes_ += size.trained;
  account_.gave();
  sink_.write(row.dump());
}

account row_writer::counted() const {
  account out = account_of("rows", account_);
  const auto note = [&](const char* what, std::uint64_t n, bool always) {
    if (always || n > 0) out.notes.emplace_back(what, n);
  };
  note("shortened", shortened_, false);
  note("texts escaped or left out", changed_, false);
  note("bytes", bytes_, true);
  note("trained bytes", trained_bytes_, true);
  if (tokenizer_) {
    note("tokens", token_count_, true);
    note("trained tokens", trained_tokens_, true);
    note("straddling tokens", straddlers_, false);
    note("rows whose end is no token of the tokenizer", unknown_end_ ? account_.out : 0, false);
  }
  return out;
}

}  // namespace pivot_data
