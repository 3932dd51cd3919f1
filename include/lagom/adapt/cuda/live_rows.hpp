// SPDX-License-Identifier: MIT
/// @file adapt/cuda/live_rows.hpp
/// The sequences of a batch that are still under way, in device memory.
#pragma once

#include "../../core/types.hpp"

namespace lagom {
inline namespace v0 {

/// A list of row numbers on the device, with its length there too: a kernel that shortens it and one that
/// reads it need no word from the host in between. Without `rows` it is 0, 1, 2, ...; without `count` it is full.
struct live_rows {
  const int* rows = nullptr;   ///< device memory, ascending
  const int* count = nullptr;  ///< device memory
  int capacity = 0;            ///< at most so many: what the host launches for

  [[nodiscard]] LAGOM_LEAF int size() const noexcept {
    return count == nullptr ? capacity : *count < capacity ? *count : capacity;
  }
  [[nodiscard]] LAGOM_LEAF index_t row(int i) const noexcept { return rows == nullptr ? i : rows[i]; }
};

}  // namespace v0
}  // namespace lagom
