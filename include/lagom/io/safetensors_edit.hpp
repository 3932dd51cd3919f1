// SPDX-License-Identifier: MIT
/// @file io/safetensors_edit.hpp
/// A safetensors file with other rows in some of its tensors.
#pragma once

#include "json_text.hpp"
#include "range_writer.hpp"
#include "row_edit.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

namespace detail {

/// A tensor of the new file.
struct edited_tensor {
  std::string name{};
  const tensor_view* source = nullptr;
  const row_edit* edit = nullptr;  // null: as it was
  row_layout layout{};
  std::uint64_t from = 0, begin = 0, size = 0;  // offsets in the old and in the new data
};

/// The tensors in the order of the new data: the old order, or by falling alignment where the old order would
/// take a tensor's alignment away.
[[nodiscard]] inline result<std::vector<edited_tensor>> lay_out(const safetensors& file,
                                                                std::span<const row_edit* const> edits) {
  std::vector<edited_tensor> out;
  for (const auto& [name, tensor] : file.tensors()) {
    edited_tensor t{
        .name = name, .source = &tensor, .from = file.offset_of(tensor), .size = tensor.bytes.size()};
    for (const row_edit* const e : edits) {
      if (e->tensor != name) continue;
      if (t.edit != nullptr) return failure{.code = errc::duplicate_key, .key = name};
      auto layout = check(*e, tensor);
      if (!layout) return layout.error();
      t.edit = e;
      t.layout = *layout;
      t.size = e->from.size() * layout->bytes;
    }
    out.push_back(std::move(t));
  }
  for (const row_edit* const e : edits) {
    if (file.find(e->tensor) == nullptr) return failure{.code = errc::missing_tensor, .key = e->tensor};
  }
  std::stable_sort(out.begin(), out.end(), [](const edited_tensor& a, const edited_tensor& b) {
    return a.from != b.from ? a.from < b.from : a.source->bytes.size() < b.source->bytes.size();
  });
  std::uint64_t total = 0;
  for (const edited_tensor& t : out) {
    if (__builtin_add_overflow(total, t.size, &total)) return failure{.code = errc::overflow, .key = t.name};
  }
  const auto place = [&out] {
    std::uint64_t offset = 0;
    bool aligned = true;
    for (edited_tensor& t : out) {
      const auto width =
          std::max<std::uint64_t>(1, static_cast<std::uint64_t>(info(t.source->type).bits) / 8);
      t.begin = offset;
      offset += t.size;
      aligned = aligned && (t.begin % width == 0 || t.from % width != 0);
    }
    return aligned;
  };
  if (!place()) {
    std::stable_sort(out.begin(), out.end(), [](const edited_tensor& a, const edited_tensor& b) {
      return info(a.source->type).bits > info(b.source->type).bits;
    });
    place();
  }
  return out;
}

/// The header of the new file: the old text with new shapes and offsets.
[[nodiscard]] inline result<std::string> edited_header(const safetensors& file,
                                                       const std::vector<edited_tensor>& tensors) {
  std::string old(file.header());
  old.resize(old.find_last_of('}') + 1);
  auto text = json_text::parse(std::move(old), 4);
  if (!text) return text.error();
  std::map<std::string_view, const edited_tensor*> by_name;
  for (const edited_tensor& t : tensors) by_name.emplace(t.name, &t);
  struct change {
    json_span at;
    std::string with;
  };
  std::vector<change> changes;
  text->for_each_member(text->root(), [&](std::string_view name, json_span entry, json_span) {
    const auto at = by_name.find(name);
    if (at == by_name.end()) return;  // the metadata
    const edited_tensor& t = *at->second;
    text->for_each_member(entry, [&](std::string_view key, json_span value, json_span) {
      if (key == "data_offsets") {
        changes.push_back(
            {value, "[" + std::to_string(t.begin) + "," + std::to_string(t.begin + t.size) + "]"});
      } else if (key == "shape" && t.edit != nullptr) {
        std::vector<std::uint64_t> shape = t.source->shape;
        shape[t.edit->axis] = t.edit->from.size();
        changes.push_back({value, json(shape).dump()});
      }
    });
  });
  for (change& c : changes) text->replace(c.at, std::move(c.with));
  std::string out = text->edited();
  out.resize((out.size() + 7) / 8 * 8, ' ');
  // Extents can be shared only where old and new offsets agree within a block.
  constexpr std::uint64_t block = 4096;
  if (file.data_size() > 64 * block) {
    out.resize(out.size() + (file.header().size() % block + block - out.size() % block) % block, ' ');
  }
  if (out.size() > safetensors::header_limit) {
    return failure{
        .code = errc::too_large, .key = "header", .expected = safetensors::header_limit, .found = out.size()};
  }
  return out;
}

/// The rows of one tensor. Rows that follow each other in the source are one range.
template <class Progress>
result<done> write_rows(const edited_tensor& t, const source_file& source, std::uint64_t data,
                        range_writer& out, Progress& progress) {
  const std::vector<std::int64_t>& from = t.edit->from;
  std::uint64_t made = 0;
  for (std::size_t r = 0; r < from.size();) {
    std::size_t end = r + 1;
    if (from[r] == made_row) {
      while (end < from.size() && from[end] == made_row) ++end;
      const std::uint64_t size = (end - r) * t.layout.bytes;
      if (auto ok = out.write(t.edit->made.subspan(made, size)); !ok) return ok;
      made += size;
    } else {
      while (end < from.size() && from[end] == from[end - 1] + 1) ++end;
      const auto first = static_cast<std::uint64_t>(from[r]);
      if (auto ok = out.copy(source, data + t.from + first * t.layout.bytes, (end - r) * t.layout.bytes);
          !ok) {
        return ok;
      }
    }
    progress((end - r) * t.layout.bytes);
    r = end;
  }
  return done{};
}

}  // namespace detail

