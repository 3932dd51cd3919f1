// SPDX-License-Identifier: MIT
/// @file exit/sort_stably.hpp
/// A stable sort that needs no <algorithm>.
#pragma once

#include <utility>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Sorts by `before(a, b)`, a strict weak order; equals keep their places. Bottom-up merges: n log2 n comparisons, a second
/// list.
template <class T, class Before>
LAGOM_INLINE void sort_stably(std::vector<T>& list, const Before& before) {
  std::vector<T> other(list);
  for (std::size_t run = 1; run < list.size(); run *= 2) {
    for (std::size_t first = 0; first < list.size(); first += 2 * run) {
      const std::size_t middle = first + run < list.size() ? first + run : list.size();
      const std::size_t last = middle + run < list.size() ? middle + run : list.size();
      std::size_t a = first, b = middle;
      for (std::size_t to = first; to < last; ++to) {
        const bool second = a == middle || (b < last && before(list[b], list[a]));
        other[to] = second ? list[b++] : list[a++];
      }
    }
    std::swap(list, other);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
