// SPDX-License-Identifier: MIT
/// @file vocab/continued_bpe.hpp
/// Continued byte pair encoding: the merges that a corpus would add to a vocabulary that is there.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "new_token.hpp"
#include "pair_rule.hpp"
#include "run_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// What continued BPE may learn, and when it stops.
struct continue_options {
  std::size_t tokens = 100;      ///< no more than these
  token_id first_id = no_token;  ///< of the first new token, then upwards; by default the source's size
  std::uint64_t min_gain = 2;    ///< stops before a token that saves fewer tokens of the corpus
  double min_share = 0;        ///< stops before a token that saves no more than this share of the tokens left
  std::size_t max_bytes = 64;  ///< longest text of a new token; 0: any
  bool new_units = true;       ///< units that the source lacks may become tokens
  reserved_texts reserved{};   ///< texts that no new token may have: added tokens
};

/// A token that was learned: by merging two others, or (without sides) because the source lacks that unit.
struct learned_token {
  token_id id = no_token;
  std::string text{};  ///< as in the model
  token_id left = no_token, right = no_token;
  std::uint64_t gain = 0;  ///< tokens of the corpus that it saved when it was learned,
  std::uint64_t adds = 0;  ///< or that came with it: a unit that the source loses was no token before

  [[nodiscard]] bool is_unit() const noexcept { return left == no_token; }
};

/// Why learning ended.
enum class learning_end : std::uint8_t { all_learned, no_pairs, gain_too_small };

/// The tokens in the order in which they were learned: the first k of them are what a run for k learns.
struct learned_tokens {
  std::vector<learned_token> tokens{};
  /// Tokens of the corpus under the source. Those under the first k tokens: before + their adds - their gains.
  std::uint64_t tokens_before = 0;
  learning_end end = learning_end::all_learned;
};

/// Continued BPE (arXiv 2512.03989): every piece is tokenized by the source; then the adjacent pair of most
/// occurrences merges, again and again. The merges belong after the source's, in this order; the tokens of the
/// target are then whole runs of the source's, and every token learned is reachable.
///
/// - An occurrence counts once where it overlaps itself ("aaa" holds "aa" once), so that the count is the
///   number of tokens saved. On a tie the pair of smaller texts goes first: left, then right, as bytes.
/// - A pair is passed over when its text is a token already (of the source: old rows keep their meaning; a new
///   one: one rule a token), is reserved, or too long, or when `rule(left, right)`, a function of the texts
///   alone, says no.
/// - A unit that the source lacks can become a token: it saves the byte tokens that stand for it. One that the
///   source loses (it becomes `unk` or nothing) is weighed as if each of its bytes were a token, and adds tokens:
///   where it left nothing, and where it parts a fused `unk`, or what met without it. Before a pair of the same
///   weight; a unit that is not UTF-8 never.
/// - Merges that make an old token, a second rule, and pieces that a model looks up whole are left as they are.
///   Nothing merges with `unk`.
///
/// O(symbols + pairs log pairs) time; 28 bytes a symbol of a distinct word, 32 a distinct pair. Pieces are cut
/// where the rule lets nothing merge, and equal parts are counted as one; but pieces with units that leave nothing
/// are kept whole, and each of these units that becomes a token costs one tokenization of its pieces. Fails with
/// `out_of_range` (ids below the source's size or above 2^30), `unsupported` (a source that merges byte tokens, or
/// the `unk` that it has for units of the corpus), `too_large`.
template <piece_counts Counts, class Rule = pair_rule>
result<learned_tokens> continue_bpe(const bpe& source, const Counts& counts,
                                    const continue_options& options = {}, const Rule& rule = {});

namespace detail {

/// Unknown units that may become tokens, the heaviest last.
template <class Unit>
std::vector<std::size_t> candidate_units(const std::vector<Unit>& units, const continue_options& options,
                                         bool utf8_only) {
  std::vector<std::size_t> out;
  if (!options.new_units) return out;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const auto& u = units[i];
    if (u.count < options.min_gain || (utf8_only && !is_utf8(u.text)) || options.reserved.contains(u.text))
      continue;
    if (options.max_bytes != 0 && u.text.size() > options.max_bytes) continue;
    if (u.lost || u.bytes > 1) out.push_back(i);
  }
  return out;
}

