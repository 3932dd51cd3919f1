// SPDX-License-Identifier: MIT
/// @file io/slow_vocabulary.hpp
/// A tokenizer's vocabulary in the files that came before tokenizer.json.
#pragma once

#include "config_edit.hpp"
#include "tokenizer_document.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// GPT-2's vocab.json: contents and ids on one line. Nothing for a model that is not BPE.
[[nodiscard]] inline std::optional<std::string> vocabulary_json(const tokenizer_document& doc) {
  if (doc.kind() != tokenizer_model::bpe) return std::nullopt;
  std::string out = "{";
  for (const auto& t : doc.tokens()) {
    if (out.size() > 1) out += ", ";
    out.append(json(t.content).dump()).append(": ").append(std::to_string(t.id));
  }
  return out + "}";
}

/// GPT-2's merges.txt. Nothing for a model that is not BPE, or whose tokens have spaces or line ends in them.
[[nodiscard]] inline std::optional<std::string> merges_txt(const tokenizer_document& doc) {
  if (doc.kind() != tokenizer_model::bpe) return std::nullopt;
  std::string out = "#version: 0.2\n";
  for (const json& entry : doc.merge_list()) {
    const auto [left, right] = tokenizer_document::sides(entry);
    if (entry.is_string() && entry.get_ref<const std::string&>().starts_with("#version")) continue;
    for (const std::string_view side : {left, right}) {
      if (side.empty() || side.find_first_of(" \n\r") != std::string_view::npos) return std::nullopt;
    }
    out.append(left).append(" ").append(right).append("\n");
  }
  return out;
}

/// WordPiece's vocab.txt: a token a line, the line its id. Nothing for other models, gaps in the ids, or line
/// ends in tokens.
[[nodiscard]] inline std::optional<std::string> vocabulary_txt(const tokenizer_document& doc) {
  if (doc.kind() != tokenizer_model::words) return std::nullopt;
  std::string out;
  token_id next = 0;
  for (const auto& t : doc.tokens()) {
    if (t.id != next++ || t.content.find_first_of("\n\r") != std::string::npos) return std::nullopt;
    out.append(t.content).append("\n");
  }
  return out;
}

/// An object of contents and ids (added_tokens.json) with new ids; members whose token is gone go.
/// Fails with the errors of `parse_json` and `wrong_type`.
[[nodiscard]] inline result<std::string> renumbered_ids(const std::string& text, const id_map& ids) {
  auto doc = json_text::parse(text);
  if (!doc) return doc.error();
  if (!doc->value().is_object()) return failure{.code = errc::wrong_type, .key = "added tokens"};
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [content, number] : doc->value().items()) {
    if (!number.is_number_integer()) return failure{.code = errc::wrong_type, .key = content};
  }
  doc->for_each_member(doc->root(), [&](std::string_view content, json_span, json_span) {
    const json& number = doc->value()[std::string(content)];
    const bool huge = number.is_number_unsigned() && number.get<std::uint64_t>() > 0x7FFFFFFF;
    const std::int64_t id = huge ? -1 : mapped_id(ids, number.get<std::int64_t>());
    if (id >= 0) members.emplace_back(content, std::to_string(id));
  });
  doc->replace_members(doc->root(), members);
  return doc->edited();
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
