// SPDX-License-Identifier: MIT
/// @file prompt/tolerant_scanner.hpp
/// Finds the headers of a grammar in a stream where they begin a line, spelled as tolerantly as asked.
#pragma once

#include "closing_watch.hpp"
#include "match_header.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A header counts where it begins a line (blanks before it allowed) and a line end, a blank or the end of the text
/// follows it. White space around contents belongs to the delimiters, up to 64 bytes before a header; what exceeds
/// this is content. The grammar's `closing` counts wherever it stands, white space around it or not. Kept back are
/// white space, a line as long as it may become a header and the beginning of a closing mark: 255 bytes at most, 479
/// with a closing mark. A header that takes more than 191 bytes as it is spelled is content.
///
/// Calls and cost as of `exact_scanner`. Precondition: `scannable(grammar)`.
template <std::size_t N>
class tolerant_scanner {
 public:
  constexpr tolerant_scanner(const grammar<N>& g, matching level) noexcept
      : grammar_(&g), level_(level), closing_(g.closing) {}

  [[nodiscard]] constexpr std::size_t held() const noexcept { return held_.size() + closing_.held(); }

  /// The text goes on after a header that was written already. Before any `feed`.
  constexpr void begin_inside() noexcept { line_start_ = grammar_->header_end.ends_with('\n'); }
  /// Bytes that the header of a section takes at least.
  [[nodiscard]] constexpr std::size_t least(std::size_t section) const noexcept {
    return least_bytes(grammar_->sections[section].header, level_);
  }
  /// Whether the section would begin if the text ended here.
  [[nodiscard]] constexpr bool about_to_open(std::size_t section) const noexcept {
    return phase_ == phase::line &&
           match_header(held_.view().substr(label_), grammar_->sections[section].header, level_, false).is ==
               header_match::state::full;
  }

  template <class Out>
  constexpr void feed(std::string_view bytes, Out& out) {
    for (std::size_t i = 0; i < bytes.size();) {
      if (phase_ == phase::text) {
        i = pass_text(bytes, i, out);
        continue;
      }
      const char byte = bytes[i];
      if (phase_ == phase::lead && is_space(byte)) {
        line_start_ = line_start_ || byte == '\n';
        indented_ = byte == ' ' || byte == '\t' || (byte == '\r' && indented_);
        ++offset_;
        ++i;
      } else if (phase_ == phase::gap && is_space(byte)) {
        push_space(byte, out);
        ++i;
      } else if (phase_ == phase::line) {
        if (held_.size() == label_) {
          const std::size_t read = read_header(bytes.substr(i), out);
          i += read;
          if (read > 0) continue;
        }
        if (!grow_line(byte, out)) continue;  // the line is content; the byte is looked at again
        ++i;
      } else if (line_start_) {
        phase_ = phase::line;
        label_ = held_.size();
        candidates_ = 0xFFFF;
      } else {
        release(held_.size(), out);
        phase_ = phase::text;
      }
    }
  }

  /// As `exact_scanner::finish`.
  template <class Out, class Awaited>
  constexpr bool finish(Out& out, Awaited&& awaited) {
    const bool within = finish_line(out, awaited);
    closing_.flush(out, true);
    held_.clear();
    return within;
  }

 private:
  template <class Out, class Awaited>
  constexpr bool finish_line(Out& out, Awaited&& awaited) {
    if (phase_ != phase::line) return false;
    const std::string_view line = held_.view().substr(label_);
    bool within = false;
    for (std::size_t s = 0; s < N; ++s) {
      if (grammar_->sections[s].header.text.empty()) continue;
      const header_match m = match_header(line, grammar_->sections[s].header, level_, false);
      if (m.is == header_match::state::full) {
        found(s, m, m.length, {}, out);
        return false;
      }
      within = within || (m.is == header_match::state::partial && awaited(s));
    }
    if (within) return true;
    release(held_.size() - trailing_space(held_.view()), out);
    return false;
  }

  enum class phase : std::uint8_t {
    lead,  // white space before a content: dropped
    text,  // within a line of content
    gap,   // white space after content: kept back
    line,  // a line that may become a header: kept back
  };
  static constexpr std::size_t space_limit = 64;

