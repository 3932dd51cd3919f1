// SPDX-License-Identifier: MIT
/// @file vocab/charsmap.hpp
/// The precompiled normalization rules of SentencePiece: texts and what replaces them, as a double array.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "../core/result.hpp"
#include "../text/utf8.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Rules "text -> replacement", as SentencePiece files and the "Precompiled" normalizer of a tokenizer.json
/// carry them: the size of an array, in bytes, as 32 bits; the array, a trie of 32-bit units in the layout of
/// darts-clone; the replacements, each up to a zero byte. All numbers are little-endian.
///
/// The whole trie is walked when it is read: afterwards no look-up leaves it, and every replacement is UTF-8.
class charsmap {
 public:
  /// A rule that fits: how many bytes it replaces, and by what.
  struct rule {
    std::size_t length = 0;  ///< 0: none fits
    std::string_view text{};
  };

  /// Texts of rules are at most so long; known ones have 18 bytes.
  static constexpr std::size_t longest_key = 256;

  /// No rules.
  charsmap() = default;

  /// Reads the bytes; none at all are no rules. Fails with `truncated` (the array is not all there), and, with
  /// the offset in the bytes, `bad_value` (the trie is none: it leaves its array or comes back to itself),
  /// `too_large` (a rule's text is too long), `out_of_range` (a replacement is not there) and `bad_utf8`.
  static result<charsmap> parse(std::string_view bytes) {
    charsmap out;
    if (bytes.empty()) return out;
    const auto broken = [](errc code, std::uint64_t at) { return failure{.code = code, .byte = at}; };
    if (bytes.size() < 4) return broken(errc::truncated, bytes.size());
    const std::size_t size = number_at(bytes, 0);
    if (size % 4 != 0 || size == 0) return broken(errc::bad_value, 0);
    if (size > bytes.size() - 4) return broken(errc::truncated, bytes.size());
    out.units_.resize(size / 4);
    for (std::size_t i = 0; i < out.units_.size(); ++i) out.units_[i] = number_at(bytes, 4 + 4 * i);
    out.texts_ = bytes.substr(4 + size);
    if (auto ok = out.check(); !ok) return ok.error();
    out.note_plain();
    return out;
  }

  [[nodiscard]] bool empty() const noexcept { return units_.empty(); }

  /// The rule of the longest text that `text` begins with: SentencePiece's choice.
  [[nodiscard]] rule longest(std::string_view text) const noexcept {
    rule best;
    walk(text, [&](std::size_t length, std::uint32_t at) {
      best = {length, text_at(at)};
      return true;
    });
    return best;
  }

  /// The rule of the shortest text that `text` begins with: Hugging Face's choice.
  [[nodiscard]] rule shortest(std::string_view text) const noexcept {
    rule first;
    walk(text, [&](std::size_t length, std::uint32_t at) {
      first = {length, text_at(at)};
      return false;
    });
    return first;
  }

  /// What the rules may do to a text that begins with a certain character.
  enum class touch : unsigned char {
    replaced,  ///< some rule's text begins the character, or is it
    joins,     ///< only rules that go on after it begin with it
    none       ///< no rule begins with it
  };

  /// What the rules may do where `character`, one in UTF-8, stands. Where it joins, `next` is set for the bytes
  /// that such rules go on with.
  [[nodiscard]] touch touches(std::string_view character, std::array<bool, 256>& next) const noexcept {
    std::size_t at = 0;
    for (const char c : character) {
      const auto byte = static_cast<unsigned char>(c);
      if (units_.empty() || byte == 0 || (at = child(at, byte)) == 0) return touch::none;
      if (has_value(units_[at])) return touch::replaced;
    }
    touch out = touch::none;
    for (unsigned byte = 1; byte < 256; ++byte) {
      if (child(at, static_cast<unsigned char>(byte)) == 0) continue;
      next[byte] = true;
      out = touch::joins;
    }
    return out;
  }

  /// Offset of the first byte from `from` on that might not stay as it is: what is passed over is ASCII that no
  /// rule touches, whatever comes after it.
  [[nodiscard]] std::size_t find_touched(std::string_view text, std::size_t from) const noexcept {
    std::size_t i = from;
    while (i < text.size() && is_plain(text, i)) ++i;
    return i;
  }

