// SPDX-License-Identifier: MIT
/// @file vocab/scored_bpe.hpp
/// Byte pair encoding by scores: SentencePiece's, where any two neighbours merge that make a piece.
#pragma once

#include <concepts>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "../core/math.hpp"
#include "../text/utf8.hpp"
#include "merge_loop.hpp"
#include "token_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A token of a scored BPE model.
struct scored_piece {
  std::string_view text{};
  float score = 0;      ///< of two pairs the one that makes the piece of the greater score merges first
  bool matches = true;  ///< whether texts are cut into it; the unknown and control tokens are not
  /// May be made on the way, and falls apart again in the end; a character is then unknown.
  bool unused = false;
};

/// A BPE model without a list of merges: a text begins as its characters, whether they are pieces or not; of
/// all neighbours whose texts together are a piece, those merge first that make the piece of the greatest
/// score, the leftmost on a tie (Kudo and Richardson, arXiv 1808.06226, section 3.1). A piece is reached over
/// any of its splits. It encodes what a pre-tokenizer leaves; it is a tokenizer itself, for which the whole
/// text is one piece.
///
/// All splits of all pieces are looked up when the model is made; encoding is `apply_merges`. Const calls may
/// run in several threads at once.
class scored_bpe {
 public:
  /// Pieces that texts are cut into have at most so many bytes.
  static constexpr std::size_t longest_piece = 1024;

  /// The id of a piece is its place. `unk` stands for characters that are no piece; without it they are left
  /// out, and characters in a row are one token. With `fallback`, 256 tokens, each of their bytes is a token
  /// instead. Fails, with the row, with `duplicate_key`, `empty` (a piece without a text), `too_large` (a
  /// piece that is too long, or an id) and `not_finite`; with `unknown_token` where `unk` or a fallback is no
  /// place in the list.
  static result<scored_bpe> make(std::span<const scored_piece> pieces, token_id unk,
                                 std::span<const token_id> fallback = {}) {
    if (pieces.size() > 0x3FFFFFFF) return failure{.code = errc::too_large, .key = "vocabulary"};
    const auto is_there = [&](token_id id) {
      return id >= 0 && static_cast<std::size_t>(id) < pieces.size();
    };
    if (unk != no_token && !is_there(unk)) return failure{.code = errc::unknown_token, .key = "unk"};
    if (!fallback.empty() && fallback.size() != 256)
      return failure{.code = errc::size_mismatch, .key = "fallback"};
    if (!std::all_of(fallback.begin(), fallback.end(), is_there)) {
      return failure{.code = errc::unknown_token, .key = "fallback"};
    }
    scored_bpe out;
    out.unk_ = unk;
    out.fallback_.assign(fallback.begin(), fallback.end());
    out.count_ = static_cast<token_id>(pieces.size());
    out.unused_.assign(pieces.size(), false);
    for (std::size_t row = 0; row < pieces.size(); ++row) {
      const scored_piece& p = pieces[row];
      const auto fail = [&](errc code) { return failure{.code = code, .key = "piece", .row = row}; };
      if (!p.matches) continue;
      if (!is_finite(&p.score)) return fail(errc::not_finite);
      if (p.text.empty()) return fail(errc::empty);
      if (p.text.size() > longest_piece) return fail(errc::too_large);
      if (auto ok = out.symbols_.add(static_cast<token_id>(row), p.text); !ok) return fail(ok.error().code);
      out.unused_[row] = p.unused;
      out.has_unused_ = out.has_unused_ || p.unused;
    }
    out.list_pairs(pieces);
    for (unsigned c = 0; c < 0x80; ++c) {
      const char byte = static_cast<char>(c);
      out.ascii_[c] = out.symbols_.find({&byte, 1});
    }
    return out;
  }

