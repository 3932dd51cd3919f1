// SPDX-License-Identifier: MIT
/// @file io/tokenizer_files.hpp
/// The files of a model directory that say what its tokens are, kept in step.
#pragma once

#include "model_editor.hpp"
#include "reserved_ids.hpp"
#include "sentencepiece_edit.hpp"
#include "slow_vocabulary.hpp"
#include "special_roles.hpp"
#include "tokenizer_trim.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What becomes of the tokenizer's files, for `model_edit::files`, and of the ids in the configurations.
struct tokenizer_edits {
  std::vector<file_edit> files{};
  std::vector<std::string> notes{};
  id_map ids{};                                          ///< `config_edit::ids`; empty: ids stay
  std::map<std::string, token_id, std::less<>> roles{};  ///< `config_edit::roles`
  index_t source_size = 0;                               ///< of the old tokenizer, reserved ids included
};

namespace detail {

/// The text of a file of a directory; nothing when it is not there.
[[nodiscard]] inline result<std::optional<std::string>> optional_file(const std::string& directory,
                                                                      const std::string& name) {
  const std::string path = directory + "/" + name;
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) return std::optional<std::string>();
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  return std::optional<std::string>(std::string(file->text()));
}

/// Files that hold a vocabulary in a form that is not written here.
[[nodiscard]] inline bool holds_vocabulary(std::string_view name) noexcept {
  constexpr std::string_view names[] = {"tekken.json", "vocab.bpe",  "encoder.json", "bpe.codes",
                                        "dict.txt",    "source.spm", "target.spm",   "vocab.txt",
                                        "vocab.json",  "merges.txt", "spiece.model", "added_tokens.json"};
  for (const std::string_view n : names) {
    if (name == n) return true;
  }
  return name.ends_with(".tiktoken") || name.ends_with(".model") || name.ends_with(".vocab");
}

