// SPDX-License-Identifier: MIT
/// @file prompt/spans.hpp
/// Views over the segments of a prompt: its text, its size, its trained bytes.
#pragma once

#include <string>

#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Bytes [begin, end) of the text of a prompt.
struct span {
  std::size_t begin = 0, end = 0;
  [[nodiscard]] constexpr std::size_t size() const noexcept { return end - begin; }
  friend constexpr bool operator==(const span&, const span&) = default;
};

/// Appends the text of a prompt.
template <prompt_pieces P>
constexpr void append_text(std::string& out, const P& pieces) {
  for_each_segment(pieces, [&out](const segment& s) { out.append(s.text); });
}
/// The text of a prompt.
template <prompt_pieces P>
[[nodiscard]] constexpr std::string text_of(const P& pieces) {
  std::string out;
  append_text(out, pieces);
  return out;
}

/// Bytes in all, and bytes that are trained.
struct prompt_size {
  std::size_t bytes = 0, trained = 0;
  friend constexpr bool operator==(const prompt_size&, const prompt_size&) = default;
};
template <prompt_pieces P>
[[nodiscard]] constexpr prompt_size size_of(const P& pieces) {
  prompt_size n;
  for_each_segment(pieces, [&n](const segment& s) {
    n.bytes += s.text.size();
    if (s.trained) n.trained += s.text.size();
  });
  return n;
}

/// Calls `visit(span, segment)` for every segment with its place in the text.
template <prompt_pieces P, class Visit>
constexpr void for_each_span(const P& pieces, Visit&& visit) {
  std::size_t at = 0;
  for_each_segment(pieces, [&](const segment& s) {
    visit(span{at, at + s.text.size()}, s);
    at += s.text.size();
  });
}

/// Calls `visit(span)` for every longest run of bytes whose segments `wanted(segment)` accepts.
template <prompt_pieces P, class Wanted, class Visit>
constexpr void for_each_run(const P& pieces, Wanted&& wanted, Visit&& visit) {
  span run;
  for_each_span(pieces, [&](span at, const segment& s) {
    if (!wanted(s)) return;
    if (run.end != at.begin) {
      if (run.size() > 0) visit(run);
      run.begin = at.begin;
    }
    run.end = at.end;
  });
  if (run.size() > 0) visit(run);
}

/// Calls `visit(span)` for every longest run of trained bytes.
template <prompt_pieces P, class Visit>
constexpr void for_each_trained(const P& pieces, Visit&& visit) {
  for_each_run(pieces, [](const segment& s) { return s.trained; }, visit);
}

/// The longest runs of trained bytes as a lazy forward range. Sees `pieces`, which has to outlive it.
template <prompt_pieces P>
class trained_runs {
 public:
  class iterator {
   public:
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = span;
    using difference_type = std::ptrdiff_t;
    using pointer = const span*;
    using reference = span;

    constexpr iterator() = default;
    constexpr explicit iterator(const P& pieces) : pieces_(&pieces) { ++*this; }

    [[nodiscard]] constexpr span operator*() const noexcept { return run_; }
    [[nodiscard]] constexpr const span* operator->() const noexcept { return &run_; }
    constexpr iterator& operator++() {
      run_ = {};
      for (segment s; pieces_->next(at_, s); passed_ += s.text.size()) {
        if (s.trained) {
          if (run_.size() == 0) run_.begin = passed_;
          run_.end = passed_ + s.text.size();
        } else if (run_.size() > 0) {
          passed_ += s.text.size();
          break;
        }
      }
      return *this;
    }
    constexpr iterator operator++(int) {
      iterator before = *this;
      ++*this;
      return before;
    }
    /// Iterators of one range are equal when they stand at the same run.
    friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
      return a.run_ == b.run_;
    }
    friend constexpr bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
      return i.run_.size() == 0;
    }

   private:
    const P* pieces_ = nullptr;
    typename P::cursor at_{};
    std::size_t passed_ = 0;
    span run_{};
  };

  constexpr explicit trained_runs(const P& pieces) noexcept : pieces_(&pieces) {}
  trained_runs(const P&& temporary) = delete;
  [[nodiscard]] constexpr iterator begin() const { return iterator(*pieces_); }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

 private:
  const P* pieces_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
