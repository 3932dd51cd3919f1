// SPDX-License-Identifier: MIT
/// @file io/hf/token_finder.hpp
/// Finding given texts in a text: the leftmost first, the longest of those that begin there.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "../../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A set of texts, each with a value, as a tree of bytes.
class hf_token_finder {
 public:
  /// The empty text is never found; of a text that is added twice the first value stays.
  void add(std::string_view text, token_id value) {
    if (text.empty()) return;
    std::uint32_t at = 0;
    for (const char c : text) at = child(at, c);
    if (nodes_[at].value == no_token) nodes_[at].value = value;
  }

  [[nodiscard]] bool empty() const noexcept { return nodes_.size() == 1; }

  /// Calls `found(begin, end, value)` for each text met from left to right; the next one is looked for after
  /// its end. O(n times the longest text) at worst, O(n) where few texts begin.
  template <class Found>
  void for_each(std::string_view text, Found&& found) const {
    if (empty()) return;
    for (std::size_t begin = next_begin(text, 0); begin < text.size(); begin = next_begin(text, begin)) {
      std::uint32_t at = first_[static_cast<unsigned char>(text[begin])];
      std::size_t end = begin;
      token_id value = no_token;
      for (std::size_t i = begin + 1; at != 0; ++i) {
        if (nodes_[at].value != no_token) {
          value = nodes_[at].value;
          end = i;
        }
        if (i == text.size()) break;
        at = find_child(at, text[i]);
      }
      if (value == no_token) {
        ++begin;
        continue;
      }
      found(begin, end, value);
      begin = end;
    }
  }

 private:
  /// Where a text may begin, from `at` on.
  [[nodiscard]] std::size_t next_begin(std::string_view text, std::size_t at) const noexcept {
    if (only_first_ != 0) return std::min(text.find(only_first_, at), text.size());
    while (at < text.size() && first_[static_cast<unsigned char>(text[at])] == 0) ++at;
    return at;
  }

  struct node {
    std::uint32_t first_child = 0, sibling = 0;  // 0: none, for the root is nobody's child
    token_id value = no_token;
    char byte = 0;
  };

  [[nodiscard]] std::uint32_t find_child(std::uint32_t at, char byte) const noexcept {
    std::uint32_t c = nodes_[at].first_child;
    while (c != 0 && nodes_[c].byte != byte) c = nodes_[c].sibling;
    return c;
  }
  std::uint32_t child(std::uint32_t at, char byte) {
    const std::uint32_t known = at == 0 ? first_[static_cast<unsigned char>(byte)] : find_child(at, byte);
    if (known != 0) return known;
    const auto made = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({.sibling = nodes_[at].first_child, .byte = byte});
    nodes_[at].first_child = made;
    if (at == 0) {
      first_[static_cast<unsigned char>(byte)] = made;
      only_first_ = made == 1 ? byte : '\0';
    }
    return made;
  }

  std::vector<node> nodes_ = std::vector<node>(1);
  std::array<std::uint32_t, 256> first_{};
  char only_first_ = '\0';  // the byte that all of them begin with, where there is one
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
