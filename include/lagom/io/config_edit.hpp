// SPDX-License-Identifier: MIT
/// @file io/config_edit.hpp
/// The vocabulary's size and the token ids in config.json and generation_config.json.
#pragma once

#include <limits>
#include <map>

#include "json_text.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// New ids by old id; `no_token` for a token that is gone, as are all ids beyond the list. An empty list changes
/// nothing.
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

/// The new id of a token in a document; `no_token` when it is gone. A negative number, which is no token, stays.
[[nodiscard]] inline std::int64_t mapped_id(const id_map& ids, std::int64_t id) noexcept {
  if (id < 0 || ids.empty()) return id;
  return static_cast<std::uint64_t>(id) < ids.size() ? ids[static_cast<std::size_t>(id)] : no_token;
}

/// What to change in a configuration.
struct config_edit {
  /// Every "vocab_size" that equals `old_size` becomes `new_size`: the one at the top, and those of nested
  /// configurations ("text_config", "decoder").
  std::uint64_t old_size = 0, new_size = 0;
  id_map ids{};
  /// Ids from here on have no row in the old matrix: they are gone, even where `ids` is empty.
  std::uint64_t rows = std::numeric_limits<std::uint64_t>::max();
  /// Ids that go by their role and not by what they were ("eos_token_id" of a replaced tokenizer).
  std::map<std::string, token_id, std::less<>> roles{};
};

/// An id, and who speaks of it: "eos_token_id".
struct named_id {
  token_id id = no_token;
  std::string where{};
};

namespace detail {

/// How a value holds token ids.
enum class id_form : std::uint8_t {
  none,
  ids,      ///< one, or a list: "eos_token_id", "suppress_tokens", "image_token_index"
  phrases,  ///< lists of ids that are one thing, also as alternatives: "bad_words_ids"
  pairs,    ///< lists of a position and an id: "forced_decoder_ids"
  biases,   ///< lists of a phrase and a number: "sequence_bias"
  names,    ///< an object of names and ids: "lang_to_id"
};

[[nodiscard]] inline id_form form_of(std::string_view key) noexcept {
  constexpr std::pair<std::string_view, id_form> names[] = {
      {"suppress_tokens", id_form::ids},     {"begin_suppress_tokens", id_form::ids},
      {"bos_index", id_form::ids},           {"eos_index", id_form::ids},
      {"pad_index", id_form::ids},           {"unk_index", id_form::ids},
      {"mask_index", id_form::ids},          {"bad_words_ids", id_form::phrases},
      {"force_words_ids", id_form::phrases}, {"forced_decoder_ids", id_form::pairs},
      {"sequence_bias", id_form::biases},    {"lang_to_id", id_form::names},
      {"task_to_id", id_form::names},        {"text_decoder_lang_to_code_id", id_form::names}};
  for (const auto& [name, form] : names) {
    if (key == name) return form;
  }
  const bool id = key.ends_with("_token_id") || key.ends_with("_token_ids") || key.ends_with("_token_index");
  return id ? id_form::ids : id_form::none;
}

class config_editor {
 public:
  config_editor(json_text& text, const config_edit& edit, std::vector<std::string>& notes,
                std::vector<named_id>* seen = nullptr)
      : text_(text), edit_(edit), notes_(notes), seen_(seen) {}