/// Names of the files at the top of a directory. A directory that cannot be read has none.
[[nodiscard]] inline std::vector<std::string> top_files(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    out.push_back(at->path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// What a change means for the files beside tokenizer.json.
struct beside_change {
  const id_map& ids;                                      ///< of the old tokens; of a replacement, nothing
  const tokenizer_addition* more = nullptr;               ///< of an addition
  const std::map<std::string, json>* replaced = nullptr;  ///< the tokenizer is another one, with these roles
};

inline result<done> edit_beside(const std::string& directory, const tokenizer_document& before,
                                const std::string& after, const beside_change& change, tokenizer_edits& out) {
  auto now = tokenizer_document::parse(after);
  if (!now) return now.error();
  const auto has = [&](const std::string& content) { return now->find_any(content) != no_token; };
  for (const std::string& name : top_files(directory)) {
    const bool settings = name == "tokenizer_config.json" || name == "special_tokens_map.json";
    if (!settings && !holds_vocabulary(name)) continue;
    auto old = optional_file(directory, name);
    if (!old) return old.error();
    if (!*old) continue;
    if (settings) {
      const role_change roles{.has = has,
                              .ids = change.ids,
                              .replaced = change.replaced,
                              .has_class = name == "tokenizer_config.json"};
      auto text = edit_roles(**old, roles, out.notes);
      if (!text) return text.error().in(directory + "/" + name);
      out.files.push_back({name, std::move(*text), "tokens and ids as in tokenizer.json"});
      continue;
    }
    if (name == "added_tokens.json") {
      std::optional<std::string> text;
      if (change.replaced == nullptr) {
        auto renumbered = renumbered_ids(**old, change.ids);
        if (!renumbered) return renumbered.error().in(directory + "/" + name);
        text = std::move(*renumbered);
      }
      out.files.push_back(
          {name, std::move(text), change.replaced ? "is of the old tokenizer" : "ids as in tokenizer.json"});
      continue;
    }
    std::optional<std::string> text;
    if (name == "vocab.json") text = vocabulary_json(*now);
    if (name == "merges.txt") text = merges_txt(*now);
    if (name == "vocab.txt") text = vocabulary_txt(*now);
    if (change.replaced == nullptr && name.ends_with(".model")) {
      text = change.more != nullptr ? sentencepiece_in_step(**old, before, *change.more, {})
                                    : sentencepiece_in_step(**old, before, {}, change.ids);
    }
    out.files.push_back({name, text, text ? "tokens as in tokenizer.json" : "holds the old vocabulary"});
  }
  return done{};
}

/// The tokenizer.json of a directory with its reserved ids.
struct known_tokenizer {
  std::string text{};
  tokenizer_document document;
  id_map same{};  ///< every id as it is
};

inline result<known_tokenizer> open_tokenizer(const std::string& directory, std::uint64_t rows,
                                              tokenizer_edits& out) {
  auto text = complete_tokenizer(directory, rows);
  if (!text) return text.error();
  auto document = tokenizer_document::parse(text->text);
  if (!document) return document.error().in(directory + "/tokenizer.json");
  known_tokenizer known{std::move(text->text), std::move(*document), {}};
  out.notes = std::move(text->notes);
  out.source_size = known.document.size();
  for (token_id id = 0; id < out.source_size; ++id) known.same.push_back(id);
  return known;
}

}  // namespace detail

/// Adds tokens to the tokenizer of a directory. Beside tokenizer.json, GPT-2's two files, WordPiece's list
/// and a SentencePiece model are written anew where they can carry the tokens; other files that hold the old
/// vocabulary are left out. With `rows`, the height of the input embedding, the reserved ids below it become
/// added tokens first (`complete_tokenizer`); what else the settings say of tokens that tokenizer.json lacks is
/// taken out and named: a loader would give them the ids of new tokens. Fails with the errors of
/// `complete_tokenizer` and `add_tokens`.
[[nodiscard]] inline result<tokenizer_edits> add_tokens_to(const std::string& directory,
                                                           const tokenizer_addition& more,
                                                           std::uint64_t rows = 0) {
  tokenizer_edits out;
  auto before = detail::open_tokenizer(directory, rows, out);
  if (!before) return before.error();
  auto edited = add_tokens(before->text, more);
  if (!edited) return edited.error().in(directory + "/tokenizer.json");
  out.notes.insert(out.notes.end(), edited->notes.begin(), edited->notes.end());
  const detail::beside_change change{.ids = before->same, .more = &more};
  if (auto ok = detail::edit_beside(directory, before->document, edited->text, change, out); !ok)
    return ok.error();
  out.files.push_back({"tokenizer.json", std::move(edited->text), "has the new tokens"});
  return out;
}

/// Keeps some tokens of the tokenizer of a directory; `ids` of the result are for its configurations. Roles
/// ("pad_token") whose token is gone are taken out and named: a loader would make new tokens for them. `rows` as
/// for `add_tokens_to`: reserved ids have a number to be kept by. Fails with the errors of `complete_tokenizer`
/// and `keep_tokens`.
[[nodiscard]] inline result<tokenizer_edits> keep_tokens_of(const std::string& directory,
                                                            std::span<const token_id> kept,
                                                            std::uint64_t rows = 0) {
  tokenizer_edits out;
  auto before = detail::open_tokenizer(directory, rows, out);
  if (!before) return before.error();
  auto edited = keep_tokens(before->text, kept);
  if (!edited) return edited.error().in(directory + "/tokenizer.json");
  out.notes.insert(out.notes.end(), edited->notes.begin(), edited->notes.end());
  out.ids = *map_of_kept(kept, out.source_size);  // keep_tokens has checked it
  const detail::beside_change change{.ids = out.ids};
  if (auto ok = detail::edit_beside(directory, before->document, edited->text, change, out); !ok)
    return ok.error();
  out.files.push_back({"tokenizer.json", std::move(edited->text), "has the kept tokens"});
  return out;
}

/// Puts another tokenizer.json, as it is, in the place of a directory's. The files of the old tokenizer go
/// or, where the new one can fill them, are written anew; of tokenizer_config.json what does not speak of
/// tokens stays. `target_roles` (`special_roles_of` the directory that the new one is from) take the places of
/// the old roles, and their ids those in the configurations; other ids of the configurations follow added tokens
/// that both have by their contents, and are gone otherwise. `rows` as for `add_tokens_to`. Fails with the
/// errors of `complete_tokenizer` and `tokenizer_document::parse`.
[[nodiscard]] inline result<tokenizer_edits> replace_tokenizer_of(
    const std::string& directory, std::string target, const std::map<std::string, json>& target_roles = {},
    std::uint64_t rows = 0) {
  tokenizer_edits out;
  auto before = detail::open_tokenizer(directory, rows, out);
  if (!before) return before.error();
  auto after = tokenizer_document::parse(target);
  if (!after) return after.error();
  out.notes.clear();  // of tokens that were entered: they are gone
  out.ids.assign(static_cast<std::size_t>(out.source_size), no_token);
  for (const auto& t : before->document.added()) {
    out.ids[static_cast<std::size_t>(t.id)] = after->find_any(t.content);
  }
  std::map<std::string, json> known;  // roles of tokens that the new tokenizer has
  for (const auto& [role, value] : target_roles) {
    const std::string* const content = detail::content_of_role(value);
    const token_id id = content != nullptr ? after->find_any(*content) : no_token;
    if (id == no_token) continue;
    known.emplace(role, value);
    out.roles.emplace(role + "_id", id);
  }
  const detail::beside_change change{.ids = out.ids, .replaced = &known};
  if (auto ok = detail::edit_beside(directory, before->document, target, change, out); !ok) return ok.error();
  out.files.push_back({"tokenizer.json", std::move(target), "is another tokenizer"});
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
