// SPDX-License-Identifier: MIT
/// @file vocab/align.hpp
/// What the tokens of one segmentation cover in another one of the same bytes.
#pragma once

#include "alignment_counts.hpp"
#include "segmentation.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Which source tokens a target token [p, q) takes, and with which shares.
enum class align_policy : std::uint8_t {
  /// Those inside [p, q), if p and q are both boundaries of source tokens; else none. Share 1.
  exact_cover,
  /// Those inside [p, q), or the one that [p, q) is inside of; one that crosses p or q is left out, so that the
  /// cover may be partial. Share 1. The rule of Yamaguchi et al. (arXiv 2406.11477).
  containment,
  /// All that have a byte in [p, q). Share 1.
  overlap,
  /// All that have a byte in [p, q). Share: the bytes in common, which add up to q - p.
  overlap_weighted,
};

namespace detail {

template <align_policy Policy, class Visit>
void align_by(cuts source, cuts target, std::vector<aligned_piece>& scratch, Visit& visit) {
  const std::size_t n = source.ends.size();
  if (scratch.size() < n) scratch.resize(n);
  aligned_piece* const pieces = scratch.data();
  std::size_t first = 0, first_begin = 0, p = 0;  // the first source token that ends after p
  for (std::size_t i = 0; i < target.ends.size(); ++i) {
    const std::size_t q = target.ends[i];
    if (p == q) {
      visit(i, std::span<const aligned_piece>{}, false);
      continue;
    }
    for (; first < n && source.ends[first] <= p; ++first) first_begin = source.ends[first];
    std::size_t begin = first_begin, count = 0;
    for (std::size_t s = first; s < n && begin < q; ++s) {
      const std::size_t end = source.ends[s];
      bool taken = end > begin;
      if constexpr (Policy == align_policy::containment) {
        taken = taken && ((begin >= p && end <= q) || (begin <= p && end >= q));
      }
      if (taken) {
        std::uint32_t share = 1;
        if constexpr (Policy == align_policy::overlap_weighted) {
          share = static_cast<std::uint32_t>((std::min)(end, q) - (std::max)(begin, p));
        }
        pieces[count++] = {static_cast<source_id>(source.tokens[s]), share};
      }
      begin = end;
    }
    const bool crossing =
        first_begin != p || begin != q;  // `begin`: where the last one that was looked at ends
    if (Policy == align_policy::exact_cover && crossing) count = 0;
    visit(i, std::span<const aligned_piece>(pieces, count), crossing);
    p = q;
  }
}

}  // namespace detail

/// Aligns two segmentations of one byte stream in O(n + m): calls `visit(i, pieces, crossing)` for every
/// target token, in order, with its place, the source tokens that it takes, in order, and whether p or q is
/// inside a source token. Tokens without bytes take none, are taken by none and cross none. `scratch` is
/// overwritten, and grows to the number of source tokens.
///
/// Precondition: both segmentations end at the same byte.
template <class Visit>
void align(align_policy policy, cuts source, cuts target, std::vector<aligned_piece>& scratch,
           Visit&& visit) {
  LAGOM_ASSERT(source.tokens.size() == source.ends.size() && target.tokens.size() == target.ends.size());
  switch (policy) {
    case align_policy::exact_cover:
      return detail::align_by<align_policy::exact_cover>(source, target, scratch, visit);
    case align_policy::containment:
      return detail::align_by<align_policy::containment>(source, target, scratch, visit);
    case align_policy::overlap:
      return detail::align_by<align_policy::overlap>(source, target, scratch, visit);
    case align_policy::overlap_weighted:
      return detail::align_by<align_policy::overlap_weighted>(source, target, scratch, visit);
  }
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
