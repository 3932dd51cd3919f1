// SPDX-License-Identifier: MIT
/// @file vocab/unit_ranks.hpp
/// The ranks of pairs of single units, which every piece begins with.
#pragma once

#include <algorithm>
#include <vector>

#include "merge_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A square of ranks for the 256 units that merge with each other most, a small part of which is in use at any
/// time; the merge table for others. 2 bytes a token, and 256 KiB.
class unit_ranks {
 public:
  unit_ranks() = default;

  /// `is_unit[id]` marks the tokens that are units; merges of two of them count.
  unit_ranks(const merge_table& table, std::span<const merge> merges,
             const std::vector<std::uint8_t>& is_unit)
      : place_(is_unit.size(), side) {
    std::vector<std::uint32_t> uses(is_unit.size());
    const auto row = [](token_id id) { return static_cast<std::size_t>(id); };
    for (const merge& m : merges) {
      if (is_unit[row(m.left)] == 0 || is_unit[row(m.right)] == 0) continue;
      ++uses[row(m.left)];
      ++uses[row(m.right)];
    }
    std::vector<token_id> units;
    for (std::size_t i = 0; i < uses.size(); ++i) {
      if (is_unit[i] != 0) units.push_back(static_cast<token_id>(i));
    }
    std::stable_sort(units.begin(), units.end(),
                     [&](token_id a, token_id b) { return uses[row(a)] > uses[row(b)]; });
    if (units.size() > side) units.resize(side);
    ranks_.assign(side * side, merge_table::no_rank);
    for (std::size_t i = 0; i < units.size(); ++i) place_[row(units[i])] = static_cast<std::uint16_t>(i);
    for (std::size_t i = 0; i < units.size(); ++i) {
      for (std::size_t j = 0; j < units.size(); ++j) ranks_[i * side + j] = table.rank(units[i], units[j]);
    }
  }

  /// What `table.rank` gives, the same table. Precondition: tokens of the vocabulary.
  [[nodiscard]] std::uint32_t operator()(const merge_table& table, token_id left,
                                         token_id right) const noexcept {
    const std::size_t i = place_[static_cast<std::size_t>(left)], j = place_[static_cast<std::size_t>(right)];
    return i < side && j < side ? ranks_[i * side + j] : table.rank(left, right);
  }

 private:
  static constexpr std::uint16_t side = 256;

  std::vector<std::uint16_t> place_;
  std::vector<std::uint32_t> ranks_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
