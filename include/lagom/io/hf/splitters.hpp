// SPDX-License-Identifier: MIT
/// @file io/hf/splitters.hpp
/// The pre-tokenizers that only cut: at the matches of a pattern, or after so many characters.
#pragma once

#include "splitter.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Pieces of so many characters each; the last one may be shorter.
struct hf_fixed_length {
  std::uint64_t length;
  void operator()(hf_pieces& pieces) const {
    pieces.divide([&](const hf_piece& p, auto part) {
      std::size_t begin = p.begin;
      std::uint64_t chars = 0;
      for (std::size_t at = p.begin; at < p.end;) {
        at += decode_utf8(pieces.text, at).length;
        if (++chars < length && at < p.end) continue;
        part(begin, at);
        begin = at;
        chars = 0;
      }
    });
  }
};

/// Reads a component that cuts at a pattern. Fails with `unsupported` for other kinds than Split, Digits,
/// Punctuation, Whitespace, WhitespaceSplit and CharDelimiterSplit.
inline result<hf_splitter> read_splitter(std::string_view kind, const hf_node& node) {
  const auto compiled = [](const std::string& text, hf_split behavior, bool invert) -> result<hf_splitter> {
    auto pattern = hf_pattern::compile(text);
    if (!pattern) return pattern.error();
    return hf_splitter{std::move(*pattern), behavior, invert};
  };
  if (kind == "Split") {
    auto pattern = read_pattern(node);
    if (!pattern) return pattern.error();
    auto behavior = read_split_behavior(node);
    if (!behavior) return behavior.error();
    auto invert = node.flag("invert");
    if (!invert) return invert.error();
    return hf_splitter{std::move(*pattern), *behavior, *invert};
  }
  if (kind == "Digits") {
    auto each = node.flag("individual_digits");
    if (!each) return each.error();
    return compiled("[" + numeric_class() + (*each ? "]" : "]+"), hf_split::isolated, false);
  }
  if (kind == "Punctuation") {
    hf_split behavior = hf_split::isolated;
    if (node.optional("behavior").value != nullptr) {
      auto named = read_split_behavior(node);
      if (!named) return named.error();
      behavior = *named;
    }
    const bool runs = behavior == hf_split::contiguous;
    return compiled(punctuation_expression() + (runs ? "+" : ""), runs ? hf_split::isolated : behavior,
                    false);
  }
  if (kind == "Whitespace") {
    const std::string word = builtin_word_class();
    return compiled("[" + word + "]+|[^" + word + space_class() + "]+", hf_split::removed, true);
  }
  if (kind == "WhitespaceSplit") return compiled("[" + space_class() + "]+", hf_split::removed, false);
  if (kind == "CharDelimiterSplit") {
    auto text = node.text("delimiter");
    if (!text) return text.error();
    if (text->empty() || decode_utf8(*text, 0).length != text->size()) {
      return failure{.code = errc::bad_value, .key = node.path_of("delimiter")};
    }
    auto pattern = hf_pattern::literal(*text);
    if (!pattern) return pattern.error();
    return hf_splitter{std::move(*pattern), hf_split::removed};
  }
  return node.unsupported(kind);
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
