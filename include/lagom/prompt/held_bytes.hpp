// SPDX-License-Identifier: MIT
/// @file prompt/held_bytes.hpp
/// The few bytes that a streaming parser keeps back, and the gate that never cuts a character.
#pragma once

#include <algorithm>

#include "../text/utf8.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A text without the blanks, tabs and line ends around it.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

/// Up to 255 bytes, by value.
class held_bytes {
 public:
  static constexpr std::size_t capacity = 255;

  [[nodiscard]] constexpr std::string_view view() const noexcept { return {bytes_, size_}; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool full() const noexcept { return size_ == capacity; }
  constexpr void clear() noexcept { size_ = 0; }
  /// Precondition: not full.
  constexpr void push(char byte) noexcept { bytes_[size_++] = byte; }
  /// Takes the last byte away. Precondition: not empty.
  constexpr void pop() noexcept { --size_; }
  /// Takes the first `n` bytes away.
  constexpr void drop_front(std::size_t n) noexcept {
    std::copy(bytes_ + n, bytes_ + size_, bytes_);
    size_ = static_cast<std::uint8_t>(size_ - n);
  }

 private:
  char bytes_[capacity] = {};
  std::uint8_t size_ = 0;
};

/// Passes text on in pieces that end between characters: of a piece that ends within one, its first bytes wait for the
/// rest. Bytes that turn out to be ill-formed are passed on as they are.
class utf8_gate {
 public:
  [[nodiscard]] constexpr std::size_t held() const noexcept { return size_; }

  /// Calls `out(piece)` for what is complete.
  template <class Out>
  constexpr void feed(std::string_view piece, Out&& out) {
    if (size_ > 0) {
      while (!piece.empty() && unfinished({waiting_, size_})) {
        waiting_[size_++] = piece.front();
        piece.remove_prefix(1);
      }
      if (unfinished({waiting_, size_})) return;
      release(out);
    }
    const std::size_t tail = unfinished_tail(piece);
    if (tail < piece.size()) out(piece.substr(0, piece.size() - tail));
    for (const char byte : piece.substr(piece.size() - tail)) waiting_[size_++] = byte;
  }
  /// Passes on what waits, complete or not.
  template <class Out>
  constexpr void release(Out&& out) {
    if (size_ == 0) return;
    const std::uint8_t n = size_;
    size_ = 0;
    out(std::string_view(waiting_, n));
  }

 private:
  // Whether `bytes` are the first ones of a character, and not all.
  [[nodiscard]] static constexpr bool unfinished(std::string_view bytes) noexcept {
    const utf8_char c = decode_utf8(bytes, 0);
    if (c.well_formed || c.length < bytes.size()) return false;
    const auto lead = static_cast<unsigned char>(bytes[0]);
    const std::size_t whole = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
    return bytes.size() < whole;
  }
  [[nodiscard]] static constexpr std::size_t unfinished_tail(std::string_view text) noexcept {
    for (std::size_t n = 1; n <= 3 && n <= text.size(); ++n) {
      const auto byte = static_cast<unsigned char>(text[text.size() - n]);
      if ((byte & 0xC0) == 0x80) continue;
      return byte >= 0xC0 && unfinished(text.substr(text.size() - n)) ? n : 0;
    }
    return 0;
  }

  char waiting_[4] = {};
  std::uint8_t size_ = 0;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
