// SPDX-License-Identifier: MIT
/// @file io/named_ids.hpp
/// The token ids that the files of a model directory speak of.
#pragma once

#include "config_edit.hpp"
#include "embedding_tensors.hpp"
#include "tokenizer_document.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The ids in config.json and generation_config.json: "config.json, eos_token_id". Without a "vocab_size" the
/// vocabulary's size is `rows`. Files that are not there name none. Fails with the errors of `ids_of_config`, and
/// `mapped_file::open`.
[[nodiscard]] inline result<std::vector<named_id>> ids_of_configs(const std::string& directory,
                                                                  std::uint64_t rows) {
  std::vector<named_id> out;
  std::uint64_t vocab_size = rows;
  for (const char* const name : {"config.json", "generation_config.json"}) {
    const std::string path = directory + "/" + name;
    std::error_code unknown;
    if (!std::filesystem::exists(path, unknown)) continue;
    auto file = load_json_text(path);
    if (!file) return file.error();
    const json* const size = detail::config_value(file->value(), "vocab_size");
    if (size != nullptr && size->is_number_unsigned()) vocab_size = size->get<std::uint64_t>();
    auto ids = ids_of_config(file->raw(file->root()), vocab_size);
    if (!ids) return ids.error().in(path);
    for (const named_id& n : *ids) out.push_back({n.id, std::string(name) + ", " + n.where});
  }
  return out;
}

namespace detail {

inline void ids_of_processor(const json& processor, const std::string& where, std::vector<named_id>& out) {
  const auto add = [&](const json& id, const std::string& at) {
    if (id.is_number_unsigned() && id.get<std::uint64_t>() <= 0x7FFFFFFE) {
      out.push_back({static_cast<token_id>(id.get<std::uint64_t>()), at});
    }
  };
  if (const json* const list = find(processor, "processors"); list != nullptr && list->is_array()) {
    for (const json& each : *list) ids_of_processor(each, where + ".processors", out);
  }
  for (const char* const key : {"cls", "sep"}) {  // [content, id]
    const json* const pair = find(processor, key);
    if (pair != nullptr && pair->is_array() && pair->size() == 2) add((*pair)[1], where + "." + key);
  }
  const json* const specials = find(processor, "special_tokens");
  if (specials == nullptr || !specials->is_object()) return;
  for (const auto& [name, special] : specials->items()) {
    const json* const ids = find(special, "ids");
    if (ids == nullptr || !ids->is_array()) continue;
    for (const json& id : *ids) add(id, where + ".special_tokens." + name);
  }
}

}  // namespace detail

/// The ids that a tokenizer.json needs beside its vocabulary: of the unknown token, the padding, the post-processor.
[[nodiscard]] inline std::vector<named_id> ids_of_document(const tokenizer_document& doc) {
  std::vector<named_id> out;
  const json& model = *doc.find_json("model");
  if (const json* const unk = find(model, "unk_token"); unk != nullptr && unk->is_string()) {
    const token_id id = doc.find_any(unk->get<std::string>());
    if (id != no_token) out.push_back({id, "model.unk_token"});
  }
  const auto add = [&](const json* of, const char* key, const char* where) {
    const json* const id = of != nullptr ? find(*of, key) : nullptr;
    if (id != nullptr && id->is_number_unsigned() && id->get<std::uint64_t>() <= 0x7FFFFFFE) {
      out.push_back({static_cast<token_id>(id->get<std::uint64_t>()), where});
    }
  };
  add(&model, "unk_id", "model.unk_id");
  add(doc.find_json("padding"), "pad_id", "padding.pad_id");
  if (const json* const processor = doc.find_json("post_processor")) {
    detail::ids_of_processor(*processor, "post_processor", out);
  }
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
