// SPDX-License-Identifier: MIT
/// @file io/gguf_vocabulary.hpp
/// The tokenizer that the metadata of a GGUF file describes.
#pragma once

#include <variant>

#include "gguf.hpp"
#include "gguf_pre_tokenizer.hpp"
#include "sentencepiece.hpp"
#include "tokenizer_json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What a GGUF file may hold: byte-level BPE and WordPiece behave as in tokenizer.json, the others as
/// SentencePiece does.
using gguf_tokenizer = std::variant<hf_tokenizer, sentencepiece_tokenizer>;

namespace detail {

/// The keys of a vocabulary, checked against each other.
class gguf_vocabulary_reader {
 public:
  explicit gguf_vocabulary_reader(const gguf& file) : file_(file) {}

  result<gguf_tokenizer> read() {
    if (const gguf_value* const whole = file_.find("tokenizer.huggingface.json")) {
      if (!whole->text()) return fail(errc::wrong_type, "tokenizer.huggingface.json");
      return as_any(hf_tokenizer::parse(*whole->text()));
    }
    auto model = text(model_key);
    if (!model) return model.error();
    const bool scored = *model == "llama" || *model == "t5";
    if (*model != "gpt2" && *model != "bert" && !scored) {
      return fail(errc::unsupported, std::string(model_key) + " " + std::string(*model));
    }
    if (auto ok = read_tokens(); !ok) return ok.error();
    if (scored) return as_any(read_scored(*model == "t5"));
    return as_any(*model == "gpt2" ? read_bytes() : read_words());
  }

 private:
  // the kinds of tokens
  static constexpr std::int32_t normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6;
  static constexpr const char* model_key = "tokenizer.ggml.model";

  static failure fail(errc code, std::string_view key, std::uint64_t row = failure::none) {
    return {.code = code, .key = key, .row = row};
  }
  template <class T>
  static result<gguf_tokenizer> as_any(result<T> tokenizer) {
    if (!tokenizer) return tokenizer.error();
    return gguf_tokenizer(std::move(*tokenizer));
  }

  result<std::string_view> text(const char* key) const {
    const gguf_value* const value = file_.find(key);
    if (value == nullptr) return fail(errc::missing_key, key);
    if (!value->text()) return fail(errc::wrong_type, key);
    return *value->text();
  }
  result<bool> flag(const char* key, bool otherwise) const {
    const gguf_value* const value = file_.find(key);
    if (value == nullptr) return otherwise;
    if (!value->flag()) return fail(errc::wrong_type, key);
    return *value->flag();
  }
  /// The id of a token; `no_token` when the key is not there, or says so by 2^32 - 1.
  result<token_id> id(const char* key) const {
    const gguf_value* const value = file_.find(key);
    if (value == nullptr) return no_token;
    const auto number = value->count();
    if (!number) return fail(errc::wrong_type, key);
    if (*number == 0xFFFFFFFF) return no_token;
    if (*number >= tokens_.size()) {
      return failure{.code = errc::out_of_range, .key = key, .expected = tokens_.size(), .found = *number};
    }
    return static_cast<token_id>(*number);
  }

  result<done> read_tokens() {
    const gguf_value* const list = file_.find("tokenizer.ggml.tokens");
    if (list == nullptr) return fail(errc::missing_key, "tokenizer.ggml.tokens");
    auto texts = list->texts();
    if (!texts) return fail(errc::wrong_type, "tokenizer.ggml.tokens");
    tokens_ = std::move(*texts);
    if (tokens_.empty()) return fail(errc::empty, "tokenizer.ggml.tokens");
    for (std::size_t row = 0; row < tokens_.size(); ++row) {
      if (!is_utf8(tokens_[row])) return fail(errc::bad_utf8, "tokenizer.ggml.tokens", row);
    }
    kinds_.assign(tokens_.size(), normal);
    const gguf_value* const kinds = file_.find("tokenizer.ggml.token_type");
    if (kinds == nullptr) return done{};
    auto numbers = kinds->integers();
    if (!numbers) return fail(errc::wrong_type, "tokenizer.ggml.token_type");
    if (numbers->size() != tokens_.size()) return wrong_size("tokenizer.ggml.token_type", numbers->size());
    for (std::size_t row = 0; row < numbers->size(); ++row) {
      if ((*numbers)[row] < normal || (*numbers)[row] > byte) {
        return fail(errc::bad_value, "tokenizer.ggml.token_type", row);
      }
    }
    kinds_ = std::move(*numbers);
    return done{};
  }
  [[nodiscard]] failure wrong_size(const char* key, std::size_t found) const {
    return {.code = errc::size_mismatch, .key = key, .expected = tokens_.size(), .found = found};
  }

