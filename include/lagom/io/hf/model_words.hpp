// SPDX-License-Identifier: MIT
/// @file io/hf/model_words.hpp
/// The "model" of a tokenizer.json where it knows words: WordPiece and WordLevel.
#pragma once

#include "../../vocab/byte_alphabet.hpp"
#include "../../vocab/wordpiece.hpp"
#include "json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Reads "vocab": texts and ids up to `id_limit`. Fails with `missing_key`, `wrong_type`, `out_of_range`,
/// `duplicate_key`, naming the text.
inline result<vocab::token_table> read_words(const hf_node& node, std::uint64_t id_limit) {
  const hf_node member = node.optional("vocab");
  if (member.value == nullptr) return member.fail(errc::missing_key);
  if (!member.value->is_object()) return member.fail(errc::wrong_type);
  vocab::token_table out;
  for (const auto& [text, id] : member.value->items()) {
    auto number = hf_node::as_count(id, member.path, id_limit);
    failure f = number ? failure{} : number.error();
    if (number) {
      auto added = out.add(static_cast<token_id>(*number), text);
      if (added) continue;
      f = added.error();
    }
    f.key = member.path + " \"" + text + "\"";
    return f;
  }
  return out;
}

/// The id of "unk_token", which must be a token. Fails with `unknown_token`.
inline result<token_id> read_unk(const hf_node& node, const vocab::token_table& tokens) {
  auto unk = node.text("unk_token");
  if (!unk) return unk.error();
  const token_id id = tokens.find(*unk);
  if (id == no_token) return failure{.code = errc::unknown_token, .key = node.path_of("unk_token")};
  return id;
}

/// What a model of spelled words answers about its tokens. After a ByteLevel pre-tokenizer words come as
/// bytes, and the model sees letters.
class hf_spelled_words {
 public:
  explicit hf_spelled_words(bool byte_level) : byte_level_(byte_level) {}

  /// Calls `encode(word)` with the word as the model spells it.
  template <class Encode>
  void spell(std::string_view word, Encode encode) const {
    if (!byte_level_) return encode(word);
    std::string letters;
    vocab::append_letters(letters, word);
    encode(std::string_view(letters));
  }

 private:
  bool byte_level_;
};

class hf_wordpiece_model : hf_spelled_words {
 public:
  static result<hf_wordpiece_model> read(const hf_node& node, bool byte_level, std::uint64_t id_limit) {
    auto tokens = read_words(node, id_limit);
    if (!tokens) return tokens.error();
    auto unk = read_unk(node, *tokens);
    if (!unk) return unk.error();
    vocab::wordpiece_options options{.unk = *unk};
    auto prefix = node.text("continuing_subword_prefix");
    if (!prefix) return prefix.error();
    options.continuing_prefix = *prefix;
    auto longest = node.count("max_input_chars_per_word", ~std::uint64_t{0});
    if (!longest) return longest.error();
    options.max_chars = static_cast<std::size_t>(*longest);
    auto model = vocab::wordpiece::make(std::move(*tokens), std::move(options));
    if (!model) return model.error();
    return hf_wordpiece_model(std::move(*model), byte_level);
  }

  [[nodiscard]] const vocab::wordpiece& wordpiece() const noexcept { return model_; }

  template <class Sink>
  void encode_piece(std::string_view word, Sink& sink) const {
    spell(word, [&](std::string_view spelled) { model_.encode_piece(spelled, sink); });
  }
  [[nodiscard]] std::uint64_t count() const noexcept {
    return static_cast<std::uint64_t>(model_.tokens().count());
  }
  [[nodiscard]] index_t size() const noexcept { return model_.size(); }
  [[nodiscard]] std::string spelling(token_id id) const { return std::string(model_.bytes_of(id)); }
  [[nodiscard]] bool contains(token_id id) const noexcept { return model_.tokens().contains(id); }
  [[nodiscard]] token_id find(std::string_view text) const { return model_.tokens().find(text); }
  [[nodiscard]] std::optional<std::string> letters_to_bytes(token_id id) const {
    return vocab::bytes_of_letters(model_.bytes_of(id));
  }

 private:
  hf_wordpiece_model(vocab::wordpiece model, bool byte_level)
      : hf_spelled_words(byte_level), model_(std::move(model)) {}
  vocab::wordpiece model_;
};

/// A word is a token or unknown.
class hf_word_level_model : hf_spelled_words {
 public:
  static result<hf_word_level_model> read(const hf_node& node, bool byte_level, std::uint64_t id_limit) {
    auto tokens = read_words(node, id_limit);
    if (!tokens) return tokens.error();
    auto unk = read_unk(node, *tokens);
    if (!unk) return unk.error();
    return hf_word_level_model(std::move(*tokens), *unk, byte_level);
  }

  template <class Sink>
  void encode_piece(std::string_view word, Sink& sink) const {
    if (word.empty()) return;
    spell(word, [&](std::string_view spelled) {
      const token_id id = tokens_.find(spelled);
      sink(id == no_token ? unk_ : id);
    });
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return static_cast<std::uint64_t>(tokens_.count()); }
  [[nodiscard]] index_t size() const noexcept { return tokens_.size(); }
  [[nodiscard]] std::string spelling(token_id id) const { return std::string(tokens_[id]); }
  [[nodiscard]] bool contains(token_id id) const noexcept { return tokens_.contains(id); }
  [[nodiscard]] token_id find(std::string_view text) const { return tokens_.find(text); }
  [[nodiscard]] std::optional<std::string> letters_to_bytes(token_id id) const {
    return vocab::bytes_of_letters(tokens_[id]);
  }

 private:
  hf_word_level_model(vocab::token_table tokens, token_id unk, bool byte_level)
      : hf_spelled_words(byte_level), tokens_(std::move(tokens)), unk_(unk) {}
  vocab::token_table tokens_;
  token_id unk_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
