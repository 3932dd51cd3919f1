// SPDX-License-Identifier: MIT
/// @file vocab/unigram.hpp
/// The unigram language model: the segmentation of a text with the greatest sum of scores.
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <string>

#include "../core/math.hpp"
#include "piece_trie.hpp"
#include "ragged.hpp"
#include "utf8.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A token of a unigram model.
struct unigram_piece {
  std::string_view text{};
  double score = 0;     ///< log probability
  bool matches = true;  ///< whether texts are cut into it; the unknown and control tokens are not
};

/// How a unigram model sums and what it does with what its pieces do not cover. The two libraries differ.
enum class unigram_rules : std::uint8_t {
  /// Hugging Face tokenizers: sums in f64; a run of unknown characters that is a piece as a whole is that
  /// piece.
  huggingface,
  /// SentencePiece: a sum is rounded to f32 before the next piece is added to it, so that ties between
  /// segmentations are broken by rounding, which depends on all of the text before.
  sentencepiece
};

struct unigram_options {
  token_id unk = no_token;  ///< of characters that no piece is; without it, they are left out
  unigram_rules rules = unigram_rules::huggingface;
  bool byte_fallback = false;  ///< the tokens `<0x00>` ... of the bytes instead of `unk`, if all exist
  /// What one unknown character adds to a sum; if not given, 10 less than the least score of all pieces.
  std::optional<double> unk_score{};
};

/// A unigram model (Kudo, arXiv 1804.10959): of all segmentations of a text into pieces, the one whose scores
/// sum up to the most, found by Viterbi's algorithm. It encodes what a pre-tokenizer leaves; it is a
/// tokenizer itself, for which the whole text is one piece.
///
/// ```cpp
/// auto model = lagom::vocab::unigram::make(pieces, {.unk = 0});   // ids are the places in the list
/// model->encode_piece("ababc", [](lagom::token_id t) { ... });
/// ```
/// Of several segmentations with one sum, the one is taken whose last token is the longest, then the one
/// before, and so on. Unknown characters in a row are one token. Const calls may run in several threads at
/// once.
class unigram {
 public:
  /// Scores of a greater magnitude are refused.
  static constexpr double largest_score = 1e30;

  /// The id of a piece is its place. Of two pieces with one text the later one is meant. Fails with
  /// `not_finite` or `out_of_range` for a score (and the row), with `unknown_token` when `unk` is no place in
  /// the list, with `too_large` for more pieces than a `piece_trie` or an id can hold.
  static result<unigram> make(std::span<const unigram_piece> pieces, const unigram_options& options = {}) {
    if (pieces.size() > 0x7FFFFFFF) return failure{.code = errc::too_large, .key = "vocabulary"};
    const auto unk = static_cast<std::size_t>(options.unk);
    if (options.unk != no_token && (options.unk < 0 || unk >= pieces.size())) {
      return failure{.code = errc::unknown_token, .key = "unk"};
    }
    unigram out;
    out.options_ = options;
    std::vector<scored_text> texts;
    texts.reserve(pieces.size());
    double least = 0;
    for (std::size_t row = 0; row < pieces.size(); ++row) {
      const unigram_piece& p = pieces[row];
      if (!is_finite(&p.score)) return failure{.code = errc::not_finite, .key = "score", .row = row};
      if (p.score > largest_score || p.score < -largest_score) {
        return failure{.code = errc::out_of_range, .key = "score", .row = row};
      }
      least = row == 0 ? p.score : std::min(least, p.score);
      if (p.matches) texts.push_back({p.text, static_cast<token_id>(row), p.score});
      out.texts_.push_back(p.text);
    }
    auto trie = piece_trie::make(texts);
    if (!trie) return trie.error();
    out.trie_ = std::move(*trie);
    out.unk_score_ = options.unk_score ? *options.unk_score : least - 10;
    out.fallback_.fill(no_token);
    for (std::size_t row = 0; options.byte_fallback && row < pieces.size(); ++row) {
      if (const int byte = named_byte(pieces[row].text); byte >= 0) {
        out.fallback_[static_cast<unsigned>(byte)] = static_cast<token_id>(row);
      }
    }
    return out;
  }

