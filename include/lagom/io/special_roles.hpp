// SPDX-License-Identifier: MIT
/// @file io/special_roles.hpp
/// tokenizer_config.json and special_tokens_map.json: which token plays which role.
#pragma once

#include <charconv>
#include <functional>
#include <set>

#include "config_edit.hpp"
#include "role_pairs.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What a change of the tokenizer means for its settings.
struct role_change {
  std::function<bool(const std::string&)> has{};          ///< whether the new tokenizer has this content
  const id_map& ids;                                      ///< new ids by old ones; empty: ids stay
  const std::map<std::string, json>* replaced = nullptr;  ///< the tokenizer is another one, with these roles
  bool has_class = false;                                 ///< the file says which class reads the tokenizer
};

namespace detail {

/// Drops what names tokens that are gone, and numbers "added_tokens_decoder" anew.
class role_editor {
 public:
  role_editor(json_text& text, const role_change& change, std::vector<std::string>& notes)
      : text_(text), change_(change), notes_(notes) {}

  void run() {
    const bool of_another = change_.replaced != nullptr && change_.has_class;
    std::vector<std::pair<std::string, std::string>> members;
    std::set<std::string, std::less<>> keys;
    bool changed = false;
    text_.for_each_member(text_.root(), [&](std::string_view key, json_span value, json_span) {
      std::string raw(text_.raw(value));
      const json parsed = json::parse(raw);
      std::optional<std::string> now = raw;
      keys.emplace(key);
      if (key == "added_tokens_decoder") {
        now = change_.replaced != nullptr ? std::nullopt : std::optional(renumbered(value));
      } else if (key == "tokenizer_class" && of_another) {
        now = any_class;  // the old class would build its own pre-tokenizer around the new vocabulary
      } else if (key == "auto_map" && of_another) {
        now = std::nullopt;
      } else if (key == "additional_special_tokens" || key == "extra_special_tokens") {
        now = remaining(value, parsed, std::string(key));
      } else if (key.ends_with("_token")) {
        now = of_role(std::string(key), parsed, raw);
      }
      changed = changed || now != raw;
      if (now) members.emplace_back(key, *now);
    });
    const auto append = [&](const std::string& key, const std::string& value) {
      if (keys.contains(key)) return;
      members.emplace_back(key, value);
      changed = true;
    };
    if (of_another) {
      append("tokenizer_class", any_class);
      for (const auto& [role, value] : *change_.replaced) append(role, value.dump());
    }
    if (changed) text_.replace_members(text_.root(), members);
  }

 private:
  static constexpr const char* any_class = "\"PreTrainedTokenizerFast\"";

  std::nullopt_t gone(const std::string& role, const std::string& content) {
    notes_.push_back(role + ": token \"" + content + "\" is gone");
    return std::nullopt;
  }

  /// The new tokenizer's token of the role, if it has one; else the old one, unless it is gone.
  std::optional<std::string> of_role(const std::string& role, const json& value, const std::string& raw) {
    if (change_.replaced != nullptr) {
      const auto at = change_.replaced->find(role);
      if (at != change_.replaced->end()) return at->second == value ? raw : at->second.dump();
    }
    const std::string* const content = content_of_role(value);
    if (content == nullptr || change_.has(*content)) return raw;
    return gone(role, *content);
  }

  /// Entries of tokens that are gone go.
  [[nodiscard]] std::string renumbered(json_span object) {
    auto inner = json_text::parse(std::string(text_.raw(object)));
    if (!inner) return std::string(text_.raw(object));
    std::vector<std::pair<std::string, std::string>> members;
    bool changed = false;
    inner->for_each_member(inner->root(), [&](std::string_view key, json_span value, json_span) {
      std::int64_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      const bool number = error == std::errc() && end == key.data() + key.size() && id >= 0;
      const std::int64_t now = number ? mapped_id(change_.ids, id) : no_token;
      changed = changed || now != id;
      if (now >= 0) {
        members.emplace_back(std::to_string(now), std::string(inner->raw(value)));
      } else {
        notes_.push_back("added_tokens_decoder: token " + std::string(key) + " is gone");
      }
    });
    if (!changed) return std::string(text_.raw(object));
    inner->replace_members(inner->root(), members);
    return inner->edited();
  }

  /// A list of tokens, or an object of roles and tokens, without those that are gone.
  std::optional<std::string> remaining(json_span at, const json& parsed, const std::string& role) {
    std::vector<char> keep;
    for (const json& each : parsed.is_array() ? parsed : json::array()) {
      const std::string* const content = content_of_role(each);
      keep.push_back(content == nullptr || change_.has(*content));
      if (!keep.back()) gone(role, *content);
    }
    text_.for_each_member(at, [&](std::string_view key, json_span, json_span) {
      const std::string* const content = content_of_role(parsed[std::string(key)]);
      keep.push_back(content == nullptr || change_.has(*content));
      if (!keep.back()) gone(role, *content);
    });
    auto inner = json_text::parse(std::string(text_.raw(at)));
    if (!inner || keep.empty()) return std::string(text_.raw(at));
    inner->filter(inner->root(), [&](std::size_t row) { return keep[row] != 0; });
    return inner->edited();
  }

  json_text& text_;
  const role_change& change_;
  std::vector<std::string>& notes_;
};

}  // namespace detail

/// The text with the roles ("eos_token", "additional_special_tokens") of tokens that are gone taken out and named in
/// `notes`, and with new ids in "added_tokens_decoder" if there are any. Of a tokenizer that was replaced the class and
/// the added tokens go, and the new one's roles come in. Everything else stays. Fails with the errors of `parse_json`,
/// and `wrong_type` when it is no object.
[[nodiscard]] inline result<std::string> edit_roles(const std::string& text, const role_change& change,
                                                    std::vector<std::string>& notes) {
  auto doc = json_text::parse(text);
  if (!doc) return doc.error();
  if (!doc->value().is_object()) return failure{.code = errc::wrong_type, .key = "special tokens"};
  detail::role_editor(*doc, change, notes).run();
  return doc->edited();
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
