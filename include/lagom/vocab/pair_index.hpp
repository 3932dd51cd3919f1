// SPDX-License-Identifier: MIT
/// @file vocab/pair_index.hpp
/// Adjacent pairs of a corpus with their counts, kept right while pairs are merged.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "token_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// What BPE training counts: runs of symbols, each with a count, and for every adjacent pair where it stands.
///
/// A symbol is a token id, or a *pending* one (`pending_base` and above): it makes no pair until `name` gives
/// it a token. Every position is in the list of the one pair that begins there, so a merge touches the places
/// it changes and no other: all merges together cost O(symbols) list operations, and O(pairs log pairs) in the
/// heap. Memory: 28 bytes a symbol, 32 a distinct pair.
///
/// Precondition of `merge` and `name`: the token they make is in no run yet. A pair's count then only falls
/// once the step that made it is over, but for `rewrite`, and the positions in a run stay in order.
class pair_index {
 public:
  static constexpr token_id pending_base = token_id{1} << 30;

  struct pair {
    token_id left = no_token, right = no_token;
    std::uint64_t count = 0;  ///< how many merges it is good for: overlapping places count once
    std::uint32_t index = none;
  };

  /// Where nothing is.
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// Adds a run. Fails with `too_large` beyond 2^32 - 2 symbols.
  result<done> add(std::span<const token_id> run, std::uint64_t count) {
    if (run.empty() || count == 0) return done{};
    if (run.size() >= none - nodes_.size()) return failure{.code = errc::too_large, .key = "symbols"};
    const auto word = static_cast<std::uint32_t>(counts_.size());
    counts_.push_back(count);
    const std::size_t begin = nodes_.size();
    for (std::size_t i = 0; i < run.size(); ++i) {
      const auto at = static_cast<std::uint32_t>(begin + i);
      nodes_.push_back({.symbol = run[i],
                        .word = word,
                        .previous = i == 0 ? none : at - 1,
                        .next = i + 1 == run.size() ? none : at + 1});
    }
    return done{};
  }

  /// Adds runs that share a count, and what `rewrite` may take their place with: `room` symbols at most. They begin
  /// at the place that `size()` was. Precondition: `room` is no less than their symbols. Fails as `add` does.
  result<done> add_room(std::span<const std::vector<token_id>> runs, std::uint64_t count, std::size_t room) {
    if (room >= none - nodes_.size()) return failure{.code = errc::too_large, .key = "symbols"};
    const auto word = static_cast<std::uint32_t>(counts_.size());
    counts_.push_back(count);
    const std::size_t begin = nodes_.size();
    nodes_.resize(begin + room, node{.word = word});
    place(begin, nodes_.size(), runs);
    return done{};
  }

