// SPDX-License-Identifier: MIT
/// @file io/safetensors_writer.hpp
/// Writing safetensors files.
#pragma once

#include "atomic_file.hpp"
#include "safetensors.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Collects views of tensors and writes them in one go; the target file is replaced only when all is written.
///
/// ```cpp
/// lagom::io::safetensors_writer out;
/// out.add("weight", {rows, cols}, std::span<const float>(w));
/// auto ok = out.write("model.safetensors");
/// ```
/// Tensors are laid out by falling alignment, then by name, as the reference writer does, and the header is
/// padded to eight bytes: every tensor is aligned for its type.
class safetensors_writer {
 public:
  /// A tensor whose elements live until `write`. A name given twice is replaced.
  void add(const std::string& name, std::vector<std::uint64_t> shape, dtype type,
           std::span<const std::byte> bytes) {
    tensors_[name] = {.type = type, .shape = std::move(shape), .bytes = bytes};
  }
  template <class T>
  void add(const std::string& name, std::vector<std::uint64_t> shape, std::span<const T> elements) {
    add(name, std::move(shape), dtype_of<T>, std::as_bytes(elements));
  }

  /// Where the data begin: at a multiple of so many bytes of the file. The first tensor of the widest type is there.
  /// Precondition: a multiple of 8.
  void align_data(std::size_t bytes) noexcept { alignment_ = bytes; }

  void add_metadata(const std::string& key, const std::string& value) { metadata_[key] = value; }

  /// Fails with `size_mismatch` (a tensor whose bytes do not fill its shape), `bad_utf8` (a name that JSON cannot hold)
  /// or `cannot_write`.
  result<done> write(const std::string& path) const {
    std::vector<const std::pair<const std::string, tensor_view>*> order;
    for (const auto& entry : tensors_) order.push_back(&entry);
    std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
      return info(a->second.type).bits > info(b->second.type).bits;
    });
    json header = json::object();
    if (!metadata_.empty()) header["__metadata__"] = metadata_;
    std::uint64_t offset = 0;
    for (const auto* entry : order) {
      const tensor_view& t = entry->second;
      const auto bits = t.elements() * static_cast<std::uint64_t>(info(t.type).bits);
      if (bits != 8 * t.bytes.size())
        return failure{.code = errc::size_mismatch, .file = path, .key = entry->first};
      header[entry->first] = {{"dtype", info(t.type).name},
                              {"shape", t.shape},
                              {"data_offsets", {offset, offset + t.bytes.size()}}};
      offset += t.bytes.size();
    }
    auto dumped = dump_json(header);
    if (!dumped) return dumped.error().in(path);
    std::string text = std::move(*dumped);
    text.resize((text.size() + 8 + alignment_ - 1) / alignment_ * alignment_ - 8, ' ');
    std::string length(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);

    auto file = atomic_file::create(path);
    if (!file) return file.error();
    if (auto ok = file->write(length + text); !ok) return ok;
    for (const auto* entry : order) {
      if (auto ok = file->write(entry->second.bytes); !ok) return ok;
    }
    return file->commit();
  }

 private:
  std::map<std::string, tensor_view> tensors_;
  std::map<std::string, std::string> metadata_;
  std::size_t alignment_ = 8;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
