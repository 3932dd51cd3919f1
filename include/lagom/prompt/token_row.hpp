// SPDX-License-Identifier: MIT
/// @file prompt/token_row.hpp
/// A prompt as tokens and labels, and what may be wrong with it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "../core/tokenizer.hpp"
#include "spans.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Whether a row is fit for training, and if not, why: the first that holds of the reasons in their order.
enum class row_verdict : std::uint8_t {
  ok,
  unaligned,   ///< the tokenizer could not say where in the text its tokens lie
  empty,       ///< no token
  injected,    ///< text of a user spells a control token, which became one
  straddled,   ///< a token covers trained and untrained bytes, and that is an error
  all_masked,  ///< no token is trained
  no_end,      ///< the last trained token is not the end token
};
[[nodiscard]] constexpr std::array<std::string_view, 7> names_of(row_verdict) noexcept {
  return {"ok", "unaligned", "empty", "injected", "straddled", "all_masked", "no_end"};
}

/// How labels are written.
struct label_options {
  token_id ignore = -100;     ///< label of a token without loss; what PyTorch's cross-entropy leaves out
  token_id begin = no_token;  ///< put before a row that does not begin with it, without loss
  token_id end = no_token;    ///< what has to be the last trained token; `no_token`: anything
};

/// A token over trained and untrained bytes.
struct straddler {
  std::size_t token = 0;  ///< index in the row
  span bytes;             ///< empty for one that covers nothing and lies between the two
  friend constexpr bool operator==(const straddler&, const straddler&) = default;
};

/// Tokens and labels of one prompt. The caller keeps it from row to row: then no row allocates.
struct token_row {
  std::vector<token_id> ids, labels;  ///< of one size; a label is the id itself, or `ignore`
  std::vector<straddler> straddlers;
  std::size_t trained = 0;    ///< tokens with a label
  std::size_t uncovered = 0;  ///< trained bytes under no token; for `isolated`, of runs that gave none at all
  std::size_t injected = 0;   ///< control tokens that text of a user spells

  std::string text;                              ///< room: the text that was tokenised last
  std::vector<span> trained_runs, content_runs;  ///< room: where they lie in it
  std::vector<bool> under;                       ///< room: bytes under a token

  void clear() noexcept {
    ids.clear();
    labels.clear();
    straddlers.clear();
    trained = uncovered = injected = 0;
    text.clear();
    trained_runs.clear();
    content_runs.clear();
  }
  /// Appends a token.
  void push(token_id id, bool is_trained, const label_options& options) {
    ids.push_back(id);
    labels.push_back(is_trained ? id : options.ignore);
    trained += is_trained ? 1u : 0u;
  }
  /// Puts `options.begin` before the row, if it is not there. Call it last.
  void put_begin(const label_options& options) {
    if (options.begin == no_token || (!ids.empty() && ids.front() == options.begin)) return;
    ids.insert(ids.begin(), options.begin);
    labels.insert(labels.begin(), options.ignore);
    for (straddler& s : straddlers) ++s.token;
  }
};

/// What the tokens and labels of a row say about it: `ok`, `empty`, `injected`, `all_masked` or `no_end`.
[[nodiscard]] inline row_verdict verdict_of(const token_row& row, const label_options& options) noexcept {
  if (row.ids.empty()) return row_verdict::empty;
  if (row.injected > 0) return row_verdict::injected;
  if (row.trained == 0) return row_verdict::all_masked;
  if (options.end == no_token) return row_verdict::ok;
  std::size_t last = row.labels.size();
  while (last > 0 && row.labels[last - 1] == options.ignore) --last;
  return last > 0 && row.labels[last - 1] == options.end ? row_verdict::ok : row_verdict::no_end;
}

/// Keeps the first `limit` tokens: PLUG's way with long rows (arXiv 2311.08711, released code), which takes the end
/// token and the answer first. What is left may be `all_masked` or `no_end`.
inline row_verdict right_cut(token_row& row, std::size_t limit, const label_options& options) {
  for (std::size_t i = limit; i < row.labels.size(); ++i)
    row.trained -= row.labels[i] != options.ignore ? 1u : 0u;
  if (limit < row.ids.size()) {
    row.ids.resize(limit);
    row.labels.resize(limit);
    while (!row.straddlers.empty() && row.straddlers.back().token >= limit) row.straddlers.pop_back();
  }
  return verdict_of(row, options);
}

namespace detail {
struct offset_sink {
  void operator()(token_id, std::size_t, std::size_t) const noexcept {}
};
/// Bytes of `s` in the spans `runs`, of which those before `from` end at or before it; moves `from` on, or back.
[[nodiscard]] inline std::size_t bytes_in(span s, const std::vector<span>& runs, std::size_t& from) noexcept {
  while (from > 0 && runs[from - 1].end > s.begin) --from;
  while (from < runs.size() && runs[from].end <= s.begin) ++from;
  std::size_t sum = 0;
  for (std::size_t i = from; i < runs.size() && runs[i].begin < s.end; ++i) {
    sum += (runs[i].end < s.end ? runs[i].end : s.end) - (runs[i].begin > s.begin ? runs[i].begin : s.begin);
  }
  return sum;
}
}  // namespace detail

/// What masks ask of a tokenizer: `encode(text, sink)` calls `sink(token)` for every token of a text.
/// It may also have
/// - `encode_plain(text, sink)`, the same, but never giving a control token;
/// - `is_control(token)`.
template <class T>
concept row_tokenizer =
    requires(T& t, std::string_view text, lagom::detail::token_sink sink) { t.encode(text, sink); };

/// A tokenizer that says where its tokens lie: `encode_offsets(text, sink)` calls `sink(token, begin, end)` for every
/// token, in order, with the bytes of the text that it stands for. Gives false when it cannot say.
template <class T>
concept offset_tokenizer = requires(T& t, std::string_view text, detail::offset_sink sink) {
  { t.encode_offsets(text, sink) } -> std::same_as<bool>;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
