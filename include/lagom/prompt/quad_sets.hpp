// SPDX-License-Identifier: MIT
/// @file prompt/quad_sets.hpp
/// Sets of rows with ids: their union, nested samples, and even shares of several languages.
#pragma once

#include <iterator>
#include <span>

#include "join_pairs.hpp"
#include "permutation.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The union of sets by id: calls `sink(row)` for all rows of the first set, then of the second, ... of each id the
/// first one; later ones are counted as `duplicate_id`, rows without an id as `empty_field`. Rows are quads, pairs,
/// anything with an `id`. O(n log n) comparisons of ids; one word a row.
template <class Row, class Sink>
losses<join_loss> unite(std::span<const std::span<const Row>> sets, Sink&& sink) {
  std::vector<const Row*> rows;
  for (const std::span<const Row> set : sets) {
    for (const Row& row : set) rows.push_back(&row);
  }
  std::vector<std::size_t> order(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&rows](std::size_t a, std::size_t b) {
    const int c = rows[a]->id.compare(rows[b]->id);
    return c != 0 ? c < 0 : a < b;
  });
  losses<join_loss> out;
  std::vector<bool> repeats(rows.size());
  for (std::size_t k = 1; k < order.size(); ++k)
    repeats[order[k]] = rows[order[k]]->id == rows[order[k - 1]]->id;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i]->id.empty()) {
      out.drop(join_loss::empty_field);
    } else if (repeats[i]) {
      out.drop(join_loss::duplicate_id);
    } else {
      out.keep();
      sink(*rows[i]);
    }
  }
  return out;
}

/// `size` of some rows in a random order, as a range: the first of a permutation that (seed, stream, rows) alone give,
/// so that a smaller sample is the beginning of a larger one. Nothing is copied. Sees the rows.
template <class Row>
class sampled {
 public:
  class iterator {
   public:
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::forward_iterator_tag;
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    using pointer = const Row*;
    using reference = const Row&;

    iterator() = default;
    iterator(const sampled& of, std::size_t i) : of_(&of), i_(i) {}
    [[nodiscard]] reference operator*() const { return (*of_)[i_]; }
    [[nodiscard]] pointer operator->() const { return &(*of_)[i_]; }
    iterator& operator++() {
      ++i_;
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++i_;
      return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.i_ == b.i_; }

   private:
    const sampled* of_ = nullptr;
    std::size_t i_ = 0;
  };

  /// A `size` above the number of rows means all of them.
  sampled(std::span<const Row> rows, std::size_t size, std::uint64_t seed, std::uint64_t stream = 0)
      : rows_(rows), order_(rows.size(), seed, stream), size_((std::min)(size, rows.size())) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Precondition: i < size().
  [[nodiscard]] const Row& operator[](std::size_t i) const {
    LAGOM_ASSERT(i < size_);
    return rows_[static_cast<std::size_t>(order_(i))];
  }
  [[nodiscard]] iterator begin() const { return {*this, 0}; }
  [[nodiscard]] iterator end() const { return {*this, size_}; }

 private:
  std::span<const Row> rows_;
  permutation order_;
  std::size_t size_;
};

/// `wanted` rows shared among languages that have so many: as evenly as they allow, what one cannot give goes to the
/// others, odd rows to the first. `share[i]` never falls as `wanted` grows, so nested samples of these sizes are nested.
/// Gives the number of rows shared: less than wanted where there are not so many.
/// Precondition: as many shares as languages. O(languages^2).
constexpr std::size_t even_shares(std::size_t wanted, std::span<const std::size_t> have,
                                  std::span<std::size_t> share) noexcept {
  LAGOM_ASSERT(have.size() == share.size());
  for (std::size_t& s : share) s = 0;
  std::size_t given = 0;
  while (given < wanted) {
    std::size_t open = 0;  // languages with rows left
    for (std::size_t i = 0; i < have.size(); ++i) open += share[i] < have[i] ? 1u : 0u;
    if (open == 0) break;
    const std::size_t each = (wanted - given) / open;
    for (std::size_t i = 0; i < have.size() && given < wanted; ++i) {
      if (share[i] == have[i]) continue;
      const std::size_t take = (std::min)(each > 0 ? each : 1, have[i] - share[i]);
      share[i] += take;
      given += take;
    }
  }
  return given;
}

/// A language's rows.
template <class Row>
struct language_rows {
  std::string_view language;
  std::span<const Row> rows;
};

/// `wanted` rows of several languages in even shares, drawn from each by itself (stream `i` for language i). Calls
/// `sink(i, row)`, the languages in turn: first rows, then second rows, ... Gives their number.
template <class Row, class Sink>
std::size_t per_language(std::span<const language_rows<Row>> languages, std::size_t wanted,
                         std::uint64_t seed, Sink&& sink) {
  std::vector<std::size_t> have, share(languages.size());
  for (const auto& l : languages) have.push_back(l.rows.size());
  const std::size_t given = even_shares(wanted, have, share);
  std::vector<sampled<Row>> samples;
  for (std::size_t i = 0; i < languages.size(); ++i)
    samples.emplace_back(languages[i].rows, share[i], seed, i);
  std::size_t longest = 0;
  for (const std::size_t s : share) longest = (std::max)(longest, s);
  for (std::size_t k = 0; k < longest; ++k) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (k < share[i]) sink(i, samples[i][k]);
    }
  }
  return given;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
