// SPDX-License-Identifier: MIT
/// @file vocab/trim.hpp
/// Models with fewer tokens, and what that does to a corpus.
#pragma once

#include "merge_trace.hpp"
#include "ratio.hpp"
#include "token_counts.hpp"
#include "trim_plan.hpp"
#include "unigram.hpp"
#include "wordpiece.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

inline result<token_table> trimmed_tokens(const token_table& tokens, const trim_plan& plan) {
  token_table out;
  for (std::size_t i = 0; i < plan.kept.size(); ++i) {
    if (!tokens.contains(plan.kept[i])) continue;
    if (auto ok = out.add(static_cast<token_id>(i), tokens[plan.kept[i]]); !ok) return ok.error();
  }
  return out;
}

}  // namespace detail

/// The merges among kept tokens, in their order, with new ids.
[[nodiscard]] inline std::vector<merge> trimmed_merges(std::span<const merge> merges, const trim_plan& plan) {
  std::vector<merge> out;
  for (const merge& m : merges) {
    const merge now{plan(m.left), plan(m.right), plan(m.result)};
    if (now.left != no_token && now.right != no_token && now.result != no_token) out.push_back(now);
  }
  return out;
}

/// The model with the kept tokens, and exactly the merges among them. Fails with `unknown_token` where `unk` is not
/// kept.
inline result<bpe> trim(const bpe& model, const trim_plan& plan) {
  auto tokens = detail::trimmed_tokens(model.tokens(), plan);
  if (!tokens) return tokens.error();
  bpe_options options = model.options();
  if (options.unk != no_token && plan(options.unk) == no_token) {
    return failure{.code = errc::unknown_token, .key = "unk"};
  }
  options.unk = plan(options.unk);
  return bpe::make(std::move(*tokens), trimmed_merges(model.merges(), plan), std::move(options));
}

/// @overload
inline result<wordpiece> trim(const wordpiece& model, const trim_plan& plan) {
  auto tokens = detail::trimmed_tokens(model.tokens(), plan);
  if (!tokens) return tokens.error();
  wordpiece_options options = model.options();
  if (options.unk != no_token && plan(options.unk) == no_token) {
    return failure{.code = errc::unknown_token, .key = "unk"};
  }
  options.unk = plan(options.unk);
  return wordpiece::make(std::move(*tokens), std::move(options));
}

/// @overload The score of unknown characters is 10 less than the least score that is left, unless the model has
/// one of its own.
inline result<unigram> trim(const unigram& model, const trim_plan& plan) {
  std::vector<unigram_piece> pieces;
  for (const token_id old : plan.kept) {
    if (!model.contains(old)) return failure{.code = errc::unknown_token, .key = "kept ids"};
    const std::string_view text = model.bytes_of(old);
    pieces.push_back({text, model.score_of(old), model.find(text) == old});
  }
  unigram_options options = model.options();
  if (options.unk != no_token && plan(options.unk) == no_token) {
    return failure{.code = errc::unknown_token, .key = "unk"};
  }
  options.unk = plan(options.unk);
  return unigram::make(pieces, options);
}

/// A corpus before and after trimming. Pieces are occurrences of pre-tokens.
struct trim_report {
  std::uint64_t rows_before = 0, rows_after = 0;
  std::uint64_t pieces = 0, changed = 0;  ///< pieces that are cut into other tokens than before
  tokens_per before{}, after{};           ///< without added tokens in the corpus
  std::uint64_t unk_before = 0, unk_after = 0;
  std::uint64_t unused = 0;  ///< kept tokens that the corpus is not cut into

  /// Share of the rows that go, and of the pieces that are changed; 0 of nothing.
  [[nodiscard]] double rows_saved() const noexcept { return ratio(rows_before - rows_after, rows_before); }
  [[nodiscard]] double changed_share() const noexcept { return ratio(changed, pieces); }
  /// Unknown tokens divided by all tokens.
  [[nodiscard]] double unk_rate_before() const noexcept { return ratio(unk_before, before.tokens); }
  [[nodiscard]] double unk_rate_after() const noexcept { return ratio(unk_after, after.tokens); }
};

/// Encodes each distinct pre-token of a corpus by both models; `unk` is an old id.
template <tokenizer Full, tokenizer Trimmed>
[[nodiscard]] trim_report compare(const Full& full, const Trimmed& trimmed, const trim_plan& plan,
                                  const corpus_counts& corpus, token_id unk = no_token) {
  trim_report out{.rows_before = plan.rows_before(), .rows_after = plan.rows_after()};
  out.before.of = out.after.of = corpus.size();
  std::vector<bool> used(plan.rows_after());
  std::vector<token_id> old_ids, new_ids;
  corpus.pre_tokens().for_each_unordered([&](std::string_view piece, std::uint64_t count) {
    old_ids.clear();
    new_ids.clear();
    detail::encode_piece(full, piece, [&](token_id t) {
      out.unk_before += unk != no_token && t == unk ? count : 0;
      old_ids.push_back(plan(t));
    });
    detail::encode_piece(trimmed, piece, [&](token_id t) {
      out.unk_after += unk != no_token && t == plan(unk) ? count : 0;
      new_ids.push_back(t);
      if (t >= 0 && static_cast<std::size_t>(t) < used.size()) used[static_cast<std::size_t>(t)] = true;
    });
    out.pieces += count;
    out.changed += old_ids == new_ids ? 0 : count;
    out.before.tokens += count * old_ids.size();
    out.after.tokens += count * new_ids.size();
  });
  out.unused = static_cast<std::uint64_t>(std::count(used.begin(), used.end(), false));
  return out;
}

/// The tokens that a model has and never makes, of those of `among`: merges do not reach them, and they are no
/// units. `unk` and added tokens are not made either: leave them out of `among`.
[[nodiscard]] inline std::vector<token_id> unreachable(const bpe& model, const token_set& among) {
  const bpe_ancestry ancestry(model);
  std::vector<token_id> out;
  among.for_each([&](token_id t) {
    if (model.tokens().contains(t) && !ancestry.reaches(t)) out.push_back(t);
  });
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
