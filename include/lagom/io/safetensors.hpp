// SPDX-License-Identifier: MIT
/// @file io/safetensors.hpp
/// Reading safetensors files, with every rule of the format enforced.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dtype.hpp"
#include "json.hpp"
#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A tensor inside a mapped file: owns nothing, lives as long as the file. Its bytes need not be aligned.
struct tensor_view {
  dtype type{};
  std::vector<std::uint64_t> shape{};
  std::span<const std::byte> bytes{};

  [[nodiscard]] std::uint64_t elements() const noexcept {
    std::uint64_t n = 1;
    for (const auto d : shape) n *= d;  // checked when the file was opened
    return n;
  }

  /// The elements in place, when type and alignment allow.
  template <class T>
  [[nodiscard]] std::optional<std::span<const T>> in_place() const noexcept {
    if (dtype_of<T> != type || reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(T) != 0)
      return std::nullopt;
    return std::span<const T>(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T));
  }

  /// Copies all elements, converting f32, f64, f16 and bf16. Fails with `wrong_dtype` for other types.
  template <std::floating_point T>
  [[nodiscard]] result<done> copy_to(std::span<T> out) const {
    LAGOM_ASSERT(out.size() == elements());
    switch (type) {
      case dtype::f32:
        return convert<float>(out);
      case dtype::f64:
        return convert<double>(out);
      case dtype::f16:
        return convert<lagom::f16>(out);
      case dtype::bf16:
        return convert<lagom::bf16>(out);
      default:
        return failure{.code = errc::wrong_dtype};
    }
  }

 private:
  template <class From, class T>
  result<done> convert(std::span<T> out) const {
    for (std::size_t i = 0; i < out.size(); ++i) {
      From x;
      std::memcpy(&x, bytes.data() + i * sizeof(From), sizeof(From));
      out[i] = static_cast<T>(x);
    }
    return done{};
  }
};

/// One safetensors file: u64 header length, JSON header, data. Memory-mapped.
///
/// `open` accepts just what the reference reader accepts: the header starts with '{' and is at most 100 MB of
/// UTF-8 JSON, no key twice; every tensor has a known dtype, a shape of non-negative integers whose product does
/// not overflow, and offsets that match it; sorted by offset the tensors cover the data exactly, from the first
/// byte to the last, without hole or overlap. Zero-size and 0-rank tensors are valid. Values are not looked at.
class safetensors {
 public:
  static constexpr std::uint64_t header_limit = 100'000'000;

  /// Fails with the errors of `mapped_file::open` and `parse`, naming the file.
  static result<safetensors> open(const std::string& path) {
    return detail::open_mapped(path, &safetensors::file_);
  }

