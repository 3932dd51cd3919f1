// SPDX-License-Identifier: MIT
/// @file prompt/rounds.hpp
/// Few-shot synthesis in rounds: which text is asked about when, and which examples stand before it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "../config.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The schedule of multi-round inference (arXiv 2406.14491, section 2.1): `n` texts in at most `rounds` rounds of
/// `columns() = ceil(n / rounds)` prompts each. Text `i` is asked about in round `i / columns()`, in column
/// `i % columns()`; before it stand the examples of its column, oldest first, as far back as every one of them had
/// pairs and really stood before the next. A text without pairs ends the row: the column begins anew.
///
/// Works on indices: texts, pairs and models are the caller's. The prompts of one round are independent of each other.
///
/// ```cpp
/// for (std::size_t r = 0; r < rounds.rounds(); ++r)
///   for (std::size_t text : rounds.texts(r)) {
///     auto before = rounds.history(text);            // as many of its last ones as fit
///     rounds.asked(text, fitting(before));
///     rounds.answered(text, n_pairs);
///   }
/// ```
class synthesis_rounds {
 public:
  /// A range of text indices with a constant step.
  class index_range {
   public:
    class iterator {
     public:
      constexpr iterator(std::size_t at, std::size_t step) noexcept : at_(at), step_(step) {}
      [[nodiscard]] constexpr std::size_t operator*() const noexcept { return at_; }
      constexpr iterator& operator++() noexcept {
        at_ += step_;
        return *this;
      }
      friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
        return a.at_ == b.at_;
      }

     private:
      std::size_t at_, step_;
    };
    constexpr index_range(std::size_t first, std::size_t count, std::size_t step) noexcept
        : first_(first), count_(count), step_(step) {}
    [[nodiscard]] constexpr iterator begin() const noexcept { return {first_, step_}; }
    [[nodiscard]] constexpr iterator end() const noexcept { return {first_ + count_ * step_, step_}; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
    [[nodiscard]] constexpr std::size_t operator[](std::size_t i) const noexcept {
      return first_ + i * step_;
    }

   private:
    std::size_t first_, count_, step_;
  };

  /// Precondition: `rounds > 0`.
  synthesis_rounds(std::size_t n, std::size_t rounds)
      : n_(n), columns_(n == 0 ? 0 : (n + rounds - 1) / rounds), chain_begin_(columns_) {
    LAGOM_ASSERT(rounds > 0);
    for (std::size_t c = 0; c < columns_; ++c) chain_begin_[c] = c;
  }

  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  /// Rounds that have texts.
  [[nodiscard]] std::size_t rounds() const noexcept {
    return columns_ == 0 ? 0 : (n_ + columns_ - 1) / columns_;
  }
  /// The texts of a round: the last one may be short.
  [[nodiscard]] index_range texts(std::size_t round) const noexcept {
    const std::size_t first = (std::min)(round * columns_, n_);
    return {first, (std::min)(columns_, n_ - first), 1};
  }
  /// The texts of a column, in the order of the rounds.
  [[nodiscard]] index_range column(std::size_t c) const noexcept {
    return {c, c < n_ ? (n_ - c + columns_ - 1) / columns_ : 0, columns_};
  }

  /// The texts whose examples may stand before `text`, oldest first. Precondition: the earlier ones of its column have
  /// been answered.
  [[nodiscard]] index_range history(std::size_t text) const noexcept {
    const std::size_t first = chain_begin_[text % columns_];
    return {first, (text - first) / columns_, columns_};
  }
  /// Only the last `used` examples of the history stood before `text`: what came before them is no history of later
  /// texts either.
  void asked(std::size_t text, std::size_t used) noexcept {
    LAGOM_ASSERT(used <= history(text).size());
    chain_begin_[text % columns_] = text - used * columns_;
  }
  /// `text` has got that many pairs.
  void answered(std::size_t text, std::size_t pairs) noexcept {
    if (pairs == 0) chain_begin_[text % columns_] = text + columns_;
  }

 private:
  std::size_t n_, columns_;
  std::vector<std::size_t> chain_begin_;  // of each column, the text where its history begins
};

namespace compat {

/// Whether a prompt fits in the released loop (microsoft/LMOps, `read_compre.py`): pieces between single blanks, times
/// 1.5, against the window less what is generated; where it does not, all examples are dropped. For scripts without
/// blanks the rule says nothing: 300 Han characters are four pieces.
[[nodiscard]] constexpr bool lmops_fit(std::size_t blanks, std::size_t window,
                                       std::size_t new_tokens) noexcept {
  return window >= new_tokens && 3 * (blanks + 1) <= 2 * (window - new_tokens);
}

/// What the released loop makes of columns when the last round is short: those without a text in it are put in front
/// of columns 0, 1, ... Calls `sink(column, text)` for every text, by columns of the output. Where
/// the released loop ends with an error (more such columns than texts), they stay by themselves.
template <class Sink>
void lmops_columns(const synthesis_rounds& rounds, Sink&& sink) {
  const std::size_t columns = rounds.columns();
  if (columns == 0) return;
  const std::size_t last = rounds.texts(rounds.rounds() - 1).size();
  std::size_t out = 0;
  const auto whole = [&](std::size_t c) {
    for (const std::size_t text : rounds.column(c)) sink(out, text);
  };
  for (std::size_t c = 0; c < last; ++c, ++out) {
    if (last + c < columns) whole(last + c);
    whole(c);
  }
  for (std::size_t c = 2 * last; c < columns; ++c, ++out) whole(c);
}

}  // namespace compat
}  // namespace prompt
}  // namespace v0
}  // namespace lagom
