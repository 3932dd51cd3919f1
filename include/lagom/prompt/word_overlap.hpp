// SPDX-License-Identifier: MIT
/// @file prompt/word_overlap.hpp
/// F1 of the words of two texts: how the answers and the pairs of an instruction synthesizer are measured.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "../text/script.hpp"
#include "question_answer.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Calls `visit(word)` for every word: a run of letters, marks and digits; of Han, Hiragana, Katakana, Thai, Lao,
/// Khmer, Myanmar and Tibetan, which put no space between words, every character with the marks that follow it.
/// ASCII letters are lower-cased; everything else separates. The view holds until the next call. O(bytes).
template <class Visit>
void for_each_word(std::string_view text, Visit&& visit) {
  constexpr script_set unspaced{script::han, script::hiragana, script::katakana, script::thai,
                                script::lao, script::khmer,    script::myanmar,  script::tibetan};
  std::string word;
  bool joins = true;
  const auto end = [&] {
    if (!word.empty()) visit(std::string_view(word));
    word.clear();
    joins = true;
  };
  for (std::size_t i = 0; i < text.size();) {
    const utf8_char c = decode_utf8(text, i);
    const std::string_view bytes = text.substr(i, c.length);
    i += c.length;
    const bool letter = (c.code >= 'a' && c.code <= 'z') || (c.code >= '0' && c.code <= '9');
    if (c.code < 0x80) {
      const bool upper = c.code >= 'A' && c.code <= 'Z';
      if (!letter && !upper) {
        end();
        continue;
      }
      if (!joins) end();
      word.push_back(static_cast<char>(upper ? c.code - 'A' + 'a' : c.code));
      continue;
    }
    const script s = script_of(c.code);
    if (!c.well_formed || s == script::unknown ||
        (s == script::common && !(c.code >= 0xFF10 && c.code < 0xFF1A))) {
      end();
    } else if (s == script::inherited) {
      word.append(bytes);
    } else {
      const bool alone = unspaced.contains(s);
      if (alone || !joins) end();
      word.append(bytes);
      joins = !alone;
    }
  }
  end();
}

/// Words, and those that two texts share, counted as often as both have them.
struct overlap {
  std::uint64_t wanted = 0, found = 0, shared = 0;

  /// shared / found and shared / wanted; 0 where there is nothing.
  [[nodiscard]] constexpr double precision() const noexcept { return ratio(shared, found); }
  [[nodiscard]] constexpr double recall() const noexcept { return ratio(shared, wanted); }
  /// 2 P R / (P + R) = 2 shared / (wanted + found); 1 where both texts have no words.
  [[nodiscard]] constexpr double f1() const noexcept {
    return wanted + found == 0 ? 1 : ratio(2 * shared, wanted + found);
  }
  friend constexpr bool operator==(const overlap&, const overlap&) = default;

 private:
  [[nodiscard]] static constexpr double ratio(std::uint64_t part, std::uint64_t all) noexcept {
    return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
  }
};

/// The words of a wanted and of a found text, each given in parts. `Texts` are ranges of string views.
template <class Wanted, class Found>
[[nodiscard]] overlap word_overlap_of(const Wanted& wanted, const Found& found) {
  overlap out;
  std::unordered_map<std::string, std::uint64_t> left;
  for (const std::string_view part : wanted) {
    for_each_word(part, [&](std::string_view w) {
      ++left[std::string(w)];
      ++out.wanted;
    });
  }
  for (const std::string_view part : found) {
    for_each_word(part, [&](std::string_view w) {
      ++out.found;
      const auto at = left.find(std::string(w));
      if (at == left.end() || at->second == 0) return;
      --at->second;
      ++out.shared;
    });
  }
  return out;
}
/// Of two texts. The response accuracy of a synthesizer (arXiv 2406.14491) is the mean `f1` over questions.
/// Articles and numbers stay as they are.
[[nodiscard]] inline overlap word_overlap(std::string_view wanted, std::string_view found) {
  return word_overlap_of(std::span(&wanted, 1), std::span(&found, 1));
}

/// Pair F1 (arXiv 2406.14491): all words of the pairs that a synthesizer makes of a text against all words of the
/// pairs that were wanted, whatever their order and number. The paper does not say how pairs are matched; this is our
/// reading, the one that no order of pairs can change.
[[nodiscard]] inline overlap pair_overlap(std::span<const question_answer> wanted,
                                          std::span<const question_answer> found) {
  const auto texts = [](std::span<const question_answer> pairs) {
    std::vector<std::string_view> out;
    for (const question_answer& p : pairs) {
      out.push_back(p.question);
      out.push_back(p.answer);
    }
    return out;
  };
  return word_overlap_of(texts(wanted), texts(found));
}

/// A mean of scores, 0 with none. A mergeable value.
struct mean_score {
  double sum = 0;
  std::uint64_t count = 0;

  constexpr void push(double score) noexcept {
    sum += score;
    ++count;
  }
  constexpr void merge(const mean_score& other) noexcept {
    sum += other.sum;
    count += other.count;
  }
  [[nodiscard]] constexpr double value() const noexcept {
    return count == 0 ? 0 : sum / static_cast<double>(count);
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
