// SPDX-License-Identifier: MIT
/// @file io/hf/model.hpp
/// The "model" of a tokenizer.json, of whatever type.
#pragma once

#include <variant>

#include "model_bpe.hpp"
#include "model_unigram.hpp"
#include "model_words.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// One of the types of models. Each has `encode_piece`, `size`, `count`, `contains`, `spelling`, `find` and
/// `letters_to_bytes`.
class hf_model {
 public:
  /// `byte_level`: pieces come as bytes. `id_limit`: the largest id that is believed. Fails with
  /// `unsupported`, naming the type, for other models than BPE, Unigram, WordPiece and WordLevel.
  static result<hf_model> read(const hf_node& node, bool byte_level, std::uint64_t id_limit,
                               const tokenizer_options& options) {
    auto type = type_of(node);
    if (!type) return type.error();
    const auto made = [](auto model) -> result<hf_model> {
      if (!model) return model.error();
      return hf_model(std::move(*model));
    };
    if (*type == "BPE") return made(hf_bpe_model::read(node, byte_level, id_limit, options));
    if (*type == "Unigram") return made(hf_unigram_model::read(node, byte_level));
    if (*type == "WordPiece") return made(hf_wordpiece_model::read(node, byte_level, id_limit));
    if (*type == "WordLevel") return made(hf_word_level_model::read(node, byte_level, id_limit));
    return failure{.code = errc::unsupported, .key = node.path_of("type") + " " + std::string(*type)};
  }

  /// The type's name. A file of a time before the types has a list of pairs where it is Unigram, and merges
  /// where it is BPE; other models say more about themselves.
  static result<std::string_view> type_of(const hf_node& model) {
    if (!model.value->is_object()) return model.fail(errc::wrong_type);
    const hf_node type = model.optional("type"), texts = model.optional("vocab");
    if (type.value != nullptr) {
      if (!type.value->is_string()) return type.fail(errc::wrong_type);
      return std::string_view(type.value->get_ref<const std::string&>());
    }
    if (texts.value == nullptr) return texts.fail(errc::missing_key);
    if (texts.value->is_array()) return std::string_view("Unigram");
    if (model.optional("merges").value != nullptr) return std::string_view("BPE");
    if (model.optional("continuing_subword_prefix").value != nullptr &&
        model.optional("max_input_chars_per_word").value != nullptr) {
      return std::string_view("WordPiece");
    }
    return failure{.code = errc::unsupported, .key = type.path + " without merges"};
  }

  /// The model where it is of that type; null otherwise.
  [[nodiscard]] const vocab::bpe* bpe() const noexcept {
    const auto* const model = std::get_if<hf_bpe_model>(&model_);
    return model == nullptr ? nullptr : &model->bpe();
  }
  [[nodiscard]] const vocab::unigram* unigram() const noexcept {
    const auto* const model = std::get_if<hf_unigram_model>(&model_);
    return model == nullptr ? nullptr : &model->unigram();
  }

  [[nodiscard]] const vocab::wordpiece* wordpiece() const noexcept {
    const auto* const model = std::get_if<hf_wordpiece_model>(&model_);
    return model == nullptr ? nullptr : &model->wordpiece();
  }

  /// How many merges were left out.
  [[nodiscard]] std::uint64_t skipped() const noexcept {
    const auto* const model = std::get_if<hf_bpe_model>(&model_);
    return model == nullptr ? 0 : model->skipped();
  }

  /// Calls `sink(token)` for every token of a piece.
  template <class Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    std::visit([&](const auto& model) { model.encode_piece(piece, sink); }, model_);
  }

  /// Encodes several pieces: calls `give(i, tokens)` once for each, in any order.
  template <class Give>
  void encode_pieces(std::span<const std::string_view> pieces, Give&& give) const {
    if (const vocab::bpe* const model = bpe()) return model->encode_pieces(pieces, give);
    std::vector<token_id> ids;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      ids.clear();
      encode_piece(pieces[i], [&](token_id t) { ids.push_back(t); });
      give(i, std::span<const token_id>(ids));
    }
  }

  /// How many tokens there are.
  [[nodiscard]] std::uint64_t count() const noexcept {
    return std::visit([](const auto& model) { return model.count(); }, model_);
  }

  /// One more than the largest id.
  [[nodiscard]] index_t size() const noexcept {
    return std::visit([](const auto& model) { return model.size(); }, model_);
  }
  [[nodiscard]] bool contains(token_id id) const {
    return std::visit([&](const auto& model) { return model.contains(id); }, model_);
  }

  /// A token as the file spells it; empty when there is none.
  [[nodiscard]] std::string spelling(token_id id) const {
    return std::visit([&](const auto& model) { return model.spelling(id); }, model_);
  }

  /// The token that the file spells so; `no_token` when there is none.
  [[nodiscard]] token_id find(std::string_view spelling) const {
    return std::visit([&](const auto& model) { return model.find(spelling); }, model_);
  }

  /// The bytes of a token of a byte-level model; nothing where it is not spelled in letters.
  [[nodiscard]] std::optional<std::string> letters_to_bytes(token_id id) const {
    return std::visit([&](const auto& model) { return model.letters_to_bytes(id); }, model_);
  }

 private:
  using any = std::variant<hf_bpe_model, hf_unigram_model, hf_wordpiece_model, hf_word_level_model>;
  explicit hf_model(any model) : model_(std::move(model)) {}

  any model_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
