// SPDX-License-Identifier: MIT
/// @file vocab/merge_lanes.hpp
/// Short pieces that merge side by side.
#pragma once

#include <utility>

#include "merge_loop.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// Some short pieces, each of which takes a step in turn: their look-ups in the table overlap. What becomes of a
/// piece is what `apply_merges` makes of it.
class merge_lanes {
 public:
  merge_lanes(const merge_table& merges, const unit_ranks& units) noexcept : merges_(merges), units_(units) {}

  /// Whether a piece of so many units may be added.
  [[nodiscard]] bool can_take(std::size_t units) const noexcept {
    return units >= 2 && units <= short_piece && merges_.rank_end() < most_short_ranks;
  }

  [[nodiscard]] bool full() const noexcept { return count_ == most; }

  /// Adds piece number `i`, as its units. Preconditions: not `full()`, and `can_take(units.size())`.
  void add(std::size_t i, std::span<const token_id> units) noexcept {
    LAGOM_ASSERT(!full() && can_take(units.size()));
    lane& l = lanes_[count_++];
    l.piece = i;
    const std::span<token_id> ids(l.ids.data(), units.size());
    std::copy(units.begin(), units.end(), ids.begin());
    l.merge.start(ids, [&](std::size_t k) { return units_(merges_, ids[k], ids[k + 1]); });
  }

  /// Merges all that were added and calls `give(i, tokens)` for each, in any order.
  template <class Give>
  void run(Give& give) {
    std::array<lane*, most> active;
    for (std::size_t k = 0; k < count_; ++k) active[k] = &lanes_[k];
    for (std::size_t left = std::exchange(count_, 0); left > 0;) {
      for (std::size_t k = 0; k < left;) {
        if (active[k]->merge.done()) {
          give(active[k]->piece, std::span<const token_id>(active[k]->merge.pack()));
          active[k] = active[--left];
        } else {
          active[k++]->merge.join(merges_);
        }
      }
      for (std::size_t k = 0; k < left; ++k) active[k]->merge.rank(merges_);
    }
  }

 private:
  static constexpr std::size_t most = 8;
  struct lane {
    std::size_t piece;
    short_merge merge;
    std::array<token_id, short_piece> ids;
  };

  const merge_table& merges_;
  const unit_ranks& units_;
  std::array<lane, most> lanes_;
  std::size_t count_ = 0;
};

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
