// SPDX-License-Identifier: MIT
/// @file io/prepared_head.hpp
/// Prepared rows of a head on the disk, seen through a mapping.
#pragma once

#include "../kernel/prepare_head.hpp"
#include "metadata.hpp"
#include "safetensors_writer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Writes prepared rows as a safetensors file: "codes" (u64, rows x pitch / 8: the bytes, little-endian), "rows" (f32, 3 x
/// rows: scale, error, norm), "mean" (f32, columns) and metadata. The file is replaced in one step. Fails with
/// `cannot_write`.
[[nodiscard]] inline result<done> save_prepared_head(const std::string& path, const prepared_rows& p) {
  const auto rows = static_cast<std::uint64_t>(p.rows), cols = static_cast<std::uint64_t>(p.cols);
  const auto pitch = static_cast<std::uint64_t>(p.pitch());
  std::vector<float> numbers;
  numbers.reserve(3 * rows);
  for (const auto& column : {p.scale, p.error, p.norm}) {
    for (index_t r = 0; r < p.rows; ++r) numbers.push_back(column[r]);
  }
  std::vector<float> mean;
  for (index_t j = 0; j < p.cols; ++j) mean.push_back(p.mean[j]);
  safetensors_writer out;
  out.align_data(64);  // so that every row begins at a line
  out.add_metadata("lagom", "prepared_head");
  out.add_metadata("schema", "2");
  out.add_metadata("bits", std::to_string(code_bits(p.code)));
  out.add_metadata("rotated", p.rotated ? "1" : "0");
  out.add_metadata("key", std::to_string(p.key));
  out.add_metadata("fingerprint", std::to_string(p.fingerprint));
  out.add("codes", {rows, pitch / 8}, dtype::u64,
          std::as_bytes(std::span<const std::uint8_t>(p.codes, static_cast<std::size_t>(rows * pitch))));
  out.add("rows", {3, rows}, std::span<const float>(numbers));
  out.add("mean", {cols}, std::span<const float>(mean));
  return out.write(path);
}

/// Prepared rows in a mapped file: pages are read when a probe touches them.
///
/// ```cpp
/// auto prepared = lagom::io::prepared_head_file::open("head.prepared");
/// if (!prepared || !prepared->made_from(backend, rows)) ...       // once: reads the rows of the head
/// lagom::certified_answer cheap{policy, head, prepared->view(), work};
/// ```
class prepared_head_file {
 public:
  /// Fails with the errors of `safetensors::open`, `wrong_schema` (another kind of file, another version), `missing_key`,
  /// `bad_value` (bits, rotated, key, fingerprint), `missing_tensor`, `wrong_dtype`, `wrong_shape`, `empty`,
  /// `too_large` (columns), `not_finite` and `out_of_range` (a scale, an error or a norm below 0).
  [[nodiscard]] static result<prepared_head_file> open(const std::string& path) {
    auto file = safetensors::open(path);
    if (!file) return file.error();
    auto made = read(std::move(*file));
    if (!made) return made.error().in(path);
    return made;
  }
  /// The same from a file that is already open or in memory.
  [[nodiscard]] static result<prepared_head_file> read(safetensors file) {
    prepared_head_file out(std::move(file));
    if (auto ok = out.read_all(); !ok) return ok.error();
    return out;
  }

  [[nodiscard]] prepared_rows view() const noexcept { return view_; }

  /// Were they made from these rows? A certificate says nothing of another head. Cost: one read of the rows.
  template <backend B, tensor<2> Rows>
  [[nodiscard]] bool made_from(const B& b, const Rows& rows) const noexcept {
    const auto m = as_mat(rows);
    return m.rows() == view_.rows && m.cols() == view_.cols && fingerprint_of(b, m) == view_.fingerprint;
  }

 private:
  explicit prepared_head_file(safetensors file) : file_(std::move(file)) {}

  result<const tensor_view*> find(const char* name, dtype type, std::size_t rank) const {
    const tensor_view* const t = file_.find(name);
    if (t == nullptr) return failure{.code = errc::missing_tensor, .key = name};
    if (t->type != type) return failure{.code = errc::wrong_dtype, .key = name};
    if (t->shape.size() != rank) return failure{.code = errc::wrong_shape, .key = name};
    return t;
  }

