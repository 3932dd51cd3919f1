// SPDX-License-Identifier: MIT
/// @file io/special_roles.hpp
/// tokenizer_config.json and special_tokens_map.json: which token plays which role.
#pragma once

#include <charconv>
#include <functional>

#include "config_edit.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

namespace detail {

/// The content of a token that is written as a text or as an object with a "content".
[[nodiscard]] inline const std::string* content_of_role(const json& value) {
  if (value.is_string()) return &value.get_ref<const std::string&>();
  const json* const content = find(value, "content");
  return content != nullptr && content->is_string() ? &content->get_ref<const std::string&>() : nullptr;
}

/// Drops what names tokens that are gone, and numbers "added_tokens_decoder" anew.
class role_editor {
 public:
  role_editor(json_text& text, const std::function<bool(const std::string&)>& has, const id_map* ids,
              std::vector<std::string>& notes)
      : text_(text), has_(has), ids_(ids), notes_(notes) {}

  void run(bool of_another) {
    std::vector<std::pair<std::string, std::string>> members;
    bool changed = false, named = false;
    text_.for_each_member(text_.root(), [&](std::string_view key, json_span value, json_span) {
      std::string raw(text_.raw(value));
      const json parsed = json::parse(raw);
      std::optional<std::string> now = raw;
      if (key == "added_tokens_decoder") {
        now = of_another ? std::nullopt : renumbered(value);
      } else if (key == "tokenizer_class" && of_another) {
        now =
            any_class;  // the class of the old one would build its own pre-tokenizer around the new vocabulary
        named = true;
      } else if (key == "auto_map" && of_another) {
        now = std::nullopt;
      } else if (key == "additional_special_tokens" || key == "extra_special_tokens") {
        now = remaining(value, parsed, std::string(key));
      } else if (key.ends_with("_token")) {
        const std::string* const content = content_of_role(parsed);
        if (content != nullptr && !has_(*content)) now = gone(std::string(key), *content);
      }
      changed = changed || now != raw;
      if (now) members.emplace_back(key, *now);
    });
    if (of_another && !named) {
      members.emplace_back("tokenizer_class", any_class);
      changed = true;
    }
    if (changed) text_.replace_members(text_.root(), members);
  }

 private:
  static constexpr const char* any_class = "\"PreTrainedTokenizerFast\"";

  std::nullopt_t gone(const std::string& role, const std::string& content) {
    notes_.push_back(role + ": token \"" + content + "\" is gone");
    return std::nullopt;
  }

  [[nodiscard]] std::optional<std::string> renumbered(json_span object) const {
    if (ids_ == nullptr) return std::string(text_.raw(object));
    auto inner = json_text::parse(std::string(text_.raw(object)));
    if (!inner) return std::string(text_.raw(object));
    std::vector<std::pair<std::string, std::string>> members;
    inner->for_each_member(inner->root(), [&](std::string_view key, json_span value, json_span) {
      std::int64_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc() || end != key.data() + key.size()) return;
      const std::int64_t now = mapped_id(*ids_, id);
      if (now >= 0) members.emplace_back(std::to_string(now), std::string(inner->raw(value)));
    });
    inner->replace_members(inner->root(), members);
    return inner->edited();
  }

  /// A list of tokens, or an object of roles and tokens, without those that are gone.
  std::optional<std::string> remaining(json_span at, const json& parsed, const std::string& role) {
    std::vector<char> keep;
    for (const json& each : parsed.is_array() ? parsed : json::array()) {
      const std::string* const content = content_of_role(each);
      keep.push_back(content == nullptr || has_(*content));
      if (!keep.back()) gone(role, *content);
    }
    text_.for_each_member(at, [&](std::string_view key, json_span, json_span) {
      const std::string* const content = content_of_role(parsed[std::string(key)]);
      keep.push_back(content == nullptr || has_(*content));
      if (!keep.back()) gone(role, *content);
    });
    auto inner = json_text::parse(std::string(text_.raw(at)));
    if (!inner || keep.empty()) return std::string(text_.raw(at));
    inner->filter(inner->root(), [&](std::size_t row) { return keep[row] != 0; });
    return inner->edited();
  }

  json_text& text_;
  const std::function<bool(const std::string&)>& has_;
  const id_map* ids_;
  std::vector<std::string>& notes_;
};

}  // namespace detail

/// The text with the roles ("eos_token", "additional_special_tokens") of tokens that `has(content)` denies
/// taken out and named in `notes`, and with new ids in "added_tokens_decoder" if there are any. `of_another`:
/// the settings of a tokenizer that was replaced; its class and its added tokens go. Everything else stays.
/// Fails with the errors of `parse_json`, and `wrong_type` when it is no object.
[[nodiscard]] inline result<std::string> edit_roles(const std::string& text,
                                                    const std::function<bool(const std::string&)>& has,
                                                    const id_map* ids, bool of_another,
                                                    std::vector<std::string>& notes) {
  auto doc = json_text::parse(text);
  if (!doc) return doc.error();
  if (!doc->value().is_object()) return failure{.code = errc::wrong_type, .key = "special tokens"};
  detail::role_editor(*doc, has, ids, notes).run(of_another);
  return doc->edited();
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
