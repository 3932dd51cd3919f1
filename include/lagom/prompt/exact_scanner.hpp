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
/// cut. O(n) for headers of bounded length; between delimiters as fast as `memchr`.
/// Precondition: `scannable(grammar)`.
template <std::size_t N>
class exact_scanner {
 public:
  constexpr exact_scanner(const grammar<N>& g, matching) noexcept : grammar_(&g), longest_(g.closing.size()) {
    for (std::size_t s = 0; s < N; ++s) longest_ = (std::max)(longest_, size_of(s, true));
  }

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
    next_bytes starts;
    for (std::size_t i = 0; i < bytes.size();) {
      if (held_.size() == 0 &&
          (!at_begin() || bytes.size() - i >= longest_)) {  // on to what may be kept back
        i = pass(bytes, i, starts, out);
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
  [[nodiscard]] constexpr std::size_t size_of(std::size_t s, bool separated) const noexcept {
    return (separated ? grammar_->separator.size() : 0) + grammar_->sections[s].header.text.size() +
           grammar_->header_end.size();
  }
  // Whether `text` begins the delimiter of section `s`, which at the beginning has no separator.
  [[nodiscard]] constexpr bool begins(std::size_t s, bool separated, std::string_view text) const noexcept {
    const std::string_view label = grammar_->sections[s].header.text;
    if (label.empty()) return false;
    for (const std::string_view part : {separated ? grammar_->separator : "", label, grammar_->header_end}) {
      const std::size_t n = (std::min)(part.size(), text.size());
      if (text.substr(0, n) != part.substr(0, n)) return false;
      text.remove_prefix(n);
    }
    return text.empty();
  }
  // Where the first bytes of delimiters come next in a piece of text, each looked for once.
  class next_bytes {
   public:
    constexpr std::size_t find(std::string_view bytes, std::size_t from, std::size_t which, char first) {
      std::size_t& at = at_[which];
      if (!known_[which] || at < from) at = (std::min)(bytes.find(first, from), bytes.size());
      known_[which] = true;
      return at;
    }

   private:
    std::array<std::size_t, N + 2> at_{};
    std::array<bool, N + 2> known_{};
  };
  // The next byte that may begin a delimiter.
  [[nodiscard]] constexpr std::size_t next_start(std::string_view bytes, std::size_t from,
                                                 next_bytes& starts) const noexcept {
    std::size_t next = bytes.size();
    const auto nearest = [&](std::string_view mark, std::size_t which) {
      if (!mark.empty()) next = (std::min)(next, starts.find(bytes, from, which, mark.front()));
    };
    nearest(grammar_->separator, N);
    nearest(grammar_->closing, N + 1);
    if (grammar_->separator.empty()) {
      for (std::size_t s = 0; s < N; ++s) nearest(grammar_->sections[s].header.text, s);
    }
    return next;
  }

  // Reads on as long as delimiters are all at hand or are none, and gives where the next one may begin.
  template <class Out>
  constexpr std::size_t pass(std::string_view bytes, std::size_t from, next_bytes& starts, Out& out) {
    const auto content_to = [&](std::size_t end) {
      if (end > from) out.content(bytes.substr(from, end - from), offset_);
      offset_ += end - from;
      from = end;
    };
    std::size_t next = at_begin() ? from : next_start(bytes, from, starts);
    while (bytes.size() - next >= longest_) {
      const bool first = at_begin() && next == from;
      const auto [s, size] = delimiter_of(bytes.substr(next), first);
      if (s > N) {  // no delimiter
        next = next_start(bytes, next + 1, starts);
        continue;
      }
      content_to(next);
      if (s == N) {
        out.closing(offset_ + size);
      } else if (!out.header(s, deviation::none, offset_, offset_ + size)) {
        next = next_start(bytes, next + 1, starts);  // content, but for what begins within it
        continue;
      }
      offset_ += size;
      from += size;
      next = next_start(bytes, from, starts);
    }
    content_to(next);
    return next;
  }
  // The delimiter that a text begins with: a section, `N` for the closing mark, more for none; and its size. `first`: at
  // the beginning, where a header needs no separator.
  struct delimiter {
    std::size_t section, size;
  };
  [[nodiscard]] constexpr delimiter delimiter_of(std::string_view text, bool first) const noexcept {
    const std::string_view closing = grammar_->closing, separator = grammar_->separator;
    if (!closing.empty() && text.starts_with(closing)) return {N, closing.size()};
    for (const bool separated : {true, false}) {
      if (separated ? !text.starts_with(separator) : !first) continue;
      for (std::size_t s = 0; s < N; ++s) {
        const std::size_t size = size_of(s, separated);
        if (begins(s, separated, text.substr(0, size))) return {s, size};
      }
    }
    return {N + 1, 0};
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
      const std::string_view separator = grammar_->separator;
      const bool within = !at_begin() && text.size() <= separator.size();  // no section can be told yet
      partial = partial || (within && separator.starts_with(text));
      for (std::size_t s = 0; s < N && !within && !refused; ++s) {
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
  std::size_t longest_;  // of the delimiters
  held_bytes held_{};
  std::size_t offset_ = 0;  // of the first byte kept back
  bool inside_ = false;     // what comes first is content
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