/// `continue_bpe`, with the source's units.
template <piece_counts Counts, class Rule>
result<learned_tokens> learn_merges(const bpe& source, bpe_units& units, const Counts& counts,
                                    const continue_options& options, const Rule& rule) {
  const token_id first =
      options.first_id == no_token ? static_cast<token_id>(source.size()) : options.first_id;
  if (first < source.size() || first > pair_index::pending_base ||
      options.tokens > static_cast<std::size_t>(pair_index::pending_base - first)) {
    return failure{.code = errc::out_of_range, .key = "first_id"};
  }
  if (units.merges_byte_tokens()) return failure{.code = errc::unsupported, .key = "merges of byte tokens"};

  run_table runs(source, units, rule);
  if (auto ok = runs.read(counts, options.new_units); !ok) return ok.error();
  if (runs.loses() && units.merges_unk()) return failure{.code = errc::unsupported, .key = "merges of unk"};
  pair_index index;
  if (auto ok = runs.fill(index); !ok) return ok.error();
  token_table texts = source.tokens();
  index.build(texts);

  // What a unit weighs never changes: its places are its own until it has a token.
  const auto& unknown = runs.units();
  const auto weight = [&](std::size_t i) {
    const auto& u = unknown[i];
    return u.count * (u.lost ? u.text.size() : u.bytes - 1);
  };
  auto waiting = candidate_units(unknown, options, source.options().unit == bpe_unit::character);
  std::sort(waiting.begin(), waiting.end(), [&](std::size_t a, std::size_t b) {
    if (weight(a) != weight(b)) return weight(a) < weight(b);
    return unknown[a].text > unknown[b].text;
  });

  learned_tokens out{.tokens_before = runs.tokens()};
  std::uint64_t left = out.tokens_before;
  std::vector<merge> merges;
  const auto may_merge = [&](const pair_index::pair& p, const std::string& text) {
    return (options.max_bytes == 0 || text.size() <= options.max_bytes) && texts.find(text) == no_token &&
           !options.reserved.contains(text) && p.left != source.options().unk &&
           p.right != source.options().unk && rule(texts[p.left], texts[p.right]) &&
           // Texts that would make something known that is unknown now.
           !runs.is_unknown(text) && !(source.options().byte_fallback && named_byte(text) >= 0);
  };
  pair_index::pair pair;
  bool has_pair = false;
  while (out.tokens.size() < options.tokens) {
    std::string text;
    while (!has_pair && index.pop(texts, pair)) {
      text = units.joined(texts[pair.left], texts[pair.right]);
      has_pair = may_merge(pair, text);
    }
    const bool takes_unit = !waiting.empty() && (!has_pair || weight(waiting.back()) >= pair.count);
    if (!takes_unit && !has_pair) {
      out.end = learning_end::no_pairs;
      return out;
    }
    const std::size_t unit = takes_unit ? waiting.back() : 0;
    const bool lost = takes_unit && unknown[unit].lost;
    const std::int64_t gain = takes_unit ? runs.saving(index, unit) : static_cast<std::int64_t>(pair.count);
    const bool pays = gain >= 0 && static_cast<std::uint64_t>(gain) >= options.min_gain &&
                      !(options.min_share > 0 &&
                        static_cast<double>(gain) <= options.min_share * static_cast<double>(left));
    if (!lost && !pays) {
      out.end = learning_end::gain_too_small;
      return out;
    }
    learned_token token{.id = static_cast<token_id>(first + static_cast<token_id>(out.tokens.size())),
                        .text = takes_unit ? unknown[unit].text : std::move(text)};
    if (auto ok = texts.add(token.id, token.text); !ok) return ok.error();
    std::int64_t saved = gain;
    if (takes_unit) {
      // A pair that waits was popped before this unit's pairs existed: it goes back among them.
      if (has_pair) index.put_back(pair, texts);
      saved = runs.name(index, unit, token.id, texts, merges);
      waiting.pop_back();
    } else {
      token.left = pair.left;
      token.right = pair.right;
      merges.push_back({pair.left, pair.right, token.id});
      (void)index.merge(pair, token.id, texts);
    }
    has_pair = false;
    token.gain = saved > 0 ? static_cast<std::uint64_t>(saved) : 0;
    token.adds = saved < 0 ? static_cast<std::uint64_t>(-saved) : 0;
    left = left + token.adds - token.gain;
    out.tokens.push_back(std::move(token));
  }
  return out;
}

}  // namespace detail

template <piece_counts Counts, class Rule>
result<learned_tokens> continue_bpe(const bpe& source, const Counts& counts, const continue_options& options,
                                    const Rule& rule) {
  detail::bpe_units units(source);
  return detail::learn_merges(source, units, counts, options, rule);
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
