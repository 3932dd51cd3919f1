// SPDX-License-Identifier: MIT
/// @file io/sentencepiece_segmenter.hpp
/// From a normalized text to the tokens of a SentencePiece model, word by word.
#pragma once

#include <variant>

#include "../vocab/pre_token.hpp"
#include "../vocab/scored_bpe.hpp"
#include "../vocab/unigram_words.hpp"
#include "../vocab/word_cache.hpp"
#include "../vocab/word_cutter.hpp"
#include "sentencepiece_model.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

namespace detail {
class sentencepiece_segmenter;
}

/// What encoding needs beside a `sentencepiece_tokenizer`: room, and the words met before. One a thread; it
/// serves one tokenizer, and a caller who keeps it between texts saves its making and what it has learned.
class sentencepiece_scratch {
  friend class sentencepiece_tokenizer;
  friend class detail::sentencepiece_segmenter;
  std::string text_;
  vocab::word_cache words_;
  std::vector<token_id> fresh_;
  std::vector<token_id> pending_;
};

namespace detail {

/// The algorithm of a model. Const calls may run in several threads at once.
class sentencepiece_segmenter {
 public:
  sentencepiece_segmenter() = default;

  /// `model` passed its check. Fails with the errors of `vocab::scored_bpe::make` and `vocab::unigram::make`.
  static result<sentencepiece_segmenter> make(const sentencepiece_model& model) {
    sentencepiece_segmenter out;
    out.byte_fallback_ = model.byte_fallback;
    std::vector<vocab::scored_text> symbols;
    for (std::size_t row = 0; row < model.pieces.size(); ++row) {
      const sentencepiece_entry& p = model.pieces[row];
      const auto id = static_cast<token_id>(row);
      if (p.kind == sentencepiece_kind::unknown) out.unk_ = id;
      if (p.kind == sentencepiece_kind::byte) {
        out.fallback_[static_cast<std::size_t>(sentencepiece_model::byte_of(p.text))] = id;
      }
      if (p.kind == sentencepiece_kind::user_defined) symbols.push_back({.text = p.text, .id = id});
      if (!p.is_in_text() || p.kind == sentencepiece_kind::unused) continue;
      if (auto ok = out.known_.add(id, p.text); !ok) return ok.error();
    }
    out.has_symbols_ = !symbols.empty();
    auto trie = vocab::piece_trie::make(symbols);
    if (!trie) return trie.error();
    out.symbols_ = std::move(*trie);
    if (auto ok = out.make_algorithm(model); !ok) return ok.error();
    return out;
  }

  template <class Sink>
  void encode(std::string_view normalized, Sink&& sink) const {
    double sum = 0;
    cutter_(normalized, [&](std::string_view word) { sum = encode_after(sum, word, sink); });
  }

  template <class Sink>
  void encode(std::string_view normalized, sentencepiece_scratch& scratch, Sink&& sink) const {
    const auto* const unigram = std::get_if<vocab::unigram>(&model_);
    if (unigram == nullptr) {
      const auto encode = [&](std::string_view word, auto push) { encode_piece(word, push); };
      return through_cache(normalized, scratch, encode,
                           [&](std::string_view, std::span<const token_id> tokens) {
                             for (const token_id t : tokens) sink(t);
                           });
    }
    vocab::unigram_words words(*unigram, scratch.pending_, normalized.size());
    const auto list = [&](std::string_view word, auto push) {
      vocab::unigram_words::list(*unigram, word, push);
    };
    through_cache(normalized, scratch, list,
                  [&](std::string_view word, std::span<const token_id> items) { words(word, items, sink); });
  }

  template <class Sink>
  void pre_tokenize(std::string_view normalized, Sink&& sink) const {
    cutter_(normalized, [&](std::string_view word) {
      if (!std::holds_alternative<vocab::scored_bpe>(model_)) {
        sink(vocab::pre_token{.text = word});
        return;
      }
      split_symbols(
          word, [&](token_id symbol) { sink(vocab::pre_token{.added = symbol}); },
          [&](std::string_view part) { sink(vocab::pre_token{.text = part}); });
    });
  }

  template <class Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    (void)encode_after(0, piece, sink);
  }

  [[nodiscard]] const vocab::unigram* unigram() const noexcept {
    return std::get_if<vocab::unigram>(&model_);
  }
  [[nodiscard]] const vocab::scored_bpe* bpe() const noexcept {
    return std::get_if<vocab::scored_bpe>(&model_);
  }

 private:
  /// Calls `take(word, tokens)` for the words of a text; `encode(word, push)` is asked once for each.
  template <class Encode, class Take>
  void through_cache(std::string_view text, sentencepiece_scratch& scratch, Encode encode, Take take) const {
    const char* const end = text.data() + text.size();
    const auto compute = [&](std::span<const std::string_view> words, auto&& give) {
      for (std::size_t i = 0; i < words.size(); ++i) {
        scratch.fresh_.clear();
        encode(words[i], [&](token_id t) { scratch.fresh_.push_back(t); });
        give(i, std::span<const token_id>(scratch.fresh_));
      }
    };
    cutter_(text, [&](std::string_view word) {
      scratch.words_(word, static_cast<std::size_t>(end - word.data()), compute, take);
    });
    scratch.words_.flush(compute, take);
  }

  struct whole_words {};
  struct single_characters {};

