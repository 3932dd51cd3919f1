// SPDX-License-Identifier: MIT
/// @file prompt/script_estimator.hpp
/// How many tokens a text has, without a tokenizer: by the scripts of its characters.
#pragma once

#include <cmath>

#include "../text/script.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Tokens a character, in 1/1024. White space counts nothing: vocabularies hold it at the begin of words; but a line
/// break counts as a letter does.
///
/// The defaults are those of Llama 2's vocabulary of 32,000 tokens, measured: on newstest2019 (NTREX) for ASCII letters
/// (the mean of English 0.29 and Swahili 0.48), Greek 1.14 and Devanagari 1.34, on MGSM for Cyrillic 0.44, and on a few
/// hundred characters each for Arabic, Thai, kana, Han and Hangul. Other scripts count their bytes, which is what byte
/// fallback takes at most. For another tokenizer there is `script_calibration`.
struct script_rates {
  static constexpr std::uint32_t one = 1024;
  static constexpr std::uint32_t by_bytes = ~std::uint32_t{0};  ///< as many tokens as UTF-8 bytes

  std::uint32_t ascii_letter = 390, digit = one, ascii_other = 820;
  std::array<std::uint32_t, std::size(lagom::detail::script_labels)> of_script = [] {
    std::array<std::uint32_t, std::size(lagom::detail::script_labels)> r{};
    r.fill(by_bytes);
    const auto set = [&r](script s, std::uint32_t rate) { r[static_cast<std::size_t>(s)] = rate; };
    set(script::latin, 1000);
    set(script::common, 1400);
    set(script::inherited, 1000);
    set(script::greek, 1170);
    set(script::cyrillic, 450);
    set(script::arabic, 1100);
    set(script::hebrew, 1100);
    set(script::devanagari, 1370);
    set(script::thai, 1240);
    set(script::hiragana, 1240);
    set(script::katakana, 1240);
    set(script::han, 1850);
    set(script::hangul, 2100);
    return r;
  }();

  /// No token for any character.
  [[nodiscard]] static constexpr script_rates nothing() noexcept {
    script_rates r{};
    r.ascii_letter = r.digit = r.ascii_other = 0;
    r.of_script.fill(0);
    return r;
  }
};

/// A token counter for when there is no tokenizer. `factor` above 1 makes it an upper estimate (1.5 is above nearly every
/// line of the texts that the defaults were measured on), below 1 a lower one. Words times 1.5, which released code
/// uses, is 20 times too low for scripts that do not write spaces.
/// O(n), with a search in the table of scripts for a character that is not ASCII.
struct script_estimator {
  script_rates rates{};
  double factor = 1;

  /// The estimate, rounded up; at most 2^62. Precondition: factor >= 0, finite.
  [[nodiscard]] std::size_t count(std::string_view text) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < text.size();) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c < 0x80) {
        const unsigned char lower = c | 0x20;
        sum += c == ' ' || c == '\t' || c == '\r'            ? 0
               : (lower >= 'a' && lower <= 'z') || c == '\n' ? rates.ascii_letter
               : c >= '0' && c <= '9'                        ? rates.digit
                                                             : rates.ascii_other;
        ++i;
        continue;
      }
      const utf8_char u = decode_utf8(text, i);
      const std::uint32_t rate = u.well_formed ? rates.of_script[static_cast<std::size_t>(script_of(u.code))]
                                               : script_rates::by_bytes;
      sum += rate == script_rates::by_bytes ? script_rates::one * std::uint32_t{u.length} : rate;
      i += u.length;
    }
    const double tokens = std::ceil(static_cast<double>(sum) * factor / script_rates::one);
    return tokens < 0x1p62 ? static_cast<std::size_t>(tokens) : std::size_t{1} << 62;
  }
};

/// Learns the rates of a tokenizer from texts and their true counts. Each text counts for the script that most of its
/// letters have; digits and punctuation keep their rates. A mergeable value.
class script_calibration {
 public:
  void push(std::string_view text, std::size_t tokens) noexcept {
    const script s = majority_script(text);
    script_rates others{};  // what is not of that script has its default
    (s == script::latin ? others.ascii_letter : others.of_script[static_cast<std::size_t>(s)]) = 0;
    script_rates only = script_rates::nothing();
    (s == script::latin ? only.ascii_letter : only.of_script[static_cast<std::size_t>(s)]) =
        script_rates::one;
    const std::size_t known = script_estimator{others}.count(text);
    tally& t = by_script_[static_cast<std::size_t>(s)];
    t.characters += script_estimator{only}.count(text);
    t.tokens += tokens > known ? tokens - known : 0;
  }
  void merge(const script_calibration& other) noexcept {
    for (std::size_t i = 0; i < by_script_.size(); ++i) {
      by_script_[i].characters += other.by_script_[i].characters;
      by_script_[i].tokens += other.by_script_[i].tokens;
    }
  }
  /// The rates: `rates` where nothing was learned.
  [[nodiscard]] script_rates apply(script_rates rates = {}) const noexcept {
    for (std::size_t i = 0; i < by_script_.size(); ++i) {
      const tally& t = by_script_[i];
      if (t.characters == 0) continue;
      const double rate =
          static_cast<double>(t.tokens) / static_cast<double>(t.characters) * script_rates::one;
      const auto rounded_rate = static_cast<std::uint32_t>(rate < 1e6 ? rate : 1e6);
      (static_cast<script>(i) == script::latin ? rates.ascii_letter : rates.of_script[i]) = rounded_rate;
    }
    return rates;
  }

 private:
  struct tally {
    std::uint64_t characters = 0, tokens = 0;
  };
  std::array<tally, std::size(lagom::detail::script_labels)> by_script_{};
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
