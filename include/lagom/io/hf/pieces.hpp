// SPDX-License-Identifier: MIT
/// @file io/hf/pieces.hpp
/// A text on its way through a tokenizer: cut into pieces, some of them already tokens.
#pragma once

#include "pattern.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A part of a text.
struct hf_piece {
  std::size_t begin = 0, end = 0;
  std::size_t origin = 0;  ///< bytes at its begin that come from the first character of the whole input
};

/// An ill-formed sequence of the input: where U+FFFD stands for it, and its bytes.
struct hf_raw_bytes {
  std::size_t at;
  std::string_view bytes;
};

/// The pieces of one stretch of text, and the room to make the next ones.
struct hf_pieces {
  std::string_view text;  ///< of which the pieces are parts
  std::vector<hf_piece> list;
  std::vector<hf_raw_bytes> raw;  ///< in order; only where bytes must survive
  hf_matcher matcher;

  [[nodiscard]] std::string_view view(const hf_piece& p) const {
    return text.substr(p.begin, p.end - p.begin);
  }

  /// Starts with one piece: all of `whole`.
  void reset(std::string_view whole, std::size_t origin) {
    text = whole;
    list.assign(whole.empty() ? 0 : 1, {0, whole.size(), origin});
    raw.clear();
  }

  /// Appends the input's bytes that a piece stands for.
  void append_bytes(const hf_piece& p, std::string& out) const {
    std::size_t done = p.begin;
    for (auto r = first_raw(p.begin); r != raw.end() && r->at < p.end; ++r) {
      out.append(text.substr(done, r->at - done)).append(r->bytes);
      done = r->at + replacement_size;
    }
    out.append(text.substr(done, p.end - done));
  }

  /// Replaces the text: `write(piece, out)` appends what a piece becomes and returns its new origin; what
  /// becomes empty is gone.
  template <class Write>
  void rewrite(Write write) {
    std::string& out = spare_[spare_used_ ^= 1u];
    out.clear();
    next_.clear();
    for (const hf_piece& p : list) {
      const std::size_t begin = out.size();
      const std::size_t origin = write(p, out);
      if (out.size() > begin) next_.push_back({begin, out.size(), origin});
    }
    text = out;
    list.swap(next_);
  }

  /// Puts a space before every piece that does not begin with one.
  void prefix_space() {
    std::vector<hf_raw_bytes> moved;
    rewrite([&](const hf_piece& p, std::string& out) {
      const bool added = text[p.begin] != ' ';
      if (added) out += ' ';
      for (auto r = first_raw(p.begin); r != raw.end() && r->at < p.end; ++r) {
        moved.push_back({out.size() + r->at - p.begin, r->bytes});
      }
      out += view(p);
      return added && p.origin > 0 ? p.origin + 1 : p.origin;
    });
    raw.swap(moved);
  }

  /// Replaces every piece by parts of it: `cut(piece, part)` calls `part(begin, end)`, offsets in the text.
  template <class Cut>
  void divide(Cut cut) {
    next_.clear();
    for (const hf_piece& p : list) {
      cut(p, [&](std::size_t begin, std::size_t end) {
        if (begin == end) return;
        const std::size_t origin_end = p.begin + p.origin;
        next_.push_back({begin, end, origin_end > begin ? origin_end - begin : 0});
      });
    }
    list.swap(next_);
  }

 private:
  static constexpr std::size_t replacement_size = 3;  // of U+FFFD

  [[nodiscard]] std::vector<hf_raw_bytes>::const_iterator first_raw(std::size_t from) const {
    return std::lower_bound(raw.begin(), raw.end(), from,
                            [](const hf_raw_bytes& r, std::size_t at) { return r.at < at; });
  }

  std::vector<hf_piece> next_;
  std::string spare_[2];
  unsigned spare_used_ = 0;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
