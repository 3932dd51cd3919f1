// SPDX-License-Identifier: MIT
/// @file vocab/word_cache.hpp
/// The tokens of words met before.
#pragma once

#include <algorithm>
#include <vector>

#include "word_key.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Remembers what short pieces of text become, so that each is encoded once: text repeats its words.
///
/// It serves one tokenizer, and belongs to one thread or caller. Up to 2^16 words of up to 64 bytes are kept
/// (under 13 MiB); when it is full it starts afresh. Finding a word of up to 16 bytes touches one cache line.
class word_cache {
 public:
  /// Pieces longer than this are not kept.
  static constexpr std::size_t longest_word = 64;

  /// Calls `sink(token)` for every token of the word. `compute(push)` calls `push(token)` for each when the
  /// word is not known. `readable` is how many bytes may be read from the word's begin on: its own, and what
  /// comes after it in the same text.
  template <class Compute, class Sink>
  void operator()(std::string_view word, std::size_t readable, Compute&& compute, Sink&& sink) {
    if (word.size() > longest_word || word.empty()) {
      compute(sink);
      return;
    }
    const word_key k = word.size() <= short_word ? word_key::of(word, readable) : long_key(word);
    if (entries_.empty()) entries_.resize(smallest);
    std::size_t at = home(k);
    for (; entries_[at].size != 0; at = (at + 1) & (entries_.size() - 1)) {
      const entry& e = entries_[at];
      if (e.key != k || e.size != word.size()) continue;
      if (e.size > short_word && std::memcmp(long_words_.data() + e.text, word.data(), e.size) != 0) continue;
      if (e.count <= in_place) {
        for (unsigned i = 0; i < e.count; ++i) sink(e.tokens[i]);
      } else {
        const token_id* const from = long_lists_.data() + e.tokens[0];
        for (unsigned i = 0; i < e.count; ++i) sink(from[i]);
      }
      return;
    }
    fresh_.clear();
    compute([this](token_id t) { fresh_.push_back(t); });
    for (const token_id t : fresh_) sink(t);
    if (fresh_.size() <= most_tokens) keep(word, k);
  }

  /// How many words it knows.
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

  /// Forgets all words; needed before another tokenizer uses it.
  void clear() noexcept {
    std::fill(entries_.begin(), entries_.end(), entry{});
    long_words_.clear();
    long_lists_.clear();
    count_ = 0;
  }

 private:
  using word_key = detail::word_key;  // the bytes of a short word, or two hashes
  static constexpr std::size_t short_word = word_key::longest, in_place = 2, most_tokens = 255;
  static constexpr std::size_t smallest = 2048, most_words = 65536, most_listed = std::size_t{1} << 20;

  struct entry {
    word_key key{};
    std::uint8_t size = 0, count = 0;  // bytes, tokens; size 0: free
    std::uint32_t text = 0;            // where the bytes of a long word are
    std::array<token_id, in_place> tokens{};
  };

  static word_key long_key(std::string_view word) noexcept {
    std::uint64_t a = word.size(), b = 0;
    for (std::size_t i = 0; i + 8 <= word.size(); i += 8) {
      std::uint64_t next;
      std::memcpy(&next, word.data() + i, 8);
      a = word_key::mix(a, next);
    }
    std::memcpy(&b, word.data() + word.size() - 8, 8);
    return {{word_key::mix(a, b), b}};
  }

  [[nodiscard]] std::size_t home(const word_key& k) const noexcept {
    return k.hash() & (entries_.size() - 1);
  }

  void keep(std::string_view word, const word_key& k) {
    if (count_ == most_words || long_lists_.size() > most_listed) clear();
    if (2 * (count_ + 1) > entries_.size()) grow();
    entry& e = entries_[free_place(k)];
    e.key = k;
    e.size = static_cast<std::uint8_t>(word.size());
    e.count = static_cast<std::uint8_t>(fresh_.size());
    if (word.size() > short_word) {
      e.text = static_cast<std::uint32_t>(long_words_.size());
      long_words_.insert(long_words_.end(), word.begin(), word.end());
    }
    if (fresh_.size() <= in_place) {
      std::copy(fresh_.begin(), fresh_.end(), e.tokens.begin());
    } else {
      e.tokens[0] = static_cast<token_id>(long_lists_.size());
      long_lists_.insert(long_lists_.end(), fresh_.begin(), fresh_.end());
    }
    ++count_;
  }
  [[nodiscard]] std::size_t free_place(const word_key& k) const noexcept {
    std::size_t at = home(k);
    while (entries_[at].size != 0) at = (at + 1) & (entries_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<entry> old(4 * entries_.size());
    old.swap(entries_);
    for (const entry& e : old) {
      if (e.size != 0) entries_[free_place(e.key)] = e;
    }
  }

  std::vector<entry> entries_;
  std::vector<char> long_words_;
  std::vector<token_id> long_lists_, fresh_;
  std::size_t count_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
