// SPDX-License-Identifier: MIT
/// @file io/gguf_value.hpp
/// The values in the metadata of a GGUF file.
#pragma once

#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The types of values, as numbered in files.
enum class gguf_type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, flag, text, array, u64, i64, f64 };

/// How many bytes a value takes; 0 for texts and arrays, whose sizes are in the file.
[[nodiscard]] constexpr std::size_t size_of(gguf_type type) noexcept {
  constexpr std::size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return sizes[static_cast<std::size_t>(type)];
}

namespace detail {

static_assert(std::endian::native == std::endian::little, "files are read as they lie in memory");

template <class T>
[[nodiscard]] T number_at(const char* at) noexcept {
  T out;
  std::memcpy(&out, at, sizeof out);
  return out;
}

}  // namespace detail

/// A value, as a view into the file that was checked when the file was read.
class gguf_value {
 public:
  /// `type` of the elements where `array`.
  gguf_value(gguf_type type, bool array, std::uint64_t count, std::string_view bytes)
      : type_(type), array_(array), count_(count), bytes_(bytes) {}

  [[nodiscard]] bool is_array() const noexcept { return array_; }
  /// The type of the value, or of the array's elements.
  [[nodiscard]] gguf_type type() const noexcept { return type_; }
  /// How many elements an array has; 1 for other values.
  [[nodiscard]] std::uint64_t size() const noexcept { return count_; }

  /// The text, if it is one.
  [[nodiscard]] std::optional<std::string_view> text() const noexcept {
    if (array_ || type_ != gguf_type::text) return std::nullopt;
    return bytes_.substr(8);
  }

  /// The flag, if it is one.
  [[nodiscard]] std::optional<bool> flag() const noexcept {
    if (array_ || type_ != gguf_type::flag) return std::nullopt;
    return bytes_[0] != 0;
  }

  /// The whole number, if it is one and not negative, whatever its width.
  [[nodiscard]] std::optional<std::uint64_t> count() const noexcept {
    if (array_ || !is_whole(type_)) return std::nullopt;
    const std::int64_t n = whole_at(0);
    if (n < 0 && type_ != gguf_type::u64) return std::nullopt;
    return static_cast<std::uint64_t>(n);
  }

  /// The texts of an array, if it is one of texts.
  [[nodiscard]] std::optional<std::vector<std::string_view>> texts() const {
    if (!array_ || type_ != gguf_type::text) return std::nullopt;
    std::vector<std::string_view> out;
    out.reserve(static_cast<std::size_t>(count_));
    for (std::size_t at = 0; at < bytes_.size();) {
      const auto size = static_cast<std::size_t>(detail::number_at<std::uint64_t>(bytes_.data() + at));
      out.push_back(bytes_.substr(at + 8, size));
      at += 8 + size;
    }
    return out;
  }

  /// The whole numbers of an array of i32 or u32, if it is one; those over 2^31 - 1 become negative.
  [[nodiscard]] std::optional<std::vector<std::int32_t>> integers() const {
    if (!array_ || (type_ != gguf_type::i32 && type_ != gguf_type::u32)) return std::nullopt;
    return numbers<std::int32_t>();
  }

  /// The numbers of an array of f32, if it is one.
  [[nodiscard]] std::optional<std::vector<float>> floats() const {
    if (!array_ || type_ != gguf_type::f32) return std::nullopt;
    return numbers<float>();
  }

  /// The bytes of an array of u8 or i8, if it is one.
  [[nodiscard]] std::optional<std::string_view> bytes() const noexcept {
    if (!array_ || (type_ != gguf_type::u8 && type_ != gguf_type::i8)) return std::nullopt;
    return bytes_;
  }

 private:
  static constexpr bool is_whole(gguf_type t) noexcept {
    return t <= gguf_type::i32 || t == gguf_type::u64 || t == gguf_type::i64;
  }
  [[nodiscard]] std::int64_t whole_at(std::size_t at) const noexcept {
    const char* const p = bytes_.data() + at;
    switch (type_) {
      case gguf_type::u8:
        return detail::number_at<std::uint8_t>(p);
      case gguf_type::i8:
        return detail::number_at<std::int8_t>(p);
      case gguf_type::u16:
        return detail::number_at<std::uint16_t>(p);
      case gguf_type::i16:
        return detail::number_at<std::int16_t>(p);
      case gguf_type::u32:
        return detail::number_at<std::uint32_t>(p);
      case gguf_type::i32:
        return detail::number_at<std::int32_t>(p);
      default:
        return detail::number_at<std::int64_t>(p);
    }
  }
  template <class T>
  [[nodiscard]] std::vector<T> numbers() const {
    std::vector<T> out(static_cast<std::size_t>(count_));
    if (!out.empty()) std::memcpy(out.data(), bytes_.data(), bytes_.size());
    return out;
  }

  gguf_type type_;
  bool array_;
  std::uint64_t count_;
  std::string_view bytes_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
