// SPDX-License-Identifier: MIT
/// @file io/gguf.hpp
/// GGUF files: the header, the metadata and the table of tensors.
#pragma once

#include <array>
#include <map>
#include <unordered_set>

#include "gguf_value.hpp"
#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// How ggml stores the numbers of a tensor: so many in a block of so many bytes.
struct ggml_layout {
  std::uint32_t numbers = 0, bytes = 0;  ///< both 0 for a type that is not known
};

/// The layout of ggml's type `type`, as numbered in files.
[[nodiscard]] constexpr ggml_layout ggml_layout_of(std::uint32_t type) noexcept {
  constexpr ggml_layout known[] = {
      {1, 4},    {1, 2},    {32, 18},  {32, 20},   {},         {},         {32, 22},   {32, 24},
      {32, 34},  {},        {256, 84}, {256, 110}, {256, 144}, {256, 176}, {256, 210}, {},
      {256, 66}, {256, 74}, {256, 98}, {256, 50},  {32, 18},   {256, 110}, {256, 82},  {256, 136},
      {1, 1},    {1, 2},    {1, 4},    {1, 8},     {1, 8},     {256, 56},  {1, 2},     {},
      {},        {},        {256, 54}, {256, 66},  {},         {},         {},         {32, 17}};
  return type < std::size(known) ? known[type] : ggml_layout{};
}

/// A tensor of the table.
struct gguf_tensor {
  std::string_view name{};
  std::array<std::uint64_t, 4> extents{1, 1, 1, 1};  ///< the first one runs fastest
  std::uint32_t type = 0;                            ///< ggml's
  std::span<const std::byte> bytes{};
};

/// A GGUF file (versions 2 and 3, little-endian), seen as memory. Every size is checked before it is believed:
/// - texts and arrays of at most 2^30 bytes or elements, which lie in the file; arrays hold no arrays;
/// - no key and no tensor name appears twice; keys have no NUL; names have at most 63 bytes;
/// - tensors have 1 to 4 extents, none of them 0, whole blocks, and lie one after the other, padded to
///   "general.alignment", without holes or overlaps, inside the file.
///
/// Movable; views stay valid as long as it lives. What is not little-endian, and version 1, is `unsupported`.
class gguf {
 public:
  /// Maps a file. Fails with the errors of `mapped_file::open` and `parse`, naming the file.
  static result<gguf> open(const std::string& path) {
    return detail::open_mapped(path, &gguf::file_);
  }

