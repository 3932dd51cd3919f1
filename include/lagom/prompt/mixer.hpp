// SPDX-License-Identifier: MIT
/// @file prompt/mixer.hpp
/// Several sources of rows in one order: by rows, tokens or trained tokens, with a small state that resumes.
#pragma once

#include <numeric>
#include <optional>

#include "../core/result.hpp"
#include "mix_options.hpp"
#include "permutation.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Gives rows of several sources in turn. Two steps a row, because its size may be known only once it is read:
/// ```cpp
/// while (auto pick = mixer.next()) {
///   const auto& row = read(pick->source, pick->row);
///   mixer.took(amount_of(mix_unit::tokens, row.ids.size(), row.trained));
/// }
/// ```
/// `deficit` takes the source for which weight * (all + d) / weights - own is greatest, d being the mean amount of a row
/// so far: with rows of equal size no source is ever a row off its share. Ties go to the lowest index. `random` draws
/// with probabilities weight * rows / amount, so that amounts come out by weight in the mean.
/// A source whose whole pass has amount 0 is left out of `budget_reached`, which it could never reach.
/// Cost: O(sources) a row; nothing is allocated after `make`.
class mixer {
 public:
  /// Fails with
  /// - `empty` without sources, with no weight above 0, or for a source (`row`) that has a weight and no rows;
  /// - `bad_value` for `budget_reached` without a budget and without a target for every source, for a shuffled source of
  ///   unknown size, for a random mixture with an amount and no known number of rows;
  /// - `overflow` for weights whose sum does not fit.
  static result<mixer> make(std::vector<mix_source> sources, const mix_options& options) {
    std::uint64_t sum = 0, divisor = 0;
    bool targets = true;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const mix_source& s = sources[i];
      if (s.weight == 0) continue;
      if (s.rows == 0) return failure{.code = errc::empty, .key = "source", .row = i};
      if (s.rows == mix_source::unknown && (options.shuffle || s.amount > 0)) {
        return failure{.code = errc::bad_value, .key = "rows", .row = i};
      }
      if (sum + s.weight < sum) return failure{.code = errc::overflow, .key = "weight", .row = i};
      sum += s.weight;
      divisor = std::gcd(divisor, s.weight);
      targets = targets && s.target > 0;
    }
    if (sum == 0) return failure{.code = errc::empty, .key = "sources"};
    if (options.stop == mix_stop::budget_reached && options.budget == 0 && !targets) {
      return failure{.code = errc::bad_value, .key = "budget"};
    }
    sum /= divisor;
    unsigned shift = 0;  // weights below 2^28 in all are exact
    while (sum >> shift > std::uint64_t{1} << 28) ++shift;
    mixer out;
    for (mix_source& s : sources) {
      out.state_.sources.push_back({.rows = s.rows});
      const std::uint64_t exact = s.weight / divisor, kept = exact >> shift;
      s.weight = exact > 0 && kept == 0 ? 1 : kept;
      out.chances_.push_back(chance(s));
    }
    out.sources_ = std::move(sources);
    out.orders_.resize(out.sources_.size());
    out.options_ = options;
    for (std::size_t i = 0; i < out.sources_.size(); ++i) out.begin_pass(i);
    return out;
  }

  /// The next row, or nothing when it is over. The row has to be answered, by `took` or by `ended`.
  [[nodiscard]] std::optional<mix_pick> next() {
    LAGOM_ASSERT(!pending_);
    if (options_.stop == mix_stop::budget_reached && options_.budget > 0 && state_.amount >= options_.budget)
      return {};
    if (options_.stop == mix_stop::all_exhausted && all_exhausted()) return {};
    const std::size_t i = choose();
    if (i == sources_.size()) return {};
    mix_state::source& s = state_.sources[i];
    if (s.taken == s.rows) {
      if (options_.stop == mix_stop::first_exhausted) return {};
      s.taken = s.pass_amount = 0;
      ++s.passes;
      begin_pass(i);
    }
    pending_ = true;
    chosen_ = i;
    return mix_pick{i, options_.shuffle ? orders_[i](s.taken) : s.taken, s.passes};
  }

  /// The row was used, and is that much: at most 2^28.
  void took(std::uint64_t amount) noexcept {
    LAGOM_ASSERT(pending_ && amount <= std::uint64_t{1} << 28);
    pending_ = false;
    std::int64_t weights = 0;
    const auto n = static_cast<std::int64_t>(amount);
    for (std::size_t j = 0; j < sources_.size(); ++j) {
      if (!is_active(j)) continue;
      const auto w = static_cast<std::int64_t>(sources_[j].weight);
      weights += w;
      state_.sources[j].credit += w * n;
    }
    mix_state::source& s = state_.sources[chosen_];
    s.credit -= weights * n;
    s.amount += amount;
    s.pass_amount += amount;
    ++s.taken;
    ++state_.slots;
    state_.amount += amount;
  }

  /// There was no such row: the stream is at its end, which is now its number of rows.
  void ended() noexcept {
    LAGOM_ASSERT(pending_);
    pending_ = false;
    state_.sources[chosen_].rows = state_.sources[chosen_].taken;
  }

  /// What to save, between two rows; and back again. `resume` fails with `wrong_schema` for a state of other sources.
  [[nodiscard]] const mix_state& state() const noexcept { return state_; }
  result<done> resume(const mix_state& state) {
    if (state.sources.size() != sources_.size()) {
      return failure{.code = errc::wrong_schema,
                     .key = "sources",
                     .expected = sources_.size(),
                     .found = state.sources.size()};
    }
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const bool same_rows =
          sources_[i].rows == mix_source::unknown || state.sources[i].rows == sources_[i].rows;
      if (!same_rows || state.sources[i].taken > state.sources[i].rows) {
        return failure{.code = errc::wrong_schema,
                       .key = "rows",
                       .row = i,
                       .expected = sources_[i].rows,
                       .found = state.sources[i].rows};
      }
    }
    state_ = state;
    pending_ = false;
    for (std::size_t i = 0; i < sources_.size(); ++i) begin_pass(i);
    return done{};
  }

  /// The source that `random` draws for a slot while all sources are in: the same on any shard, in any order.
  [[nodiscard]] std::size_t source_of(std::uint64_t slot) const noexcept {
    return draw(slot, [](std::size_t) { return true; });
  }

 private:
  mixer() = default;

  // Proportional to weight over mean amount of a row, as an integer.
  [[nodiscard]] static std::uint64_t chance(const mix_source& s) noexcept {
    if (s.weight == 0) return 0;
    std::uint64_t amount = s.amount, rows = s.rows;
    if (amount == 0) amount = rows = 1;
    while (amount >> 54 > 0) {
      amount >>= 1;
      rows = rows > 1 ? rows >> 1 : 1;
    }
    const std::uint64_t mean = (amount << 10) / rows;  // in 1/1024
    const std::uint64_t out = (s.weight << 28) / (mean > 0 ? mean : 1);
    return out > 0 ? out : 1;
  }

  [[nodiscard]] bool is_active(std::size_t i) const noexcept {
    const mix_source& s = sources_[i];
    const mix_state::source& now = state_.sources[i];
    if (s.weight == 0 || now.rows == 0 || (s.target > 0 && now.amount >= s.target)) return false;
    if (now.taken < now.rows) return true;
    if (options_.stop == mix_stop::budget_reached) return now.pass_amount > 0;
    return options_.stop != mix_stop::all_exhausted_without_replacement;
  }

  [[nodiscard]] bool all_exhausted() const noexcept {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const mix_state::source& s = state_.sources[i];
      if (is_active(i) && s.passes == 0 && s.taken < s.rows) return false;
    }
    return true;
  }

  [[nodiscard]] std::size_t choose() const noexcept {
    const auto active = [this](std::size_t i) { return is_active(i); };
    if (options_.choice == mix_choice::random) return draw(state_.slots, active);
    const std::uint64_t mean = state_.slots == 0 ? 1 : state_.amount / state_.slots;
    const auto ahead = static_cast<std::int64_t>(mean > 0 ? mean : 1);
    std::size_t best = sources_.size();
    std::int64_t most = 0;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (!is_active(i)) continue;
      const std::int64_t lag =
          state_.sources[i].credit + static_cast<std::int64_t>(sources_[i].weight) * ahead;
      if (best == sources_.size() || lag > most) {
        best = i;
        most = lag;
      }
    }
    return best;
  }

  template <class Active>
  [[nodiscard]] std::size_t draw(std::uint64_t slot, Active active) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < chances_.size(); ++i) sum += active(i) ? chances_[i] : 0;
    if (sum == 0) return sources_.size();
    std::uint64_t left = philox{options_.seed}.below(sum, stream(), slot);
    for (std::size_t i = 0; i < chances_.size(); ++i) {
      const std::uint64_t own = active(i) ? chances_[i] : 0;
      if (left < own) return i;
      left -= own;
    }
    return sources_.size();
  }

  [[nodiscard]] std::uint64_t stream() const noexcept {
    return std::uint64_t{options_.epoch} << 32 | options_.stream;
  }
  void begin_pass(std::size_t i) noexcept {
    if (!options_.shuffle || sources_[i].rows == mix_source::unknown) return;
    const std::uint64_t seed =
        philox{options_.seed}.bits(~stream(), std::uint64_t{i} << 40 | state_.sources[i].passes);
    orders_[i] = permutation(sources_[i].rows, seed);
  }

  std::vector<mix_source> sources_;
  std::vector<std::uint64_t> chances_;
  std::vector<permutation> orders_;
  mix_options options_;
  mix_state state_;
  std::size_t chosen_ = 0;
  bool pending_ = false;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
