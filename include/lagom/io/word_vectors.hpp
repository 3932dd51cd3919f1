// SPDX-License-Identifier: MIT
/// @file io/word_vectors.hpp
/// Word vectors as text: fastText's and word2vec's `.vec` files.
#pragma once

#include <charconv>
#include <string>
#include <vector>

#include "../core/math.hpp"
#include "../core/vec_view.hpp"
#include "../vocab/token_table.hpp"
#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What a reader of word vectors does with a row that makes no sense.
struct word_vectors_options {
  bool skip_bad_rows = false;  ///< leave the row out and list it in `skipped()`; else it is a failure
  std::uint64_t most = ~std::uint64_t{0};  ///< read the first `most` rows only (the most frequent words)
};

/// Words and a vector each, in the order of the file.
///
/// The format: a line "count width", then a line a word: the word, a space, `width` numbers parted by spaces,
/// perhaps a space at the end. Words may hold spaces (of any kind) themselves: the numbers are taken from the
/// right. Words are bytes, not necessarily UTF-8.
class word_vectors {
 public:
  /// Fails with the line as `row`: `bad_value` (no such header, a row that has not `width` numbers, an empty
  /// word), `not_finite`, `duplicate_key`, `truncated` (fewer rows than announced), `trailing_bytes` (more),
  /// `too_large`, `cannot_open`, `cannot_read`.
  static result<word_vectors> open(const std::string& path, const word_vectors_options& options = {}) {
    auto file = mapped_file::open(path);
    if (!file) return file.error();
    auto out = parse(file->text(), options);
    if (!out) return out.error().in(path);
    return out;
  }

  static result<word_vectors> parse(std::string_view text, const word_vectors_options& options = {}) {
    std::uint64_t count = 0, width = 0;
    std::string_view head = next_line(text);
    if (!(read(head, count) && read(head, width) && head.empty()) || width == 0) {
      return failure{.code = errc::bad_value, .key = "header", .row = 1};
    }
    if (width > max_width) {
      return failure{
          .code = errc::too_large, .key = "width", .row = 1, .expected = max_width, .found = width};
    }
    word_vectors out;
    out.width_ = static_cast<index_t>(width);
    std::vector<float> row;
    const std::uint64_t wanted = std::min(count, options.most);
    for (std::uint64_t line = 2; !text.empty() && line - 2 < wanted; ++line) {
      if (auto ok = out.add(next_line(text), width, row); !ok) {
        failure f = ok.error();
        f.row = line;
        if (!options.skip_bad_rows) return f;
        out.skipped_.push_back(f);
      }
    }
    const std::uint64_t found = static_cast<std::uint64_t>(out.size()) + out.skipped_.size();
    if (found < wanted) {
      return failure{.code = errc::truncated, .key = "rows", .expected = wanted, .found = found};
    }
    if (wanted == count && text.find_first_not_of("\r\n") != std::string_view::npos) {
      return failure{.code = errc::trailing_bytes, .key = "rows", .expected = count};
    }
    return out;
  }

  [[nodiscard]] index_t size() const noexcept { return words_.size(); }
  [[nodiscard]] index_t width() const noexcept { return width_; }

  /// Word `i`. Precondition: 0 <= i < size().
  [[nodiscard]] std::string_view word(index_t i) const noexcept { return words_[static_cast<token_id>(i)]; }

  /// How often word `i` was seen: the format does not say, so 1.
  [[nodiscard]] std::uint64_t count(index_t) const noexcept { return 1; }

  /// The number of a word, or -1.
  [[nodiscard]] index_t find(std::string_view word) const noexcept { return words_.find(word); }

  [[nodiscard]] vec_view<const float> operator[](index_t i) const noexcept {
    return {elements_.data() + i * width_, width_};
  }

  /// Writes a word's vector; false, and nothing written, for an unknown word. Precondition: `width` long.
  bool vector_of(std::string_view word, vec_view<float> out) const noexcept {
    const index_t i = find(word);
    if (i < 0) return false;
    for (index_t j = 0; j < width_; ++j) out[j] = (*this)[i][j];
    return true;
  }

  /// Rows that were left out, and why.
  [[nodiscard]] const std::vector<failure>& skipped() const noexcept { return skipped_; }

 private:
  static constexpr std::uint64_t max_width = 1u << 20;

  static std::string_view next_line(std::string_view& text) noexcept {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    return line;
  }

  static bool read(std::string_view& line, std::uint64_t& number) noexcept {
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (code != std::errc{}) return false;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    return true;
  }

  // A row from its end: `width` numbers, then a space, then the word.
  result<done> add(std::string_view line, std::uint64_t width, std::vector<float>& row) {
    if (line.size() / 2 < width) return failure{.code = errc::bad_value, .key = "row", .expected = width};
    row.resize(static_cast<std::size_t>(width));
    for (std::size_t i = row.size(); i-- > 0;) {
      const std::size_t space = line.find_last_of(" \t");
      if (space == std::string_view::npos) {
        return failure{.code = errc::bad_value, .key = line, .expected = width, .found = width - 1 - i};
      }
      const std::string_view text = line.substr(space + 1);
      double x = 0;
      const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), x);
      if (end != text.data() + text.size() || text.empty() || code == std::errc::invalid_argument) {
        return failure{.code = errc::bad_value, .key = line, .expected = width, .found = width - 1 - i};
      }
      row[i] = static_cast<float>(code == std::errc{} ? x : 0.0);
      if (!is_finite(&row[i]) || (code != std::errc{} && overflows(text))) {
        return failure{.code = errc::not_finite, .key = line};
      }
      line = line.substr(0, space);
    }
    if (line.empty()) return failure{.code = errc::bad_value, .key = "word"};
    if (auto ok = words_.add(static_cast<token_id>(words_.size()), line); !ok) {
      failure f = ok.error();
      f.expected = f.found = failure::none;
      return f;
    }
    elements_.insert(elements_.end(), row.begin(), row.end());
    return done{};
  }

  // Of a number that no double holds: is it large, and not small? Its exponent says.
  static bool overflows(std::string_view number) noexcept {
    const std::size_t e = number.find_first_of("eE");
    return e == std::string_view::npos || e + 1 >= number.size() || number[e + 1] != '-';
  }

  index_t width_ = 0;
  vocab::token_table words_;
  std::vector<float> elements_;
  std::vector<failure> skipped_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