  /// A nested configuration with a vocabulary of another size is of another tokenizer: its ids stay.
  void visit(json_span object, const std::string& path) {
    const std::string old_size = std::to_string(edit_.old_size);
    const auto size = text_.member(object, "vocab_size");
    if (!path.empty() && size && text_.raw(*size) != "null" && text_.raw(*size) != old_size) return;
    text_.for_each_member(object, [&](std::string_view key, json_span value, json_span) {
      const std::string where = path.empty() ? std::string(key) : path + "." + std::string(key);
      const id_form form = form_of(key);
      if (key == "vocab_size" || key == "padded_vocab_size") {
        sizes_ += key == "vocab_size" ? 1 : 0;
        if (edit_.new_size != edit_.old_size && text_.raw(value) == old_size) {
          changes_.push_back({value, std::to_string(edit_.new_size)});
        }
      } else if (form == id_form::names) {
        remap_members(value, where);
      } else if (form != id_form::none) {
        remap(value, where, std::string(key), form);
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
  void remap(json_span at, const std::string& where, const std::string& key, id_form form) {
    const json old = json::parse(text_.raw(at));
    const auto role = edit_.roles.find(key);
    json now;
    if (role == edit_.roles.end() || !old.is_number_integer()) {
      now = mapped(old, where, form);
    } else {
      now = role->second;
    }
    if (role != edit_.roles.end() && old.is_array()) {
      if (!now.is_array()) now = json::array();
      if (std::find(now.begin(), now.end(), json(role->second)) == now.end()) now.push_back(role->second);
    }
    if (now != old) changes_.push_back({at, now.dump()});
  }

  void remap_members(json_span object, const std::string& where) {
    std::vector<std::pair<std::string, std::string>> members;
    bool changed = false;
    text_.for_each_member(object, [&](std::string_view name, json_span value, json_span) {
      const json old = json::parse(text_.raw(value));
      const json now = mapped(old, where + "." + std::string(name), id_form::ids);
      const bool gone = now.is_null() && !old.is_null();
      changed = changed || now != old;
      if (!gone) members.emplace_back(name, now == old ? std::string(text_.raw(value)) : now.dump());
    });
    if (changed) text_.replace_members(object, members);
  }

  /// A list that loses all it had is gone itself: none, and not a list of none.
  json mapped(const json& value, const std::string& where, id_form form) {
    if (value.is_number_integer()) return mapped_number(value, where);
    if (!value.is_array()) return value;
    const bool scored =
        form == id_form::biases && value.size() == 2 && value[0].is_array() && value[1].is_number();
    const bool placed = form == id_form::pairs && value.size() == 2 && value[0].is_number();
    const bool whole = scored || (form != id_form::ids && !value.empty() && !value[0].is_array());
    json out = json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const bool no_id = (placed && i == 0) || (scored && i == 1);
      json now = no_id ? value[i] : mapped(value[i], where, form);
      const bool gone = now.is_null() && !value[i].is_null();
      if (gone && whole) return nullptr;  // a phrase or a pair without one of its tokens
      if (!gone) out.push_back(std::move(now));
    }
    if (out.empty() && !value.empty()) return nullptr;
    return out;
  }

  json mapped_number(const json& value, const std::string& where) {
    constexpr std::uint64_t most =
        std::numeric_limits<token_id>::max();  // what is above is no id, as what is below 0
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most) return value;
    const auto id = value.get<std::int64_t>();
    if (seen_ != nullptr) seen_->push_back({static_cast<token_id>(id), where});
    const std::int64_t now =
        static_cast<std::uint64_t>(id) < edit_.rows ? mapped_id(edit_.ids, id) : std::int64_t{no_token};
    if (now == id) return value;
    if (now >= 0) return now;
    notes_.push_back(where + ": token " + value.dump() + " is gone");
    return nullptr;
  }

  json_text& text_;
  const config_edit& edit_;
  std::vector<std::string>& notes_;
  std::vector<named_id>* seen_;
  std::vector<std::pair<json_span, std::string>> changes_;
  int sizes_ = 0;
};

}  // namespace detail

/// The ids that a configuration names, as `edit_config` finds them; of a nested one with a vocabulary of another size
/// than `vocab_size`, none. Fails with the errors of `parse_json`, and `wrong_type` when it is no object.
[[nodiscard]] inline result<std::vector<named_id>> ids_of_config(std::string_view text,
                                                                 std::uint64_t vocab_size) {
  auto document = json_text::parse(std::string(text));
  if (!document) return document.error();
  if (!document->value().is_object()) return failure{.code = errc::wrong_type, .key = "configuration"};
  std::vector<named_id> out;
  std::vector<std::string> notes;
  const config_edit none{.old_size = vocab_size, .new_size = vocab_size};
  detail::config_editor(*document, none, notes, &out).visit(document->root(), "");
  return out;
}

/// The text of a configuration with its vocabulary size and its ids brought up to date; everything else is as
/// it was. An id whose token is gone becomes null, or leaves its list, and is named in `notes`; so does a list
/// that loses all its ids, and a phrase that loses one. Nested configurations follow, unless their "vocab_size"
/// is not `old_size`: those are of another tokenizer. Fails with the errors of `parse_json`, `wrong_type` when
/// it is no object, and, if `needs_size`, with `size_mismatch` when its "vocab_size" is not `old_size`; a missing
/// one is put in.
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
