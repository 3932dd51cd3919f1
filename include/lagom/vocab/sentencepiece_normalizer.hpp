// SPDX-License-Identifier: MIT
/// @file vocab/sentencepiece_normalizer.hpp
/// What SentencePiece does to a text before its model sees it.
#pragma once

#include "charsmap.hpp"
#include "piece_trie.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// "▁", which stands for a space.
inline constexpr std::string_view space_mark = "\xE2\x96\x81";

struct sentencepiece_normalizer_options {
  bool add_dummy_prefix = true;          ///< a space before the text
  bool remove_extra_whitespaces = true;  ///< none at its ends, and one where there are more
  bool escape_whitespaces = true;        ///< a space becomes `space_mark`
  bool whitespace_as_suffix = false;     ///< the dummy prefix comes after the text
};

/// The normalizer of SentencePiece (Kudo and Richardson, arXiv 1808.06226, section 3.2): from left to right,
/// user-defined symbols stay, the longest rule of a charsmap applies, and what else there is stays; then what
/// the options say about spaces. Of ill-formed UTF-8 each *byte* that begins no character becomes U+FFFD.
///
/// Const calls may run in several threads at once. O(bytes times the longest rule or symbol).
class sentencepiece_normalizer {
 public:
  sentencepiece_normalizer() { note_kept(); }

  /// Fails with `too_large` for more symbols than a `piece_trie` holds.
  static result<sentencepiece_normalizer> make(charsmap rules, std::span<const std::string_view> symbols,
                                               const sentencepiece_normalizer_options& options) {
    sentencepiece_normalizer out;
    out.rules_ = std::move(rules);
    out.options_ = options;
    std::vector<scored_text> texts;
    for (const std::string_view s : symbols) texts.push_back({.text = s, .id = 0});
    auto trie = piece_trie::make(texts);
    if (!trie) return trie.error();
    out.symbols_ = std::move(*trie);
    out.continues_.fill(false);
    out.note_kept();
    return out;
  }

  [[nodiscard]] const sentencepiece_normalizer_options& options() const noexcept { return options_; }

  /// Replaces `out` by what the model sees of a text.
  void operator()(std::string_view text, std::string& out) const {
    out.clear();
    std::size_t at = 0;
    if (options_.remove_extra_whitespaces) {
      while (at < text.size()) {
        const charsmap::rule r = prefix(text.substr(at));
        if (r.text != " ") break;
        at += r.length;
      }
    }
    if (at == text.size()) return;
    const std::string_view mark = options_.escape_whitespaces ? space_mark : std::string_view(" ");
    if (options_.add_dummy_prefix && !options_.whitespace_as_suffix) out += mark;
    bool after_space = options_.remove_extra_whitespaces;
    while (at < text.size()) {
      if (const std::size_t end = end_of_kept(text, at); end > at) {
        out.append(text, at, end - at);
        at = end;
        after_space = false;
        continue;
      }
      if (text[at] == ' ' && space_is_plain_) {
        if (!after_space) out.append(mark);
        after_space = options_.remove_extra_whitespaces;
        ++at;
        continue;
      }
      charsmap::rule r = prefix(text.substr(at));
      at += r.length;
      if (after_space) r.text.remove_prefix((std::min)(r.text.find_first_not_of(' '), r.text.size()));
      if (!r.text.empty()) {
        append_marked(out, r.text);
        after_space = r.text.back() == ' ';
      }
      after_space = after_space && options_.remove_extra_whitespaces;
    }
    if (options_.remove_extra_whitespaces) {
      while (out.size() >= mark.size() && std::string_view(out).substr(out.size() - mark.size()) == mark) {
        out.resize(out.size() - mark.size());
      }
    }
    if (options_.add_dummy_prefix && options_.whitespace_as_suffix) out += mark;
  }

 private:
  /// What a text's begin becomes, and how many bytes that begin has.
  [[nodiscard]] charsmap::rule prefix(std::string_view text) const noexcept {
    const std::size_t symbol = symbols_.longest(text).length;
    if (symbol > 0) return {symbol, text.substr(0, symbol)};
    if (const charsmap::rule r = rules_.longest(text); r.length > 0) return r;
    const utf8_char c = decode_utf8(text, 0);
    if (!c.well_formed) return {1, "\xEF\xBF\xBD"};
    return {c.length, text.substr(0, c.length)};
  }

  void append_marked(std::string& out, std::string_view text) const {
    for (const char c : text) {
      if (c == ' ' && options_.escape_whitespaces) {
        out += space_mark;
      } else {
        out += c;
      }
    }
  }

  enum : unsigned char { changes, joins, stays };

  /// The end of the characters from `at` on that surely stay as they are and are no spaces.
  [[nodiscard]] std::size_t end_of_kept(std::string_view text, std::size_t at) const noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    while (at < text.size()) {
      std::size_t length = 1;
      unsigned kind = ascii_[byte(at)];
      if (byte(at) >= 0xC2 && byte(at) < 0xF0) {
        const utf8_char c = decode_utf8(text, at);
        if (!c.well_formed) return at;
        length = c.length;
        kind = static_cast<unsigned>(others_[c.code / 4]) >> (c.code % 4 * 2) & 3u;
      }
      if (kind == changes) return at;
      if (kind == joins && at + length < text.size() && continues_[byte(at + length)]) return at;
      at += length;
    }
    return at;
  }

  void note_kept() {
    const auto kind_of = [this](std::string_view character) -> unsigned {
      if (symbols_.step(symbols_.root(), character[0]) != nullptr) return changes;
      const charsmap::touch t = rules_.touches(character, continues_);
      return t == charsmap::touch::replaced ? changes : t == charsmap::touch::joins ? joins : stays;
    };
    std::string character;
    for (char32_t code = 0; code < 0x80; ++code) {
      character.assign(1, static_cast<char>(code));
      ascii_[code] = static_cast<unsigned char>(kind_of(character));
    }
    space_is_plain_ = ascii_[' '] == stays;
    ascii_[' '] = changes;
    others_.assign(0x10000 / 4, 0);
    for (char32_t code = 0x80; code < 0x10000; ++code) {
      if (code >= 0xD800 && code < 0xE000) continue;
      character.clear();
      append_utf8(character, code);
      others_[code / 4] =
          static_cast<unsigned char>(others_[code / 4] | kind_of(character) << (code % 4 * 2));
    }
  }

  charsmap rules_;
  piece_trie symbols_;
  sentencepiece_normalizer_options options_;
  std::array<unsigned char, 256> ascii_{};  // of ASCII characters; of other bytes, `changes`
  std::vector<unsigned char> others_;       // of U+0080 to U+FFFF, four a byte
  std::array<bool, 256> continues_{};       // bytes that rules go on with after a character that joins
  bool space_is_plain_ = false;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
