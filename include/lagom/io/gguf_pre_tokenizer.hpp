// SPDX-License-Identifier: MIT
/// @file io/gguf_pre_tokenizer.hpp
/// What stands before the merges, by the names that GGUF files have for it.
#pragma once

#include "json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Components of a tokenizer.json.
struct gguf_pre_tokenizer_rules {
  json normalizer{}, pre_tokenizer{};
  bool ignore_merges = false;
};

/// The rules of a "tokenizer.ggml.pre": default and gpt-2, phi-2 (one split), llama-bpe, llama3, llama-v3 (whole
/// pre-tokens first), qwen2 (NFC), falcon, starcoder, refact, smollm (single digits), deepseek-v3,
/// deepseek-coder. Fails with `unsupported` for other names, which stand for rules that are not known to the
/// letter.
[[nodiscard]] inline result<gguf_pre_tokenizer_rules> gguf_pre_tokenizer(std::string_view name) {
  const auto bytes = [](bool split) {
    return json{
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", split}};
  };
  const auto split = [](const char* expression) {
    return json{
        {"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", "Isolated"}, {"invert", false}};
  };
  const auto digits = [](bool single) { return json{{"type", "Digits"}, {"individual_digits", single}}; };
  const auto steps = [](std::initializer_list<json> list) {
    return json{{"type", "Sequence"}, {"pretokenizers", json::array_t(list)}};
  };
  const auto is = [name](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  gguf_pre_tokenizer_rules out;
  if (is({"default", "gpt-2", "phi-2"})) {
    out.pre_tokenizer = bytes(true);
  } else if (is({"llama-bpe", "llama3", "llama-v3"})) {
    out.pre_tokenizer = steps(
        {split(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
               R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"),
         bytes(false)});
    out.ignore_merges = true;
  } else if (is({"qwen2"})) {
    out.normalizer = {{"type", "NFC"}};
    out.pre_tokenizer = steps(
        {split(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
               R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"),
         bytes(false)});
  } else if (is({"falcon"})) {
    out.pre_tokenizer = steps({{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                               bytes(true),
                               digits(false),
                               split("[0-9][0-9][0-9]")});
  } else if (is({"starcoder", "refact", "smollm"})) {
    out.pre_tokenizer = steps({digits(true), bytes(true)});
  } else if (is({"deepseek-v3"})) {
    out.pre_tokenizer =
        steps({split(R"(\p{N}{1,3})"),
               split("[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+"),
               split(R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
                     R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
               bytes(false)});
  } else if (is({"deepseek-coder"})) {
    out.pre_tokenizer =
        steps({split(R"([\r\n])"), split(R"(\s?\p{L}+)"), split(R"(\s?\p{P}+)"),
               split("[\xE4\xB8\x80-\xE9\xBE\xA5\xE0\xA0\x80-\xE4\xB8\x80\xEA\xB0\x80-\xED\x9F\xBF]+"),
               digits(true), bytes(false)});
  } else {
    return failure{.code = errc::unsupported, .key = "tokenizer.ggml.pre " + std::string(name)};
  }
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
