// SPDX-License-Identifier: MIT
/// @file vocab/unigram_words.hpp
/// A text through a unigram model word by word, where words met before are known.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "unigram.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// The tokens of a text's words by SentencePiece's rules, where the sum of scores goes on from word to word and
/// is rounded. What a word becomes, whatever comes before it, is a list that a `word_cache` may keep; the sum
/// itself is made only where a word needs it.
class unigram_words {
 public:
  /// `pending` is room for one id a byte of the text.
  unigram_words(const unigram& model, std::vector<token_id>& pending, std::size_t text_size) : model_(model) {
    if (pending.size() < text_size) pending.resize(2 * text_size);
    pending_ = pending.data();
  }

  /// Calls `push(item)` for the items of a word's list.
  template <class Push>
  static void list(const unigram& model, std::string_view word, Push push) {
    std::vector<token_id> terms;
    if (!model.terms_if_sure(word, [&](token_id t) { terms.push_back(t); })) return push(unsure);
    const token_id unk = model.options().unk;
    const bool unknown = std::find(terms.begin(), terms.end(), unk) != terms.end();
    if (unknown && unk == no_token) return push(unsure);
    if (unknown) push(only_in_sum);
    for (const token_id t : terms) push(t);
    if (!unknown) return;
    push(only_in_text);
    model.encode_piece(word, push);
  }

  /// Calls `sink(token)` for the tokens of the next word, whose list is given.
  template <class Sink>
  void operator()(std::string_view word, std::span<const token_id> list, Sink& sink) {
    if (!is_small() || list.front() == unsure) {
      sum_ = model_.encode_after(sum(), word, sink);
      return;
    }
    bool in_sum = true, in_text = true;
    for (const token_id t : list) {
      if (t < 0) {
        in_sum = t == only_in_sum;
        in_text = t == only_in_text;
        continue;
      }
      if (in_sum) pending_[count_++] = t;
      if (in_text) sink(t);
    }
  }

 private:
  // What a list holds beside tokens. Without any, its tokens are the terms of the sum; each unknown character is
  // a term of its own, and characters in a row are one token, or some of bytes.
  static constexpr token_id unsure = -1, only_in_sum = -2, only_in_text = -3;

  double sum() noexcept {
    for (std::size_t i = 0; i < count_; ++i) sum_ = model_.add(sum_, pending_[i]);
    count_ = 0;
    return sum_;
  }
  bool is_small() noexcept {
    const auto bound = [&] {
      return std::abs(sum_) + static_cast<double>(count_) * model_.greatest_magnitude();
    };
    if (bound() <= unigram::sure_limit) return true;
    (void)sum();
    return bound() <= unigram::sure_limit;
  }

  const unigram& model_;
  token_id* pending_;  // terms that the sum lacks
  std::size_t count_ = 0;
  double sum_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
