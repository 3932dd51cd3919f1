// SPDX-License-Identifier: MIT
/// @file vocab/bpe.hpp
/// Byte pair encoding by a list of merges: byte-level and character-level models.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "bpe_options.hpp"
#include "char_tokens.hpp"
#include "merge_lanes.hpp"
#include "safe_cuts.hpp"
#include "short_list.hpp"
#include "unit_ranks.hpp"
#include "word_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A BPE model: token texts, merges, options. It encodes pieces, that is, what a pre-tokenizer leaves; it is
/// a tokenizer itself, for which the whole text is one piece.
///
/// ```cpp
/// lagom::vocab::token_table tokens;                      // a 0, b 1, ab 2
/// auto model = lagom::vocab::bpe::make(std::move(tokens), {{.left = 0, .right = 1, .result = 2}});
/// model->encode_piece("abb", [](lagom::token_id t) { ... });   // 2 1
/// ```
/// The algorithm is the merge list of Sennrich et al. (arXiv 1508.07909), in the order that Hugging Face
/// tokenizers uses: the least rank first, the leftmost pair on a tie. Const calls may run in several threads
/// at once.
class bpe {
 public:
  /// Fails with `bad_merge` (and the row) when a merge names a token that is not there, with `unknown_token`
  /// when `unk` does.
  static result<bpe> make(token_table tokens, std::vector<merge> merges, bpe_options options = {}) {
    for (std::size_t row = 0; row < merges.size(); ++row) {
      const merge& m = merges[row];
      if (!tokens.contains(m.left) || !tokens.contains(m.right) || !tokens.contains(m.result)) {
        return failure{.code = errc::bad_merge, .row = row};
      }
    }
    if (options.unk != no_token && !tokens.contains(options.unk)) {
      return failure{.code = errc::unknown_token, .key = "unk"};
    }
    bpe out;
    out.tokens_ = std::move(tokens);
    out.merges_ = std::move(merges);
    out.options_ = std::move(options);
    out.table_ = merge_table(out.merges_);
    out.spells_plainly_ = out.options_.continuing_prefix.empty() && out.options_.end_suffix.empty();
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (unsigned b = 0; b < 256; ++b) {
      const char name[] = {'<', '0', 'x', hex[b / 16], hex[b % 16], '>'};
      out.fallback_[b] = out.options_.byte_fallback ? out.tokens_.find({name, sizeof name}) : no_token;
      const char byte = static_cast<char>(static_cast<unsigned char>(b));
      for (unsigned place = 0; place < places; ++place) {
        out.byte_tokens_[place][b] = out.tokens_.find(out.spelling({&byte, 1}, place));
      }
    }
    out.prepare();
    return out;
  }

