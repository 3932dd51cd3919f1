// SPDX-License-Identifier: MIT
/// @file io/hf/aligned_pieces.hpp
/// Pieces on their way through a pre-tokenizer that remember where they come from.
#pragma once

#include "aligned_text.hpp"
#include "pre_tokenizer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Pieces and, for each byte of their text, the character of the input that it comes from.
struct hf_aligned_pieces {
  hf_pieces pieces;
  std::vector<hf_extent> from;

  /// Starts with one piece.
  void reset(std::string_view whole, const hf_extent* extents) {
    from.assign(extents, extents + whole.size());
    std::size_t origin = 0;
    while (origin < whole.size() && from[origin].begin == 0) ++origin;
    pieces.reset(whole, origin);
  }

  void apply(const hf_splitter& step) { step(pieces); }
  void apply(const hf_fixed_length& step) { step(pieces); }

  void apply(const hf_byte_level& step) {
    if (step.prefix_space) {
      rewrite([&] { pieces.prefix_space(); },
              [&](const hf_piece& old, const hf_piece& now) {
                next_.insert(next_.end(), (now.end - now.begin) - (old.end - old.begin), from[old.begin]);
                copy(old.begin, old.end);
              });
    }
    if (step.split) (*step.split)(pieces);
    if (!step.spell) return;
    std::string letters;
    std::vector<hf_extent> extents;
    next_.clear();
    pieces.rewrite([&](const hf_piece& p, std::string& out) {
      spell(p, letters, extents);
      out += letters;
      next_.insert(next_.end(), extents.begin(), extents.end());
      return std::size_t{0};
    });
    from.swap(next_);
    pieces.raw.clear();
  }

  void apply(const hf_metaspace& step) {
    std::string before(pieces.text);
    rewrite([&] { step.put_marks(pieces); },
            [&](const hf_piece& old, const hf_piece& now) {
              const std::size_t grown = now.end - now.begin;
              std::size_t expected = old.end - old.begin;
              for (std::size_t i = old.begin; i < old.end; ++i)
                expected += before[i] == ' ' ? step.mark.size() - 1 : 0;
              next_.insert(next_.end(), grown - expected, from[old.begin]);
              for (std::size_t i = old.begin; i < old.end; ++i) {
                next_.insert(next_.end(), before[i] == ' ' ? step.mark.size() : 1, from[i]);
              }
            });
    if (step.split) (*step.split)(pieces);
  }

  /// A piece's bytes as letters, with an extent a byte of these.
  void spell(const hf_piece& p, std::string& letters, std::vector<hf_extent>& extents) {
    std::string bytes;
    letters.clear();
    extents.clear();
    for (std::size_t at = p.begin; at < p.end;) {
      const std::size_t end = at + decode_utf8(pieces.text, at).length;
      bytes.clear();
      pieces.append_bytes({at, end, 0}, bytes);
      vocab::append_letters(letters, bytes);
      extents.resize(letters.size(), from[at]);
      at = end;
    }
  }

 private:
  /// Changes the text, each piece for itself, and `trace(old, now)` appends the extents of a new piece.
  template <class Change, class Trace>
  void rewrite(Change change, Trace trace) {
    const std::vector<hf_piece> old = pieces.list;
    change();
    next_.clear();
    for (std::size_t i = 0; i < old.size(); ++i) trace(old[i], pieces.list[i]);
    from.swap(next_);
  }
  void copy(std::size_t begin, std::size_t end) {
    next_.insert(next_.end(), from.begin() + static_cast<std::ptrdiff_t>(begin),
                 from.begin() + static_cast<std::ptrdiff_t>(end));
  }

  std::vector<hf_extent> next_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
