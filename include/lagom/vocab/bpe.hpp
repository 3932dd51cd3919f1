// SPDX-License-Identifier: MIT
/// @file vocab/bpe.hpp
/// Byte pair encoding by a list of merges: byte-level and character-level models.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "merge_loop.hpp"
#include "token_table.hpp"
#include "utf8.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// What a piece is cut into before merging.
enum class bpe_unit : std::uint8_t { byte, character };

/// How a model encodes what its vocabulary lacks, and what it looks up.
struct bpe_options {
  bpe_unit unit = bpe_unit::byte;
  bool ignore_merges = false;  ///< a piece that is a token is that token, whatever the merges say
  bool byte_fallback = false;  ///< an unknown unit becomes the tokens `<0x00>` ... of its bytes, if all exist
  token_id unk = no_token;     ///< what else an unknown unit becomes; without it, it is left out
  bool fuse_unk = false;       ///< one `unk` for unknown units in a row
  std::string continuing_prefix{};  ///< spelled before every unit but the first of a piece, as in "##"
  std::string end_suffix{};         ///< spelled after the last unit of a piece, as in "</w>"
};

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
    return out;
  }

  /// Calls `sink(token)` for every token of the piece, in order. A piece of characters should be UTF-8; an
  /// ill-formed sequence in it is one unit. O(n log n); pieces of up to 48 bytes need no heap.
  template <std::invocable<token_id> Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    if (piece.empty()) return;
    if (options_.ignore_merges) {
      if (const token_id whole = tokens_.find(piece); whole != no_token) {
        sink(whole);
        return;
      }
    }
    if (spells_plainly_ && piece.size() <= detail::short_piece) {
      std::array<token_id, detail::short_piece> ids;
      std::size_t n = 0;
      cut(piece, [&](token_id t) { ids[n++] = t; });
      emit({ids.data(), n}, sink);
    } else {
      std::vector<token_id> ids;
      ids.reserve(piece.size());
      cut(piece, [&](token_id t) { ids.push_back(t); });
      emit(ids, sink);
    }
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

  template <class Push>
  void cut(std::string_view piece, Push push) const {
    bool unk_waits = false;
    const auto flush = [&] {
      if (unk_waits) push(options_.unk);
      unk_waits = false;
    };
    for (std::size_t at = 0; at < piece.size();) {
      const std::size_t length = options_.unit == bpe_unit::byte ? 1 : decode_utf8(piece, at).length;
      const unsigned place = (at > 0 ? continues : 0u) | (at + length == piece.size() ? ends : 0u);
      const std::string_view unit = piece.substr(at, length);
      at += length;
      const token_id known = length == 1       ? byte_tokens_[place][static_cast<unsigned char>(unit[0])]
                             : spells_plainly_ ? tokens_.find(unit)
                                               : tokens_.find(spelling(unit, place));
      if (known != no_token) {
        flush();
        push(known);
      } else if (!(options_.byte_fallback && fall_back(unit, place, push)) && options_.unk != no_token) {
        // An unk is written when the next known unit comes, so byte tokens overtake one that waits.
        if (!options_.fuse_unk) flush();
        unk_waits = true;
      }
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

  template <class Sink>
  void emit(std::span<token_id> ids, Sink& sink) const {
    const std::size_t n = apply_merges(table_, ids);
    for (std::size_t i = 0; i < n; ++i) sink(ids[i]);
  }

  token_table tokens_;
  std::vector<merge> merges_;
  bpe_options options_;
  merge_table table_;
  bool spells_plainly_ = true;
  std::array<token_id, 256> fallback_{};
  std::array<std::array<token_id, 256>, places> byte_tokens_{};
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