/// How large the data of the new file will be. Fails with the errors of `check` and `missing_tensor`.
[[nodiscard]] inline result<std::uint64_t> edited_size(const safetensors& file,
                                                       std::span<const row_edit* const> edits) {
  auto tensors = detail::lay_out(file, edits);
  if (!tensors) return tensors.error();
  std::uint64_t size = 0;
  for (const auto& t : *tensors) size += t.size;
  return size;
}

/// Writes the file at `path`, opened as `file`, with the rows of the edits; all other tensors keep their bytes,
/// and the metadata stay. Tensors follow each other as before, or by falling alignment where the old order would
/// misalign one. `progress(bytes)` is called for each stretch of data that is done.
/// Cost: the made rows and short runs pass through memory, the rest goes from file to file. Fails with the
/// errors of `edited_size` and `range_writer`, and with `truncated` when the file changed meanwhile.
template <class Progress>
result<done> write_edited(const std::string& path, const safetensors& file,
                          std::span<const row_edit* const> edits, range_writer& out, Progress&& progress) {
  auto tensors = detail::lay_out(file, edits);
  if (!tensors) return tensors.error().in(path);
  auto header = detail::edited_header(file, *tensors);
  if (!header) return header.error().in(path);
  auto source = source_file::open(path);
  if (!source) return source.error();
  const std::uint64_t data = file.data_offset();
  if (source->size() != data + file.data_size()) {
    return failure{
        .code = errc::truncated, .file = path, .expected = data + file.data_size(), .found = source->size()};
  }
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header->size() >> (8 * i) & 0xff);
  if (auto ok = out.write(length); !ok) return ok;
  if (auto ok = out.write(*header); !ok) return ok;
  for (std::size_t i = 0; i < tensors->size();) {
    const detail::edited_tensor& t = (*tensors)[i];
    result<done> ok = done{};
    std::size_t end = i + 1;
    if (t.edit != nullptr) {
      ok = detail::write_rows(t, *source, data, out, progress);
    } else {
      std::uint64_t size = t.size;
      while (end < tensors->size() && (*tensors)[end].edit == nullptr &&
             (*tensors)[end].from == t.from + size) {
        size += (*tensors)[end++].size;
      }
      ok = out.copy(*source, data + t.from, size);
      if (ok) progress(size);
    }
    if (!ok) return ok.error().in(path);
    i = end;
  }
  return done{};
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
