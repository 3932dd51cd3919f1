// SPDX-License-Identifier: MIT
/// @file prompt/watched_reader.hpp
/// Reads an answer in sections while it is generated, and stops where it begins to repeat itself.
#pragma once

#include <utility>

#include "runaway.hpp"
#include "section_reader.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A streaming parser and a detector over the same bytes. At the byte where the rule first holds the verdict becomes
/// `looping`, whatever the sections say, and stays; that byte is the last one that the parser sees, so events and
/// sections are the same wherever the text is cut. After `finish` a loop that began before the target section leaves
/// that section without content: never an older one's. Cost: that of both; memory as `runaway`.
///
/// ```cpp
/// watched_reader reader{tolerant_reader(grammar), runaway_rule{}};
/// while (engine.next(piece)) if (reader.feed(piece, sink) == verdict::looping) break;
/// ```
template <class Reader>
class watched_reader {
 public:
  explicit watched_reader(Reader reader, const runaway_rule& rule = {})
      : reader_(std::move(reader)), loop_(rule) {}

  /// As the reader's; what the prompt holds is not looked at for loops.
  void prefill(std::size_t section) { reader_.prefill(section); }

  template <class Sink>
  verdict feed(std::string_view bytes, Sink&& sink) {
    if (loop_.fired()) return verdict::looping;
    if (loop_.push(bytes)) bytes = bytes.substr(0, static_cast<std::size_t>(loop_.at() - reader_.fed()));
    return over(reader_.feed(bytes, sink));
  }
  template <class Sink>
  verdict finish(Sink&& sink) {
    return over(reader_.finish(sink));
  }
  [[nodiscard]] verdict verdict_now() const { return over(reader_.verdict_now()); }

  [[nodiscard]] const Reader& reader() const noexcept { return reader_; }
  [[nodiscard]] const runaway& loop() const noexcept { return loop_; }
  [[nodiscard]] std::size_t held() const noexcept { return reader_.held(); }
  [[nodiscard]] std::size_t fed() const noexcept { return reader_.fed(); }
  [[nodiscard]] const auto& found() const noexcept { return reader_.found(); }

 private:
  [[nodiscard]] verdict over(verdict read) const noexcept { return loop_.fired() ? verdict::looping : read; }

  Reader reader_;
  runaway loop_;
};
template <class Reader>
watched_reader(Reader) -> watched_reader<Reader>;
template <class Reader>
watched_reader(Reader, const runaway_rule&) -> watched_reader<Reader>;

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
