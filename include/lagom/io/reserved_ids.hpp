// SPDX-License-Identifier: MIT
/// @file io/reserved_ids.hpp
/// Ids with a row in the matrix that tokenizer.json does not know and other files do, and a tokenizer.json that knows
/// them.
#pragma once

#include <charconv>

#include "named_ids.hpp"
#include "role_pairs.hpp"
#include "tokenizer_writer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A token beyond tokenizer.json.
struct reserved_id {
  token_id id = no_token;
  std::string content{};  ///< empty: no file says
  json flags{};           ///< of an added token: "special", "lstrip", ...
  std::string where{};    ///< who names it; empty: nobody, but a higher id is named
};

namespace detail {

/// Gathers the reserved ids of one directory.
class reserved_finder {
 public:
  reserved_finder(const std::string& directory, const tokenizer_document& doc, std::uint64_t rows)
      : directory_(directory), doc_(doc), rows_(rows) {}

  result<std::vector<reserved_id>> run() {
    auto settings = optional_object(directory_, "tokenizer_config.json");
    if (!settings) return settings.error();
    auto older = optional_object(directory_, "added_tokens.json");
    if (!older) return older.error();
    auto roles = special_roles_of(directory_);
    if (!roles) return roles.error();
    for (const auto& [role, value] : *roles) specials_.insert(*content_of_role(value));
    if (const json* const decoder = find(*settings, "added_tokens_decoder")) read_decoder(*decoder);
    if (older->is_object()) {
      for (const auto& [content, number] : older->items()) {
        if (const auto id = id_of(number)) add(*id, content, json::object(), "added_tokens.json");
      }
    }
    auto configured = ids_of_configs(directory_, rows_);
    if (!configured) return configured.error();
    const std::vector<named_id>& named = *configured;
    for (const std::string_view role : special_role_names) {
      const auto at = roles->find(std::string(role));
      if (at != roles->end()) add_role(at->first, at->second, named);
    }
    for (const char* const list : {"additional_special_tokens", "extra_special_tokens"}) {
      const json* const more = find(*settings, list);
      if (more == nullptr || !more->is_array()) continue;
      for (const json& value : *more) {
        if (content_of_role(value) != nullptr) add_role(list, value, {});
      }
    }
    for (const named_id& n : named) add(n.id, "", {}, n.where);
    return filled();
  }

 private:
  /// Ids that nobody names and that lie below one that somebody does: more of them are not believed.
  static constexpr std::size_t most_unnamed = std::size_t{1} << 16;

  static std::optional<token_id> id_of(const json& number) {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > 0x7FFFFFFE) return std::nullopt;
    return static_cast<token_id>(number.get<std::uint64_t>());
  }

  /// Whether an id has a row and no token. What tokenizer.json says goes before what others say.
  [[nodiscard]] bool is_beyond(token_id id) const {
    return index_t{id} >= doc_.size() && static_cast<std::uint64_t>(id) < rows_;
  }

  void add(token_id id, const std::string& content, json flags, const std::string& where) {
    const bool known =
        !content.empty() && (doc_.find_any(content) != no_token || contents_.contains(content));
    if (!is_beyond(id) || known) return;
    reserved_id& r = found_[id];
    if (!r.content.empty() || (!r.where.empty() && content.empty())) return;
    r = {id, content, std::move(flags), where};
    if (!content.empty()) contents_.insert(content);
  }

  void read_decoder(const json& decoder) {
    if (!decoder.is_object()) return;
    for (const auto& [key, value] : decoder.items()) {
      token_id id = no_token;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      const std::string* const content = content_of_role(value);
      if (error != std::errc() || end != key.data() + key.size() || id < 0 || content == nullptr) continue;
      add(id, *content, value.is_object() ? value : json::object(), "tokenizer_config.json");
    }
  }

  /// A loader that does not find the token of a role makes it: with the id that the configuration has for the role, or
  /// with the next one.
  void add_role(const std::string& role, const json& value, const std::vector<named_id>& named) {
    const std::string& content = *content_of_role(value);
    token_id id = static_cast<token_id>(doc_.size());
    for (const auto& [taken, r] : found_) id = std::max(id, taken + 1);
    for (const named_id& n : named) {
      if (n.where != "config.json, " + role + "_id" || !is_beyond(n.id)) continue;
      if (const auto at = found_.find(n.id); at == found_.end() || at->second.content.empty()) id = n.id;
    }
    add(id, content, value.is_object() ? value : json::object(), role);
  }

