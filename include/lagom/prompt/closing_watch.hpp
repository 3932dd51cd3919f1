// SPDX-License-Identifier: MIT
/// @file prompt/closing_watch.hpp
/// Finds the mark that closes an answer in a stream of content, and drops the white space before it.
#pragma once

#include "held_bytes.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Passes content on to `out.content(text, offset)` and tells `out.closing(end)` where the mark has been read. Kept back
/// are white space, up to 64 bytes, and the beginning of a mark. An empty mark is never found, and nothing is kept
/// back. Content comes in order, without holes between two marks. O(content).
class closing_watch {
 public:
  /// Sees the mark, without white space around it; it has 160 bytes at most.
  constexpr explicit closing_watch(std::string_view mark) noexcept : mark_(trimmed(mark)) {}

  [[nodiscard]] constexpr std::size_t held() const noexcept { return kept_.size(); }

  template <class Out>
  constexpr void pass(std::string_view text, std::size_t offset, Out& out) {
    if (mark_.empty()) return out.content(text, offset);
    for (std::size_t i = 0; i < text.size();) {
      if (kept_.size() == 0) {
        std::size_t next = (std::min)(text.find(mark_.front(), i), text.size());
        while (next > i && is_space(text[next - 1])) --next;
        if (next > i) out.content(text.substr(i, next - i), offset + i);
        i = next;
        begin_ = offset + i;
        if (i == text.size()) return;
      }
      kept_.push(text[i++]);
      settle(out);
    }
  }
  /// No mark comes here. At the end of the text white space is dropped, before a header it is content.
  template <class Out>
  constexpr void flush(Out& out, bool at_end) {
    if (kept_.size() > 0 && !(at_end && trimmed(kept_.view()).empty())) out.content(kept_.view(), begin_);
    kept_.clear();
  }

 private:
  static constexpr std::size_t space_limit = 64;

  [[nodiscard]] static constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
  }
  template <class Out>
  constexpr void settle(Out& out) {
    while (kept_.size() > 0) {
      std::string_view mark = kept_.view();
      while (!mark.empty() && is_space(mark.front())) mark.remove_prefix(1);
      if (mark_.starts_with(mark)) {
        if (mark.size() == mark_.size()) {
          out.closing(begin_ + kept_.size());
          return kept_.clear();
        }
        if (kept_.size() - mark.size() <= space_limit) return;
      }
      out.content(kept_.view().substr(0, 1), begin_++);
      kept_.drop_front(1);
    }
  }

  std::string_view mark_;
  held_bytes kept_{};
  std::size_t begin_ = 0;  // of the first byte kept back
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
