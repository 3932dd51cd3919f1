// SPDX-License-Identifier: MIT
/// @file vocab/new_token.hpp
/// A token that an expansion adds.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Texts that no new token may have.
using reserved_texts = std::set<std::string, std::less<>>;

/// A token that an expansion adds, and what is known of it.
struct new_token {
  token_id id = no_token;
  std::string text{};  ///< as in the model: bytes, or a spelling where units are characters
  token_id left = no_token, right = no_token;  ///< what its rule merges; none for a unit by itself
  std::uint64_t gain = 0;  ///< tokens of the corpus that it saved when it was chosen; 0 where that is not how
  std::uint64_t adds = 0;  ///< or that came with it, where the source loses what it stands for
  std::uint64_t count = 0;    ///< occurrences in the corpus in the end
  bool reachable = false;     ///< its own text becomes this token, and nothing else
  bool intermediate = false;  ///< only there because another new token is made of it

  [[nodiscard]] bool is_unit() const noexcept { return left == no_token; }

  /// `gain - adds`: by how much the corpus got shorter.
  [[nodiscard]] std::int64_t saved() const noexcept { return static_cast<std::int64_t>(gain - adds); }
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
