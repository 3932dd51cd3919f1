// SPDX-License-Identifier: MIT
/// @file core/tokenizer.hpp
/// What the library asks of a tokenizer.
#pragma once

#include <concepts>
#include <string_view>

#include "types.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
struct token_sink {
  void operator()(token_id) const noexcept {}
};
}  // namespace detail

/// Any tokenizer that can say, byte for byte, what it does:
/// - `encode(text, sink)` calls `sink(token)` for every token of the text, in order;
/// - `bytes_of(token)` gives the bytes that a token stands for;
/// - `size()` is one more than the largest token id.
template <class T>
concept tokenizer = requires(const T& t, std::string_view text, token_id token, detail::token_sink sink) {
  t.encode(text, sink);
  { t.bytes_of(token) } -> std::convertible_to<std::string_view>;
  { t.size() } -> std::convertible_to<index_t>;
};

}  // namespace v0
}  // namespace lagom