  /// Calls `sink(token)` for every token of the piece, in order. It should be UTF-8; an ill-formed sequence
  /// in it is one unknown character. O(bytes times the longest piece of the model); pieces of up to 96 bytes
  /// need no heap.
  template <std::invocable<token_id> Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    if (piece.empty()) return;
    if (piece.size() < short_piece) {
      std::array<step, short_piece> ends;
      run(piece, {ends.data(), piece.size() + 1}, sink);
    } else {
      std::vector<step> ends(piece.size() + 1);
      run(piece, ends, sink);
    }
  }

  /// The whole text as one piece.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    encode_piece(text, sink);
  }

  /// The token's text in the model; empty for an id without a token.
  [[nodiscard]] std::string_view bytes_of(token_id token) const noexcept {
    if (!contains(token)) return {};
    const std::span<const char> text = texts_[static_cast<std::size_t>(token)];
    return {text.data(), text.size()};
  }
  [[nodiscard]] bool contains(token_id token) const noexcept {
    return token >= 0 && static_cast<std::size_t>(token) < texts_.size();
  }

  /// The piece with that text, of those that texts are cut into; `no_token` when there is none.
  [[nodiscard]] token_id find(std::string_view text) const noexcept {
    const piece_trie::node* const at = text.empty() ? nullptr : trie_.find(text);
    return at == nullptr ? no_token : at->id;
  }

  /// How many tokens there are.
  [[nodiscard]] index_t size() const noexcept { return static_cast<index_t>(texts_.size()); }

  [[nodiscard]] const unigram_options& options() const noexcept { return options_; }

 private:
  static constexpr std::size_t short_piece = 96;
  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};

  /// The best way to reach a place.
  struct step {
    double sum;
    std::uint32_t start;  ///< where its last token begins
    token_id id;          ///< its last token
  };

  unigram() = default;

  /// The byte that "<0x41>" names; -1 for other texts.
  static int named_byte(std::string_view text) noexcept {
    if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return -1;
    constexpr std::string_view hex = "0123456789ABCDEF";
    const std::size_t high = hex.find(text[3]), low = hex.find(text[4]);
    if (high == std::string_view::npos || low == std::string_view::npos) return -1;
    return static_cast<int>(16 * high + low);
  }

  template <class Sink>
  void run(std::string_view text, std::span<step> ends, Sink& sink) const {
    LAGOM_ASSERT(text.size() < nowhere);
    if (options_.rules == unigram_rules::sentencepiece) {
      search<float>(text, ends);
    } else {
      search<double>(text, ends);
    }
    emit(text, ends, sink);
  }

  /// Viterbi's algorithm, place by place; sums are rounded to Sum as they are kept.
  template <class Sum>
  void search(std::string_view text, std::span<step> ends) const noexcept {
    for (step& s : ends) s = {0, nowhere, no_token};
    const auto offer = [](step& end, double sum, std::size_t start, token_id id) {
      if (end.start != nowhere && !(sum > end.sum)) return;
      end = {static_cast<double>(static_cast<Sum>(sum)), static_cast<std::uint32_t>(start), id};
    };
    for (std::size_t at = 0; at < text.size();) {
      const double before = ends[at].sum;
      const std::size_t next = at + decode_utf8(text, at).length;
      bool known = false;
      const piece_trie::node* node = &trie_.root();
      for (std::size_t end = at; end < text.size();) {
        node = trie_.step(*node, text[end++]);
        if (node == nullptr) break;
        if (node->id == no_token) continue;
        offer(ends[end], node->score + before, at, node->id);
        if (end == next) known = true;
      }
      if (!known) {
        const Sum sum = static_cast<Sum>(unk_score_) + static_cast<Sum>(before);
        offer(ends[next], static_cast<double>(sum), at, options_.unk);
      }
      at = next;
    }
  }

  /// Turns the way back around, and walks it.
  template <class Sink>
  void emit(std::string_view text, std::span<step> ends, Sink& sink) const {
    std::uint32_t after = nowhere;
    for (auto end = static_cast<std::uint32_t>(text.size()); end > 0;) {
      const std::uint32_t start = ends[end].start;
      ends[end].start = after;
      after = end;
      end = start;
    }
    std::size_t at = 0;
    while (after != nowhere) {
      const std::size_t begin = at;
      const token_id id = ends[after].id;
      do {
        at = after;
        after = ends[after].start;
      } while (id == options_.unk && after != nowhere && ends[after].id == id);
      if (id == options_.unk) {
        emit_unknown(text.substr(begin, at - begin), sink);
      } else {
        sink(id);
      }
    }
  }

  template <class Sink>
  void emit_unknown(std::string_view run, Sink& sink) const {
    if (options_.rules == unigram_rules::huggingface) {
      if (const token_id whole = find(run); whole != no_token) {
        sink(whole);
        return;
      }
    }
    const auto fallback = [this](char c) { return fallback_[static_cast<unsigned char>(c)]; };
    if (std::all_of(run.begin(), run.end(), [&](char c) { return fallback(c) != no_token; })) {
      for (const char c : run) sink(fallback(c));
    } else if (options_.unk != no_token) {
      sink(options_.unk);
    }
  }

  ragged<char> texts_;
  piece_trie trie_;
  unigram_options options_;
  double unk_score_ = 0;
  std::array<token_id, 256> fallback_{};
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
