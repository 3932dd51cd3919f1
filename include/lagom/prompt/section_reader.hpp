// SPDX-License-Identifier: MIT
/// @file prompt/section_reader.hpp
/// Reads an answer in sections while it is generated.
#pragma once

#include "../config.hpp"
#include "exact_scanner.hpp"
#include "scannable.hpp"
#include "sections_found.hpp"
#include "tolerant_scanner.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What happens to a section; `section == N` is the preamble before the first header.
struct section_event {
  enum class kind : std::uint8_t {
    open,   ///< its header has been read
    chunk,  ///< some of its content; ends between characters unless the text is ill-formed
    close,  ///< its content is over
  };
  kind what{};
  std::size_t section = 0;
  bool repeated = false;   ///< a header that was read before: its content is not the section's
  std::string_view text;   ///< of a chunk; valid during the call
  std::size_t offset = 0;  ///< where it begins in the whole text

  friend constexpr bool operator==(const section_event&, const section_event&) = default;
};

/// What may be said of an answer so far.
enum class verdict : std::uint8_t {
  need_more,    ///< the target section has not begun
  target_open,  ///< what comes now is the answer
  done,         ///< the target section is over
  unreachable,  ///< the bytes that are left do not suffice to begin the target section
  over_budget,  ///< the target section is open and the bytes are used up
  looping,      ///< the text repeats itself: said by `watched_reader` alone
};

/// The streaming parser of a grammar: the same sections, to the byte, wherever the text is cut. The state is a plain
/// value; nothing is allocated. O(n) in total. `held()` bytes are kept back: at the exact level the longest end of the
/// text that begins a delimiter, else what `tolerant_scanner` says; and of a character that is not whole, its first
/// bytes. Sees the grammar, which has to outlive it.
///
/// ```cpp
/// lagom::prompt::tolerant_reader reader(grammar, lagom::prompt::matching::nfc);
/// while (engine.next(piece)) {
///   auto now = reader.feed(piece, [](const section_event& e) { ... });
///   if (now == verdict::done || now == verdict::unreachable) break;
/// }
/// reader.finish(sink);
/// use(reader.found());
/// ```
template <std::size_t N, class Scanner>
class basic_section_reader {
 public:
  /// `budget`: bytes that the answer may have; 0 for no limit. Precondition: `scannable(g)`.
  constexpr explicit basic_section_reader(const grammar<N>& g, matching level = matching::exact,
                                          std::size_t budget = 0)
      : grammar_(&g), scanner_(g, level), budget_(budget) {
    LAGOM_ASSERT(scannable(g));
  }
  basic_section_reader(const grammar<N>&& temporary, matching = {}, std::size_t = 0) = delete;

  /// The prompt ended with this section's header and `header_end`: what comes first is its content, and the sections
  /// before it are the prompt's. No event is given. Before any `feed`.
  constexpr void prefill(std::size_t section) noexcept {
    scanner_.begin_inside();
    found_.sections[section].count = 1;
    found_.first = found_.last = found_.prefilled = section;
    now_ = section;
  }

  template <class Sink>
  constexpr verdict feed(std::string_view bytes, Sink&& sink) {
    output<Sink> out{*this, sink};
    scanner_.feed(bytes, out);
    fed_ += bytes.size();
    return verdict_now();
  }

  /// The text is over. What is known of it is then in `found()`.
  template <class Sink>
  constexpr verdict finish(Sink&& sink) {
    output<Sink> out{*this, sink};
    const bool cut = scanner_.finish(
        out, [this](std::size_t s) { return found_.sections[s].count == 0 && !reached(grammar_->target); });
    close(sink);
    found_.cut_in_header = cut;
    finished_ = true;
    return verdict_now();
  }

  [[nodiscard]] constexpr verdict verdict_now() const noexcept {
    const bool open = reached(grammar_->target);
    if (open && (finished_ || repeated_ || now_ != grammar_->target)) return verdict::done;
    if (open) return budget_ > 0 && fed_ >= budget_ ? verdict::over_budget : verdict::target_open;
    if (finished_) return verdict::unreachable;
    if (budget_ == 0) return verdict::need_more;
    const bool reachable = fed_ < budget_ ? budget_ - fed_ + held() >= scanner_.least(grammar_->target)
                                          : scanner_.about_to_open(grammar_->target);
    return reachable ? verdict::need_more : verdict::unreachable;
  }
  /// Bytes fed and kept back.
  [[nodiscard]] constexpr std::size_t held() const noexcept { return scanner_.held() + gate_.held(); }
  [[nodiscard]] constexpr std::size_t fed() const noexcept { return fed_; }
  [[nodiscard]] constexpr const sections_found<N>& found() const noexcept { return found_; }

