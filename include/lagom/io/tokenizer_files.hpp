// SPDX-License-Identifier: MIT
/// @file io/tokenizer_files.hpp
/// The files of a model directory that say what its tokens are, kept in step.
#pragma once

#include <functional>

#include "model_editor.hpp"
#include "sentencepiece_edit.hpp"
#include "slow_vocabulary.hpp"
#include "special_roles.hpp"
#include "tokenizer_trim.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What becomes of the tokenizer's files, for `model_edit::files`, and of the ids in the configurations, for
/// `config_edit::ids`.
struct tokenizer_edits {
  std::vector<file_edit> files{};
  std::vector<std::string> notes{};
  id_map ids{};  ///< empty: ids stay
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
  std::function<bool(const std::string&)> has{};  ///< does the new tokenizer have this content?
  bool replaced = false;                          ///< the tokenizer is another one
  const id_map* ids = nullptr;                    ///< of a trimming
  const tokenizer_addition* more = nullptr;       ///< of an addition
};

inline result<done> edit_beside(const std::string& directory, const tokenizer_document& before,
                                const std::string& after, const beside_change& change, tokenizer_edits& out) {
  auto now = tokenizer_document::parse(after);
  if (!now) return now.error();
  for (const std::string& name : top_files(directory)) {
    const bool settings = name == "tokenizer_config.json" || name == "special_tokens_map.json";
    if (!settings && !holds_vocabulary(name)) continue;
    auto old = optional_file(directory, name);
    if (!old) return old.error();
    if (!*old) continue;
    if (settings) {
      if (change.more != nullptr) continue;
      auto text = edit_roles(**old, change.has, change.ids,
                             change.replaced && name == "tokenizer_config.json", out.notes);
      if (!text) return text.error().in(directory + "/" + name);
      out.files.push_back({name, std::move(*text), "tokens and ids as in tokenizer.json"});
      continue;
    }
    if (name == "added_tokens.json") {
      if (change.more != nullptr) continue;
      std::optional<std::string> text;
      if (!change.replaced) {
        auto renumbered = renumbered_ids(**old, *change.ids);
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
    if (!change.replaced && name.ends_with(".model")) {
      text =
          sentencepiece_in_step(**old, before, change.more != nullptr ? *change.more : tokenizer_addition{},
                                change.ids != nullptr ? *change.ids : id_map{});
    }
    out.files.push_back({name, text, text ? "tokens as in tokenizer.json" : "holds the old vocabulary"});
  }
  return done{};
}

}  // namespace detail

/// Adds tokens to the tokenizer of a directory. Beside tokenizer.json, GPT-2's two files, WordPiece's list
/// and a SentencePiece model are written anew where they can carry the tokens; other files that hold the old
/// vocabulary are left out. Fails with the errors of `add_tokens`.
[[nodiscard]] inline result<tokenizer_edits> add_tokens_to(const std::string& directory,
                                                           const tokenizer_addition& more) {
  const std::string path = directory + "/tokenizer.json";
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto before = tokenizer_document::parse(std::string(file->text()));
  if (!before) return before.error().in(path);
  auto edited = add_tokens(std::string(file->text()), more);
  if (!edited) return edited.error().in(path);
  tokenizer_edits out{.notes = std::move(edited->notes)};
  detail::beside_change change{.has = [](const std::string&) { return true; }, .more = &more};
  if (auto ok = detail::edit_beside(directory, *before, edited->text, change, out); !ok) return ok.error();
  out.files.push_back({"tokenizer.json", std::move(edited->text), "has the new tokens"});
  return out;
}

/// Keeps some tokens of the tokenizer of a directory; `ids` of the result are for its configurations.
/// Roles ("pad_token") whose token is gone are taken out and named: a loader would make new tokens for them.
/// Fails with the errors of `keep_tokens`.
[[nodiscard]] inline result<tokenizer_edits> keep_tokens_of(const std::string& directory,
                                                            std::span<const token_id> kept) {
  const std::string path = directory + "/tokenizer.json";
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto before = tokenizer_document::parse(std::string(file->text()));
  if (!before) return before.error().in(path);
  auto edited = keep_tokens(std::string(file->text()), kept);
  if (!edited) return edited.error().in(path);
  tokenizer_edits out{.notes = std::move(edited->notes)};
  out.ids = *map_of_kept(kept, before->size());  // keep_tokens has checked it
  const detail::beside_change change{.has =
                                         [&](const std::string& content) {
                                           const token_id id = before->find_any(content);
                                           return id == no_token || mapped_id(out.ids, id) != no_token;
                                         },
                                     .ids = &out.ids};
  if (auto ok = detail::edit_beside(directory, *before, edited->text, change, out); !ok) return ok.error();
  out.files.push_back({"tokenizer.json", std::move(edited->text), "has the kept tokens"});
  return out;
}

/// Puts another tokenizer.json, as it is, in the place of a directory's. The files of the old tokenizer go
/// or, where the new one can fill them, are written anew; of tokenizer_config.json what does not speak of
/// tokens stays. `ids` maps the added tokens that both have by their contents, and all others to none. Fails
/// with the errors of `tokenizer_document::parse` for either file.
[[nodiscard]] inline result<tokenizer_edits> replace_tokenizer_of(const std::string& directory,
                                                                  std::string target) {
  const std::string path = directory + "/tokenizer.json";
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto before = tokenizer_document::parse(std::string(file->text()));
  if (!before) return before.error().in(path);
  auto after = tokenizer_document::parse(target);
  if (!after) return after.error();
  tokenizer_edits out;
  out.ids.assign(static_cast<std::size_t>(before->size()), no_token);
  for (const auto& t : before->added()) out.ids[static_cast<std::size_t>(t.id)] = after->find_any(t.content);
  const detail::beside_change change{
      .has = [&](const std::string& content) { return after->find_any(content) != no_token; },
      .replaced = true};
  if (auto ok = detail::edit_beside(directory, *before, target, change, out); !ok) return ok.error();
  out.files.push_back({"tokenizer.json", std::move(target), "is another tokenizer"});
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
