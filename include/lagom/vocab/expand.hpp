// SPDX-License-Identifier: MIT
/// @file vocab/expand.hpp
/// New tokens for a BPE vocabulary: chosen on a corpus, placed after the old ones.
#pragma once

#include <span>

#include "expanded.hpp"
#include "wordpiece.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// How to expand.
struct expand_options : continue_options {
  /// Where spaces are spelled "▁", a token holds it at its front or not at all, as SentencePiece has it.
  bool keep_words = true;
  bool digits_apart = false;   ///< a decimal digit merges with nothing new
  bool scripts_apart = false;  ///< characters of two scripts do not meet in a new token (see `pair_rule`)
};

/// Expands a vocabulary by continued BPE, the merges appended: the target's tokens are whole runs of the
/// source's, old tokens keep their rows and their meaning, and every new token is reachable. See
/// `continue_bpe` for the order of the tokens, what is passed over, the costs and the errors.
///
/// ```cpp
/// auto more = lagom::vocab::expand(*tokenizer.bpe(), counts.pre_tokens(), {{.tokens = 500, .first_id = n}});
/// for (const auto& t : more->tokens) print(t.text, t.gain);
/// ```
/// `counts` are the pieces of the target language, as `pre_tokenize` gives them. Set `first_id` to the size of
/// the whole tokenizer where added tokens have ids above the model's.
template <piece_counts Counts>
result<expanded> expand(const bpe& source, const Counts& counts, const expand_options& options = {}) {
  const auto rule = detail::rule_of(source, options.keep_words, options.digits_apart, options.scripts_apart);
  auto learned = continue_bpe(source, counts, options, rule);
  if (!learned) return learned.error();
  std::vector<new_token> added;
  for (learned_token& t : learned->tokens) {
    added.push_back({.id = t.id,
                     .text = std::move(t.text),
                     .left = t.left,
                     .right = t.right,
                     .gain = t.gain,
                     .adds = t.adds});
  }
  const auto first = detail::first_new_id(source, options.first_id, added.size());
  if (!first) return first.error();
  auto out = detail::append(source, *first, std::move(added), counts);
  if (out) out->end = learned->end;
  return out;
}

/// Refused with `unsupported`: WordPiece takes the longest token that fits, so that a new one cuts every word that
/// begins with it otherwise, and makes those unknown whose rest has no tokens.
template <piece_counts Counts>
result<expanded> expand(const wordpiece&, const Counts&, const expand_options& = {}) {
  return failure{.code = errc::unsupported, .key = "expansion of a WordPiece model"};
}

/// A token with its rule, by texts as they are in the model. Both sides are empty for a unit by itself.
struct token_rule {
  std::string_view text{}, left{}, right{};
};

/// Expands a vocabulary by the tokens of a list, in this order: ids from `first_id` upwards (by default from
/// the source's size), merges appended. A token may come out unreachable: the result says which are.
///
/// Fails, with the row from 0, with `bad_merge` when a side is neither a token of the source nor further up in
/// the list, or the sides do not make the text; with `duplicate_key` when the text is a token already, or reserved.
template <piece_counts Counts>
result<expanded> append_tokens(const bpe& source, std::span<const token_rule> rules, const Counts& counts,
                               token_id first_id = no_token, const reserved_texts& reserved = {}) {
  const auto first = detail::first_new_id(source, first_id, rules.size());
  if (!first) return first.error();
  const detail::bpe_units units(source);
  token_table texts = source.tokens();
  std::vector<new_token> added;
  for (std::size_t row = 0; row < rules.size(); ++row) {
    const token_rule& r = rules[row];
    new_token t{.id = static_cast<token_id>(*first + static_cast<token_id>(row)),
                .text = std::string(r.text)};
    if (!r.left.empty() || !r.right.empty()) {
      t.left = texts.find(r.left);
      t.right = texts.find(r.right);
      if (t.left == no_token || t.right == no_token || units.joined(r.left, r.right) != r.text) {
        return failure{.code = errc::bad_merge, .row = row};
      }
    }
    if (r.text.empty()) return failure{.code = errc::empty, .key = "token", .row = row};
    if (reserved.contains(r.text)) return failure{.code = errc::duplicate_key, .key = "reserved", .row = row};
    if (auto ok = texts.add(t.id, r.text); !ok) {
      failure why = ok.error();
      why.row = row;
      return why;
    }
    added.push_back(std::move(t));
  }
  return detail::append(source, *first, std::move(added), counts);
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
