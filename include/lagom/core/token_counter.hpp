// SPDX-License-Identifier: MIT
/// @file core/token_counter.hpp
/// What a budget asks of a tokenizer: how many tokens a text has.
#pragma once

#include <concepts>
#include <string_view>

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// Anything with `count(text)`, the number of tokens of a text by itself. A counter may also have
/// `count_upto(text, limit)`, which may stop at `limit` tokens and then gives `limit`; `count_tokens_upto` uses it.
template <class T>
concept token_counter = requires(const T& t, std::string_view text) {
  { t.count(text) } -> std::convertible_to<std::size_t>;
};

/// One token a byte: a counter for tests, for byte models, and for limits in bytes.
struct byte_counter {
  [[nodiscard]] LAGOM_INLINE constexpr std::size_t count(std::string_view text) const noexcept {
    return text.size();
  }
};

/// The smaller one of `limit` and the number of tokens of `text`.
template <token_counter Counter>
[[nodiscard]] constexpr std::size_t count_tokens_upto(const Counter& counter, std::string_view text,
                                                      std::size_t limit) {
  if constexpr (requires { counter.count_upto(text, limit); }) {
    return counter.count_upto(text, limit);
  } else {
    const std::size_t all = counter.count(text);
    return all < limit ? all : limit;
  }
}

}  // namespace v0
}  // namespace lagom
