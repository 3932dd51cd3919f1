// SPDX-License-Identifier: MIT
/// @file io/config_edit.hpp
/// The vocabulary's size and the token ids in config.json and generation_config.json.
#pragma once

#include <limits>

#include "json_text.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// New ids by old id; `no_token` for a token that is gone. Ids beyond the list are no tokens and stay as they
/// are. An empty list changes nothing.
using id_map = std::vector<token_id>;

/// The map that keeps some ids and numbers them anew, in order. Fails with `bad_value` unless `kept` rises
/// strictly, `out_of_range` unless its ids are below `source_size`.
[[nodiscard]] inline result<id_map> map_of_kept(std::span<const token_id> kept, index_t source_size) {
  if (source_size < 0 || source_size > std::numeric_limits<token_id>::max()) {
    return failure{.code = errc::out_of_range, .key = "tokens"};
  }
  id_map out(static_cast<std::size_t>(source_size), no_token);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i > 0 && kept[i] <= kept[i - 1]) return failure{.code = errc::bad_value, .key = "kept ids", .row = i};
    if (kept[i] < 0 || kept[i] >= source_size) {
      return failure{.code = errc::out_of_range, .key = "kept ids", .row = i};
    }
    out[static_cast<std::size_t>(kept[i])] = static_cast<token_id>(i);
  }
  return out;
}

/// The new id of a token in a document; `no_token` when it is gone. What is no token stays.
[[nodiscard]] inline std::int64_t mapped_id(const id_map& ids, std::int64_t id) noexcept {
  if (id < 0 || static_cast<std::uint64_t>(id) >= ids.size()) return id;
  return ids[static_cast<std::size_t>(id)];
}

/// What to change in a configuration.
struct config_edit {
  /// Every "vocab_size" that equals `old_size` becomes `new_size`: the one at the top, and those of nested
  /// configurations ("text_config", "decoder").
  std::uint64_t old_size = 0, new_size = 0;
  id_map ids{};
};

namespace detail {

/// Whether a key holds token ids: "eos_token_id", "image_token_index", "suppress_tokens".
[[nodiscard]] inline bool holds_token_ids(std::string_view key) noexcept {
  constexpr std::string_view names[] = {"suppress_tokens", "begin_suppress_tokens", "bad_words_ids",
                                        "force_words_ids", "forced_decoder_ids"};
  for (const std::string_view name : names) {
    if (key == name) return true;
  }
  return key.ends_with("_token_id") || key.ends_with("_token_ids") || key.ends_with("_token_index");
}

class config_editor {
 public:
  config_editor(json_text& text, const config_edit& edit, std::vector<std::string>& notes)
      : text_(text), edit_(edit), notes_(notes) {}

  /// A nested configuration with a vocabulary of another size is of another tokenizer: its ids stay.
  void visit(json_span object, const std::string& path) {
    const auto size = text_.member(object, "vocab_size");
    if (!path.empty() && size && text_.raw(*size) != std::to_string(edit_.old_size)) return;
    text_.for_each_member(object, [&](std::string_view key, json_span value, json_span) {
      const std::string where = path.empty() ? std::string(key) : path + "." + std::string(key);
      const std::string_view raw = text_.raw(value);
      if (key == "vocab_size") {
        ++sizes_;
        if (edit_.new_size != edit_.old_size && raw == std::to_string(edit_.old_size)) {
          changes_.push_back({value, std::to_string(edit_.new_size)});
        }
      } else if (holds_token_ids(key)) {
        if (!edit_.ids.empty()) remap(value, where, key == "forced_decoder_ids");
      } else {
        visit(value, where);  // does nothing for what is no object
      }
    });
  }

  void apply() {
    for (auto& [at, with] : changes_) text_.replace(at, std::move(with));
  }
  [[nodiscard]] int sizes() const noexcept { return sizes_; }

 private:
  void remap(json_span value, const std::string& where, bool pairs) {
    const json old = json::parse(text_.raw(value));
    json now = mapped(old, where, pairs);
    if (now.is_array() && now.empty() && !old.empty()) now = nullptr;  // no token is none, not a list of none
    if (now != old) changes_.push_back({value, now.dump()});
  }

  /// Ids alone, in lists and in lists of lists; of pairs only the second is an id.
  json mapped(const json& value, const std::string& where, bool pairs) {
    if (value.is_number_integer()) {
      const auto id = value.is_number_unsigned() && value.get<std::uint64_t>() > (std::uint64_t{1} << 62)
                          ? std::int64_t{-1}
                          : value.get<std::int64_t>();
      const std::int64_t now = mapped_id(edit_.ids, id);
      if (now == id) return value;
      if (now >= 0) return now;
      notes_.push_back(where + ": token " + std::to_string(id) + " is gone");
      return nullptr;
    }
    if (!value.is_array()) return value;
    json out = json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const bool position = pairs && value.size() == 2 && i == 0 && value[0].is_number();
      json now = position ? value[i] : mapped(value[i], where, pairs);
      const bool gone = now.is_null() && !value[i].is_null();
      if (gone && is_sequence(value, where)) return nullptr;  // a phrase or a pair without one of its tokens
      if (!gone) out.push_back(std::move(now));
    }
    return out;
  }
  /// Whether a list is one thing (a banned phrase, a forced pair) rather than a set of ids.
  static bool is_sequence(const json& list, const std::string& where) {
    const bool nested = where.ends_with("bad_words_ids") || where.ends_with("force_words_ids") ||
                        where.ends_with("forced_decoder_ids");
    return nested && !list.empty() && !list[0].is_array();
  }

  json_text& text_;
  const config_edit& edit_;
  std::vector<std::string>& notes_;
  std::vector<std::pair<json_span, std::string>> changes_;
  int sizes_ = 0;
};

}  // namespace detail

/// The text of a configuration with its vocabulary size and its ids brought up to date; everything else is as
/// it was. An id whose token is gone becomes null, or leaves its list, and is named in `notes`. Fails with
/// the errors of `parse_json`, `wrong_type` when it is no object, and, if `needs_size`, with `size_mismatch`
/// when its "vocab_size" is not `old_size`; a missing one is put in.
[[nodiscard]] inline result<std::string> edit_config(std::string_view text, const config_edit& edit,
                                                     bool needs_size, std::vector<std::string>& notes) {
  auto document = json_text::parse(std::string(text));
  if (!document) return document.error();
  if (!document->value().is_object()) return failure{.code = errc::wrong_type, .key = "configuration"};
  if (const json* const size = find(document->value(), "vocab_size"); needs_size && size != nullptr) {
    if (!size->is_number_unsigned()) return failure{.code = errc::wrong_type, .key = "vocab_size"};
    if (size->get<std::uint64_t>() != edit.old_size) {
      return failure{.code = errc::size_mismatch,
                     .key = "vocab_size",
                     .expected = edit.old_size,
                     .found = size->get<std::uint64_t>()};
    }
  }
  detail::config_editor editor(*document, edit, notes);
  editor.visit(document->root(), "");
  editor.apply();
  if (needs_size && editor.sizes() == 0) {
    const std::pair<std::string, std::string> size{"vocab_size", std::to_string(edit.new_size)};
    document->append_members(document->root(), {&size, 1});
  }
  return document->edited();
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
