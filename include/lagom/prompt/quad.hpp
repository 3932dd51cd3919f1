// SPDX-License-Identifier: MIT
/// @file prompt/quad.hpp
/// The same instruction and response in two languages.
#pragma once

#include <string_view>

namespace lagom {
inline namespace v0 {
namespace prompt {

/// An instruction x and a response y in the pivot language p and the target language t. Sees its texts.
struct quad {
  std::string_view id;
  std::string_view x_p, y_p, x_t, y_t;

  friend constexpr bool operator==(const quad&, const quad&) = default;
};

/// An instruction and its response in one language: half a quad.
struct pair {
  std::string_view id;
  std::string_view x, y;

  friend constexpr bool operator==(const pair&, const pair&) = default;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