  result<std::vector<reserved_id>> filled() {
    std::vector<reserved_id> out;
    std::size_t unnamed = 0;
    for (auto& [id, r] : found_) {
      const auto next = static_cast<index_t>(out.size()) + doc_.size();
      unnamed += static_cast<std::size_t>(id - next);
      if (unnamed > most_unnamed) {
        return failure{.code = errc::out_of_range,
                       .file = directory_,
                       .key = r.where,
                       .expected = static_cast<std::uint64_t>(doc_.size()),
                       .found = static_cast<std::uint64_t>(id)};
      }
      for (auto gap = static_cast<token_id>(next); gap < id; ++gap) out.push_back({.id = gap});
      out.push_back(std::move(r));
    }
    for (reserved_id& r : out) r.flags = flags_of(r);
    return out;
  }

  /// As transformers makes an added token of what a file says: an ordinary one is found in normalized text.
  [[nodiscard]] json flags_of(const reserved_id& r) const {
    const auto flag = [&](const char* key, bool otherwise) {
      const json* const value = find(r.flags, key);
      return value != nullptr && value->is_boolean() ? value->get<bool>() : otherwise;
    };
    const bool special = flag("special", r.content.empty() || specials_.contains(r.content));
    return {{"single_word", flag("single_word", false)},
            {"lstrip", flag("lstrip", false)},
            {"rstrip", flag("rstrip", false)},
            {"normalized", flag("normalized", !special)},
            {"special", special}};
  }

  const std::string& directory_;
  const tokenizer_document& doc_;
  std::uint64_t rows_;
  std::set<std::string> specials_, contents_;
  std::map<token_id, reserved_id> found_;
};

}  // namespace detail

/// The ids from the tokenizer's size on, below `rows` (the height of the input embedding), that must not be given to
/// new tokens: those of tokenizer_config.json's "added_tokens_decoder", of added_tokens.json, of roles whose token is
/// missing ("pad_token"), and those that config.json and generation_config.json name; and the ids between. By rising
/// id, without a gap. Fails with the errors of `load_json`, `wrong_type`, and `out_of_range` when more than 65,536 ids
/// between have no name.
[[nodiscard]] inline result<std::vector<reserved_id>> reserved_ids(const std::string& directory,
                                                                   const tokenizer_document& doc,
                                                                   std::uint64_t rows) {
  return detail::reserved_finder(directory, doc, rows).run();
}

/// The tokenizer.json of a directory with an added token for each reserved id, so that its size is the first free id;
/// as it is where there are none. A reserved id without a content becomes "<|reserved_token_ID|>". Fails with the
/// errors of `tokenizer_document::parse`, `reserved_ids` and `add_tokens`.
[[nodiscard]] inline result<edited_tokenizer> complete_tokenizer(const std::string& directory,
                                                                 std::uint64_t rows) {
  const std::string path = directory + "/tokenizer.json";
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto doc = tokenizer_document::parse(std::string(file->text()));
  if (!doc) return doc.error().in(path);
  auto reserved = reserved_ids(directory, *doc, rows);
  if (!reserved) return reserved.error();
  if (reserved->empty()) return edited_tokenizer{std::string(file->text()), {}};
  tokenizer_addition more;
  std::vector<std::string> entries, notes;
  std::set<std::string> contents;
  for (const reserved_id& r : *reserved) contents.insert(r.content);
  std::size_t unnamed = 0;
  for (const reserved_id& r : *reserved) {
    std::string content = r.content;
    if (content.empty()) {
      content = "<|reserved_token_" + std::to_string(r.id) + "|>";
      while (doc->find_any(content) != no_token || contents.contains(content)) content += "|";
    }
    if (r.where.empty()) {
      ++unnamed;
    } else {
      notes.push_back("token " + std::to_string(r.id) + " of " + r.where +
                      " was entered into tokenizer.json as \"" + content + "\"");
    }
    json entry = r.flags;
    entry["id"] = r.id;
    entry["content"] = content;
    entries.push_back(entry.dump());
    more.tokens.push_back({.id = r.id, .text = std::move(content)});
  }
  if (unnamed > 0) notes.push_back(std::to_string(unnamed) + " ids between have no token, and got one each");
  if (doc->kind() == tokenizer_model::unigram) {
    double least = 0;
    for (const json& piece : (*doc->find_json("model"))["vocab"])
      least = std::min(least, piece[1].get<double>());
    for (spelled_token& t : more.tokens) t.score = least;
  }
  auto out = add_tokens(std::string(file->text()), more);
  if (!out) return out.error().in(path);
  auto text = json_text::parse(std::move(out->text));
  if (!text) return text.error().in(path);
  const auto list = text->find({"added_tokens"});
  if (list && text->raw(*list) != "null") {
    text->append_elements(*list, entries);
  } else {
    std::string all = "[";
    for (const std::string& e : entries) all.append(all.size() > 1 ? ", " : "").append(e);
    const std::pair<std::string, std::string> member{"added_tokens", all + "]"};
    list ? text->replace(*list, member.second) : text->append_members(text->root(), {&member, 1});
  }
  out->text = text->edited();
  out->notes.insert(out->notes.begin(), notes.begin(), notes.end());
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
