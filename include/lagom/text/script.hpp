// SPDX-License-Identifier: MIT
/// @file text/script.hpp
/// The Unicode script of characters, of texts and of pieces of characters.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <optional>

#include "script_table.hpp"
#include "utf8.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
/// The entry of the table that holds a code point of at most 10FFFF.
[[nodiscard]] inline const std::uint32_t* script_entry(char32_t code) noexcept {
  return std::upper_bound(std::begin(script_starts), std::end(script_starts),
                          (static_cast<std::uint32_t>(code) << 8) | 0xFFu) -
         1;
}
}  // namespace detail

/// The script of a code point. O(log n); O(1) for ASCII.
[[nodiscard]] inline script script_of(char32_t code) noexcept {
  if (code < 0x80) return (code | 0x20u) >= U'a' && (code | 0x20u) <= U'z' ? script::latin : script::common;
  if (code > 0x10FFFF) return script::unknown;
  return static_cast<script>(*detail::script_entry(code) & 0xFFu);
}

/// The long name ("Old_Hungarian") and the code of ISO 15924 ("Hung").
[[nodiscard]] constexpr std::string_view name_of(script s) noexcept {
  return detail::script_labels[static_cast<std::size_t>(s)].name;
}
[[nodiscard]] constexpr std::string_view code_of(script s) noexcept {
  return detail::script_labels[static_cast<std::size_t>(s)].code;
}

/// The script with that long name or code; ASCII case does not matter, and '_', '-' and ' ' are alike.
[[nodiscard]] inline std::optional<script> find_script(std::string_view label) noexcept {
  const auto same = [label](std::string_view other) {
    return std::equal(label.begin(), label.end(), other.begin(), other.end(), [](char a, char b) {
      const auto plain = [](char c) {
        if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
        return c == '-' || c == ' ' ? '_' : c;
      };
      return plain(a) == plain(b);
    });
  };
  for (std::size_t i = 0; i < std::size(detail::script_labels); ++i) {
    const detail::script_label& l = detail::script_labels[i];
    if (same(l.name) || same(l.code)) return static_cast<script>(i);
  }
  return std::nullopt;
}

/// A set of scripts. A mergeable value.
class script_set {
 public:
  constexpr script_set() = default;
  constexpr script_set(std::initializer_list<script> scripts) {
    for (const script s : scripts) add(s);
  }
  constexpr void add(script s) noexcept { words_[word(s)] |= bit(s); }
  [[nodiscard]] constexpr bool contains(script s) const noexcept { return (words_[word(s)] & bit(s)) != 0; }
  [[nodiscard]] constexpr bool empty() const noexcept { return *this == script_set{}; }
  /// Whether a script is in both.
  [[nodiscard]] constexpr bool meets(const script_set& other) const noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if ((words_[i] & other.words_[i]) != 0) return true;
    }
    return false;
  }
  constexpr void merge(const script_set& other) noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  friend constexpr bool operator==(const script_set&, const script_set&) = default;

 private:
  static constexpr std::size_t word(script s) noexcept { return static_cast<std::size_t>(s) / 64; }
  static constexpr std::uint64_t bit(script s) noexcept {
    return std::uint64_t{1} << (static_cast<unsigned>(s) % 64);
  }
  std::array<std::uint64_t, 3> words_{};
};
static_assert(std::size(detail::script_labels) <= 192);

/// Code points, both ends included.
struct code_points {
  char32_t first = 1, last = 0;
  [[nodiscard]] constexpr bool empty() const noexcept { return first > last; }
  friend constexpr bool operator==(const code_points&, const code_points&) = default;
};

/// The characters that an unfinished UTF-8 sequence may become: `text` is the first bytes of one, and not all.
/// Empty when it begins no character, or is one already.
[[nodiscard]] constexpr code_points characters_from(std::string_view text) noexcept {
  if (text.empty()) return {};
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (text.size() >= length) return {};
  const utf8_char c = decode_utf8(text, 0);
  if (c.length != text.size()) return {};
  char32_t first = lead & (length == 2 ? 0x1Fu : length == 3 ? 0x0Fu : 0x07u);
  for (std::size_t i = 1; i < text.size(); ++i)
    first = (first << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  const unsigned open = 6 * static_cast<unsigned>(length - text.size());
  code_points out{first << open, ((first + 1) << open) - 1};
  if (lead == 0xE0 && text.size() == 1) out.first = 0x800;  // overlong below
  if (lead == 0xF0 && text.size() == 1) out.first = 0x10000;
  if (lead == 0xED && text.size() == 1) out.last = 0xD7FF;  // surrogates above
  if (out.last > 0x10FFFF) out.last = 0x10FFFF;
  return out;
}

/// The scripts of a range of code points; `unknown` among them only when all are.
[[nodiscard]] inline script_set scripts_of(code_points range) noexcept {
  script_set out;
  if (range.empty()) return out;
  const auto* const end = std::end(detail::script_starts);
  for (const auto* at = detail::script_entry(range.first); at != end && (*at >> 8) <= range.last; ++at) {
    const auto s = static_cast<script>(*at & 0xFFu);
    if (s != script::unknown) out.add(s);
  }
  if (out.empty()) out.add(script::unknown);
  return out;
}

/// The script that most characters of a text have, the first one to occur on a tie. `common`, `inherited` and
/// `unknown`, in this order, only where there is no other. What is left of a character that was cut off at
/// the end of the text counts where all that it may become is of one script; other ill-formed sequences do
/// not. An empty text is `unknown`.
[[nodiscard]] inline script majority_script(std::string_view text) noexcept {
  constexpr std::size_t n = std::size(detail::script_labels);
  std::array<std::uint32_t, n> count{};
  std::array<script, n> order{};  // of their first character
  std::size_t seen = 0;
  const auto visit = [&](script s) {
    if (count[static_cast<std::size_t>(s)]++ == 0) order[seen++] = s;
  };
  code_points near;  // around the character before: of one script
  script of_near = script::unknown;
  for (std::size_t i = 0; i < text.size();) {
    if (const auto byte = static_cast<unsigned char>(text[i]); byte < 0x80) {
      visit(script_of(byte));
      ++i;
      continue;
    }
    const utf8_char c = decode_utf8(text, i);
    if (c.well_formed) {
      if (c.code < near.first || c.code > near.last) {
        const std::uint32_t* const at = detail::script_entry(c.code);
        near = {*at >> 8, at + 1 == std::end(detail::script_starts) ? 0x10FFFF : (at[1] >> 8) - 1};
        of_near = static_cast<script>(*at & 0xFFu);
      }
      visit(of_near);
    } else if (i + c.length == text.size()) {
      const code_points range = characters_from(text.substr(i));
      const script_set scripts = scripts_of(range);
      for (std::size_t s = 0; s < n && !range.empty(); ++s) {
        if (scripts == script_set{static_cast<script>(s)}) visit(static_cast<script>(s));
      }
    }
    i += c.length;
  }
  const auto rank = [&](script s) -> std::uint64_t {  // any script before common, inherited, unknown
    if (s == script::unknown) return 1;
    if (s == script::inherited) return 2;
    if (s == script::common) return 3;
    return std::uint64_t{3} + count[static_cast<std::size_t>(s)];
  };
  script best = script::unknown;
  std::uint64_t best_rank = 0;
  for (std::size_t k = 0; k < seen; ++k) {
    if (rank(order[k]) <= best_rank) continue;
    best = order[k];
    best_rank = rank(best);
  }
  return best;
}

}  // namespace v0
}  // namespace lagom
