// SPDX-License-Identifier: MIT
/// @file io/protobuf_wire.hpp
/// The wire format of protocol buffers, field by field.
#pragma once

#include <bit>
#include <cstring>
#include <string_view>

#include "../core/result.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// How a field's value is written.
enum class wire_type : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// A field of a message: its number, and its value by its type.
struct wire_field {
  std::uint32_t number = 0;
  wire_type type = wire_type::varint;
  std::uint64_t value = 0;   ///< of a number; fixed ones by their bits
  std::string_view bytes{};  ///< of a text or a message: a view into the input
  std::uint64_t offset = 0;  ///< of `bytes`, or of a number's end, in the file

  [[nodiscard]] float as_float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(value));
  }
  [[nodiscard]] bool as_bool() const noexcept { return value != 0; }

  /// As `int32`, which negative numbers are written as with ten bytes.
  [[nodiscard]] std::int32_t as_int32() const noexcept {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  }
};

/// Reads the fields of one message, in order. Every length is checked against what is there; nothing is
/// allocated.
///
/// ```cpp
/// lagom::io::wire_reader message(bytes);
/// while (!message.at_end()) {
///   auto field = message.next();
///   if (!field) return field.error();
/// }
/// ```
class wire_reader {
 public:
  /// `offset` is where the message begins in the file; failures name the byte.
  explicit wire_reader(std::string_view message, std::uint64_t offset = 0) : rest_(message), at_(offset) {}

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  /// Precondition: not at the end. Fails with `truncated`, `overflow` (a number over 64 bits), `bad_value`
  /// (field 0, or a number over 2^29 - 1) and `unsupported` (groups, and the types that do not exist).
  result<wire_field> next() {
    auto tag = varint();
    if (!tag) return tag.error();
    if (*tag >> 3 == 0 || *tag >> 3 >= std::uint64_t{1} << 29) return fail(errc::bad_value);
    wire_field out{.number = static_cast<std::uint32_t>(*tag >> 3)};
    switch (*tag & 7) {
      case 0: {
        auto value = varint();
        if (!value) return value.error();
        out.value = *value;
        break;
      }
      case 1:
      case 5: {
        const std::size_t size = (*tag & 7) == 1 ? 8 : 4;
        if (rest_.size() < size) return fail(errc::truncated);
        for (std::size_t i = 0; i < size; ++i) {
          out.value |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
        }
        skip(size);
        break;
      }
      case 2: {
        auto size = varint();
        if (!size) return size.error();
        if (*size > rest_.size()) {
          failure f = fail(errc::truncated);
          f.expected = *size;
          f.found = rest_.size();
          return f;
        }
        out.bytes = rest_.substr(0, static_cast<std::size_t>(*size));
        out.offset = at_;
        out.type = wire_type::bytes;
        skip(out.bytes.size());
        return out;
      }
      default:
        return fail(errc::unsupported);
    }
    out.type = static_cast<wire_type>(*tag & 7);
    out.offset = at_;
    return out;
  }

 private:
  [[nodiscard]] failure fail(errc code) const { return {.code = code, .byte = at_}; }
  void skip(std::size_t size) noexcept {
    rest_.remove_prefix(size);
    at_ += size;
  }

  /// Seven bits a byte, the low ones first, as long as the high bit says that there are more.
  result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (rest_.empty()) return fail(errc::truncated);
      const auto byte = static_cast<unsigned char>(rest_[0]);
      if (shift == 63 && byte > 1) return fail(errc::overflow);
      skip(1);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
  }

  std::string_view rest_;
  std::uint64_t at_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
