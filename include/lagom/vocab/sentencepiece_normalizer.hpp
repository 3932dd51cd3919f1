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
  sentencepiece_normalizer() { note_plain(); }

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
    out.note_plain();
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
      if (is_plain(text, at)) {
        const std::size_t begin = at;
        do {
          ++at;
        } while (at < text.size() && is_plain(text, at));
        out.append(text, begin, at - begin);
        after_space = false;
        continue;
      }
      charsmap::rule r = prefix(text.substr(at));
      at += r.length;
      if (after_space) r.text.remove_prefix(std::min(r.text.find_first_not_of(' '), r.text.size()));
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

  /// Whether the byte at `at` is ASCII, no space, and surely stays.
  [[nodiscard]] LAGOM_INLINE bool is_plain(std::string_view text, std::size_t at) const noexcept {
    const unsigned char kind = plain_[static_cast<unsigned char>(text[at])];
    if (kind != if_ascii_follows) return kind == always;
    return at + 1 == text.size() || static_cast<unsigned char>(text[at + 1]) < 0x80;
  }

  void note_plain() {
    plain_.fill(never);
    for (unsigned c = 0; c < 0x80; ++c) {
      const char two[] = {static_cast<char>(c), '\x7F'};
      const char marked[] = {static_cast<char>(c), '\xCC'};
      if (c == ' ' || symbols_.step(symbols_.root(), two[0]) != nullptr || !rules_.is_plain({two, 1}, 0))
        continue;
      plain_[c] = rules_.is_plain({marked, 2}, 0) ? always : if_ascii_follows;
    }
  }

  enum : unsigned char { never, if_ascii_follows, always };
  charsmap rules_;
  piece_trie symbols_;
  sentencepiece_normalizer_options options_;
  std::array<unsigned char, 256> plain_{};
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