  template <class Sink>
  double encode_after(double sum, std::string_view word, Sink& sink) const {
    if (const auto* const unigram = std::get_if<vocab::unigram>(&model_)) {
      return unigram->encode_after(sum, word, sink);
    }
    if (const auto* const bpe = std::get_if<vocab::scored_bpe>(&model_)) {
      split_symbols(word, sink, [&](std::string_view part) { bpe->encode_piece(part, sink); });
    } else {
      look_up(word, sink);
    }
    return sum;
  }

  /// Calls `symbol(token)` for the user-defined symbols in a word, from left to right, and `part(text)` for what
  /// is between them.
  template <class Symbol, class Part>
  void split_symbols(std::string_view word, Symbol&& symbol, Part&& part) const {
    std::size_t begin = 0;
    for (std::size_t at = 0; has_symbols_ && at < word.size();) {
      const auto [length, id] = symbols_.longest(word.substr(at));
      if (length == 0) {
        at += decode_utf8(word, at).length;
        continue;
      }
      if (at > begin) part(word.substr(begin, at - begin));
      symbol(id);
      at += length;
      begin = at;
    }
    if (begin < word.size()) part(word.substr(begin));
  }

  /// The algorithms that only look up: characters and user-defined symbols, or what is between marks.
  template <class Sink>
  void look_up(std::string_view text, Sink& sink) const {
    bool after_unknown = false;
    const bool by_words = std::holds_alternative<whole_words>(model_);
    while (!text.empty()) {
      std::size_t length = by_words ? text.find(vocab::space_mark, 1) : symbols_.longest(text).length;
      if (length == 0) length = decode_utf8(text, 0).length;
      const std::string_view part = text.substr(0, length);
      text.remove_prefix(part.size());
      const token_id known = known_.find(part);
      if (known != no_token) {
        sink(known);
      } else if (byte_fallback_) {
        for (const char c : part) sink(fallback_[static_cast<unsigned char>(c)]);
      } else if (!after_unknown) {
        sink(unk_);
      }
      after_unknown = known == no_token;
    }
  }

  result<done> make_algorithm(const sentencepiece_model& model) {
    const bool only_looks_up = model.algorithm == sentencepiece_algorithm::word ||
                               model.algorithm == sentencepiece_algorithm::character;
    if (only_looks_up) {
      if (model.algorithm == sentencepiece_algorithm::word) model_ = whole_words{};
      return done{};
    }
    std::vector<std::string_view> texts;
    for (const sentencepiece_entry& p : model.pieces) {
      if (p.is_in_text()) texts.push_back(p.text);
    }
    const bool is_bpe = model.algorithm == sentencepiece_algorithm::bpe;
    auto ok = is_bpe ? make_bpe(model) : make_unigram(model);
    if (!ok) return ok;
    // A mark that is unknown would be one token with unknown characters around it; and how an unused piece falls
    // apart depends on the whole text.
    const bool mark_is_known = known_.find(vocab::space_mark) != no_token;
    const bool has_unused = std::any_of(model.pieces.begin(), model.pieces.end(),
                                        [](const auto& p) { return p.kind == sentencepiece_kind::unused; });
    if ((mark_is_known || model.byte_fallback) && !(is_bpe && has_unused)) {
      cutter_ = vocab::word_cutter(texts, model.normalizer.whitespace_as_suffix);
    }
    return done{};
  }

  result<done> make_bpe(const sentencepiece_model& file) {
    std::vector<vocab::scored_piece> pieces;
    for (const sentencepiece_entry& p : file.pieces) {
      const bool unused = p.kind == sentencepiece_kind::unused;
      pieces.push_back({.text = p.text,
                        .score = p.score,
                        .matches = p.kind == sentencepiece_kind::normal || unused,
                        .unused = unused});
    }
    auto model =
        vocab::scored_bpe::make(pieces, unk_, file.byte_fallback ? fallback_ : std::span<const token_id>{});
    if (!model) return model.error();
    model_ = std::move(*model);
    return done{};
  }

  /// A user-defined symbol's score is what the library (release 0.2) makes it: 0.1 for each byte but the first.
  result<done> make_unigram(const sentencepiece_model& file) {
    bool any = false;
    float least = 0;
    for (const sentencepiece_entry& p : file.pieces) {
      if (p.kind != sentencepiece_kind::normal) continue;
      least = any ? std::min(least, p.score) : p.score;
      any = true;
    }
    std::vector<vocab::unigram_piece> pieces;
    for (const sentencepiece_entry& p : file.pieces) {
      const bool symbol = p.kind == sentencepiece_kind::user_defined;
      const auto bonus = static_cast<float>(0.1 * static_cast<double>(p.text.size() - 1));
      pieces.push_back({.text = p.text,
                        .score = static_cast<double>(symbol ? bonus : p.score),
                        .matches = symbol || p.kind == sentencepiece_kind::normal});
    }
    auto model = vocab::unigram::make(pieces, {.unk = unk_,
                                               .rules = vocab::unigram_rules::sentencepiece,
                                               .byte_fallback = file.byte_fallback,
                                               .unk_score = static_cast<double>(least - 10.0F)});
    if (!model) return model.error();
    model_ = std::move(*model);
    return done{};
  }

  vocab::token_table known_;  // what texts are cut into
  vocab::piece_trie symbols_;
  std::array<token_id, 256> fallback_{};
  token_id unk_ = no_token;
  bool has_symbols_ = false, byte_fallback_ = false;
  vocab::word_cutter cutter_;
  std::variant<single_characters, whole_words, vocab::unigram, vocab::scored_bpe> model_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
