// SPDX-License-Identifier: MIT
/// @file vocab/word_cache.hpp
/// The tokens of words met before.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "tag_index.hpp"
#include "word_key.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Remembers what short pieces of text become, so that each is encoded once: text repeats its words. Words are
/// taken in, and given back in the same order some time later, so that what is known of several is looked up
/// side by side.
///
/// It serves one tokenizer, and belongs to one thread or caller. Up to 2^16 words of up to 64 bytes are kept
/// (under 12 MiB); when it is full it starts afresh.
class word_cache {
 public:
  /// Pieces longer than this are not kept.
  static constexpr std::size_t longest_word = 64;

  /// Takes a word in, whose bytes stay where they are until `flush`. `readable` is how many bytes may be read
  /// from its begin on: its own, and what comes after it in the same text.
  ///
  /// `sink(word, tokens)` is called for every word in the order they came, now or later. For words that are not
  /// known, `compute(words, give)` calls `give(i, tokens)` once for each of `words`, in any order.
  template <class Compute, class Sink>
  void operator()(std::string_view word, std::size_t readable, Compute&& compute, Sink&& sink) {
    if (word.size() > longest_word || word.empty()) {
      flush(compute, sink);
      compute(std::span<const std::string_view>(&word, 1),
              [&](std::size_t, std::span<const token_id> tokens) { sink(word, tokens); });
      return;
    }
    waiting& w = waiting_[waiting_count_++];
    w.word = word;
    w.key = word_key::of_any(word, readable);
    w.hash = w.key.hash();
    index_.prefetch(w.hash);
    if (waiting_count_ == waiting_.size()) flush(compute, sink);
  }

  /// Gives back all words that were taken in.
  template <class Compute, class Sink>
  void flush(Compute&& compute, Sink&& sink) {
    const std::span<waiting> words(waiting_.data(), std::exchange(waiting_count_, 0));
    const bool full = entries_.size() + words.size() > most_words || long_lists_.size() > most_listed;
    if (full || entries_.size() != complete_) clear();
    std::array<std::string_view, at_once> fresh;
    std::size_t fresh_count = 0;
    for (waiting& w : words) {
      w.entry = index_.find(w.hash, [&](std::uint32_t i) { return is(entries_[i], w.key, w.word); });
      if (w.entry != detail::tag_index::none) continue;
      w.entry = add(w);
      fresh[fresh_count++] = w.word;
    }
    if (fresh_count > 0) {
      compute(
          std::span<const std::string_view>(fresh.data(), fresh_count),
          [this](std::size_t i, std::span<const token_id> tokens) { fill(entries_[complete_ + i], tokens); });
      complete_ = entries_.size();
    }
    for (const waiting& w : words) sink(w.word, tokens_of(entries_[w.entry]));
  }

  /// How many words it knows.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Forgets all words; needed before another tokenizer uses it.
  void clear() noexcept {
    index_ = detail::tag_index();
    entries_.clear();
    complete_ = 0;
    long_words_.clear();
    long_lists_.clear();
  }

 private:
  using word_key = detail::word_key;  // the bytes of a short word, or two hashes
  static constexpr std::size_t short_word = word_key::longest, in_place = 2, at_once = 32;
  static constexpr std::size_t smallest = 1024, most_words = 65536, most_listed = std::size_t{1} << 20;

  struct entry {
    word_key key{};
    std::uint32_t text = 0;  // where the bytes of a long word are
    std::uint8_t size = 0;   // bytes
    std::uint8_t count = 0;  // tokens; where they are more than fit in place, 1 more than those
    std::array<token_id, in_place> tokens{};  // or where they are listed, and how many
  };
  struct waiting {
    std::string_view word;
    word_key key;
    std::uint64_t hash;
    std::uint32_t entry;
  };

  [[nodiscard]] bool is(const entry& e, const word_key& key, std::string_view word) const noexcept {
    return e.key == key && e.size == word.size() &&
           (e.size <= short_word || std::memcmp(long_words_.data() + e.text, word.data(), e.size) == 0);
  }

  [[nodiscard]] std::span<const token_id> tokens_of(const entry& e) const noexcept {
    if (e.count <= in_place) return {e.tokens.data(), e.count};
    return {long_lists_.data() + e.tokens[0], static_cast<std::size_t>(e.tokens[1])};
  }

  /// An entry without tokens.
  std::uint32_t add(const waiting& w) {
    if (entries_.size() == index_.most()) grow();
    const auto number = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({.key = w.key,
                        .text = static_cast<std::uint32_t>(long_words_.size()),
                        .size = static_cast<std::uint8_t>(w.word.size())});
    if (w.word.size() > short_word) long_words_.insert(long_words_.end(), w.word.begin(), w.word.end());
    index_.add(w.hash, number);
    return number;
  }
  void fill(entry& e, std::span<const token_id> tokens) {
    e.count = static_cast<std::uint8_t>((std::min)(tokens.size(), in_place + 1));
    if (tokens.size() <= in_place) {
      std::copy(tokens.begin(), tokens.end(), e.tokens.begin());
    } else {
      e.tokens = {static_cast<token_id>(long_lists_.size()), static_cast<token_id>(tokens.size())};
      long_lists_.insert(long_lists_.end(), tokens.begin(), tokens.end());
    }
  }
  void grow() {
    index_ = detail::tag_index((std::max)(smallest, 4 * entries_.size()));
    for (std::uint32_t i = 0; i < entries_.size(); ++i) index_.add(entries_[i].key.hash(), i);
  }

  detail::tag_index index_;
  std::vector<entry> entries_;  // as they came: words that are frequent come early and lie together
  std::size_t complete_ = 0;    // entries that have their tokens
  std::vector<char> long_words_;
  std::vector<token_id> long_lists_;
  std::array<waiting, at_once> waiting_;
  std::size_t waiting_count_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
