// SPDX-License-Identifier: MIT
/// @file embed/word_token_vectors.hpp
/// Vectors of tokens from vectors of words.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "../core/math.hpp"
#include "../core/tokenizer.hpp"
#include "../text/utf8.hpp"
#include "../vocab/token_vectors.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Words with vectors, the most frequent first: what `io::fasttext` and `io::word_vectors` are.
template <class W>
concept word_source = requires(const W& words, index_t i, std::string_view word, vec_view<float> out) {
  { words.size() } -> std::convertible_to<index_t>;
  { words.width() } -> std::convertible_to<index_t>;
  { words.word(i) } -> std::convertible_to<std::string_view>;
  { words.count(i) } -> std::convertible_to<std::uint64_t>;
  { words.find(word) } -> std::convertible_to<index_t>;
  { words.vector_of(word, out) } -> std::convertible_to<bool>;
};

namespace detail {

[[nodiscard]] constexpr bool is_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

/// The text without white space around it; empty if it is not UTF-8.
[[nodiscard]] inline std::string_view stripped(std::string_view text) noexcept {
  std::size_t begin = 0, end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = decode_utf8(text, at);
    if (!c.well_formed) return {};
    at += c.length;
    if (!is_space(c.code)) {
      end = at;
    } else if (end == 0) {
      begin = at;
    }
  }
  return end == 0 ? std::string_view() : text.substr(begin, end - begin);
}

}  // namespace detail

/// WECHSEL's vectors where words have n-grams (arXiv 2112.06598, section 3.1): token t gets the vector that
/// `words` makes of its text without white space around it. A token that is no whole text of UTF-8, is only
/// white space or no text at all, or of which nothing is known has no vector.
template <tokenizer T, word_source Words>
[[nodiscard]] vocab::token_vectors vectors_by_ngrams(const T& tokens, const Words& words) {
  const index_t n = static_cast<index_t>(tokens.size()), width = static_cast<index_t>(words.width());
  vocab::token_vectors out(n, width);
  std::vector<float> row(static_cast<std::size_t>(width));
  for (index_t t = 0; t < n; ++t) {
    const std::string_view text = detail::stripped(tokens.bytes_of(static_cast<token_id>(t)));
    if (text.empty() || !words.vector_of(text, row)) continue;
    if (std::all_of(row.begin(), row.end(), [](float x) { return x == 0; })) continue;
    std::copy(row.begin(), row.end(), out.set(static_cast<std::size_t>(t)).data());
  }
  return out;
}

/// The forms of a word that are cut into tokens: as it is, and after a space.
struct plain_and_spaced {
  template <class Visit>
  void operator()(std::string_view word, Visit visit) const {
    visit(word);
    visit(std::string_view(" " + std::string(word)));
  }
};

/// How `vectors_by_words` counts.
struct word_mean_options {
  bool by_frequency = true;  ///< WECHSEL: words weigh as often as they were seen; false: OFA, all the same
  bool count_forms = false;  ///< compat: a word counts once for each of its forms that has the token
  index_t most = (std::numeric_limits<index_t>::max)();  ///< the first `most` words only
};

/// WECHSEL's vectors where words have no n-grams, and OFA's (arXiv 2311.08849, section 3.2): token t gets the
/// weighted mean of the vectors of all words with a form whose segmentation holds t. `forms(word, visit)` calls
/// `visit` for each form. A token of no word, or whose words add up to nothing, has no vector. Each word counts
/// once, whatever the number of its forms that hold t; the references count every form.
/// Cost: the words through the tokenizer. Memory: 8 bytes an element of the result while it runs.
template <tokenizer T, word_source Words, class Forms = plain_and_spaced>
[[nodiscard]] vocab::token_vectors vectors_by_words(const T& tokens, const Words& words,
                                                    const word_mean_options& options = {},
                                                    const Forms& forms = {}) {
  const index_t n = static_cast<index_t>(tokens.size()), width = static_cast<index_t>(words.width());
  std::vector<double> sums(static_cast<std::size_t>(n * width)), total(static_cast<std::size_t>(n));
  std::vector<float> row(static_cast<std::size_t>(width));
  std::vector<token_id> form, all;
  for (index_t i = 0; i < (std::min)(static_cast<index_t>(words.size()), options.most); ++i) {
    const std::string_view word = words.word(i);
    if (!words.vector_of(word, row)) continue;
    all.clear();
    forms(word, [&](std::string_view text) {
      form.clear();
      tokens.encode(text, [&](token_id t) { form.push_back(t); });
      std::sort(form.begin(), form.end());
      all.insert(all.end(), form.begin(), std::unique(form.begin(), form.end()));
    });
    std::sort(all.begin(), all.end());
    if (!options.count_forms) all.erase(std::unique(all.begin(), all.end()), all.end());
    const double weight = options.by_frequency ? static_cast<double>(words.count(i)) : 1;
    for (const token_id t : all) {
      if (t < 0 || t >= n) continue;
      double* const sum = sums.data() + index_t{t} * width;
      for (index_t j = 0; j < width; ++j)
        sum[j] += weight * static_cast<double>(row[static_cast<std::size_t>(j)]);
      total[static_cast<std::size_t>(t)] += weight;
    }
  }
  vocab::token_vectors out(n, width);
  for (index_t t = 0; t < n; ++t) {
    const double* const sum = sums.data() + t * width;
    const double weight = total[static_cast<std::size_t>(t)];
    if (!(weight > 0) || std::all_of(sum, sum + width, [](double x) { return x == 0; })) continue;
    const vec_view<float> to = out.set(static_cast<std::size_t>(t));
    for (index_t j = 0; j < width; ++j) to[j] = static_cast<float>(sum[j] / weight);
  }
  return out;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
