// SPDX-License-Identifier: MIT
/// @file io/gpt2_files.hpp
/// GPT-2's pair of files: encoder.json and vocab.bpe, or vocab.json and merges.txt.
#pragma once

#include <array>

#include "tokenizer_json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The two files of a byte-level BPE tokenizer, as GPT-2 and its followers publish them.
struct gpt2_paths {
  std::string tokens;  ///< JSON: the spelling of each token, with its id
  std::string merges;  ///< a merge a line, "left right", the first line may be "#version: ..."
};

/// The pair that a file belongs to, by the end of its name: the other one lies beside it. Nothing for other
/// names.
[[nodiscard]] inline std::optional<gpt2_paths> gpt2_paths_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> names = {
      {{"encoder.json", "vocab.bpe"}, {"vocab.json", "merges.txt"}}};
  const auto ends_with = [&](std::string_view end) {
    return path.size() >= end.size() && path.substr(path.size() - end.size()) == end;
  };
  for (const auto& [tokens, merges] : names) {
    if (!ends_with(tokens) && !ends_with(merges)) continue;
    const auto stem = path.substr(0, path.size() - (ends_with(tokens) ? tokens.size() : merges.size()));
    return gpt2_paths{std::string(stem).append(tokens), std::string(stem).append(merges)};
  }
  return std::nullopt;
}

/// The tokenizer of two texts: GPT-2's split, no space in front, the end of text (`<|endoftext|>`, if it is a
/// token) found as a special token. Its ids are those of Hugging Face's GPT2Tokenizer. Fails with
/// - `bad_json`, `duplicate_key`, `wrong_type`, `out_of_range` for what is wrong in `tokens`;
/// - `bad_merge`, with the line from 0, for a line that is no merge of two tokens into a third.
[[nodiscard]] inline result<hf_tokenizer> parse_gpt2(std::string_view tokens, std::string_view merges) {
  auto vocabulary = parse_json(tokens);
  if (!vocabulary) return vocabulary.error();
  if (!vocabulary->is_object()) return failure{.code = errc::wrong_type, .key = "encoder.json"};
  json list = json::array();
  for (std::uint64_t line = 0; !merges.empty(); ++line) {
    const std::size_t end = std::min(merges.find('\n'), merges.size());
    std::string_view text = merges.substr(0, end);
    merges.remove_prefix(std::min(end + 1, merges.size()));
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    const bool says_version = line == 0 && text.substr(0, 8) == "#version";
    if (text.empty() || says_version) {
      list.push_back("#version");  // which is passed over, and so rows stay lines
      continue;
    }
    if (!is_utf8(text)) return failure{.code = errc::bad_utf8, .key = "vocab.bpe", .row = line};
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      return failure{.code = errc::bad_merge, .key = "vocab.bpe", .row = line};
    }
    list.push_back(json::array({text.substr(0, space), text.substr(space + 1)}));
  }
  constexpr const char* end_of_text = "<|endoftext|>";
  json added = json::array();
  if (const auto at = vocabulary->find(end_of_text); at != vocabulary->end()) {
    added.push_back({{"id", *at},
                     {"content", end_of_text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  json bytes = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  json model = {{"type", "BPE"}, {"vocab", std::move(*vocabulary)}, {"merges", std::move(list)}};
  const json document = {{"added_tokens", std::move(added)},
                         {"pre_tokenizer", bytes},
                         {"decoder", bytes},
                         {"model", std::move(model)}};
  return hf_tokenizer::make(document);
}

/// Reads a pair. Fails with the errors of `mapped_file::open` and `parse_gpt2`, naming the file.
[[nodiscard]] inline result<hf_tokenizer> open_gpt2(const gpt2_paths& paths) {
  auto tokens = mapped_file::open(paths.tokens);
  if (!tokens) return tokens.error();
  auto merges = mapped_file::open(paths.merges);
  if (!merges) return merges.error();
  auto parsed = parse_gpt2(tokens->text(), merges->text());
  if (parsed) return parsed;
  const bool in_merges = parsed.error().code == errc::bad_merge || parsed.error().key.view() == "vocab.bpe";
  return parsed.error().in(in_merges ? paths.merges : paths.tokens);
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