  /// Whether the byte at `at` is ASCII that no rule touches there.
  [[nodiscard]] bool is_plain(std::string_view text, std::size_t at) const noexcept {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x80 || !plain_[byte]) return false;
    return !begins_[byte] || at + 1 == text.size() || static_cast<unsigned char>(text[at + 1]) < 0x80;
  }

 private:
  static std::uint32_t number_at(std::string_view bytes, std::size_t at) noexcept {
    std::uint32_t n = 0;
    for (unsigned i = 0; i < 4; ++i) {
      n |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return n;
  }

  // A unit: an offset to the children, whether one of them is the value, and the label; or a value.
  static bool has_value(std::uint32_t unit) noexcept { return (unit >> 8 & 1) != 0; }
  static std::uint32_t label_of(std::uint32_t unit) noexcept { return unit & 0x800000FFu; }
  static std::uint32_t offset_of(std::uint32_t unit) noexcept {
    return (unit >> 10) << ((unit & (1u << 9)) >> 6);
  }
  static std::uint32_t value_of(std::uint32_t unit) noexcept { return unit & 0x7FFFFFFFu; }

  /// Where the children of a unit lie: the value at it, the child by c at it ^ c.
  [[nodiscard]] std::size_t below(std::size_t at) const noexcept { return at ^ offset_of(units_[at]); }

  /// The child of a unit by a byte other than 0; 0 when there is none.
  [[nodiscard]] std::size_t child(std::size_t at, unsigned char byte) const noexcept {
    const std::size_t next = below(at) ^ byte;
    return next < units_.size() && label_of(units_[next]) == byte ? next : 0;
  }

  /// Calls `found(length, value)` for the rules that fit, the shortest first, as long as it says so.
  template <class Found>
  void walk(std::string_view text, Found found) const noexcept {
    if (units_.empty()) return;
    std::size_t at = 0;
    for (std::size_t i = 0; i < text.size();) {
      const auto byte = static_cast<unsigned char>(text[i++]);
      if (byte == 0 || (at = child(at, byte)) == 0) return;
      if (has_value(units_[at]) && !found(i, value_of(units_[below(at)]))) return;
    }
  }

  [[nodiscard]] std::string_view text_at(std::size_t at) const noexcept {
    const std::string_view rest = std::string_view(texts_).substr(at);
    return rest.substr(0, rest.find('\0'));
  }

  /// Visits every unit that can be reached, once: depth first, children before parents.
  result<done> check() const {
    enum : unsigned char { unseen, open, closed };
    struct frame {
      std::size_t at;
      unsigned next;
    };
    const auto fail = [](errc code, std::size_t unit) { return failure{.code = code, .byte = 4 + 4 * unit}; };
    std::vector<unsigned char> state(units_.size(), unseen);
    std::vector<std::uint16_t> height(units_.size(), 0);  // of the longest text below
    std::vector<frame> path{{0, 1}};
    state[0] = open;
    while (!path.empty()) {
      frame& f = path.back();
      if (f.next == 1 && f.at != 0 && has_value(units_[f.at])) {
        const std::size_t value = below(f.at);
        if (value >= units_.size()) return fail(errc::bad_value, f.at);
        const std::size_t text = value_of(units_[value]);
        if (text >= texts_.size()) return fail(errc::out_of_range, value);
        if (!is_utf8(text_at(text))) return fail(errc::bad_utf8, value);
      }
      std::size_t next = 0;
      while (f.next < 256 && next == 0) next = child(f.at, static_cast<unsigned char>(f.next++));
      if (next == 0) {
        state[f.at] = closed;
        const std::size_t done_with = f.at;
        path.pop_back();
        if (path.empty()) break;
        std::uint16_t& above = height[path.back().at];
        above = std::max<std::uint16_t>(above, static_cast<std::uint16_t>(height[done_with] + 1));
        if (above > longest_key) return fail(errc::too_large, done_with);
      } else if (state[next] == unseen) {
        state[next] = open;
        path.push_back({next, 1});
      } else if (state[next] == open) {
        return fail(errc::bad_value, next);
      } else {
        std::uint16_t& above = height[f.at];
        above = std::max<std::uint16_t>(above, static_cast<std::uint16_t>(height[next] + 1));
        if (above > longest_key) return fail(errc::too_large, next);
      }
    }
    return done{};
  }

  /// Which ASCII characters stay by themselves, and which of those begin a rule's text.
  void note_plain() {
    for (unsigned c = 0; c < 0x80; ++c) {
      const std::size_t at = c == 0 ? 0 : child(0, static_cast<unsigned char>(c));
      plain_[c] = at == 0 || !has_value(units_[at]);
      begins_[c] = at != 0;
      for (unsigned next = 1; at != 0 && next < 0x80; ++next) {
        if (child(at, static_cast<unsigned char>(next)) != 0) plain_[c] = false;
      }
    }
  }

  static constexpr std::array<bool, 128> all() {
    std::array<bool, 128> out{};
    for (bool& b : out) b = true;
    return out;
  }

  std::vector<std::uint32_t> units_;
  std::string texts_;
  std::array<bool, 128> plain_ = all(), begins_{};
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
