// SPDX-License-Identifier: MIT
/// @file prompt/best_fit.hpp
/// Packing of a whole data set: the longest first, each where it fits best.
#pragma once

#include <algorithm>
#include <map>

#include "packed.hpp"
#include "successor_set.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

namespace detail {

inline constexpr std::uint32_t no_bin = 0xFFFFFFFFu;

/// Open bins by the space left in them: lists in an array, for capacities of the order of the number of samples.
class bucketed_bins {
 public:
  explicit bucketed_bins(std::uint32_t capacity)
      : spaces_(std::size_t{capacity} + 1), first_(std::size_t{capacity} + 1, no_bin) {}
  /// Takes out a bin with the least space that is `size` or more; writes the space. `no_bin` when there is none.
  std::uint32_t take(std::uint32_t size, std::uint32_t& space) {
    const std::size_t found = spaces_.at_least(size);
    if (found == successor_set::none) return no_bin;
    space = static_cast<std::uint32_t>(found);
    const std::uint32_t bin = first_[found];
    first_[found] = next_[bin];
    if (first_[found] == no_bin) spaces_.erase(found);
    return bin;
  }
  void put(std::uint32_t bin, std::uint32_t space) {
    if (bin >= next_.size()) next_.resize(std::size_t{bin} + 1, no_bin);
    next_[bin] = first_[space];
    first_[space] = bin;
    spaces_.insert(space);
  }

 private:
  successor_set spaces_;
  std::vector<std::uint32_t> first_, next_;
};

/// The same in an ordered map, for any capacity.
class mapped_bins {
 public:
  explicit mapped_bins(std::uint32_t) {}
  std::uint32_t take(std::uint32_t size, std::uint32_t& space) {
    const auto found = bins_.lower_bound(size);
    if (found == bins_.end()) return no_bin;
    space = found->first;
    const std::uint32_t bin = found->second.back();
    found->second.pop_back();
    if (found->second.empty()) bins_.erase(found);
    return bin;
  }
  void put(std::uint32_t bin, std::uint32_t space) { bins_[space].push_back(bin); }

 private:
  std::map<std::uint32_t, std::vector<std::uint32_t>> bins_;
};

/// Orders pieces by size, the largest first, equal ones as they were.
inline void sort_by_size(std::vector<packed_piece>& pieces, std::uint32_t capacity, bool bucketed) {
  if (!bucketed) {
    std::stable_sort(pieces.begin(), pieces.end(),
                     [](const packed_piece& a, const packed_piece& b) { return a.size > b.size; });
    return;
  }
  std::vector<std::size_t> at(std::size_t{capacity} + 1, 0);
  for (const packed_piece& p : pieces) ++at[capacity - p.size];
  std::size_t sum = 0;
  for (std::size_t& n : at) {
    const std::size_t count = n;
    n = sum;
    sum += count;
  }
  std::vector<packed_piece> sorted(pieces.size());
  for (const packed_piece& p : pieces) sorted[at[capacity - p.size]++] = p;
  pieces.swap(sorted);
}

template <class Bins>
void place_best_fit(const std::vector<packed_piece>& sorted, std::uint32_t capacity, packed_bins& out) {
  Bins open(capacity);
  std::vector<std::uint32_t> bin_of(sorted.size());
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    std::uint32_t space = capacity, bin = open.take(sorted[i].size, space);
    if (bin == no_bin) bin = count++;
    bin_of[i] = bin;
    if (space > sorted[i].size) open.put(bin, space - sorted[i].size);
  }
  out.bin_begin.assign(std::size_t{count} + 1, 0);
  for (const std::uint32_t bin : bin_of) ++out.bin_begin[std::size_t{bin} + 1];
  for (std::size_t b = 0; b < count; ++b) out.bin_begin[b + 1] += out.bin_begin[b];
  std::vector<std::size_t> at(out.bin_begin.begin(), out.bin_begin.end() - 1);
  out.pieces.resize(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) out.pieces[at[bin_of[i]]++] = sorted[i];
}

}  // namespace detail

/// Best-fit decreasing: samples by falling length (the earlier one first where equal), each into the bin with the least
/// space that it fits into, or a new one. At most 11/9 of the fewest possible bins and a constant (Johnson 1974); on
/// lengths of real data it mostly reaches the bound of `sum / capacity` bins.
///
/// A sample over the capacity is a loss, or with `split_long` cut into pieces of the capacity and a rest. An empty
/// one is a loss. Bins stand in the order in which they were opened, pieces in the order in which they were placed.
/// O(n log64 capacity) where the capacity is of the order of n or below, O(n log n) above; the result is the same.
/// Memory: 32 bytes a sample. Precondition: capacity > 0, fewer than 2^32 pieces.
[[nodiscard]] inline packed_bins pack_best_fit(std::span<const std::uint32_t> lengths, std::uint32_t capacity,
                                               bool split_long = false) {
  LAGOM_ASSERT(capacity > 0);
  packed_bins out;
  std::vector<packed_piece> pieces;
  pieces.reserve(lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto sample = static_cast<std::uint32_t>(i);
    if (lengths[i] == 0 || (lengths[i] > capacity && !split_long)) {
      out.account.drop(lengths[i] == 0 ? pack_loss::empty : pack_loss::too_long);
      continue;
    }
    out.account.keep();
    for (std::uint32_t begin = 0; begin < lengths[i];) {
      const std::uint32_t size = (std::min)(capacity, lengths[i] - begin);
      pieces.push_back({sample, begin, size});
      begin += size;
    }
  }
  const bool bucketed = capacity / 4 <= pieces.size() + 1024;
  detail::sort_by_size(pieces, capacity, bucketed);
  if (bucketed) {
    detail::place_best_fit<detail::bucketed_bins>(pieces, capacity, out);
  } else {
    detail::place_best_fit<detail::mapped_bins>(pieces, capacity, out);
  }
  return out;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
