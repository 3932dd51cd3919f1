// SPDX-License-Identifier: MIT
/// @file io/checkpoint.hpp
/// The weights of a Hugging Face model directory, in one file or in shards.
#pragma once

#include <filesystem>

#include "safetensors.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// `model.safetensors`, or the shards that `model.safetensors.index.json` names. Nothing is read until a tensor
/// is touched.
class checkpoint {
 public:
  /// Fails with `cannot_open` when neither file is there, `missing_tensor` when the index promises what its
  /// shard does not hold, `bad_value` for a shard name that leaves the directory, and the errors of the formats.
  static result<checkpoint> open(const std::string& directory) {
    const std::string single = directory + "/model.safetensors";
    const std::string index = directory + "/model.safetensors.index.json";
    checkpoint out;
    std::error_code ignored;
    if (std::filesystem::exists(single, ignored) || !std::filesystem::exists(index, ignored)) {
      auto file = safetensors::open(single);
      if (!file) return file.error();
      out.shards_.emplace("model.safetensors", std::move(*file));
      return out;
    }
    auto parsed = load_json(index);
    if (!parsed) return parsed.error();
    const json* const map = io::find(*parsed, "weight_map");
    if (map == nullptr || !map->is_object()) {
      return failure{
          .code = map == nullptr ? errc::missing_key : errc::wrong_type, .file = index, .key = "weight_map"};
    }
    if (map->empty()) return failure{.code = errc::empty, .file = index, .key = "weight_map"};
    for (const auto& [tensor, shard] : map->items()) {
      if (!shard.is_string()) return failure{.code = errc::wrong_type, .file = index, .key = tensor};
      const auto& name = shard.get_ref<const std::string&>();
      if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
        return failure{.code = errc::bad_value, .file = index, .key = tensor};
      }
      if (!out.shards_.contains(name)) {
        auto file = safetensors::open(directory + "/" + name);
        if (!file) return file.error();
        out.shards_.emplace(name, std::move(*file));
      }
      if (out.shards_.at(name).find(tensor) == nullptr) {
        return failure{.code = errc::missing_tensor, .file = directory + "/" + name, .key = tensor};
      }
      out.shard_of_.emplace(tensor, name);
    }
    return out;
  }

  /// The tensor of that name, in the shard that the index names; null when there is none.
  [[nodiscard]] const tensor_view* find(std::string_view name) const {
    if (shard_of_.empty()) return shards_.size() == 1 ? shards_.begin()->second.find(name) : nullptr;
    const auto at = shard_of_.find(name);
    return at == shard_of_.end() ? nullptr : shards_.find(at->second)->second.find(name);
  }

  /// The tensor of that name and shape. Fails with `missing_tensor` or `wrong_shape`, naming it.
  [[nodiscard]] result<const tensor_view*> require(std::string_view name,
                                                   std::initializer_list<std::uint64_t> shape) const {
    const tensor_view* const t = find(name);
    if (t == nullptr) return failure{.code = errc::missing_tensor, .key = name};
    if (!std::equal(t->shape.begin(), t->shape.end(), shape.begin(), shape.end())) {
      failure f{.code = errc::wrong_shape, .key = name};
      std::size_t d = 0;
      while (d < t->shape.size() && d < shape.size() && t->shape[d] == shape.begin()[d]) ++d;
      if (t->shape.size() == shape.size()) {
        f.expected = shape.begin()[d];
        f.found = t->shape[d];
      }
      return f;
    }
    return t;
  }

  /// The files by name.
  [[nodiscard]] const std::map<std::string, safetensors, std::less<>>& shards() const noexcept {
    return shards_;
  }

  /// The file that holds a tensor; null when there is no such tensor.
  [[nodiscard]] const std::string* shard_of(std::string_view name) const {
    if (find(name) == nullptr) return nullptr;
    return shard_of_.empty() ? &shards_.begin()->first : &shard_of_.find(name)->second;
  }

  /// Whether an index says which file holds what.
  [[nodiscard]] bool is_sharded() const noexcept { return !shard_of_.empty(); }

 private:
  std::map<std::string, safetensors, std::less<>> shards_;
  std::map<std::string, std::string, std::less<>> shard_of_;  // of every tensor, where there is an index
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
