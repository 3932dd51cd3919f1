// SPDX-License-Identifier: MIT
/// @file vocab/word_cutter.hpp
/// Cutting marked text into words where no piece of a model reaches across.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "sentencepiece_normalizer.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Cuts a text, whose spaces are marks, before marks (or after them, where they end words), at places between
/// two characters that no piece has next to each other. A segmentation into pieces, and merging to pieces, is
/// then the same for the parts as for the whole, so that words that repeat are encoded once.
///
/// Marks next to each other stay together.
class word_cutter {
 public:
  /// Nothing is cut.
  word_cutter() = default;

  /// `pieces`: all texts that tokens are made of. `marks_end_words`: cuts after marks.
  template <class Pieces>
  word_cutter(const Pieces& pieces, bool marks_end_words) : cuts_(true), ends_(marks_end_words) {
    for (const std::string_view piece : pieces) {
      for (std::size_t at = piece.find(space_mark); at != piece.npos; at = piece.find(space_mark, at + 3)) {
        if (!ends_ && at > 0) joined_.push_back(last_before(piece, at));
        if (ends_ && at + 3 < piece.size()) joined_.push_back(decode_utf8(piece, at + 3).code);
      }
    }
    std::sort(joined_.begin(), joined_.end());
    joined_.erase(std::unique(joined_.begin(), joined_.end()), joined_.end());
    std::erase(joined_, mark_code);
  }

  /// Calls `part(text)` for the parts of a text, in order.
  template <class Part>
  void operator()(std::string_view text, Part&& part) const {
    std::size_t begin = 0;
    for (std::size_t at = cuts_ ? find_mark(text, 0) : text.size(); at < text.size();) {
      const std::size_t cut = ends_ ? at + 3 : at;
      if (cut > begin && cut < text.size() && may_cut(text, cut)) {
        part(text.substr(begin, cut - begin));
        begin = cut;
      }
      at = find_mark(text, at + 3);
    }
    if (begin < text.size()) part(text.substr(begin));
  }

 private:
  static constexpr char32_t mark_code = 0x2581;

  [[nodiscard]] static bool is_mark(const char* p) noexcept {
    return p[0] == space_mark[0] && p[1] == space_mark[1] && p[2] == space_mark[2];
  }
  [[nodiscard]] static std::size_t find_mark(std::string_view text, std::size_t from) noexcept {
    while (from + 3 <= text.size()) {
      const void* const found = std::memchr(text.data() + from, space_mark[0], text.size() - from - 2);
      if (found == nullptr) break;
      const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
      if (is_mark(text.data() + at)) return at;
      from = at + 1;
    }
    return text.size();
  }

  /// The character before `at`. An ill-formed one is U+FFFD, as in texts.
  static char32_t last_before(std::string_view text, std::size_t at) noexcept {
    std::size_t begin = at - 1;
    while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    const utf8_char c = decode_utf8(text, begin);
    return begin + c.length == at ? c.code : 0xFFFD;
  }

  [[nodiscard]] bool may_cut(std::string_view text, std::size_t at) const noexcept {
    if (!ends_ && joined_.empty()) return at < 3 || !is_mark(text.data() + at - 3);
    const char32_t other = ends_ ? decode_utf8(text, at).code : last_before(text, at);
    return other != mark_code && !std::binary_search(joined_.begin(), joined_.end(), other);
  }

  bool cuts_ = false, ends_ = false;
  std::vector<char32_t> joined_;  // characters that some piece has before a mark, or after it
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
