// SPDX-License-Identifier: MIT
/// @file vocab/word_key.hpp
/// The bytes of a short word as two machine words.
#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// Up to 16 bytes, zeros after them. Two words of one size up to that are equal where their keys are.
struct word_key {
  static constexpr std::size_t longest = 16;

  std::array<std::uint64_t, 2> words{};

  /// Precondition: the word has 1 to 16 bytes. `readable` bytes from its begin on may be read.
  static word_key of(std::string_view word, std::size_t readable) noexcept {
    constexpr std::uint64_t all = ~std::uint64_t{0};
    const std::size_t n = word.size();
    word_key k;
    if (std::endian::native != std::endian::little) {
      std::memcpy(k.words.data(), word.data(), n);
    } else if (readable >= longest) {
      std::memcpy(k.words.data(), word.data(), longest);
      k.words[0] &= n >= 8 ? all : all >> (64 - 8 * n);
      k.words[1] &= n <= 8 ? 0 : all >> (128 - 8 * n);
    } else if (n >= 8) {  // a read from the begin, and one up to the end
      k.words[0] = load<std::uint64_t>(word.data());
      k.words[1] = n == 8 ? 0 : load<std::uint64_t>(word.data() + n - 8) >> (128 - 8 * n);
    } else if (n >= 4) {
      const std::uint64_t end = std::uint64_t{load<std::uint32_t>(word.data() + n - 4)} >> (64 - 8 * n);
      k.words[0] = load<std::uint32_t>(word.data()) | end << 32;
    } else {
      const auto byte = [&](std::size_t i) {
        return std::uint64_t{static_cast<unsigned char>(word[i])} << (8 * i);
      };
      k.words[0] = byte(0) | byte(n / 2) | byte(n - 1);
    }
    return k;
  }

  /// Of a word of any size: its bytes, or two hashes of them where they are more than 16.
  static word_key of_any(std::string_view word, std::size_t readable) noexcept {
    if (word.size() <= longest) return of(word, readable);
    std::uint64_t a = word.size();
    for (std::size_t i = 0; i + 8 <= word.size(); i += 8) a = mix(a, load<std::uint64_t>(word.data() + i));
    const auto b = load<std::uint64_t>(word.data() + word.size() - 8);
    return {{mix(a, b), b}};
  }

  [[nodiscard]] std::uint64_t hash() const noexcept { return mix(words[0], words[1]); }

  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t h = (a ^ std::rotl(b * 0x9E3779B97F4A7C15u, 29)) * 0xD6E8FEB86659FD93u;
    return h ^ (h >> 32);
  }

  friend bool operator==(const word_key&, const word_key&) = default;

 private:
  template <class T>
  static T load(const char* p) noexcept {
    T out;
    std::memcpy(&out, p, sizeof out);
    return out;
  }
};

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
