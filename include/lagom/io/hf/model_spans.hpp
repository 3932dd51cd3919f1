// SPDX-License-Identifier: MIT
/// @file io/hf/model_spans.hpp
/// Where the tokens of a piece lie in it.
#pragma once

#include "model.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Calls `sink(token, begin, end)` for every token of a piece, in order: `piece` as the model takes it,
/// `spelled` as the file spells it, of which begin and end are bytes. The tokens are those of `encode_piece`.
///
/// Places are what Hugging Face tokenizers counts, which is not always where the bytes are: BPE adds up the
/// lengths of its units as they come, a byte token is one long, and so tokens after a unit that was left out, or
/// beside an unknown one that waits, are off, and may reach beyond the end.
class hf_model_spans {
 public:
  template <class Sink>
  void operator()(const hf_model& model, std::string_view piece, std::string_view spelled, Sink&& sink) {
    if (const auto* const unigram = model.unigram()) return of_unigram(*unigram, spelled, sink);
    ids_.clear();
    model.encode_piece(piece, [this](token_id t) { ids_.push_back(t); });
    if (const auto* const bpe = model.bpe()) return of_bpe(model, bpe->options(), spelled, sink);
    const std::size_t prefix =
        model.wordpiece() == nullptr ? 0 : model.wordpiece()->options().continuing_prefix.size();
    for (std::size_t i = 0, at = 0; i < ids_.size(); ++i) {
      const std::size_t begin = at;
      at = ids_.size() == 1 ? spelled.size() : at + model.spelling(ids_[i]).size() - (i > 0 ? prefix : 0);
      sink(ids_[i], begin, at);
    }
  }

 private:
  struct unit {
    token_id token;
    std::size_t length;
  };

  template <class Sink>
  static void of_unigram(const vocab::unigram& model, std::string_view spelled, Sink& sink) {
    model.encode_spans(spelled, sink);
  }

  template <class Sink>
  void of_bpe(const hf_model& model, const vocab::bpe_options& options, std::string_view spelled,
              Sink& sink) {
    units_.clear();
    const bool whole = options.ignore_merges && ids_.size() == 1 && model.find(spelled) == ids_[0];
    if (whole) {
      sink(ids_[0], std::size_t{0}, spelled.size());
      return;
    }
    cut(model, options, spelled);
    std::size_t at = 0, next = 0;
    for (const token_id id : ids_) {  // texts of merged units join, without the prefixes of all but the first
      const std::size_t begin = at, size = model.spelling(id).size();
      std::size_t joined = 0;
      do {
        if (next == units_.size()) break;
        joined += model.spelling(units_[next].token).size() - (joined > 0 ? prefix_.size() : 0);
        at += units_[next++].length;
      } while (joined < size);
      sink(id, begin, at);
    }
  }

  /// The units that the merges begin with, and their lengths.
  void cut(const hf_model& model, const vocab::bpe_options& options, std::string_view spelled) {
    prefix_ = options.continuing_prefix;
    suffix_ = options.end_suffix;
    if (options.unit == vocab::bpe_unit::byte) {
      prefix_ = letters(prefix_);
      suffix_ = letters(suffix_);
    }
    std::size_t unknown = 0;  // the length of what waits to be one unknown token
    const auto flush = [&] {
      if (unknown > 0) units_.push_back({options.unk, unknown});
      unknown = 0;
    };
    for (std::size_t at = 0; at < spelled.size();) {
      const std::size_t length = decode_utf8(spelled, at).length;
      text_.clear();
      if (at > 0) text_ += prefix_;
      text_ += spelled.substr(at, length);
      at += length;
      if (at == spelled.size()) text_ += suffix_;
      if (const token_id known = model.find(text_); known != no_token) {
        flush();
        units_.push_back({known, length});
      } else if (!(options.byte_fallback && fall_back(model)) && options.unk != no_token) {
        if (!options.fuse_unk) flush();
        unknown += length;
      }
    }
    flush();
  }

  bool fall_back(const hf_model& model) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    const std::size_t before = units_.size();
    for (const char c : text_) {
      const auto byte = static_cast<unsigned char>(c);
      const char name[] = {'<', '0', 'x', hex[byte / 16], hex[byte % 16], '>'};
      units_.push_back({model.find({name, sizeof name}), 1});
      if (units_.back().token != no_token) continue;
      units_.resize(before);
      return false;
    }
    return true;
  }

  static std::string letters(std::string_view bytes) {
    std::string out;
    vocab::append_letters(out, bytes);
    return out;
  }

  std::vector<token_id> ids_;
  std::vector<unit> units_;
  std::string prefix_, suffix_, text_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