  /// Calls `sink(token)` for every token of the piece, in order. It should be UTF-8; an ill-formed sequence in
  /// it is one character. O(n log n); pieces of up to 48 bytes need no heap.
  template <std::invocable<token_id> Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    if (piece.empty()) return;
    if (piece.size() <= detail::short_piece && !has_unused_) {
      std::array<token_id, detail::short_piece> ids;
      std::size_t n = 0;
      for (std::size_t at = 0; at < piece.size();) ids[n++] = symbol_at(piece, at);
      emit(piece, {ids.data(), apply_merges(table_, {ids.data(), n})}, sink);
      return;
    }
    std::vector<token_id> ids;
    ids.reserve(piece.size());
    for (std::size_t at = 0; at < piece.size();) ids.push_back(symbol_at(piece, at));
    if (has_unused_) {
      merge_and_split(ids);
    } else {
      ids.resize(apply_merges(table_, ids));
    }
    emit(piece, ids, sink);
  }

  /// The whole text as one piece.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    encode_piece(text, sink);
  }

  /// The text of a piece that texts are cut into; empty for other tokens.
  [[nodiscard]] std::string_view bytes_of(token_id token) const noexcept {
    return token < count_ ? symbols_[token] : std::string_view{};
  }

  /// The piece with that text, of those that texts are cut into; `no_token` when there is none.
  [[nodiscard]] token_id find(std::string_view text) const noexcept {
    const token_id id = symbols_.find(text);
    return id < count_ ? id : no_token;
  }

  /// How many tokens there are.
  [[nodiscard]] index_t size() const noexcept { return count_; }

  /// By byte, the tokens that stand for the bytes of what is no piece; empty where there are none.
  [[nodiscard]] std::span<const token_id> fallback() const noexcept { return fallback_; }

 private:
  scored_bpe() = default;

  /// Characters of pieces that are no pieces themselves become symbols with ids above the pieces'.
  token_id symbol_of(std::string_view text, bool is_character) {
    token_id id = symbols_.find(text);
    if (id != no_token || !is_character) return id;
    id = count_ + others_;
    if (auto ok = symbols_.add(id, text); !ok) return no_token;
    ++others_;
    return id;
  }

  void list_pairs(std::span<const scored_piece> pieces) {
    std::vector<std::uint32_t> order;
    for (std::size_t row = 0; row < pieces.size(); ++row) {
      if (pieces[row].matches) order.push_back(static_cast<std::uint32_t>(row));
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return pieces[a].score > pieces[b].score; });
    std::vector<merge_table::entry> pairs;
    std::uint32_t rank = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::string_view text = pieces[order[i]].text;
      if (i > 0 && pieces[order[i]].score < pieces[order[i - 1]].score) ++rank;
      for (std::size_t at = decode_utf8(text, 0).length, last = 0; at < text.size();) {
        const std::size_t next = at + decode_utf8(text, at).length;
        const token_id left = symbol_of(text.substr(0, at), last == 0);
        if (left != no_token) {
          const token_id right = symbol_of(text.substr(at), next == text.size());
          if (right != no_token) pairs.push_back({left, right, rank, static_cast<token_id>(order[i])});
        }
        last = at;
        at = next;
      }
    }
    table_ = merge_table(pairs);
  }

  /// The symbol of the character at `at`, which moves on; one above all symbols for unknown characters.
  [[nodiscard]] token_id symbol_at(std::string_view text, std::size_t& at) const noexcept {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = byte < 0x80 ? 1 : decode_utf8(text, at).length;
    const token_id id = byte < 0x80 ? ascii_[byte] : symbols_.find(text.substr(at, length));
    at += length;
    return id == no_token ? count_ + others_ : id;
  }

  template <class Sink>
  void emit(std::string_view text, std::span<const token_id> ids, Sink& sink) const {
    bool unk_waits = false;
    std::size_t at = 0;
    for (const token_id id : ids) {
      const std::size_t length = id == count_ + others_ ? decode_utf8(text, at).length : symbols_[id].size();
      if (id < count_ && !unused_[static_cast<std::size_t>(id)]) {
        unk_waits = false;
        sink(id);
      } else if (!fallback_.empty()) {
        for (const char c : text.substr(at, length)) sink(fallback_[static_cast<unsigned char>(c)]);
      } else if (unk_ != no_token) {
        if (!unk_waits) sink(unk_);
        unk_waits = true;
      }
      at += length;
    }
  }

  /// The loop, remembering how each unused piece would have been made last: it falls apart that way, wherever
  /// it stands in the text.
  void merge_and_split(std::vector<token_id>& ids) const {
    constexpr std::uint32_t none = ~std::uint32_t{0};
    LAGOM_ASSERT(ids.size() < none);
    struct node {
      std::uint32_t previous, next, rank = merge_table::no_rank;
      token_id result = no_token;
    };
    std::unordered_map<token_id, std::pair<token_id, token_id>> parts;
    std::vector<node> nodes(ids.size());
    std::vector<std::uint64_t> heap;
    const auto look_up = [&](std::uint32_t at) {
      node& left = nodes[at];
      left.rank = merge_table::no_rank;
      if (left.next == none) return;
      const merge_table::entry& e = table_.find(ids[at], ids[left.next]);
      if (e.rank == merge_table::no_rank) return;
      left.rank = e.rank;
      left.result = e.result;
      if (unused_[static_cast<std::size_t>(e.result)]) parts[e.result] = {e.left, e.right};
      heap.push_back((std::uint64_t{e.rank} << 32) | at);
      std::push_heap(heap.begin(), heap.end(), std::greater<>{});
    };
    const auto count = static_cast<std::uint32_t>(ids.size());
    for (std::uint32_t i = 0; i < count; ++i) {
      nodes[i].previous = i == 0 ? none : i - 1;
      nodes[i].next = i + 1 == count ? none : i + 1;
    }
    for (std::uint32_t i = 0; i < count; ++i) look_up(i);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), std::greater<>{});
      const auto at = static_cast<std::uint32_t>(heap.back() & 0xFFFFFFFFu);
      const auto rank = static_cast<std::uint32_t>(heap.back() >> 32);
      heap.pop_back();
      node& left = nodes[at];
      if (left.rank != rank) continue;
      node& right = nodes[left.next];
      right.rank = merge_table::no_rank;
      ids[at] = left.result;
      left.next = right.next;
      if (left.next != none) nodes[left.next].previous = at;
      if (left.previous != none) look_up(left.previous);
      look_up(at);
    }
    std::vector<token_id> out, waiting;
    for (std::uint32_t i = 0; i != none; i = nodes[i].next) {
      waiting.assign(1, ids[i]);
      while (!waiting.empty()) {
        const token_id id = waiting.back();
        waiting.pop_back();
        const auto split =
            id < count_ && unused_[static_cast<std::size_t>(id)] ? parts.find(id) : parts.end();
        if (split == parts.end()) {
          out.push_back(id);
        } else {
          waiting.push_back(split->second.second);
          waiting.push_back(split->second.first);
        }
      }
    }
    ids.swap(out);
  }

  token_table symbols_;
  merge_table table_;
  std::vector<token_id> fallback_;
  std::vector<bool> unused_;
  std::array<token_id, 128> ascii_{};
  token_id unk_ = no_token, count_ = 0, others_ = 0;
  bool has_unused_ = false;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
