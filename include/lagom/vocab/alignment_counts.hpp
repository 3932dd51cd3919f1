// SPDX-License-Identifier: MIT
/// @file vocab/alignment_counts.hpp
/// What target tokens cover in the source tokenization, counted over a corpus.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "ids.hpp"
#include "ratio.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A source token under a target token, and its share: 1, or the bytes that the two have in common.
struct aligned_piece {
  source_id id = source_id::none;
  std::uint32_t share = 1;
  friend auto operator<=>(const aligned_piece&, const aligned_piece&) = default;
};

/// Counts of (target token, tuple of source tokens in order): a mergeable value. `push` counts
/// occurrences, `merge` adds another value's counts; any order and any split of a corpus give the same value.
///
/// An occurrence without a tuple (where the alignment's policy found none) is counted too, by an empty tuple.
/// Memory: 40 to 60 bytes and 8 for every piece for each distinct pair, and 4 for each target id, whatever the
/// corpus size. Precondition: fewer than 2^32 - 1 distinct pairs.
class alignment_counts {
 public:
  /// Counts occurrences of a token over a tuple; `crossing`: its begin or its end is inside a source token.
  /// O(pieces). Precondition: `token` is not `none`.
  void push(target_id token, std::span<const aligned_piece> pieces, std::uint64_t count = 1,
            bool crossing = false) {
    if (count == 0) return;
    total& t = totals_[total_of(token)];
    t.occurrences += count;
    if (crossing) t.crossing += count;
    add(t, token, pieces, count);
  }

  /// Adds the counts of another value.
  void merge(const alignment_counts& other) {
    for (std::size_t i = 0, n = other.totals_.size(); i < n; ++i) {
      const total from = other.totals_[i];
      total& to = totals_[total_of(from.token)];
      to.occurrences += from.occurrences;
      to.crossing += from.crossing;
    }
    for (std::size_t i = 0, n = other.entries_.size(); i < n; ++i) {
      const entry from = other.entries_[i];
      add(totals_[total_of(from.token)], from.token, other.pieces_of(from), from.count);
    }
  }

  [[nodiscard]] bool empty() const noexcept { return totals_.empty(); }

  /// How many distinct pairs of token and tuple there are.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Occurrences of a token, with or without a tuple.
  [[nodiscard]] std::uint64_t occurrences(target_id token) const noexcept {
    const total* const t = find_total(token);
    return t == nullptr ? 0 : t->occurrences;
  }

  /// Occurrences of a token that begin or end inside a source token.
  [[nodiscard]] std::uint64_t crossing(target_id token) const noexcept {
    const total* const t = find_total(token);
    return t == nullptr ? 0 : t->crossing;
  }

  /// `crossing` divided by `occurrences`; 0 for a token that does not occur.
  [[nodiscard]] double crossing_share(target_id token) const noexcept {
    const total* const t = find_total(token);
    return t == nullptr ? 0 : ratio(t->crossing, t->occurrences);
  }

  /// Entropy of the token's tuples in nats: -sum p ln p over those that have pieces; 0 when there is one, or
  /// none. The same whatever the order of the pushes.
  [[nodiscard]] double entropy(target_id token) const {
    std::uint64_t sum = 0;
    for_each(token,
             [&](std::span<const aligned_piece> pieces, std::uint64_t n) { sum += pieces.empty() ? 0 : n; });
    double out = 0;
    for_each(token, [&](std::span<const aligned_piece> pieces, std::uint64_t n) {
      if (pieces.empty() || n == sum) return;
      const double p = static_cast<double>(n) / static_cast<double>(sum);
      out -= p * std::log(p);
    });
    return out;
  }

  /// Calls `visit(tuple, count)` for the tuples of a token, in lexicographic order. O(n log n) in its tuples.
  template <class Visit>
  void for_each(target_id token, Visit visit) const {
    const total* const t = find_total(token);
    if (t == nullptr) return;
    std::vector<std::uint32_t> of_token;
    for (std::uint32_t e = t->last; e != none; e = entries_[e].before) of_token.push_back(e);
    std::sort(of_token.begin(), of_token.end(), [this](std::uint32_t a, std::uint32_t b) {
      const auto x = pieces_of(entries_[a]), y = pieces_of(entries_[b]);
      return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
    });
    for (const std::uint32_t e : of_token) visit(pieces_of(entries_[e]), entries_[e].count);
  }

