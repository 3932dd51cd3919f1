// SPDX-License-Identifier: MIT
/// @file vocab/auxiliary.hpp
/// New tokens from an auxiliary tokenizer: those that the corpus uses most.
#pragma once

#include <numeric>

#include "bpe_trainer.hpp"
#include "expand.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// How to expand by an auxiliary tokenizer.
struct auxiliary_options {
  std::size_t tokens = 100;              ///< no more than these, parts included (`append_aux`)
  std::size_t auxiliary_tokens = 50000;  ///< of the auxiliary tokenizer, its alphabet included
  token_id first_id = no_token;          ///< of the first new token; by default the source's size
  std::size_t max_bytes = 64;            ///< longest text of a token; 0: any
  bool keep_words = true;                ///< see `expand_options`
  bool digits_apart = false, scripts_apart = false;
  reserved_texts reserved{};  ///< texts that no new token may have
};

/// The rule that makes each token of a model: the first of the list, as a place in it; `none` without one.
[[nodiscard]] inline std::vector<std::size_t> rules_by_token(const bpe& model) {
  std::vector<std::size_t> out(static_cast<std::size_t>(model.size()), ~std::size_t{0});
  for (std::size_t r = model.merges().size(); r-- > 0;) {
    out[static_cast<std::size_t>(model.merges()[r].result)] = r;
  }
  return out;
}

namespace detail {

/// Tokens of an auxiliary model that an expansion takes, with all that they are made of.
class closed_choice {
 public:
  closed_choice(const bpe& source, const bpe& auxiliary, const reserved_texts& reserved)
      : source_(&source), auxiliary_(&auxiliary), reserved_(&reserved), rules_(rules_by_token(auxiliary)) {
    chosen_.resize(rules_.size());
    wanted_.resize(rules_.size());
  }

  /// Takes a token and what it lacks, unless that were more than `room` tokens or reserved. How many it took.
  std::size_t take(token_id t, std::size_t room) {
    std::vector<token_id> lacks;
    if (!collect(t, lacks) || lacks.size() > room) {
      for (const token_id l : lacks) chosen_[static_cast<std::size_t>(l)] = 0;
      return 0;
    }
    wanted_[static_cast<std::size_t>(t)] = 1;
    return lacks.size();
  }

  /// The tokens by auxiliary id, which puts parts first, with ids from `first` upwards.
  [[nodiscard]] std::vector<new_token> tokens(token_id first) const {
    std::vector<new_token> out;
    std::vector<token_id> id_of(chosen_.size(), no_token);
    const auto side = [&](token_id t) {
      const token_id made = id_of[static_cast<std::size_t>(t)];
      return made != no_token ? made : source_->tokens().find(auxiliary_->bytes_of(t));
    };
    for (std::size_t t = 0; t < chosen_.size(); ++t) {
      if (chosen_[t] == 0) continue;
      id_of[t] = static_cast<token_id>(first + static_cast<token_id>(out.size()));
      new_token added{.id = id_of[t], .text = std::string(auxiliary_->bytes_of(static_cast<token_id>(t)))};
      if (rules_[t] != ~std::size_t{0}) {
        const merge& m = auxiliary_->merges()[rules_[t]];
        added.left = side(m.left);
        added.right = side(m.right);
      }
      added.intermediate = wanted_[t] == 0;
      out.push_back(std::move(added));
    }
    return out;
  }

 private:
  // Marks a token and all that it lacks, depth first. False when one of them is reserved.
  bool collect(token_id t, std::vector<token_id>& lacks) {
    std::vector<token_id> waiting{t};
    while (!waiting.empty()) {
      const token_id part = waiting.back();
      const auto row = static_cast<std::size_t>(part);
      waiting.pop_back();
      const std::string_view text = auxiliary_->bytes_of(part);
      if (chosen_[row] != 0 || source_->tokens().find(text) != no_token) continue;
      if (reserved_->contains(text)) return false;
      chosen_[row] = 1;
      lacks.push_back(part);
      if (rules_[row] == ~std::size_t{0}) continue;
      const merge& m = auxiliary_->merges()[rules_[row]];
      waiting.push_back(m.right);
      waiting.push_back(m.left);
    }
    return true;
  }

  const bpe* source_;
  const bpe* auxiliary_;
  const reserved_texts* reserved_;
  std::vector<std::size_t> rules_;
  std::vector<char> chosen_, wanted_;
};

inline result<done> require_plain(const bpe& source) {
  const bpe_options& o = source.options();
  if (!o.continuing_prefix.empty()) return failure{.code = errc::unsupported, .key = "continuing_prefix"};
  if (!o.end_suffix.empty()) return failure{.code = errc::unsupported, .key = "end_suffix"};
  return done{};
}

}  // namespace detail

/// The auxiliary tokenizer of a source: `train_bpe` on the corpus, with the source's units and its words kept
/// apart as `options` say. Fails with `unsupported` for models with a prefix or suffix.
template <piece_counts Counts>
result<bpe> auxiliary_of(const bpe& source, const Counts& counts, const auxiliary_options& options = {}) {
  if (auto ok = detail::require_plain(source); !ok) return ok.error();
  return train_bpe(
      counts,
      {.tokens = options.auxiliary_tokens, .unit = source.options().unit, .max_bytes = options.max_bytes},
      detail::rule_of(source, options.keep_words, options.digits_apart, options.scripts_apart));
}

/// Expands by the tokens of an auxiliary tokenizer, trained on the corpus by `train_bpe`, that the source lacks
/// and that occur most in the corpus (arXiv 2406.11477, section 3: V_new is the top k of V_aux by frequency).
/// The smaller text goes first on a tie. A token comes with the parts it is merged from; one that does not fit
/// into `tokens` with its parts is passed over. Merges are appended in auxiliary order, those that make new
/// tokens and no others, so the target only coarsens the source; but a token may be unreachable: the source's
/// own merges go first and may cut across it. The result says which.
///
/// Fails like `continue_bpe`, and with `unsupported` for models with a prefix or suffix.
template <piece_counts Counts>
result<expanded> append_aux(const bpe& source, const Counts& counts, const auxiliary_options& options = {}) {
  const auto first = detail::first_new_id(source, options.first_id, options.tokens);
  if (!first) return first.error();
  if (detail::bpe_units(source).merges_byte_tokens()) {
    return failure{.code = errc::unsupported, .key = "merges of byte tokens"};
  }
  auto auxiliary = auxiliary_of(source, counts, options);
  if (!auxiliary) return auxiliary.error();
  std::vector<std::uint64_t> frequency(static_cast<std::size_t>(auxiliary->size()));
  for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
    auxiliary->encode_piece(piece, [&](token_id t) { frequency[static_cast<std::size_t>(t)] += count; });
  });
  std::vector<token_id> order(frequency.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](token_id a, token_id b) {
    const auto x = frequency[static_cast<std::size_t>(a)], y = frequency[static_cast<std::size_t>(b)];
    return x != y ? x > y : auxiliary->bytes_of(a) < auxiliary->bytes_of(b);
  });
  detail::closed_choice choice(source, *auxiliary, options.reserved);
  std::size_t taken = 0;
  for (const token_id t : order) {
    if (taken == options.tokens || frequency[static_cast<std::size_t>(t)] == 0) break;
    taken += choice.take(t, options.tokens - taken);
  }
  auto out = detail::append(source, *first, choice.tokens(*first), counts);
  if (out && taken < options.tokens) out->end = learning_end::no_pairs;
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