  /// Counts the pairs of all runs. Call it once, after the last `add`.
  void build(const token_table& texts) {
    grow(1024);
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) link(i);
    for (const std::uint32_t p : fresh_) heap_.push_back({pairs_[p].count, p});
    fresh_.clear();
    std::make_heap(heap_.begin(), heap_.end(), later{this, &texts});
  }

  /// Takes the pair of largest count from the heap; the pair of smaller texts (left, then right, as bytes) on
  /// a tie. False when no pair is left.
  bool pop(const token_table& texts, pair& out) {
    const later order{this, &texts};
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), order);
      const waiting top = heap_.back();
      heap_.pop_back();
      const entry& e = pairs_[top.pair];
      const std::uint64_t now = e.left == e.right ? apart(top.pair) : e.count;
      if (now == top.count) {
        out = {e.left, e.right, now, top.pair};
        return true;
      }
      if (now > 0) push({now, top.pair}, order);
    }
    return false;
  }

  /// Gives a popped pair back, unchanged.
  void put_back(const pair& p, const token_table& texts) { push({p.count, p.index}, later{this, &texts}); }

  /// Merges every place of a popped pair into `result`, from left to right. Returns how many tokens that
  /// saves.
  std::uint64_t merge(const pair& p, token_id result, const token_table& texts) {
    std::uint64_t saved = 0;
    while (pairs_[p.index].first != none) {
      const std::uint32_t i = pairs_[p.index].first, j = nodes_[i].next, before = nodes_[i].previous;
      saved += counts_[nodes_[i].word];
      unlink(before);
      unlink(i);
      unlink(j);
      nodes_[i].symbol = result;
      nodes_[i].next = nodes_[j].next;
      if (nodes_[j].next != none) nodes_[nodes_[j].next].previous = i;
      nodes_[j].symbol = no_token;
      link(before);
      link(i);
    }
    push_fresh(texts);
    return saved;
  }

  /// Gives pending symbols a token; `places` are where they stand, rising.
  void name(std::span<const std::uint32_t> places, token_id result, const token_table& texts) {
    for (const std::uint32_t i : places) {
      nodes_[i].symbol = result;
      link(nodes_[i].previous);
      link(i);
    }
    push_fresh(texts);
  }

  /// Puts other runs in the place of those of one `add_room`, which are at [begin, end). Precondition: no pair that
  /// was merged is in them.
  void rewrite(std::size_t begin, std::size_t end, std::span<const std::vector<token_id>> runs,
               const token_table& texts) {
    for (std::size_t i = begin; i < end; ++i) unlink(static_cast<std::uint32_t>(i));
    place(begin, end, runs);
    for (std::size_t i = begin; i < end; ++i) {
      link(static_cast<std::uint32_t>(i));
      if (nodes_[i].pair != none) fresh_.push_back(nodes_[i].pair);  // its count rose
    }
    std::sort(fresh_.begin(), fresh_.end());
    fresh_.erase(std::unique(fresh_.begin(), fresh_.end()), fresh_.end());
    push_fresh(texts);
  }

  /// How many symbols were added: places are 0 ... size() - 1.
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

  /// The places before and after in the run; `none` at its ends.
  [[nodiscard]] std::uint32_t before(std::uint32_t place) const noexcept { return nodes_[place].previous; }
  [[nodiscard]] std::uint32_t after(std::uint32_t place) const noexcept { return nodes_[place].next; }

  /// What stands at a place now; `no_token` where a merge took it.
  [[nodiscard]] token_id symbol(std::size_t place) const noexcept { return nodes_[place].symbol; }

  /// The count of the run that a place is in.
  [[nodiscard]] std::uint64_t count_at(std::size_t place) const noexcept {
    return counts_[nodes_[place].word];
  }

 private:
  struct node {
    token_id symbol = no_token;
    std::uint32_t word = 0, previous = none, next = none;  // neighbours in the run
    std::uint32_t pair = none, earlier = none,
                  later = none;  // neighbours in the list of the pair (this, next)
  };
  struct entry {
    token_id left, right;
    std::uint32_t first = none, last = none;
    std::uint64_t count = 0;
  };
  struct waiting {
    std::uint64_t count;
    std::uint32_t pair;
  };
  struct later {
    const pair_index* index;
    const token_table* texts;
    bool operator()(const waiting& a, const waiting& b) const {
      if (a.count != b.count) return a.count < b.count;
      const entry &x = index->pairs_[a.pair], &y = index->pairs_[b.pair];
      if (x.left != y.left) return (*texts)[x.left] > (*texts)[y.left];
      return (*texts)[x.right] > (*texts)[y.right];
    }
  };

  /// Writes runs to places, one after the other; nothing stands at those that are left.
  void place(std::size_t begin, std::size_t end, std::span<const std::vector<token_id>> runs) {
    auto at = static_cast<std::uint32_t>(begin);
    const auto put = [&](token_id symbol, bool has_previous, bool has_next) {
      LAGOM_ASSERT(at < end);
      nodes_[at].symbol = symbol;
      nodes_[at].previous = has_previous ? at - 1 : none;
      nodes_[at].next = has_next ? at + 1 : none;
      ++at;
    };
    for (const std::vector<token_id>& run : runs) {
      for (std::size_t i = 0; i < run.size(); ++i) put(run[i], i > 0, i + 1 < run.size());
    }
    while (at < end) put(no_token, false, false);
  }

  void push(const waiting& w, const later& order) {
    heap_.push_back(w);
    std::push_heap(heap_.begin(), heap_.end(), order);
  }

  void push_fresh(const token_table& texts) {
    for (const std::uint32_t p : fresh_) {
      if (pairs_[p].count > 0) push({pairs_[p].count, p}, later{this, &texts});
    }
    fresh_.clear();
  }

  /// Places of a pair of equal symbols that do not overlap, counted from the left.
  [[nodiscard]] std::uint64_t apart(std::uint32_t p) const noexcept {
    std::uint64_t sum = 0;
    std::uint32_t taken = none;  // the second place of the last one counted
    for (std::uint32_t i = pairs_[p].first; i != none; i = nodes_[i].later) {
      if (i == taken) {
        taken = none;
        continue;
      }
      sum += counts_[nodes_[i].word];
      taken = nodes_[i].next;
    }
    return sum;
  }

  void link(std::uint32_t i) {
    if (i == none || nodes_[i].next == none || nodes_[i].pair != none) return;
    const token_id left = nodes_[i].symbol, right = nodes_[nodes_[i].next].symbol;
    if (left >= pending_base || right >= pending_base) return;
    const std::uint32_t p = pair_of(left, right);
    entry& e = pairs_[p];
    nodes_[i].pair = p;
    nodes_[i].earlier = e.last;
    nodes_[i].later = none;
    (e.last == none ? e.first : nodes_[e.last].later) = i;
    e.last = i;
    e.count += counts_[nodes_[i].word];
  }

  void unlink(std::uint32_t i) noexcept {
    if (i == none || nodes_[i].pair == none) return;
    node& n = nodes_[i];
    entry& e = pairs_[n.pair];
    (n.earlier == none ? e.first : nodes_[n.earlier].later) = n.later;
    (n.later == none ? e.last : nodes_[n.later].earlier) = n.earlier;
    e.count -= counts_[n.word];
    n.pair = n.earlier = n.later = none;
  }

  std::uint32_t pair_of(token_id left, token_id right) {
    const std::size_t at = slot(left, right);
    if (slots_[at] != none) return slots_[at];
    const auto p = static_cast<std::uint32_t>(pairs_.size());
    pairs_.push_back({left, right});
    fresh_.push_back(p);
    slots_[at] = p;
    if (2 * pairs_.size() > slots_.size()) grow(2 * slots_.size());
    return p;
  }

  [[nodiscard]] std::size_t slot(token_id left, token_id right) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    const std::uint64_t key =
        (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right);
    const std::uint64_t hash = key * 0x9E3779B97F4A7C15u;
    std::size_t at = (hash ^ (hash >> 32)) & mask;
    while (slots_[at] != none && (pairs_[slots_[at]].left != left || pairs_[slots_[at]].right != right)) {
      at = (at + 1) & mask;
    }
    return at;
  }

  void grow(std::size_t capacity) {
    slots_.assign(capacity, none);
    for (std::uint32_t p = 0; p < pairs_.size(); ++p) slots_[slot(pairs_[p].left, pairs_[p].right)] = p;
  }

  std::vector<node> nodes_;
  std::vector<std::uint64_t> counts_;  // by run
  std::vector<entry> pairs_;
  std::vector<std::uint32_t> slots_;  // an open hash of pairs, half full at most
  std::vector<std::uint32_t> fresh_;  // pairs that this step made
  std::vector<waiting> heap_;
};

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
