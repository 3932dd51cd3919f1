// SPDX-License-Identifier: MIT
/// @file io/hf/model_unigram.hpp
/// The "model" of a tokenizer.json where it is Unigram: a list of pieces and scores.
#pragma once

#include "../../vocab/byte_alphabet.hpp"
#include "../../vocab/unigram.hpp"
#include "json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A Unigram model. After a ByteLevel pre-tokenizer its texts are bytes spelled in letters.
class hf_unigram_model {
 public:
  static result<hf_unigram_model> read(const hf_node& node, bool byte_level) {
    const hf_node list = node.optional("vocab");
    if (list.value == nullptr) return list.fail(errc::missing_key);
    if (!list.value->is_array()) return list.fail(errc::wrong_type);
    std::vector<vocab::unigram_piece> pieces;
    pieces.reserve(list.value->size());
    for (const json& entry : *list.value) {
      const bool is_pair =
          entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_number();
      if (!is_pair) return failure{.code = errc::wrong_type, .key = list.path, .row = pieces.size()};
      pieces.push_back({.text = entry[0].get_ref<const std::string&>(), .score = entry[1].get<double>()});
    }
    vocab::unigram_options options;
    if (!node.optional("unk_id").is_null()) {
      if (pieces.empty()) return list.fail(errc::empty);
      auto unk = node.count("unk_id", pieces.size() - 1);
      if (!unk) return unk.error();
      options.unk = static_cast<token_id>(*unk);
    }
    auto falls_back = node.flag("byte_fallback", false);
    if (!falls_back) return falls_back.error();
    options.byte_fallback = *falls_back;
    auto model = vocab::unigram::make(pieces, options);
    if (!model) {
      failure f = model.error();
      f.key = list.path + " " + std::string(f.key.view());
      return f;
    }
    hf_unigram_model out(std::move(*model), byte_level);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].text.empty()) out.empty_ = static_cast<token_id>(i);
    }
    return out;
  }

  [[nodiscard]] const vocab::unigram& unigram() const noexcept { return unigram_; }

  template <class Sink>
  void encode_piece(std::string_view piece, Sink& sink) const {
    if (!byte_level_) return unigram_.encode_piece(piece, sink);
    std::string letters;
    vocab::append_letters(letters, piece);
    unigram_.encode_piece(letters, sink);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return static_cast<std::uint64_t>(size()); }
  [[nodiscard]] index_t size() const noexcept { return unigram_.size(); }
  [[nodiscard]] std::string spelling(token_id id) const { return std::string(unigram_.bytes_of(id)); }
  [[nodiscard]] bool contains(token_id id) const noexcept { return unigram_.contains(id); }
  [[nodiscard]] std::optional<std::string> letters_to_bytes(token_id id) const {
    return vocab::bytes_of_letters(unigram_.bytes_of(id));
  }
  [[nodiscard]] token_id find(std::string_view spelling) const {
    return spelling.empty() ? empty_ : unigram_.find(spelling);
  }

 private:
  hf_unigram_model(vocab::unigram model, bool byte_level)
      : unigram_(std::move(model)), byte_level_(byte_level) {}

  vocab::unigram unigram_;
  bool byte_level_;
  token_id empty_ = no_token;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