  /// Model "gpt2": the vocabulary in letters, with its merges; a tokenizer.json in other words.
  result<hf_tokenizer> read_bytes() const {
    auto name = text("tokenizer.ggml.pre");
    if (!name) return name.error();
    auto rules = gguf_pre_tokenizer(*name);
    if (!rules) return rules.error();
    const gguf_value* const list = file_.find("tokenizer.ggml.merges");
    if (list == nullptr) return fail(errc::missing_key, "tokenizer.ggml.merges");
    const auto merges = list->texts();
    if (!merges) return fail(errc::wrong_type, "tokenizer.ggml.merges");
    json lines = json::array();
    for (const std::string_view m : *merges) {
      if (!is_utf8(m)) return fail(errc::bad_utf8, "tokenizer.ggml.merges", lines.size());
      lines.push_back(m);
    }
    auto vocabulary = spelled_vocabulary([](std::string_view t, std::int32_t) { return std::string(t); });
    if (!vocabulary) return vocabulary.error();
    json model = {{"type", "BPE"},
                  {"vocab", std::move(*vocabulary)},
                  {"merges", std::move(lines)},
                  {"ignore_merges", rules->ignore_merges}};
    return document(std::move(model), std::move(rules->normalizer), std::move(rules->pre_tokenizer),
                    {{"type", "ByteLevel"}});
  }

  /// Model "bert": words begin with U+2581 in the file, and what continues them has no prefix.
  result<hf_tokenizer> read_words() const {
    auto unk = id("tokenizer.ggml.unknown_token_id");
    if (!unk) return unk.error();
    bool cased = false;
    auto vocabulary = spelled_vocabulary([&](std::string_view t, std::int32_t kind) {
      if (kind == control || kind == unknown) return std::string(t);
      cased = cased || std::any_of(t.begin(), t.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
      constexpr std::string_view mark = "\xE2\x96\x81";
      if (t.substr(0, mark.size()) == mark) return std::string(t.substr(mark.size()));
      return "##" + std::string(t);
    });
    if (!vocabulary) return vocabulary.error();
    const std::string unknown_text = *unk == no_token ? "[UNK]" : std::string(tokens_[row(*unk)]);
    json model = {{"type", "WordPiece"},
                  {"vocab", std::move(*vocabulary)},
                  {"unk_token", unknown_text},
                  {"continuing_subword_prefix", "##"},
                  {"max_input_chars_per_word", 100}};
    json normalizer = {{"type", "BertNormalizer"},
                       {"clean_text", true},
                       {"handle_chinese_chars", true},
                       {"strip_accents", nullptr},
                       {"lowercase", !cased}};
    return document(std::move(model), std::move(normalizer), {{"type", "BertPreTokenizer"}},
                    {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}});
  }

  /// "vocab" of a document; `spell(text, kind)` is a token as it is spelled there. Unused tokens are left out.
  template <class Spell>
  result<json> spelled_vocabulary(Spell spell) const {
    json out = json::object();
    for (std::size_t row = 0; row < tokens_.size(); ++row) {
      if (kinds_[row] == unused) continue;
      if (!out.emplace(spell(tokens_[row], kinds_[row]), row).second) {
        return fail(errc::duplicate_key, "tokenizer.ggml.tokens " + std::string(tokens_[row]), row);
      }
    }
    return out;
  }