 private:
  // What the scanner calls.
  template <class Sink>
  struct output {
    basic_section_reader& self;
    Sink& sink;

    constexpr void content(std::string_view text, std::size_t offset) {
      self.content_begin_ = self.gate_.held() > 0 ? self.content_begin_ : offset;
      self.gate_.feed(text, [this](std::string_view piece) { self.chunk(piece, sink); });
    }
    constexpr bool header(std::size_t section, deviation tolerated, std::size_t begin, std::size_t end) {
      if (self.grammar_->target_to_end && self.now_ == self.grammar_->target) return false;
      self.close(sink);
      self.open(section, tolerated, begin, end, sink);
      return true;
    }
    constexpr void closing(std::size_t end) {
      self.close(sink);
      self.now_ = N;
      self.content_begin_ = end;
      self.found_.closed = self.repeated_ = true;  // what follows is no section's
    }
  };

  [[nodiscard]] constexpr bool reached(std::size_t section) const noexcept {
    return found_.sections[section].count > 0;
  }

  template <class Sink>
  constexpr void chunk(std::string_view piece, Sink& sink) {
    span& content = now_ == N ? found_.preamble : found_.sections[now_].content;
    if (!repeated_) {
      if (content.end == content.begin) content.begin = content_begin_;
      content.end = content_begin_ + piece.size();
    }
    sink(section_event{section_event::kind::chunk, now_, repeated_, piece, content_begin_});
    content_begin_ += piece.size();
  }
  template <class Sink>
  constexpr void close(Sink& sink) {
    gate_.release([&](std::string_view piece) { chunk(piece, sink); });
    if (now_ != N) sink(section_event{section_event::kind::close, now_, repeated_, {}, content_begin_});
  }
  template <class Sink>
  constexpr void open(std::size_t section, deviation tolerated, std::size_t begin, std::size_t end,
                      Sink& sink) {
    found_section& s = found_.sections[section];
    repeated_ = s.count > 0;
    if (s.count == 0) {
      s.header = {begin, end};
      s.content = {end, end};
      if (!found_.out_of_order && found_.last != N && section < found_.last) {
        found_.out_of_order = true;
        found_.misplaced = section;
      }
      found_.last = section;
      if (found_.first == N) found_.first = section;
    }
    ++s.count;
    s.tolerated |= tolerated;
    now_ = section;
    content_begin_ = end;
    sink(section_event{section_event::kind::open, section, repeated_, {}, begin});
  }

  const grammar<N>* grammar_;
  Scanner scanner_;
  utf8_gate gate_{};
  sections_found<N> found_{};
  std::size_t budget_ = 0, fed_ = 0;
  std::size_t now_ = N;            // the section that is open
  std::size_t content_begin_ = 0;  // where the next chunk begins
  bool repeated_ = false, finished_ = false;
};

/// Reads what the builder writes, byte for byte.
template <std::size_t N>
class exact_reader : public basic_section_reader<N, exact_scanner<N>> {
 public:
  using basic_section_reader<N, exact_scanner<N>>::basic_section_reader;
};
template <std::size_t N>
exact_reader(const grammar<N>&) -> exact_reader<N>;

/// Reads what models write.
template <std::size_t N>
class tolerant_reader : public basic_section_reader<N, tolerant_scanner<N>> {
 public:
  constexpr explicit tolerant_reader(const grammar<N>& g, matching level = matching::nfc,
                                     std::size_t budget = 0)
      : basic_section_reader<N, tolerant_scanner<N>>(g, level, budget) {}
  tolerant_reader(const grammar<N>&& temporary, matching = {}, std::size_t = 0) = delete;
};
template <std::size_t N, class... More>
tolerant_reader(const grammar<N>&, More...) -> tolerant_reader<N>;

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