  result<done> read_metadata() {
    const auto text = [&](const char* key) { return detail::metadata_text(file_, key); };
    if (text("lagom") != "prepared_head") return failure{.code = errc::wrong_schema, .key = "lagom"};
    if (text("schema") != "2") return failure{.code = errc::wrong_schema, .key = "schema"};
    std::uint64_t values[4];
    const char* const keys[4] = {"bits", "rotated", "key", "fingerprint"};
    for (std::size_t i = 0; i < 4; ++i) {
      const auto value = detail::metadata_number(file_, keys[i]);
      if (!value) return value.error();
      values[i] = *value;
    }
    if (values[0] != 8 && values[0] != 4 && values[0] != 2)
      return failure{.code = errc::bad_value, .key = "bits"};
    view_.code = values[0] == 8 ? row_code::int8 : values[0] == 4 ? row_code::int4 : row_code::int2;
    if (values[1] > 1 || (values[1] == 0 && view_.code == row_code::int2)) {
      return failure{.code = errc::bad_value, .key = "rotated"};
    }
    view_.rotated = values[1] == 1;
    view_.key = values[2];
    view_.fingerprint = values[3];
    return done{};
  }

  result<done> read_all() {
    if (auto ok = read_metadata(); !ok) return ok;
    const auto codes = find("codes", dtype::u64, 2), rows = find("rows", dtype::f32, 2),
               mean = find("mean", dtype::f32, 1);
    for (const auto* t : {&codes, &rows, &mean}) {
      if (!*t) return t->error();
    }
    const std::uint64_t n = (*rows)->shape[1], cols = (*mean)->shape[0];
    if ((*rows)->shape[0] != 3)
      return failure{.code = errc::wrong_shape, .key = "rows", .expected = 3, .found = (*rows)->shape[0]};
    if (n == 0 || cols == 0) return failure{.code = errc::empty, .key = n == 0 ? "rows" : "mean"};
    if (n > 0x7fffffff) return failure{.code = errc::too_large, .key = "rows", .found = n};
    if (cols > static_cast<std::uint64_t>(prepared_rows::max_cols)) {
      return failure{.code = errc::too_large, .key = "mean", .found = cols};
    }
    view_.rows = static_cast<index_t>(n);
    view_.cols = static_cast<index_t>(cols);
    const auto pitch = static_cast<std::uint64_t>(view_.pitch());
    if ((*codes)->shape[0] != n || (*codes)->shape[1] != pitch / 8) {
      return failure{.code = errc::wrong_shape,
                     .key = "codes",
                     .expected = n * pitch / 8,
                     .found = (*codes)->elements()};
    }
    view_.codes = reinterpret_cast<const std::uint8_t*>((*codes)->bytes.data());
    numbers_.resize(static_cast<std::size_t>(3 * n + cols));
    std::memcpy(numbers_.data(), (*rows)->bytes.data(), (*rows)->bytes.size());
    std::memcpy(numbers_.data() + 3 * n, (*mean)->bytes.data(), (*mean)->bytes.size());
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      const bool of_rows = i < 3 * n;
      if (!is_finite(&numbers_[i]) || (of_rows && numbers_[i] < 0)) {
        return failure{.code = is_finite(&numbers_[i]) ? errc::out_of_range : errc::not_finite,
                       .key = of_rows ? "rows" : "mean",
                       .row = of_rows ? i % n : i - 3 * n};
      }
    }
    const auto part = [&](std::uint64_t first, index_t size) {
      return vec_view<const float>(numbers_.data() + first, size);
    };
    view_.scale = part(0, view_.rows);
    view_.error = part(n, view_.rows);
    view_.norm = part(2 * n, view_.rows);
    view_.mean = part(3 * n, view_.cols);
    return done{};
  }

  safetensors file_;
  std::vector<float> numbers_;  // scale, error, norm, mean: aligned, and small beside the codes
  prepared_rows view_{};
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
