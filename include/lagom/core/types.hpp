// SPDX-License-Identifier: MIT
/// @file core/types.hpp
/// The plain types that everything else counts with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../config.hpp"

namespace lagom {
inline namespace v0 {

/// Extents, strides and positions in memory. Signed: differences of extents are common and must not wrap.
using index_t = std::ptrdiff_t;

/// A row of the unembedding matrix. Negative means "none".
using token_id = std::int32_t;

/// The token id that stands for "none".
inline constexpr token_id no_token = -1;

namespace detail {
/// `std::bit_cast` that device code may call.
template <class To, class From>
LAGOM_LEAF constexpr To bit_cast(const From& x) noexcept {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, x);
}
}  // namespace detail

}  // namespace v0
}  // namespace lagom
