// SPDX-License-Identifier: MIT
/// @file io/hf/cutter.hpp
/// From a text to added tokens and pieces for the model.
#pragma once

#include "../../vocab/word_cache.hpp"
#include "added_tokens.hpp"
#include "pre_tokenizer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

class hf_tokenizer;
namespace detail {
struct hf_cutter;
}

/// What encoding needs beside the tokenizer: room, and the words met before. One a thread; it serves one
/// tokenizer, and a caller who keeps it between texts saves its making and what it has learned.
class tokenizer_scratch {
  friend class hf_tokenizer;
  friend struct detail::hf_cutter;
  detail::hf_pieces pieces_;
  detail::hf_normalized normalized_;
  std::string text_, bytes_;
  std::vector<detail::hf_raw_bytes> raw_;
  std::vector<detail::hf_stretch> in_input_, in_normalized_;
  vocab::word_cache words_;
};

namespace detail {

/// What stands before the model: added tokens, normalizer, pre-tokenizer.
struct hf_cutter {
  const hf_normalizer& normalizer;
  const hf_pre_tokenizer& pre_tokenizer;
  const hf_added_tokens& added_tokens;
  bool plain = false;  ///< special tokens are not looked for

  /// Calls `added(token)` and `piece(text, readable)` for the parts of a text; from the begin of a piece on
  /// that many bytes may be read, until `passed()` is called, which is before the next added token and at the
  /// end.
  template <class Added, class Piece, class Passed>
  void operator()(std::string_view text, tokenizer_scratch& scratch, Added added, Piece piece,
                  Passed passed) const {
    std::vector<hf_raw_bytes>& raw = scratch.raw_;
    raw.clear();
    if (!is_utf8(text)) {
      scratch.text_.clear();
      replace_ill_formed(text, scratch.text_, raw);
      text = scratch.text_;
    }
    hf_matcher& matcher = scratch.pieces_.matcher;
    scratch.in_input_.clear();
    added_tokens.find_in(text, false, matcher, scratch.in_input_, plain);
    for (const hf_stretch& s : scratch.in_input_) {
      if (s.token != no_token) {
        added(s.token);
        continue;
      }
      std::string_view part = text.substr(s.begin, s.end - s.begin);
      std::size_t origin = s.begin == 0 ? decode_utf8(text, 0).length : 0;
      if (!normalizer.empty()) {
        hf_normalized& normalized = scratch.normalized_;
        normalized.text = part;
        normalized.origin = origin;
        normalizer(normalized, matcher);
        part = normalized.text;
        origin = normalized.origin;
      }
      scratch.in_normalized_.clear();
      added_tokens.find_in(part, true, matcher, scratch.in_normalized_, plain);
      for (const hf_stretch& t : scratch.in_normalized_) {
        if (t.token != no_token) {
          added(t.token);
          continue;
        }
        const std::string_view stretch = part.substr(t.begin, t.end - t.begin);
        if (raw.empty() && pre_tokenizer.only_cuts()) {
          pre_tokenizer.cut(stretch, matcher, scratch.bytes_, [&](std::string_view p, const char* end) {
            piece(p, static_cast<std::size_t>(end - p.data()));
          });
          passed();
          continue;
        }
        scratch.pieces_.reset(stretch, origin > t.begin ? origin - t.begin : 0);
        keep_raw(raw, s.begin + t.begin, s.begin + t.end, scratch.pieces_);
        pre_tokenizer(scratch.pieces_);
        hand_out(scratch.pieces_, scratch.bytes_, piece, passed);
      }
    }
  }

  /// Appends a text with U+FFFD for what is ill-formed; `raw` gets what was there, where it is to be kept.
  void replace_ill_formed(std::string_view text, std::string& out, std::vector<hf_raw_bytes>& raw) const {
    const bool keep = normalizer.empty() && pre_tokenizer.keeps_bytes();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t bad = find_ill_formed(text, at);
      out.append(text.substr(at, bad - at));
      if (bad == text.size()) return;
      const std::size_t length = decode_utf8(text, bad).length;
      if (keep) raw.push_back({out.size(), text.substr(bad, length)});
      append_utf8(out, 0xFFFD);
      at = bad + length;
    }
  }

  /// The ill-formed sequences between two offsets of the input.
  static void keep_raw(const std::vector<hf_raw_bytes>& raw, std::size_t begin, std::size_t end,
                       hf_pieces& pieces) {
    auto r = std::lower_bound(raw.begin(), raw.end(), begin,
                              [](const hf_raw_bytes& x, std::size_t at) { return x.at < at; });
    for (; r != raw.end() && r->at < end; ++r) pieces.raw.push_back({r->at - begin, r->bytes});
  }

 private:
  template <class Piece, class Passed>
  void hand_out(const hf_pieces& pieces, std::string& bytes, Piece& piece, Passed& passed) const {
    const bool as_they_are = !pre_tokenizer.spells_bytes() && pieces.raw.empty();
    for (const hf_piece& p : pieces.list) {
      std::string_view text = pieces.view(p);
      if (as_they_are) {
        piece(text, text.size());
        continue;
      }
      if (pre_tokenizer.spells_bytes()) {
        bytes = *vocab::bytes_of_letters(text);
      } else {
        bytes.clear();
        pieces.append_bytes(p, bytes);
      }
      piece(std::string_view(bytes), bytes.size());
      passed();
    }
    if (as_they_are) passed();
  }
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
