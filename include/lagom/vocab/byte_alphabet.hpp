// SPDX-License-Identifier: MIT
/// @file vocab/byte_alphabet.hpp
/// The byte alphabet of byte-level BPE: one printable character a byte.
#pragma once

#include <array>
#include <optional>

#include "../text/utf8.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

/// Bytes that stand for themselves: the printable ones of Latin-1 without the soft hyphen.
constexpr bool is_own_letter(unsigned byte) noexcept {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char16_t, 256> make_byte_alphabet() noexcept {
  std::array<char16_t, 256> out{};
  char16_t next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    out[byte] = is_own_letter(byte) ? static_cast<char16_t>(byte) : next++;
  }
  return out;
}

constexpr std::array<std::int16_t, 324> make_byte_alphabet_inverse() noexcept {
  std::array<std::int16_t, 324> out{};
  for (auto& x : out) x = -1;
  const auto letters = make_byte_alphabet();
  for (unsigned byte = 0; byte < 256; ++byte) out[letters[byte]] = static_cast<std::int16_t>(byte);
  return out;
}

}  // namespace detail

/// The letter of each byte, as a code point (GPT-2's `bytes_to_unicode`): printable Latin-1 stands for
/// itself, the other 68 bytes are U+0100 ... U+0143 in order, so that a space is U+0120.
inline constexpr std::array<char16_t, 256> byte_alphabet = detail::make_byte_alphabet();

/// The byte that a letter stands for; -1 for a code point that is no letter.
[[nodiscard]] constexpr int byte_of_letter(char32_t code) noexcept {
  constexpr auto inverse = detail::make_byte_alphabet_inverse();
  return code < inverse.size() ? inverse[code] : -1;
}

/// Appends the bytes spelled in letters.
inline void append_letters(std::string& out, std::string_view bytes) {
  for (const char c : bytes) append_utf8(out, byte_alphabet[static_cast<unsigned char>(c)]);
}

/// The bytes that a spelling stands for; nothing when a character of it is no letter.
[[nodiscard]] inline std::optional<std::string> bytes_of_letters(std::string_view spelling) {
  std::string out;
  out.reserve(spelling.size());
  for (std::size_t i = 0; i < spelling.size();) {
    const utf8_char c = decode_utf8(spelling, i);
    const int byte = c.well_formed ? byte_of_letter(c.code) : -1;
    if (byte < 0) return std::nullopt;
    out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
    i += c.length;
  }
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