  /// Reads bytes, which must outlive the result. Fails, with the byte, with `wrong_schema` (no GGUF),
  /// `unsupported`, `truncated`, `too_large`, `duplicate_key`, `bad_value`, `wrong_type`, `unknown_dtype`,
  /// `wrong_shape`, `overflow`, `overlap` or `hole`.
  static result<gguf> parse(std::span<const std::byte> bytes) {
    gguf out;
    reader in{.bytes = {reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
    if (in.bytes.substr(0, 4) != "GGUF") return failure{.code = errc::wrong_schema, .key = "GGUF", .byte = 0};
    in.at = 4;
    out.version_ = in.number<std::uint32_t>();
    if (in.ok() && out.version_ != 2 && out.version_ != 3) {
      return failure{.code = errc::unsupported,
                     .key = (out.version_ & 0xFFFF) == 0 ? "big-endian GGUF" : "this version of GGUF",
                     .byte = 4,
                     .found = out.version_};
    }
    const auto tensors = in.number<std::uint64_t>(), keys = in.number<std::uint64_t>();
    for (std::uint64_t i = 0; i < keys && in.ok(); ++i) out.read_pair(in);
    std::vector<std::uint64_t> offsets;
    for (std::uint64_t i = 0; i < tensors && in.ok(); ++i) offsets.push_back(out.read_tensor(in));
    if (in.ok()) out.place_tensors(in, bytes, offsets);
    if (!in.ok()) return in.why;
    return out;
  }

  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }

  /// The value of a key; null when it is not there.
  [[nodiscard]] const gguf_value* find(std::string_view key) const {
    const auto at = values_.find(key);
    return at == values_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] const std::map<std::string_view, gguf_value>& values() const noexcept { return values_; }
  [[nodiscard]] const std::vector<gguf_tensor>& tensors() const noexcept { return tensors_; }

 private:
  static constexpr std::uint64_t limit = std::uint64_t{1} << 30;

  struct reader {
    std::string_view bytes;
    std::size_t at = 0;
    bool failed = false;
    failure why{};

    [[nodiscard]] bool ok() const noexcept { return !failed; }
    void fail(errc code, std::string_view key = {}) {
      if (failed) return;
      failed = true;
      why = {.code = code, .key = key, .byte = at};
    }
    /// The next `size` bytes; none after a failure.
    std::string_view take(std::uint64_t size, std::string_view key = {}) {
      if (!failed && size > bytes.size() - at) fail(errc::truncated, key);
      if (failed) return {};
      at += static_cast<std::size_t>(size);
      return bytes.substr(at - static_cast<std::size_t>(size), static_cast<std::size_t>(size));
    }
    template <class T>
    T number(std::string_view key = {}) {
      const std::string_view raw = take(sizeof(T), key);
      return failed ? T{} : detail::number_at<T>(raw.data());
    }
    /// A text with its length before it.
    std::string_view text(std::string_view key = {}) {
      const auto size = number<std::uint64_t>(key);
      if (ok() && size > limit) fail(errc::too_large, key);
      return take(size, key);
    }
  };

  void read_pair(reader& in) {
    const std::string_view key = in.text("a key");
    if (in.ok() && (key.empty() || key.find('\0') != std::string_view::npos))
      in.fail(errc::bad_value, "a key");
    if (in.ok() && values_.count(key) != 0) in.fail(errc::duplicate_key, key);
    auto type = in.number<std::uint32_t>(key);
    const bool array = type == static_cast<std::uint32_t>(gguf_type::array);
    std::uint64_t count = 1;
    if (array) {
      type = in.number<std::uint32_t>(key);
      count = in.number<std::uint64_t>(key);
      if (in.ok() && type == static_cast<std::uint32_t>(gguf_type::array)) in.fail(errc::unsupported, key);
    }
    if (in.ok() && type > static_cast<std::uint32_t>(gguf_type::f64)) in.fail(errc::wrong_type, key);
    if (in.ok() && count > limit) in.fail(errc::too_large, key);
    if (!in.ok()) return;
    const auto kind = static_cast<gguf_type>(type);
    const std::size_t begin = in.at;
    if (kind == gguf_type::text) {
      for (std::uint64_t i = 0; i < count && in.ok(); ++i) in.text(key);
    } else {
      in.take(count * size_of(kind), key);
    }
    if (in.ok()) values_.emplace(key, gguf_value(kind, array, count, in.bytes.substr(begin, in.at - begin)));
  }

  /// Reads a row of the table; returns the tensor's offset.
  std::uint64_t read_tensor(reader& in) {
    gguf_tensor t;
    t.name = in.text("a tensor's name");
    if (in.ok() && t.name.size() > 63) in.fail(errc::too_large, t.name);
    if (in.ok() && !names_.insert(t.name).second) in.fail(errc::duplicate_key, t.name);
    const auto rank = in.number<std::uint32_t>(t.name);
    if (in.ok() && (rank == 0 || rank > t.extents.size())) in.fail(errc::wrong_shape, t.name);
    std::uint64_t numbers = 1;
    for (std::uint32_t i = 0; i < rank && in.ok(); ++i) {
      t.extents[i] = in.number<std::uint64_t>(t.name);
      if (in.ok() && t.extents[i] == 0) in.fail(errc::wrong_shape, t.name);
      if (in.ok() && t.extents[i] > (~std::uint64_t{0} >> 1) / numbers) in.fail(errc::overflow, t.name);
      if (in.ok()) numbers *= t.extents[i];
    }
    t.type = in.number<std::uint32_t>(t.name);
    const ggml_layout layout = ggml_layout_of(t.type);
    if (in.ok() && layout.numbers == 0) in.fail(errc::unknown_dtype, t.name);
    if (in.ok() && t.extents[0] % layout.numbers != 0) in.fail(errc::wrong_shape, t.name);
    const auto offset = in.number<std::uint64_t>(t.name);
    if (!in.ok()) return 0;
    if (numbers / layout.numbers > (~std::uint64_t{0} >> 1) / layout.bytes) in.fail(errc::overflow, t.name);
    sizes_.push_back(numbers / layout.numbers * layout.bytes);
    tensors_.push_back(t);
    return offset;
  }

  /// Gives every tensor its bytes.
  void place_tensors(reader& in, std::span<const std::byte> bytes,
                     const std::vector<std::uint64_t>& offsets) {
    std::uint64_t alignment = 32;
    if (const gguf_value* const value = find("general.alignment")) {
      const bool is_u32 = !value->is_array() && value->type() == gguf_type::u32;
      if (!is_u32) return in.fail(errc::wrong_type, "general.alignment");
      alignment = *value->count();
      if (!std::has_single_bit(alignment)) return in.fail(errc::bad_value, "general.alignment");
    }
    const auto padded = [&](std::uint64_t n) { return (n + alignment - 1) / alignment * alignment; };
    const std::uint64_t begin = padded(in.at), size = bytes.size();
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      gguf_tensor& t = tensors_[i];
      if (offsets[i] != next) return in.fail(offsets[i] < next ? errc::overlap : errc::hole, t.name);
      if (begin > size || next > size - begin || sizes_[i] > size - begin - next) {
        return in.fail(errc::truncated, t.name);
      }
      t.bytes = bytes.subspan(static_cast<std::size_t>(begin + next), static_cast<std::size_t>(sizes_[i]));
      next = padded(next + sizes_[i]);
    }
  }

  gguf() = default;

  std::optional<mapped_file> file_;
  std::uint32_t version_ = 0;
  std::map<std::string_view, gguf_value> values_;
  std::vector<gguf_tensor> tensors_;
  std::vector<std::uint64_t> sizes_;
  std::unordered_set<std::string_view> names_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
