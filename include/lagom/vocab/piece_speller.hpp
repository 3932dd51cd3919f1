// SPDX-License-Identifier: MIT
/// @file vocab/piece_speller.hpp
/// The tokens of a piece by a model alone, with the bytes of the piece that each one stands for.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "byte_name.hpp"
#include "segmentation.hpp"
#include "unigram.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Cuts pieces by a model, which it holds by reference: `bpe`, `scored_bpe`, `unigram`, `wordpiece`, or any
/// tokenizer whose `bytes_of` are what its tokens stand for.
///
/// A token stands for its text, without the prefix and the suffix that only say where it is, or for one byte
/// where the model falls back to it; and only where the piece has these bytes. So a token that takes the place
/// of what the vocabulary lacks stands for nothing, whatever its own text.
template <class Model>
class piece_speller {
 public:
  explicit piece_speller(const Model& model) : model_(&model) {
    if constexpr (requires { model.fallback(); }) {
      for (std::size_t b = 0; b < model.fallback().size(); ++b) {
        bytes_.emplace_back(model.fallback()[b], static_cast<char>(static_cast<unsigned char>(b)));
      }
    } else if constexpr (requires { model.options().byte_fallback; }) {
      for (token_id t = 0; model.options().byte_fallback && t < model.size(); ++t) {
        const int byte = named_byte(model.bytes_of(t));
        if (byte >= 0) bytes_.emplace_back(t, static_cast<char>(static_cast<unsigned char>(byte)));
      }
    }
    std::sort(bytes_.begin(), bytes_.end());
    if constexpr (requires { model.options().continuing_prefix; })
      prefix_ = model.options().continuing_prefix;
    if constexpr (requires { model.options().end_suffix; }) suffix_ = model.options().end_suffix;
  }

  /// Fills `out` with all tokens of the piece. Whether they spell it: otherwise something of it is lost, and
  /// the tokens from there on are empty. O(bytes), and what the model takes.
  bool operator()(std::string_view piece, segmentation& out) {
    ids_.clear();
    out.clear();
    detail::encode_piece(*model_, piece, [&](token_id t) { ids_.push_back(t); });
    std::size_t at = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      const std::size_t length = length_in(piece.substr(at), i);
      out.push(ids_[i], piece.substr(at, length));
      at += length;
    }
    return at == piece.size();
  }

  /// What a token stands for in whatever piece: its text as above, or its byte; nothing for the tokens that
  /// texts are not cut into, `unk` among them.
  [[nodiscard]] std::string meaning_of(token_id token) const {
    if (const char* const byte = byte_of(token); byte != nullptr) return {*byte};
    if constexpr (requires { model_->options().unk; }) {
      if (token == model_->options().unk) return {};
    }
    std::string_view text = text_of(token);
    if (text.size() > prefix_.size() && text.substr(0, prefix_.size()) == prefix_) {
      text.remove_prefix(prefix_.size());
    }
    if (text.size() > suffix_.size() && text.substr(text.size() - suffix_.size()) == suffix_) {
      text.remove_suffix(suffix_.size());
    }
    return std::string(text);
  }

 private:
  [[nodiscard]] const char* byte_of(token_id token) const noexcept {
    const auto at = std::lower_bound(bytes_.begin(), bytes_.end(), token,
                                     [](const auto& entry, token_id t) { return entry.first < t; });
    return at != bytes_.end() && at->first == token ? &at->second : nullptr;
  }

  /// The text that pieces may have literally.
  [[nodiscard]] std::string_view text_of(token_id token) const noexcept {
    const std::string_view text = model_->bytes_of(token);
    if constexpr (std::same_as<Model, unigram>)
      return model_->find(text) == token ? text : std::string_view{};
    return text;
  }

  [[nodiscard]] std::size_t length_in(std::string_view rest, std::size_t i) const noexcept {
    std::string_view text = text_of(ids_[i]);
    if (i > 0) text.remove_prefix((std::min)(prefix_.size(), text.size()));
    if (i + 1 == ids_.size()) text.remove_suffix((std::min)(suffix_.size(), text.size()));
    if (!text.empty() && rest.substr(0, text.size()) == text) return text.size();
    const char* const byte = byte_of(ids_[i]);
    return byte != nullptr && !rest.empty() && rest[0] == *byte ? 1 : 0;
  }

  const Model* model_;
  std::vector<std::pair<token_id, char>> bytes_;  // of byte tokens, rising
  std::string prefix_, suffix_;
  std::vector<token_id> ids_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