  [[nodiscard]] static constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
  }
  [[nodiscard]] static constexpr std::size_t trailing_space(std::string_view text) noexcept {
    std::size_t n = 0;
    while (n < text.size() && is_space(text[text.size() - 1 - n])) ++n;
    return n;
  }

  // Content up to the white space before the next line end, or before the end of `bytes`.
  template <class Out>
  constexpr std::size_t pass_text(std::string_view bytes, std::size_t from, Out& out) {
    std::size_t end = bytes.find('\n', from);
    if (end == std::string_view::npos) end = bytes.size();
    end -= trailing_space(bytes.substr(from, end - from));
    if (end > from) {
      closing_.pass(bytes.substr(from, end - from), offset_, out);
      offset_ += end - from;
    }
    if (end < bytes.size()) {
      phase_ = phase::gap;
      line_start_ = false;
    }
    return end;
  }

  template <class Out>
  constexpr void push_space(char byte, Out& out) {
    if (held_.size() >= space_limit) release(held_.size() - space_limit + 1, out);
    held_.push(byte);
    line_start_ = line_start_ || byte == '\n';
  }

  // What counts as the end of a header, if `rest` begins with it.
  [[nodiscard]] static constexpr std::string_view end_of_header(std::string_view rest) noexcept {
    for (const std::string_view after : {"\n", "\r\n", " ", "\t", "\u3000"}) {
      if (rest.starts_with(after)) return after;
    }
    return {};
  }
  // Reads a header that is all at hand and spelled as in the grammar, where a line begins; gives its bytes, or 0.
  template <class Out>
  constexpr std::size_t read_header(std::string_view bytes, Out& out) {
    for (std::size_t s = 0; s < N; ++s) {
      const std::string_view label = grammar_->sections[s].header.text;
      if (!bytes.starts_with(label)) continue;
      const std::string_view after = end_of_header(bytes.substr(label.size()));
      const header_match m = match_header(bytes.substr(0, label.size() + after.size()),
                                          grammar_->sections[s].header, level_, false);
      if (after.empty() || m.length != label.size()) return 0;
      for (const char byte : label) held_.push(byte);
      for (const char byte : after) held_.push(byte);
      found(s, m, held_.size() - label_, after, out);
      return label.size() + after.size();
    }
    return 0;
  }

  // One more byte of a line that may become a header. False when it is none, and the line has been released.
  template <class Out>
  constexpr bool grow_line(char byte, Out& out) {
    if (held_.full()) return end_line(out);
    held_.push(byte);
    const std::string_view line = held_.view().substr(label_);
    bool partial = false;
    for (std::size_t s = 0; s < N; ++s) {
      if (((candidates_ >> s) & 1u) == 0) continue;
      const header_match m = match_header(line, grammar_->sections[s].header, level_, false);
      if (m.is == header_match::state::full) {
        const std::string_view after = line.substr(m.length);
        if (!after.empty() && after == end_of_header(after)) {
          found(s, m, line.size(), after, out);
          return true;
        }
        if (std::string_view("\r").starts_with(after) || std::string_view("\u3000").starts_with(after))
          partial = true;
        else
          drop_candidate(s);
      } else if (m.is == header_match::state::partial) {
        partial = true;
      } else {
        drop_candidate(s);
      }
    }
    if (partial) return true;
    held_.pop();
    return end_line(out);
  }

  // No longer line begins with this section's header.
  constexpr void drop_candidate(std::size_t s) noexcept { candidates_ &= ~(1u << s); }

  // What is kept back is content; white space at its end is a gap.
  template <class Out>
  constexpr bool end_line(Out& out) {
    release(held_.size() - trailing_space(held_.view().substr(label_)), out);
    phase_ = held_.size() > 0 ? phase::gap : phase::text;
    line_start_ = false;
    return false;
  }

  // A header of `length` bytes, with what follows it, at `label_`.
  template <class Out>
  constexpr void found(std::size_t s, header_match m, std::size_t length, std::string_view after, Out& out) {
    const std::string_view before = held_.view().substr(0, label_);
    if (!before.empty() && before != grammar_->separator) m.tolerated |= deviation::separator;
    if (before.empty() ? indented_ : before.back() == ' ' || before.back() == '\t')
      m.tolerated |= deviation::indent;
    if (!after.empty() && after != grammar_->header_end) m.tolerated |= deviation::header_end;
    const bool line_over = !after.empty() && after.back() == '\n';
    closing_.flush(out, false);
    if (!out.header(s, m.tolerated, offset_, offset_ + label_ + length)) {
      end_line(out);
      line_start_ = line_over;
      return;
    }
    offset_ += label_ + length;
    phase_ = phase::lead;
    line_start_ = line_over;
    indented_ = false;
    held_.clear();
    label_ = 0;
  }

  template <class Out>
  constexpr void release(std::size_t n, Out& out) {
    if (n == 0) return;
    closing_.pass(held_.view().substr(0, n), offset_, out);
    offset_ += n;
    held_.drop_front(n);
  }

  const grammar<N>* grammar_;
  matching level_;
  closing_watch closing_;
  phase phase_ = phase::lead;
  bool line_start_ = true, indented_ = false;
  held_bytes held_{};
  std::size_t label_ = 0;         // where in the bytes kept back the line begins, after its indent
  std::uint32_t candidates_ = 0;  // the sections whose headers the line may still become
  std::size_t offset_ = 0;        // of the first byte kept back
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
