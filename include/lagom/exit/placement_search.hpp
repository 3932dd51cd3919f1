// SPDX-License-Identifier: MIT
/// @file exit/placement_search.hpp
/// The dynamic programme behind `place_exits`.
#pragma once

#include "exit_options.hpp"
#include "sort_stably.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// States of one layer, their row sets side by side.
struct placement_states {
  struct state {
    double cost = 0;
    double low = 0;  // no completion costs less
    index_t errors = 0;
    index_t here = 0;     // rows still there
    index_t parent = -1;  // in the layer before
    index_t option = -1;  // taken at this layer
    std::size_t words = 0;
  };
  std::vector<state> list;
  std::vector<std::uint64_t> words;
};

/// What rows still there cost at least: each leaves where it is cheapest for itself, of all that lose only as many as may.
class placement_bound {
 public:
  /// For the rows that have passed layer `l`.
  struct layer {
    std::vector<double> right;    // cheapest way on that loses nothing
    std::vector<double> saving;   // what losing saves beyond that
    std::vector<index_t> losers;  // rows that save by losing, the most first
  };

  LAGOM_INLINE explicit placement_bound(const exit_options& all)
      : layers_(static_cast<std::size_t>(all.layers)) {
    const auto n = static_cast<std::size_t>(all.rows);
    std::vector<double> right(n, all.costs.head), wrong(n, all.costs.head);
    for (int l = all.layers - 1; l >= 0; --l) {
      if (l + 1 < all.layers) {
        for (const exit_option& o : all.options) {
          if (o.layer.value == l + 1) leave(all, o, right, wrong);
        }
        for (std::size_t i = 0; i < n; ++i) {
          right[i] += all.costs.block;
          wrong[i] += all.costs.block;
        }
      }
      layer& to = layers_[static_cast<std::size_t>(l)];
      to.right = right;
      to.saving.resize(n);
      for (std::size_t i = 0; i < n; ++i) {
        to.saving[i] = wrong[i] < right[i] ? right[i] - wrong[i] : 0.0;
        if (to.saving[i] > 0) to.losers.push_back(static_cast<index_t>(i));
      }
      sort_stably(to.losers, [&](index_t a, index_t b) {
        return to.saving[static_cast<std::size_t>(a)] > to.saving[static_cast<std::size_t>(b)];
      });
    }
  }

  /// The least that `here` cost after layer `l` if at most `errors` of them lose.
  [[nodiscard]] LAGOM_INLINE double least(int l, const std::uint64_t* here, std::size_t words,
                                          index_t errors) const noexcept {
    const layer& at = layers_[static_cast<std::size_t>(l)];
    double sum = 0;
    for (std::size_t w = 0; w < words; ++w) {
      for (std::uint64_t left = here[w]; left != 0; left &= left - 1)
        sum += at.right[64 * w + static_cast<std::size_t>(lowest_bit(left))];
    }
    for (std::size_t k = 0; k < at.losers.size() && errors > 0; ++k) {
      const auto row = static_cast<std::size_t>(at.losers[k]);
      if ((here[row / 64] >> (row % 64) & 1u) == 0) continue;
      sum -= at.saving[row];
      --errors;
    }
    return sum;
  }

 private:
  LAGOM_INLINE static void leave(const exit_options& all, const exit_option& o, std::vector<double>& right,
                                 std::vector<double>& wrong) {
    const double owed = (all.layers - 1 - o.layer.value) * all.costs.skipped;
    for (index_t row = 0; row < all.rows; ++row) {
      if (!o.stops.has(row)) continue;
      const double cost = owed + o.costs.probe + o.costs.answer + (o.looks.has(row) ? o.costs.look : 0.0);
      double& best = (o.loses.has(row) ? wrong : right)[static_cast<std::size_t>(row)];
      best = cost < best ? cost : best;
    }
  }

  std::vector<layer> layers_;
};

template <backend B>
class placement_search {
 public:
  struct solution {
    double cost = 0;  // of all rows
    index_t errors = 0;
    std::vector<index_t> options;
  };

  placement_search(const exit_options& all, index_t budget, index_t states)
      : all_(all), bound_(all), budget_(budget), limit_(static_cast<std::size_t>(states)) {
    const double full = static_cast<double>(all.rows) * (all.layers * all.costs.block + all.costs.head);
    best_.assign(static_cast<std::size_t>(budget) + 1, solution{full, 0, {}});
    dropped_.assign(best_.size(), full);
    words_ = row_set(all.rows).words().size();
  }

  void run() {
    placement_states now;
    now.words = row_set(all_.rows, true).words();
    now.list.push_back({.here = all_.rows});
    for (int l = 0; l + 1 < all_.layers && !now.list.empty(); ++l) {
      placement_states next = grown(now, l);
      without_dominated(next);
      within_limit(next);
      std::vector<step> taken;
      for (const auto& s : next.list) taken.push_back({s.parent, s.option});
      steps_.push_back(std::move(taken));
      now = std::move(next);
    }
  }

  [[nodiscard]] index_t budget() const noexcept { return budget_; }
  [[nodiscard]] bool exact() const noexcept { return exact_; }
  [[nodiscard]] const solution& best(index_t errors) const noexcept {
    return best_[static_cast<std::size_t>(errors)];
  }
  [[nodiscard]] double bound(index_t errors) const noexcept {
    const auto e = static_cast<std::size_t>(errors);
    return dropped_[e] < best_[e].cost ? dropped_[e] : best_[e].cost;
  }