  /// Calls `visit(token)` for every token that has a count, by rising id.
  template <class Visit>
  void for_each_token(Visit visit) const {
    for (const std::uint32_t t : total_by_token_) {
      if (t != none) visit(totals_[t].token);
    }
  }

  /// The same counts, however they came in.
  friend bool operator==(const alignment_counts& a, const alignment_counts& b) noexcept {
    if (a.totals_.size() != b.totals_.size() || a.entries_.size() != b.entries_.size()) return false;
    for (const total& x : a.totals_) {
      const total* const y = b.find_total(x.token);
      if (y == nullptr || x.occurrences != y->occurrences || x.crossing != y->crossing) return false;
    }
    return std::all_of(a.entries_.begin(), a.entries_.end(), [&](const entry& e) {
      const std::uint32_t other = b.slots_[b.slot(e.token, a.pieces_of(e))];
      return other != none && b.entries_[other].count == e.count;
    });
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct entry {
    std::size_t begin;  // of its pieces
    std::uint64_t count;
    target_id token;
    std::uint32_t size, before;  // before: another entry of the same token
  };
  struct total {
    target_id token;
    std::uint32_t last = none;  // entry
    std::uint64_t occurrences = 0, crossing = 0;
  };

  [[nodiscard]] std::span<const aligned_piece> pieces_of(const entry& e) const noexcept {
    return {pieces_.data() + e.begin, e.size};
  }
  [[nodiscard]] const total* find_total(target_id token) const noexcept {
    const std::size_t row = row_of(token);
    if (token == target_id::none || row >= total_by_token_.size()) return nullptr;
    return total_by_token_[row] == none ? nullptr : &totals_[total_by_token_[row]];
  }
  std::size_t total_of(target_id token) {
    LAGOM_ASSERT(token != target_id::none);
    const std::size_t row = row_of(token);
    if (row >= total_by_token_.size()) total_by_token_.resize((std::max)(row + 1, row + row / 2), none);
    if (total_by_token_[row] == none) {
      total_by_token_[row] = static_cast<std::uint32_t>(totals_.size());
      totals_.push_back({.token = token});
    }
    return total_by_token_[row];
  }

  [[nodiscard]] static std::size_t hash(target_id token, std::span<const aligned_piece> pieces) noexcept {
    constexpr std::uint64_t k = 0x9E3779B97F4A7C15u;
    std::uint64_t h = (row_of(token) + 1) * k;
    for (const aligned_piece& p : pieces) {
      h = (h ^ (h >> 32) ^ (std::uint64_t{row_of(p.id)} << 32) ^ p.share) * k;
    }
    return static_cast<std::size_t>(h ^ (h >> 32));
  }

  /// The slot of a pair, or the free one where it would be.
  [[nodiscard]] std::size_t slot(target_id token, std::span<const aligned_piece> pieces) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash(token, pieces) & mask;
    for (; slots_[at] != none; at = (at + 1) & mask) {
      const entry& e = entries_[slots_[at]];
      const auto known = pieces_of(e);
      if (e.token == token && std::equal(known.begin(), known.end(), pieces.begin(), pieces.end())) break;
    }
    return at;
  }

  void add(total& t, target_id token, std::span<const aligned_piece> pieces, std::uint64_t count) {
    if (2 * (entries_.size() + 1) > slots_.size()) {
      slots_.assign(std::max<std::size_t>(2 * slots_.size(), 16), none);
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        slots_[slot(entries_[i].token, pieces_of(entries_[i]))] = static_cast<std::uint32_t>(i);
      }
    }
    const std::size_t at = slot(token, pieces);
    if (slots_[at] != none) {
      entries_[slots_[at]].count += count;
      return;
    }
    LAGOM_ASSERT(entries_.size() < none);
    slots_[at] = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({pieces_.size(), count, token, static_cast<std::uint32_t>(pieces.size()), t.last});
    t.last = slots_[at];
    pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
  }

  std::vector<aligned_piece> pieces_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> slots_;  // at most half full
  std::vector<total> totals_;
  std::vector<std::uint32_t> total_by_token_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
