// SPDX-License-Identifier: MIT
/// @file vocab/word_cache.hpp
/// The tokens of words met before.
#pragma once

#include <algorithm>
#include <vector>

#include "tag_index.hpp"
#include "word_key.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Remembers what short pieces of text become, so that each is encoded once: text repeats its words.
///
/// It serves one tokenizer, and belongs to one thread or caller. Up to 2^16 words of up to 64 bytes are kept
/// (under 12 MiB); when it is full it starts afresh.
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
    const word_key key = word_key::of_any(word, readable);
    const std::uint64_t hash = key.hash();
    const std::uint32_t known =
        index_.find(hash, [&](std::uint32_t i) { return is(entries_[i], key, word); });
    if (known != detail::tag_index::none) {
      const entry& e = entries_[known];
      const token_id* const from = e.count <= in_place ? e.tokens.data() : long_lists_.data() + e.tokens[0];
      for (unsigned i = 0; i < e.count; ++i) sink(from[i]);
      return;
    }
    fresh_.clear();
    compute([this](token_id t) { fresh_.push_back(t); });
    for (const token_id t : fresh_) sink(t);
    if (fresh_.size() <= most_tokens) keep(word, key, hash);
  }

  /// How many words it knows.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Forgets all words; needed before another tokenizer uses it.
  void clear() noexcept {
    index_ = detail::tag_index();
    entries_.clear();
    long_words_.clear();
    long_lists_.clear();
  }

 private:
  using word_key = detail::word_key;  // the bytes of a short word, or two hashes
  static constexpr std::size_t short_word = word_key::longest, in_place = 2, most_tokens = 255;
  static constexpr std::size_t smallest = 1024, most_words = 65536, most_listed = std::size_t{1} << 20;

  struct entry {
    word_key key{};
    std::uint8_t size = 0, count = 0;  // bytes, tokens
    std::uint32_t text = 0;            // where the bytes of a long word are
    std::array<token_id, in_place> tokens{};
  };

  [[nodiscard]] bool is(const entry& e, const word_key& key, std::string_view word) const noexcept {
    return e.key == key && e.size == word.size() &&
           (e.size <= short_word || std::memcmp(long_words_.data() + e.text, word.data(), e.size) == 0);
  }

  void keep(std::string_view word, const word_key& key, std::uint64_t hash) {
    if (entries_.size() == most_words || long_lists_.size() > most_listed) clear();
    if (entries_.size() == index_.most()) grow();
    entry e{.key = key,
            .size = static_cast<std::uint8_t>(word.size()),
            .count = static_cast<std::uint8_t>(fresh_.size()),
            .text = static_cast<std::uint32_t>(long_words_.size())};
    if (word.size() > short_word) long_words_.insert(long_words_.end(), word.begin(), word.end());
    if (fresh_.size() <= in_place) {
      std::copy(fresh_.begin(), fresh_.end(), e.tokens.begin());
    } else {
      e.tokens[0] = static_cast<token_id>(long_lists_.size());
      long_lists_.insert(long_lists_.end(), fresh_.begin(), fresh_.end());
    }
    index_.add(hash, static_cast<std::uint32_t>(entries_.size()));
    entries_.push_back(e);
  }
  void grow() {
    index_ = detail::tag_index((std::max)(smallest, 4 * entries_.size()));
    for (std::uint32_t i = 0; i < entries_.size(); ++i) index_.add(entries_[i].key.hash(), i);
  }

  detail::tag_index index_;
  std::vector<entry> entries_;  // as they came: words that are frequent come early and lie together
  std::vector<char> long_words_;
  std::vector<token_id> long_lists_, fresh_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
