// SPDX-License-Identifier: MIT
/// @file vocab/expansion.hpp
/// What is known of a vocabulary change, as embedding initializers want it.
#pragma once

#include <optional>
#include <string_view>

#include "alignment_counts.hpp"
#include "ragged.hpp"
#include "token_vectors.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A merge that makes a wanted token, in target ids.
struct target_rule {
  target_id left = target_id::none, right = target_id::none, result = target_id::none;
  friend bool operator==(const target_rule&, const target_rule&) = default;
};

/// The change from a source vocabulary to a target vocabulary: the one thing that every initializer reads.
///
/// An expansion keeps the ids of the source and appends; a replacement has a target vocabulary of its own.
/// `wanted` lists the tokens whose rows are to be made: the new ones of an expansion, all of a replacement.
/// A plan has one row for each, in this order. Lists "by row" are parallel to `wanted`, lists "by target"
/// have an entry for every target id.
struct expansion {
  index_t source_size = 0;  ///< rows of the source matrices that are tokens: one more than the largest id
  index_t target_size = 0;  ///< the same of the target
  std::vector<target_id> wanted{};      ///< rising
  std::vector<source_id> same{};        ///< by target: the source token that it is too, or `none`
  ragged<char> bytes{};                 ///< by row: what the token stands for; empty for added tokens
  ragged<char> source_bytes{};          ///< by source id: the same; no list where that is not known
  ragged<source_id> pieces{};           ///< by row: the source's tokens of those bytes alone, iso(t)
  std::vector<target_rule> rules{};     ///< the merges that make wanted tokens, in list order
  std::vector<std::uint64_t> counts{};  ///< by target: occurrences in a corpus; empty when not counted
  std::optional<alignment_counts> alignment{};  ///< what wanted tokens cover in a corpus, if one was aligned
  token_vectors source_vectors{};               ///< auxiliary vectors by source id; empty when there are none
  token_vectors target_vectors{};               ///< auxiliary vectors by target id; empty when there are none

  [[nodiscard]] std::size_t rows() const noexcept { return wanted.size(); }

  /// The source token that row `r` is too, or `none`.
  [[nodiscard]] source_id same_as(std::size_t r) const noexcept { return same[row_of(wanted[r])]; }

  /// The bytes of row `r`.
  [[nodiscard]] std::string_view bytes_of(std::size_t r) const noexcept {
    return {bytes[r].data(), bytes[r].size()};
  }
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
