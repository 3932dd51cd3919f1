// SPDX-License-Identifier: MIT
/// @file text/text_profile.hpp
/// How a kind of text is spelled: enough to tell languages apart.
#pragma once

#include <array>
#include <string_view>

#include "../core/math.hpp"
#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {

/// Counts of byte triples, hashed into 4096 buckets: naive Bayes over them names the language of a sentence, in any script
/// and whatever the tokenizer (Dunning 1994, "Statistical identification of language", with triples for his conditional
/// bigrams). A mergeable value of 16 KiB; counts stop at 2^32 - 1.
///
/// ```cpp
/// lagom::text_profile english, swahili;
/// english.push(some_english), swahili.push(some_swahili);
/// bool is_english = english.log_likelihood(prompt) > swahili.log_likelihood(prompt);
/// ```
class text_profile {
 public:
  static constexpr std::size_t buckets = 4096;

  /// Counts the triples of a text; its first bytes follow two zero bytes.
  constexpr void push(std::string_view text) noexcept {
    each(text, [this](std::size_t b) { add(b, 1); });
  }
  constexpr void merge(const text_profile& other) noexcept {
    for (std::size_t b = 0; b < buckets; ++b) add(b, other.counts_[b]);
  }
  /// Adds to one bucket: what a file holds. Precondition: b < buckets.
  constexpr void add(std::size_t b, std::uint32_t n) noexcept {
    const std::uint32_t left = 0xFFFFFFFFu - counts_[b];
    counts_[b] += n < left ? n : left;
    total_ += n < left ? n : left;
  }

  [[nodiscard]] constexpr std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] constexpr const std::array<std::uint32_t, buckets>& counts() const noexcept {
    return counts_;
  }

  /// Natural logarithm of the probability of the text's triples, each independent: sum log((n + 1/2) / (N + buckets / 2)).
  /// O(bytes). 0 for an empty text.
  [[nodiscard]] double log_likelihood(std::string_view text) const noexcept {
    const double normaliser = log(static_cast<double>(total_) + buckets / 2.0);
    double sum = 0;
    each(text, [&](std::size_t b) { sum += log(counts_[b] + 0.5) - normaliser; });
    return sum;
  }

  friend constexpr bool operator==(const text_profile&, const text_profile&) = default;

 private:
  template <class Use>
  static constexpr void each(std::string_view text, const Use& use) noexcept {
    std::uint32_t triple = 0;
    for (const char c : text) {
      triple = (triple << 8 | static_cast<unsigned char>(c)) & 0xFFFFFFu;
      use((triple * 0x9E3779B1u) >> 20);
    }
  }

  std::array<std::uint32_t, buckets> counts_{};
  std::uint64_t total_ = 0;
};

/// The profile under which a text is likeliest: i of 0 ... n - 1, where `profile_of(i)` is a text_profile; the first of equals.
/// Profiles of no text are left out; -1 where none is left.
template <class ProfileOf>
[[nodiscard]] int closest_profile(std::string_view text, int n, const ProfileOf& profile_of) noexcept {
  int best = -1;
  double most = 0;
  for (int i = 0; i < n; ++i) {
    const text_profile& p = profile_of(i);
    if (p.total() == 0) continue;
    const double now = p.log_likelihood(text);
    if (best >= 0 && !(now > most)) continue;
    best = i;
    most = now;
  }
  return best;
}

}  // namespace v0
}  // namespace lagom
