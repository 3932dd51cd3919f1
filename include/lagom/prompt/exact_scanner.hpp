// SPDX-License-Identifier: MIT
/// @file prompt/exact_scanner.hpp
/// Finds the headers of a grammar in a stream where they stand exactly as the builder writes them.
#pragma once

#include "held_bytes.hpp"
#include "match_header.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A delimiter is `separator header header_end`, at the very beginning also without `separator`, or the grammar's
/// `closing`. Everything between two delimiters is content, byte for byte. What is kept back is the longest end of the
/// text that begins a delimiter: less than the longest one.
///
/// `feed` and `finish` call `out.content(text, offset)`, `out.header(section, deviation, begin, end)`, which gives
/// whether it counts (it is content where it does not), and `out.closing(end)` in the order of the text, wherever it is
/// cut. O(n) for headers of bounded length; where nothing is kept back, as fast as `memchr`.
/// Precondition: `scannable(grammar)`.
template <std::size_t N>
class exact_scanner {
 public:
  constexpr exact_scanner(const grammar<N>& g, matching) noexcept : grammar_(&g) {}

  [[nodiscard]] constexpr std::size_t held() const noexcept { return held_.size(); }

  /// The text goes on after a header that was written already. Before any `feed`.
  constexpr void begin_inside() noexcept { inside_ = true; }
  /// Bytes that the header of a section takes at least.
  [[nodiscard]] constexpr std::size_t least(std::size_t section) const noexcept {
    return size_of(section, false);
  }
  /// Whether the section would begin if the text ended here: never, a header that is read whole is not kept back.
  [[nodiscard]] constexpr bool about_to_open(std::size_t) const noexcept { return false; }

  template <class Out>
  constexpr void feed(std::string_view bytes, Out& out) {
    for (std::size_t i = 0; i < bytes.size();) {
      if (held_.size() == 0 && !at_begin()) {  // nothing begins here: on to the next byte that may begin one
        const std::size_t next = next_start(bytes, i);
        if (next > i) out.content(bytes.substr(i, next - i), offset_);
        offset_ += next - i;
        i = next;
        if (i == bytes.size()) return;
      }
      held_.push(bytes[i++]);
      settle(out);
    }
  }

  /// The text ends. Gives whether it ends within the header of a section that `awaited(section)` says is still to come;
  /// what is kept back is then no content.
  template <class Out, class Awaited>
  constexpr bool finish(Out& out, Awaited&& awaited) {
    const std::string_view rest = held_.view();
    for (std::size_t s = 0; s < N; ++s) {
      if (!awaited(s)) continue;
      if (at_begin() && !rest.empty() && begins(s, false, rest)) return true;
      if (rest.size() > grammar_->separator.size() && begins(s, true, rest)) return true;
    }
    release(rest.size(), out);
    return false;
  }

 private:
  // Whether a header may stand without a separator.
  [[nodiscard]] constexpr bool at_begin() const noexcept { return offset_ == 0 && !inside_; }
  // The delimiter of section `s`, as two parts in a row: the separator, absent at the beginning, and the rest.
  [[nodiscard]] constexpr char byte_of(std::size_t s, bool separated, std::size_t at) const noexcept {
    const std::string_view first = separated ? grammar_->separator : std::string_view{};
    if (at < first.size()) return first[at];
    at -= first.size();
    const std::string_view label = grammar_->sections[s].header.text;
    return at < label.size() ? label[at] : grammar_->header_end[at - label.size()];
  }
  [[nodiscard]] constexpr std::size_t size_of(std::size_t s, bool separated) const noexcept {
    return (separated ? grammar_->separator.size() : 0) + grammar_->sections[s].header.text.size() +
           grammar_->header_end.size();
  }
  [[nodiscard]] constexpr bool begins(std::size_t s, bool separated, std::string_view text) const noexcept {
    if (grammar_->sections[s].header.text.empty() || text.size() > size_of(s, separated)) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (byte_of(s, separated, i) != text[i]) return false;
    }
    return true;
  }
  // The next byte that may begin a delimiter.
  [[nodiscard]] constexpr std::size_t next_start(std::string_view bytes, std::size_t from) const noexcept {
    std::size_t next = bytes.size();
    const auto nearest = [&](std::string_view delimiter) {
      if (!delimiter.empty()) next = (std::min)(next, bytes.substr(0, next).find(delimiter.front(), from));
    };
    nearest(grammar_->separator);
    nearest(grammar_->closing);
    if (grammar_->separator.empty()) {
      for (const section& s : grammar_->sections) nearest(s.header.text);
    }
    return next;
  }

  // After a byte: a whole delimiter, the beginning of one, or content as far as none can begin.
  template <class Out>
  constexpr void settle(Out& out) {
    while (held_.size() > 0) {
      const std::string_view text = held_.view();
      bool partial = grammar_->closing.starts_with(text);
      if (partial && text == grammar_->closing) {
        out.closing(offset_ + text.size());
        offset_ += text.size();
        held_.clear();
        return;
      }
      bool refused = false;
      for (std::size_t s = 0; s < N && !refused; ++s) {
        for (const bool separated : {true, false}) {
          if ((!separated && !at_begin()) || !begins(s, separated, text)) continue;
          partial = true;
          if (text.size() < size_of(s, separated)) continue;
          refused = !out.header(s, deviation::none, offset_, offset_ + text.size());
          if (refused) break;  // content, but for what begins within it
          offset_ += text.size();
          held_.clear();
          return;
        }
      }
      if (partial && !refused) return;
      release(1, out);
    }
  }
  template <class Out>
  constexpr void release(std::size_t n, Out& out) {
    if (n == 0) return;
    out.content(held_.view().substr(0, n), offset_);
    offset_ += n;
    held_.drop_front(n);
  }

  const grammar<N>* grammar_;
  held_bytes held_{};
  std::size_t offset_ = 0;  // of the first byte kept back
  bool inside_ = false;     // what comes first is content
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