  /// Calls `sink(token)` for every token of the piece, in order. A piece of characters should be UTF-8; an
  /// ill-formed sequence in it is one unit. O(n log n); pieces of up to 64 units need no heap.
  template <std::invocable<token_id> Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    if (piece.empty()) return;
    if (const token_id whole = words_.find(tokens_, piece); whole != no_token) {
      sink(whole);
      return;
    }
    short_list<token_id, detail::short_piece> ids;
    const auto merged = [&] {
      const std::size_t n = apply_merges(table_, units_, ids.all());
      for (const token_id t : ids.all().first(n)) sink(t);
      ids.clear();
    };
    cut(piece, [&](token_id t) { ids.push_back(t); }, merged);
    merged();
  }

  /// Encodes several pieces, faster than one after the other: calls `give(i, tokens)` once for each, in any
  /// order.
  template <class Give>
  void encode_pieces(std::span<const std::string_view> pieces, Give&& give) const {
    for (const std::string_view piece : pieces) words_.prefetch(piece);
    detail::merge_lanes lanes(table_, units_);
    short_list<token_id, detail::short_piece> ids;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::string_view piece = pieces[i];
      if (const token_id whole = words_.find(tokens_, piece); whole != no_token) {
        give(i, std::span<const token_id>(&whole, 1));
        continue;
      }
      ids.clear();
      const bool is_short = piece.size() <= detail::short_piece;
      if (is_short) cut(piece, [&](token_id t) { ids.push_back(t); }, [] {});
      if (is_short && lanes.can_take(ids.size())) {
        lanes.add(i, ids.all());
        if (lanes.full()) lanes.run(give);
        continue;
      }
      ids.clear();
      encode_piece(piece, [&](token_id t) { ids.push_back(t); });
      give(i, std::span<const token_id>(ids.all()));
    }
    lanes.run(give);
  }

  /// Calls `part(begin, end)` for parts of a piece that are encoded by themselves, as if they were pieces:
  /// words, where the vocabulary lets spaces (or their mark U+2581) be inside of no token after anything else
  /// than another space. One part where it does not.
  template <class Part>
  void cut_words(std::string_view piece, Part&& part) const {
    word_cuts_(piece, part);
  }

  /// The whole text as one piece.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    encode_piece(text, sink);
  }

  /// The token's text in the model: its bytes, or its spelling where units are characters.
  [[nodiscard]] std::string_view bytes_of(token_id token) const noexcept { return tokens_[token]; }

  /// One more than the largest token id.
  [[nodiscard]] index_t size() const noexcept { return tokens_.size(); }

  [[nodiscard]] const token_table& tokens() const noexcept { return tokens_; }
  [[nodiscard]] std::span<const merge> merges() const noexcept { return merges_; }
  [[nodiscard]] const bpe_options& options() const noexcept { return options_; }

  /// Whether no text can hold an unknown unit: each of the 256 bytes is a token, wherever it stands, or falls
  /// back to one.
  [[nodiscard]] bool knows_every_byte() const noexcept {
    for (unsigned b = 0; b < 256; ++b) {
      if (fallback_[b] != no_token) continue;
      for (unsigned place = 0; place < places; ++place) {
        if (options_.unit == bpe_unit::character || byte_tokens_[place][b] == no_token) return false;
      }
    }
    return true;
  }

 private:
  // Where a unit stands in its piece decides how it is spelled.
  static constexpr unsigned continues = 1, ends = 2, places = 4;

  bpe() = default;

  [[nodiscard]] std::string spelling(std::string_view unit, unsigned place) const {
    std::string out;
    if ((place & continues) != 0) out += options_.continuing_prefix;
    out += unit;
    if ((place & ends) != 0) out += options_.end_suffix;
    return out;
  }

  static std::size_t row(token_id id) noexcept { return static_cast<std::size_t>(id); }

  /// What encoding looks up, from the vocabulary.
  void prepare() {
    const auto count = static_cast<std::size_t>(tokens_.size());
    chars_ = char_tokens(tokens_);
    known_bytes_ = options_.unit == bpe_unit::byte && spells_plainly_;
    for (const token_id id : byte_tokens_[0]) known_bytes_ = known_bytes_ && id != no_token;
    if (spells_plainly_) find_cuts();
    std::vector<std::uint8_t> is_unit(count), is_word(count);
    for (token_id id = 0; id < tokens_.size(); ++id) {
      const std::string_view text = tokens_[id];
      const bool is_char = options_.unit == bpe_unit::character && !text.empty();
      is_unit[row(id)] = text.size() == 1 || (is_char && decode_utf8(text, 0).length == text.size()) ? 1 : 0;
    }
    units_ = unit_ranks(table_, merges_, is_unit);
    for (token_id id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id].empty()) continue;
      if (options_.ignore_merges) {
        is_word[row(id)] = 1;
      } else if (spells_plainly_ && tokens_[id].size() <= longest_word) {
        int n = 0;
        token_id last = no_token;
        encode_piece(tokens_[id], [&](token_id t) {
          ++n;
          last = t;
        });
        is_word[row(id)] = n == 1 && last == id ? 1 : 0;
      }
    }
    words_ = word_table(tokens_, is_word);
  }

  void find_cuts() {
    const auto valid = [](std::string_view text) { return !text.empty() && is_utf8(text); };
    bool joins = true, by_char = options_.unit == bpe_unit::character && !options_.ignore_merges;
    mark_cuts marks[] = {mark_cuts("\xE2\x96\x81"), mark_cuts(" ")};
    bool safe[] = {true, true};
    cuts_ = safe_cuts(by_char ? merges_.size() : 0);
    for (const merge& m : merges_) {
      const std::string_view left = tokens_[m.left], right = tokens_[m.right], whole = tokens_[m.result];
      joins = joins && whole.size() == left.size() + right.size() && whole.substr(0, left.size()) == left &&
              whole.substr(left.size()) == right;
      by_char = by_char && valid(left) && valid(right);
      if (!joins) return;
      if (by_char) cuts_.join(left, right);
      for (std::size_t i = 0; i < 2; ++i) safe[i] = safe[i] && !marks[i].crossed_by(left, right);
    }
    cuts_by_char_ = by_char;
    // A unit that leaves no token would let what is around it meet.
    const bool keeps_all = options_.unk != no_token || knows_every_byte();
    for (std::size_t i = 0; i < 2; ++i) {
      const bool is_unit = options_.unit == bpe_unit::character || marks[i].mark().size() == 1;
      if (safe[i] && is_unit && keeps_all && !options_.ignore_merges &&
          tokens_.find(marks[i].mark()) != no_token) {
        word_cuts_ = marks[i];
        return;
      }
    }
  }

  /// Calls `push(token)` for the tokens of the units, and `boundary()` where what is before and what comes
  /// after never meet.
  template <class Push, class Boundary>
  void cut(std::string_view piece, Push push, Boundary boundary) const {
    if (known_bytes_) {
      for (const char c : piece) push(byte_tokens_[0][static_cast<unsigned char>(c)]);
      return;
    }
    const bool cuts = cuts_by_char_ && piece.size() > longest_word;
    bool unk_waits = false, after_known = false;
    char32_t before = 0;
    const auto flush = [&] {
      if (unk_waits) push(options_.unk);
      unk_waits = false;
    };
    for (std::size_t at = 0; at < piece.size();) {
      const bool bytes = options_.unit == bpe_unit::byte;
      const utf8_char c = bytes ? utf8_char{0, 1, false} : decode_utf8(piece, at);
      const std::size_t length = c.length;
      const unsigned place = (at > 0 ? continues : 0u) | (at + length == piece.size() ? ends : 0u);
      const std::string_view unit = piece.substr(at, length);
      at += length;
      const token_id known = length == 1        ? byte_tokens_[place][static_cast<unsigned char>(unit[0])]
                             : !spells_plainly_ ? tokens_.find(spelling(unit, place))
                             : c.well_formed    ? chars_[c.code]
                                                : tokens_.find(unit);
      if (known != no_token) {
        flush();
        if (cuts && after_known && c.well_formed && !cuts_.joined(before, c.code)) boundary();
        push(known);
      } else if (!(options_.byte_fallback && fall_back(unit, place, push)) && options_.unk != no_token) {
        // An unk is written when the next known unit comes, so byte tokens overtake one that waits.
        if (!options_.fuse_unk) flush();
        unk_waits = true;
      }
      after_known = known != no_token && c.well_formed;
      before = c.code;
    }
    flush();
  }

  template <class Push>
  bool fall_back(std::string_view unit, unsigned place, Push& push) const {
    const auto all = [&](std::string_view bytes) {
      for (const char c : bytes) {
        if (fallback_[static_cast<unsigned char>(c)] == no_token) return false;
      }
      for (const char c : bytes) push(fallback_[static_cast<unsigned char>(c)]);
      return true;
    };
    return spells_plainly_ ? all(unit) : all(spelling(unit, place));
  }

  token_table tokens_;
  std::vector<merge> merges_;
  bpe_options options_;
  merge_table table_;
  bool spells_plainly_ = true;
  static constexpr std::size_t longest_word = 64;
  word_table words_;  // tokens that their texts, as pieces, are encoded as
  unit_ranks units_;
  char_tokens chars_;
  safe_cuts cuts_;
  mark_cuts word_cuts_;
  bool cuts_by_char_ = false, known_bytes_ = false;
  std::array<token_id, 256> fallback_{};
  std::array<std::array<token_id, 256>, places> byte_tokens_{};
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