 private:
  struct step {
    index_t parent, option;
  };

  // Every state with every option of the layer, or none.
  placement_states grown(const placement_states& from, int l) {
    placement_states to;
    for (std::size_t i = 0; i < from.list.size(); ++i) {
      auto s = from.list[i];
      const std::uint64_t* const here = from.words.data() + s.words;
      s.cost += static_cast<double>(s.here) * all_.costs.block;
      s.parent = static_cast<index_t>(i);
      s.option = -1;
      offer(to, s, here, nullptr, l);
      for (std::size_t k = 0; k < all_.options.size(); ++k) {
        const exit_option& o = all_.options[k];
        if (o.layer.value == l) offer(to, with(s, here, o, static_cast<index_t>(k)), here, &o, l);
      }
    }
    return to;
  }

  typename placement_states::state with(typename placement_states::state s, const std::uint64_t* here,
                                        const exit_option& o, index_t k) const noexcept {
    index_t looked = 0, leaving = 0, lost = 0;
    for (std::size_t w = 0; w < words_; ++w) {
      const std::uint64_t leave = here[w] & o.stops.words()[w];
      looked += bits_set(here[w] & o.looks.words()[w]);
      leaving += bits_set(leave);
      lost += bits_set(leave & o.loses.words()[w]);
    }
    s.cost += static_cast<double>(s.here) * o.costs.probe + static_cast<double>(looked) * o.costs.look +
              static_cast<double>(leaving) *
                  (o.costs.answer + (all_.layers - 1 - o.layer.value) * all_.costs.skipped);
    s.errors += lost;
    s.here -= leaving;
    s.option = k;
    return s;
  }

  // Keeps a state that may still lead to something better; it is a solution too, without further exits.
  void offer(placement_states& to, typename placement_states::state s, const std::uint64_t* here,
             const exit_option* taken, int l) {
    if (s.errors > budget_) return;
    const double whole =
        s.cost + static_cast<double>(s.here) * ((all_.layers - 1 - l) * all_.costs.block + all_.costs.head);
    improve(whole, s);
    s.words = to.words.size();
    for (std::size_t w = 0; w < words_; ++w)
      to.words.push_back(taken != nullptr ? here[w] & ~taken->stops.words()[w] : here[w]);
    s.low = s.cost + bound_.least(l, to.words.data() + s.words, words_, budget_ - s.errors);
    if (s.low < best_[static_cast<std::size_t>(s.errors)].cost) {
      to.list.push_back(s);
    } else {
      to.words.resize(s.words);
    }
  }

  void improve(double cost, const typename placement_states::state& s) {
    auto e = static_cast<std::size_t>(s.errors);
    if (!(cost < best_[e].cost)) return;
    solution found{cost, s.errors, {}};
    if (s.option >= 0) found.options.push_back(s.option);
    index_t at = s.parent;
    for (std::size_t l = steps_.size(); l-- > 0;) {
      const step& taken = steps_[l][static_cast<std::size_t>(at)];
      if (taken.option >= 0) found.options.push_back(taken.option);
      at = taken.parent;
    }
    for (std::size_t i = 0, j = found.options.size(); i + 1 < j; ++i)
      std::swap(found.options[i], found.options[--j]);
    for (; e < best_.size() && cost <= best_[e].cost; ++e) best_[e] = found;  // fewer errors win a tie
  }

  // Drops states whose rows hold another's, at no less cost and with no fewer errors.
  void without_dominated(placement_states& of) const {
    sort_stably(of.list, [](const auto& a, const auto& b) {
      return a.cost != b.cost       ? a.cost < b.cost
             : a.errors != b.errors ? a.errors < b.errors
                                    : a.here < b.here;
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < of.list.size(); ++i) {
      const auto s = of.list[i];
      bool dominated = false;
      for (std::size_t j = 0; j < kept && !dominated; ++j) {
        const auto& other = of.list[j];
        dominated = other.errors <= s.errors && other.here <= s.here &&
                    within(of.words.data() + other.words, of.words.data() + s.words);
      }
      if (!dominated) of.list[kept++] = s;
    }
    of.list.resize(kept);
  }
  bool within(const std::uint64_t* a, const std::uint64_t* b) const noexcept {
    for (std::size_t w = 0; w < words_; ++w) {
      if ((a[w] & ~b[w]) != 0) return false;
    }
    return true;
  }

  // Drops the states of the highest bounds, and remembers what that may have cost.
  void within_limit(placement_states& of) {
    if (of.list.size() <= limit_) return;
    exact_ = false;
    sort_stably(of.list, [](const auto& a, const auto& b) { return a.low < b.low; });
    for (std::size_t i = limit_; i < of.list.size(); ++i) {
      for (auto e = static_cast<std::size_t>(of.list[i].errors); e < dropped_.size(); ++e)
        dropped_[e] = of.list[i].low < dropped_[e] ? of.list[i].low : dropped_[e];
    }
    of.list.resize(limit_);
  }

  const exit_options& all_;
  placement_bound bound_;
  index_t budget_;
  std::size_t limit_, words_ = 0;
  bool exact_ = true;
  std::vector<solution> best_;            // with at most so many errors
  std::vector<double> dropped_;           // least bound of what was dropped with at most so many errors
  std::vector<std::vector<step>> steps_;  // of every layer, for the way back
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