  /// Reads a file that is already in memory, which must outlive the result.
  static result<safetensors> parse(std::span<const std::byte> bytes) {
    if (bytes.size() < 8) return failure{.code = errc::truncated, .key = "header length", .byte = 0};
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    if (length > header_limit) {
      return failure{
          .code = errc::too_large, .key = "header", .byte = 0, .expected = header_limit, .found = length};
    }
    if (length > bytes.size() - 8) {
      return failure{
          .code = errc::truncated, .key = "header", .byte = 8, .expected = length, .found = bytes.size() - 8};
    }
    const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, length);
    if (header.empty() || header.front() != '{') {
      return failure{.code = errc::bad_json, .key = "header", .byte = 8};
    }
    auto parsed = parse_json(header, 4);
    if (!parsed) {
      failure f = parsed.error();
      f.byte = f.byte == failure::none ? f.byte : f.byte + 8;
      if (f.key.empty()) f.key = "header";
      return f;
    }
    safetensors out;
    out.header_ = header;
    out.data_ = bytes.subspan(8 + length);
    if (auto ok = out.read_entries(*parsed, out.data_); !ok) return ok.error();
    return out;
  }

  /// The tensor of that name; null when there is none.
  [[nodiscard]] const tensor_view* find(std::string_view name) const {
    const auto at = tensors_.find(name);
    return at == tensors_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] const std::map<std::string, tensor_view, std::less<>>& tensors() const noexcept {
    return tensors_;
  }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& metadata() const noexcept {
    return metadata_;
  }

  /// The JSON text of the header, with its padding.
  [[nodiscard]] std::string_view header() const noexcept { return header_; }
  /// Where the data begin in the file, and how long they are.
  [[nodiscard]] std::uint64_t data_offset() const noexcept { return 8 + header_.size(); }
  [[nodiscard]] std::uint64_t data_size() const noexcept { return data_.size(); }
  /// Where a tensor of this file begins in the data.
  [[nodiscard]] std::uint64_t offset_of(const tensor_view& tensor) const noexcept {
    return static_cast<std::uint64_t>(tensor.bytes.data() - data_.data());
  }

 private:
  safetensors() = default;

  result<done> read_entries(const json& header, std::span<const std::byte> data) {
    struct extent {
      std::uint64_t begin, end;
      const std::string* name;
    };
    std::vector<extent> extents;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        if (auto ok = read_metadata(entry); !ok) return ok;
        continue;
      }
      auto tensor = read_entry(name, entry, data);
      if (!tensor) return tensor.error();
      const auto at = tensors_.emplace(name, std::move(*tensor)).first;
      const auto begin = static_cast<std::uint64_t>(at->second.bytes.data() - data.data());
      extents.push_back({begin, begin + at->second.bytes.size(), &at->first});
    }
    std::sort(extents.begin(), extents.end(), [](const extent& a, const extent& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    std::uint64_t covered = 0;
    for (const extent& e : extents) {
      if (e.begin != covered) {
        return failure{.code = e.begin < covered ? errc::overlap : errc::hole,
                       .key = *e.name,
                       .byte = e.begin,
                       .expected = covered,
                       .found = e.begin};
      }
      covered = e.end;
    }
    if (covered != data.size()) {
      return failure{.code = errc::trailing_bytes,
                     .key = "data",
                     .byte = covered,
                     .expected = covered,
                     .found = data.size()};
    }
    return done{};
  }

  result<done> read_metadata(const json& entry) {
    if (!entry.is_object()) return failure{.code = errc::wrong_type, .key = "__metadata__"};
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) return failure{.code = errc::wrong_type, .key = "__metadata__." + key};
      metadata_.emplace(key, value.get<std::string>());
    }
    return done{};
  }

  static result<tensor_view> read_entry(const std::string& name, const json& entry,
                                        std::span<const std::byte> data) {
    const json* const type = io::find(entry, "dtype");
    const json* const shape = io::find(entry, "shape");
    const json* const offsets = io::find(entry, "data_offsets");
    if (!entry.is_object() || type == nullptr || shape == nullptr || offsets == nullptr) {
      return failure{.code = entry.is_object() ? errc::missing_key : errc::wrong_type,
                     .key = name + (!entry.is_object() ? ""
                                    : !type            ? ".dtype"
                                    : !shape           ? ".shape"
                                                       : ".data_offsets")};
    }
    if (!type->is_string()) return failure{.code = errc::wrong_type, .key = name + ".dtype"};
    const dtype_info* const known = find_dtype(type->get_ref<const std::string&>());
    if (known == nullptr) return failure{.code = errc::unknown_dtype, .key = name};
    tensor_view tensor{.type = known->type};
    if (!shape->is_array()) return failure{.code = errc::wrong_type, .key = name + ".shape"};
    std::uint64_t bits = 1;
    for (const json& extent : *shape) {
      if (!extent.is_number_unsigned()) return failure{.code = errc::wrong_type, .key = name + ".shape"};
      tensor.shape.push_back(extent.get<std::uint64_t>());
      if (__builtin_mul_overflow(bits, tensor.shape.back(), &bits)) {
        return failure{.code = errc::overflow, .key = name + ".shape"};
      }
    }
    if (__builtin_mul_overflow(bits, static_cast<std::uint64_t>(known->bits), &bits)) {
      return failure{.code = errc::overflow, .key = name + ".shape"};
    }
    if (bits % 8 != 0) return failure{.code = errc::size_mismatch, .key = name};
    if (!offsets->is_array() || offsets->size() != 2 || !(*offsets)[0].is_number_unsigned() ||
        !(*offsets)[1].is_number_unsigned()) {
      return failure{.code = errc::wrong_type, .key = name + ".data_offsets"};
    }
    const auto begin = (*offsets)[0].get<std::uint64_t>(), end = (*offsets)[1].get<std::uint64_t>();
    if (begin > end) return failure{.code = errc::bad_value, .key = name + ".data_offsets"};
    if (end > data.size()) {
      return failure{
          .code = errc::truncated, .key = name, .byte = begin, .expected = end, .found = data.size()};
    }
    if (end - begin != bits / 8) {
      return failure{.code = errc::size_mismatch,
                     .key = name,
                     .byte = begin,
                     .expected = bits / 8,
                     .found = end - begin};
    }
    tensor.bytes = data.subspan(begin, end - begin);
    return tensor;
  }

  std::optional<mapped_file> file_;
  std::string_view header_;
  std::span<const std::byte> data_;
  std::map<std::string, tensor_view, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
