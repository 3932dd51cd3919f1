// SPDX-License-Identifier: MIT
/// @file vocab/unigram.hpp
/// The unigram language model: the segmentation of a text with the greatest sum of scores.
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <optional>
#include <string>

#include "../core/math.hpp"
#include "ragged.hpp"
#include "viterbi.hpp"

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
  /// SentencePiece (release 0.2): sums in f32, so that ties between segmentations are broken by rounding, which
  /// depends on all of the text before.
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
      least = row == 0 ? p.score : (std::min)(least, p.score);
      if (p.matches) texts.push_back({p.text, static_cast<token_id>(row), p.score});
      out.texts_.push_back(p.text);
      out.scores_.push_back(p.score);
      out.greatest_ = (std::max)(out.greatest_, std::abs(p.score));
    }
    auto trie = piece_trie::make(texts);
    if (!trie) return trie.error();
    out.trie_ = std::move(*trie);
    out.unk_score_ = options.unk_score ? *options.unk_score : least - 10;
    out.greatest_ = (std::max)(out.greatest_, std::abs(out.unk_score_));
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
    encode_after(0, piece, sink);
  }

  /// The same where the piece continues a text: `before` is the sum of the best segmentation of what comes
  /// before it, and the sum with the piece is returned. By SentencePiece's rules ties may depend on it.
  template <std::invocable<token_id> Sink>
  double encode_after(double before, std::string_view piece, Sink&& sink) const {
    if (piece.empty()) return before;
    if (piece.size() < short_piece) {
      std::array<detail::viterbi_step, short_piece> ends;
      const std::span<detail::viterbi_step> used(ends.data(), piece.size() + 1);
      const double sum = search(piece, before, used);
      emit(piece, used, sink);
      return sum;
    }
    std::vector<detail::viterbi_step> ends(piece.size() + 1);
    const double sum = search(piece, before, ends);
    emit(piece, ends, sink);
    return sum;
  }

  /// Largest magnitude of a sum before a piece for which `encode_if_sure` vouches.
  static constexpr double sure_limit = 16384;

  /// Calls `term(token)` for what the sum of the piece is made of, in order, `unk` for each unknown character,
  /// and returns true, if that is the best segmentation by either rules whatever comes before the piece, given
  /// that the sum before is at most `sure_limit` in magnitude: if no decision on the way is closer than rounding
  /// to f32 can move it. Otherwise, and for a piece of 96 bytes and more, calls nothing and returns false.
  /// The terms are the tokens, but for the unknown characters.
  template <std::invocable<token_id> Term>
  bool terms_if_sure(std::string_view piece, Term&& term) const {
    if (piece.empty() || piece.size() >= short_piece) return piece.empty();
    std::array<detail::viterbi_step, short_piece> ends;
    std::array<double, short_piece> margins;
    const std::span<detail::viterbi_step> used(ends.data(), piece.size() + 1);
    detail::viterbi<double>(trie_, unk_score_, options_.unk, piece, 0, used, margins.data());
    // Sums stay under 2 * sure_limit = 2^15, where an f32 is off by at most 2^-10; two sums of as many terms
    // as there are characters are compared.
    const double moved = static_cast<double>(piece.size()) * 0x1p-9;
    for (std::size_t at = 1; at < used.size(); ++at) {
      if (used[at].start != detail::nowhere && std::abs(used[at].sum) > sure_limit) return false;
    }
    std::size_t count = 0;
    std::array<token_id, short_piece> terms;
    for (std::size_t at = piece.size(); at > 0; at = used[at].start) {
      if (!(margins[at] > moved)) return false;
      terms[count++] = used[at].id;
    }
    while (count > 0) term(terms[--count]);
    return true;
  }

  /// The sum with one more term, by the model's rules. Precondition: a piece that texts are cut into, or `unk`,
  /// which is one unknown character.
  [[nodiscard]] double add(double sum, token_id term) const noexcept {
    const double score = term == options_.unk ? unk_score_ : scores_[static_cast<std::size_t>(term)];
    if (options_.rules != unigram_rules::sentencepiece) return sum + score;
    return static_cast<double>(static_cast<float>(sum) + static_cast<float>(score));
  }

  /// The greatest magnitude of a term.
  [[nodiscard]] double greatest_magnitude() const noexcept { return greatest_; }

  /// Calls `sink(token, begin, end)` for every token of the piece, in order, with the bytes of it that it
  /// stands for: byte tokens all have those of the unknown characters.
  template <std::invocable<token_id, std::size_t, std::size_t> Sink>
  void encode_spans(std::string_view piece, Sink&& sink) const {
    std::vector<detail::viterbi_step> ends(piece.size() + 1);
    (void)search(piece, 0, ends);
    emit(piece, ends, sink);
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

  /// The token's score. Precondition: `contains(token)`.
  [[nodiscard]] double score_of(token_id token) const noexcept {
    LAGOM_ASSERT(contains(token));
    return scores_[static_cast<std::size_t>(token)];
  }

  /// How many tokens there are.
  [[nodiscard]] index_t size() const noexcept { return static_cast<index_t>(texts_.size()); }

  [[nodiscard]] const unigram_options& options() const noexcept { return options_; }

 private:
  static constexpr std::size_t short_piece = 96;

  unigram() = default;

  /// The byte that "<0x41>" names; -1 for other texts.
  static int named_byte(std::string_view text) noexcept {
    if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return -1;
    constexpr std::string_view hex = "0123456789ABCDEF";
    const std::size_t high = hex.find(text[3]), low = hex.find(text[4]);
    if (high == std::string_view::npos || low == std::string_view::npos) return -1;
    return static_cast<int>(16 * high + low);
  }

  [[nodiscard]] double search(std::string_view text, double before,
                              std::span<detail::viterbi_step> ends) const noexcept {
    LAGOM_ASSERT(text.size() < detail::nowhere);
    if (options_.rules == unigram_rules::sentencepiece) {
      detail::viterbi<float>(trie_, unk_score_, options_.unk, text, before, ends);
    } else {
      detail::viterbi<double>(trie_, unk_score_, options_.unk, text, before, ends);
    }
    return ends.back().sum;
  }

  /// Turns the way back around, and walks it.
  template <class Sink>
  void emit(std::string_view text, std::span<detail::viterbi_step> ends, Sink& sink) const {
    std::uint32_t after = detail::nowhere;
    for (auto end = static_cast<std::uint32_t>(text.size()); end > 0;) {
      const std::uint32_t start = ends[end].start;
      ends[end].start = after;
      after = end;
      end = start;
    }
    std::size_t at = 0;
    while (after != detail::nowhere) {
      const std::size_t begin = at;
      const token_id id = ends[after].id;
      do {
        at = after;
        after = ends[after].start;
      } while (id == options_.unk && after != detail::nowhere && ends[after].id == id);
      if (id == options_.unk) {
        emit_unknown(text.substr(begin, at - begin), begin, sink);
      } else {
        give(id, begin, at, sink);
      }
    }
  }

  /// To a sink of tokens, or one of tokens and places.
  template <class Sink>
  static void give(token_id token, std::size_t begin, std::size_t end, Sink& sink) {
    if constexpr (std::invocable<Sink&, token_id, std::size_t, std::size_t>) {
      sink(token, begin, end);
    } else {
      sink(token);
    }
  }

  template <class Sink>
  void emit_unknown(std::string_view run, std::size_t begin, Sink& sink) const {
    const std::size_t end = begin + run.size();
    if (options_.rules == unigram_rules::huggingface) {
      if (const token_id whole = find(run); whole != no_token) {
        give(whole, begin, end, sink);
        return;
      }
    }
    const auto fallback = [this](char c) { return fallback_[static_cast<unsigned char>(c)]; };
    if (std::all_of(run.begin(), run.end(), [&](char c) { return fallback(c) != no_token; })) {
      for (const char c : run) give(fallback(c), begin, end, sink);
    } else if (options_.unk != no_token) {
      give(options_.unk, begin, end, sink);
    }
  }

  ragged<char> texts_;
  std::vector<double> scores_;
  piece_trie trie_;
  unigram_options options_;
  double unk_score_ = 0, greatest_ = 0;
  std::array<token_id, 256> fallback_{};
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
