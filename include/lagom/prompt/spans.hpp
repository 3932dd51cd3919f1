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
  struct step {
    using value_type = span;
    const P* pieces = nullptr;
    typename P::cursor at{};
    std::size_t passed = 0;

    constexpr bool next(span& out) {
      out = {};
      for (segment s; pieces->next(at, s);) {
        const std::size_t begin = passed;
        passed += s.text.size();
        if (s.trained) {
          if (out.size() == 0) out.begin = begin;
          out.end = passed;
        } else if (out.size() > 0) {
          break;
        }
      }
      return out.size() > 0;
    }
  };
  using iterator = lazy_iterator<step>;

  constexpr explicit trained_runs(const P& pieces) noexcept : pieces_(&pieces) {}
  trained_runs(const P&& temporary) = delete;
  [[nodiscard]] constexpr iterator begin() const { return iterator(step{pieces_, {}, 0}); }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

 private:
  const P* pieces_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
