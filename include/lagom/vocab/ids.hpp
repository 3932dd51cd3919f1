// SPDX-License-Identifier: MIT
/// @file vocab/ids.hpp
/// Token ids of two vocabularies that must not be mixed up.
#pragma once

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A token of the vocabulary that is there: a row of the old matrices.
enum class source_id : token_id { none = no_token };

/// A token of the vocabulary that is made: a row of the new matrices.
enum class target_id : token_id { none = no_token };

/// The row of a token. Precondition: not `none`.
[[nodiscard]] constexpr std::size_t row_of(source_id id) noexcept { return static_cast<std::size_t>(id); }
[[nodiscard]] constexpr std::size_t row_of(target_id id) noexcept { return static_cast<std::size_t>(id); }

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
