// SPDX-License-Identifier: MIT
/// @file io/role_pairs.hpp
/// The special tokens of two tokenizer directories that do the same job.
#pragma once

#include <filesystem>
#include <map>
#include <optional>

#include "../vocab/replace.hpp"
#include "json.hpp"
#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The roles in tokenizer_config.json and special_tokens_map.json, the most important one first.
inline constexpr std::string_view special_role_names[] = {"bos_token", "eos_token",  "unk_token", "sep_token",
                                                          "cls_token", "mask_token", "pad_token"};

namespace detail {

/// The content of a token that is written as a text or as an object with a "content".
[[nodiscard]] inline const std::string* content_of_role(const json& value) {
  if (value.is_string()) return &value.get_ref<const std::string&>();
  const json* const content = find(value, "content");
  return content != nullptr && content->is_string() ? &content->get_ref<const std::string&>() : nullptr;
}

/// A JSON file of a directory; null when it is not there. Fails with the errors of `load_json`, and `wrong_type` when
/// it is no object.
[[nodiscard]] inline result<json> optional_object(const std::string& directory, const char* name) {
  const std::string path = directory + "/" + name;
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) return json();
  auto file = load_json(path);
  if (!file) return file.error();
  if (!file->is_object()) return failure{.code = errc::wrong_type, .file = path, .key = name};
  return file;
}

}  // namespace detail

/// The tokens of a directory by their roles, as the files spell them: contents, or objects with a "content".
/// tokenizer_config.json goes before special_tokens_map.json; files that are not there say nothing.
/// Fails with the errors of `load_json`, and `wrong_type` for a file that is no object.
[[nodiscard]] inline result<std::map<std::string, json>> special_roles_of(const std::string& directory) {
  std::map<std::string, json> out;
  for (const char* const name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    auto file = detail::optional_object(directory, name);
    if (!file) return file.error();
    for (const std::string_view role : special_role_names) {
      const json* const value = find(*file, std::string(role).c_str());
      if (value != nullptr && detail::content_of_role(*value) != nullptr) out.emplace(role, *value);
    }
  }
  return out;
}

/// Tokens of two directories with the same role, for `vocab::replace_options::roles`: the most important role first.
/// `source_id_of(content)` and `target_id_of(content)` give ids, `no_token` for what is no token: a role that either
/// side lacks is left out. Fails with the errors of `special_roles_of`.
///
/// ```cpp
/// auto roles = role_pairs("old", "new", id_finder(old_tokenizer), id_finder(new_tokenizer));
/// auto change = vocab::replace(old_tokenizer, new_tokenizer, {.roles = *roles});
/// ```
template <class SourceId, class TargetId>
[[nodiscard]] result<std::vector<vocab::role_pair>> role_pairs(const std::string& source_directory,
                                                               const std::string& target_directory,
                                                               SourceId source_id_of, TargetId target_id_of) {
  auto source = special_roles_of(source_directory);
  if (!source) return source.error();
  auto target = special_roles_of(target_directory);
  if (!target) return target.error();
  std::vector<vocab::role_pair> out;
  for (const std::string_view name : special_role_names) {
    const std::string role(name);
    if (!source->contains(role) || !target->contains(role)) continue;
    const token_id s = source_id_of(*detail::content_of_role(source->at(role)));
    const token_id t = target_id_of(*detail::content_of_role(target->at(role)));
    if (s != no_token && t != no_token) out.push_back({vocab::source_id{s}, vocab::target_id{t}});
  }
  return out;
}

/// What `role_pairs` asks of a tokenizer: the id of a content.
template <class Tokenizer>
[[nodiscard]] auto id_finder(const Tokenizer& tokenizer) {
  return [&tokenizer](const std::string& content) -> token_id {
    if constexpr (requires { tokenizer.find_any(content); }) {
      return tokenizer.find_any(content);
    } else {
      return tokenizer.token_of(content).value_or(no_token);
    }
  };
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