  /// A tokenizer.json with the control and user-defined tokens added.
  result<hf_tokenizer> document(json model, json normalizer, json pre_tokenizer, json decoder) const {
    json added = json::array();
    for (std::size_t row = 0; row < tokens_.size(); ++row) {
      const bool special = kinds_[row] == control || (kinds_[row] == unknown && model["type"] == "WordPiece");
      if (!special && kinds_[row] != user_defined) continue;
      added.push_back({{"id", row},
                       {"content", tokens_[row]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", special}});
    }
    return hf_tokenizer::make({{"added_tokens", std::move(added)},
                               {"normalizer", std::move(normalizer)},
                               {"pre_tokenizer", std::move(pre_tokenizer)},
                               {"decoder", std::move(decoder)},
                               {"model", std::move(model)}});
  }

  /// Models "llama" (BPE by scores) and "t5" (Unigram).
  result<sentencepiece_tokenizer> read_scored(bool unigram) const {
    const gguf_value* const list = file_.find("tokenizer.ggml.scores");
    if (list == nullptr) return fail(errc::missing_key, "tokenizer.ggml.scores");
    const auto scores = list->floats();
    if (!scores) return fail(errc::wrong_type, "tokenizer.ggml.scores");
    if (scores->size() != tokens_.size()) return wrong_size("tokenizer.ggml.scores", scores->size());
    sentencepiece_model model;
    model.algorithm = unigram ? sentencepiece_algorithm::unigram : sentencepiece_algorithm::bpe;
    for (std::size_t row = 0; row < tokens_.size(); ++row) {
      model.byte_fallback = model.byte_fallback || kinds_[row] == byte;
      model.pieces.push_back(
          {std::string(tokens_[row]), (*scores)[row], static_cast<sentencepiece_kind>(kinds_[row])});
    }
    auto prefix = flag("tokenizer.ggml.add_space_prefix", true);
    if (!prefix) return prefix.error();
    auto trims = flag("tokenizer.ggml.remove_extra_whitespaces", false);
    if (!trims) return trims.error();
    model.normalizer.add_dummy_prefix = *prefix;
    model.normalizer.remove_extra_whitespaces = *trims;
    if (const gguf_value* const charsmap = file_.find("tokenizer.ggml.precompiled_charsmap")) {
      if (!charsmap->bytes()) return fail(errc::wrong_type, "tokenizer.ggml.precompiled_charsmap");
      model.charsmap = *charsmap->bytes();
    }
    return sentencepiece_tokenizer::make(std::move(model));
  }

  static std::size_t row(token_id id) noexcept { return static_cast<std::size_t>(id); }

  const gguf& file_;
  std::vector<std::string_view> tokens_;
  std::vector<std::int32_t> kinds_;
};

}  // namespace detail

/// The tokenizer of a GGUF file, by "tokenizer.ggml.model":
/// - gpt2: byte-level BPE; "tokenizer.ggml.pre" names the pre-tokenizer (`gguf_pre_tokenizer`);
/// - bert: WordPiece. The format does not say whether texts are put into lower case: they are, unless a token
///   has an upper-case letter;
/// - llama: SentencePiece's BPE by scores; t5: its Unigram.
///
/// Control and user-defined tokens are found in texts by gpt2 and bert; user-defined ones by the others. A file
/// that carries a whole tokenizer.json ("tokenizer.huggingface.json") is read by that.
///
/// Fails with `unsupported` for other models and pre-tokenizers, by name; `missing_key`, `wrong_type`,
/// `size_mismatch`, `bad_value`, `bad_utf8`, `duplicate_key`, `out_of_range`, naming the key; and with the errors
/// of `hf_tokenizer::make` and `sentencepiece_tokenizer::make`.
[[nodiscard]] inline result<gguf_tokenizer> read_gguf_tokenizer(const gguf& file) {
  return detail::gguf_vocabulary_reader(file).read();
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
