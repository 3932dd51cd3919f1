// SPDX-License-Identifier: MIT
/// @file prompt/fit_row.hpp
/// Rows that answer in sections, made to fit: the answer and the end token are never cut.
#pragma once

#include "budget.hpp"
#include "collides.hpp"
#include "plug.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What gives way when a row is over its budget, section after section in the order of the grammar.
enum class row_cut : std::uint8_t {
  contents,  ///< the end of its content
  sections,  ///< all of it, with header and separator
};

namespace detail {

// A cut may leave a text that is read as a header, where more of its line stood before: it is cut there then.
template <std::size_t N>
constexpr void cut_before_headers(const grammar<N>& g, const fields<N>& before, fields<N>& texts,
                                  std::size_t cut) {
  if (!scannable(g)) return;
  for (const matching level : {matching::exact, matching::letter_case}) {
    if (collides(g, before, level)) continue;
    for (auto c = collides(g, texts, level); c && c->section == cut && c->offset < texts[cut]->size();
         c = collides(g, texts, level))
      texts[cut] = texts[cut]->substr(0, c->offset);
  }
}

}  // namespace detail

/// Shortens the sections before the answer until the row fits; system, request, marks, the target section and the end
/// token stay whole. Every segment counts by itself, as where masks tokenise segments apart. `over_budget`: what has to
/// stay is over the limit, and the row is as it was. What did not collide before does not collide after it. One count a
/// segment for a row that fits.
template <token_counter Counter>
[[nodiscard]] constexpr budget_verdict fit_row(pivot_row& row, std::size_t limit, const Counter& counter,
                                               row_cut cut = row_cut::contents) {
  sectioned<3>& answer = row.body.answer;
  const fields<3> before = answer.fields;
  std::size_t total = count_segments(row, counter);
  for (std::size_t i = 0; i < before.size() && total > limit; ++i) {
    if (i == answer.grammar->target || !answer.fields[i]) continue;
    if (cut == row_cut::sections) {
      answer.fields[i] = std::nullopt;
    } else {
      const std::string_view text = *answer.fields[i];
      const std::size_t tokens = counter.count(text),
                        room = tokens + limit > total ? tokens + limit - total : 0;
      answer.fields[i] = text.substr(0, room == 0 ? 0 : cut_to_tokens(text, room, counter));
      detail::cut_before_headers(*answer.grammar, before, answer.fields, i);
    }
    total = count_segments(row, counter);
  }
  if (total <= limit) return budget_verdict::ok;
  answer.fields = before;
  return budget_verdict::over_budget;
}

namespace compat {

/// A prompt cut at its right, as released trainers cut it: the answer and the end token go first. Sees its pieces.
template <prompt_pieces P>
struct right_cut {
  const P* pieces = nullptr;
  std::size_t bytes = 0;

  struct cursor {
    typename P::cursor inner{};
    std::size_t passed = 0;
  };
  constexpr bool next(cursor& at, segment& out) const {
    if (at.passed >= bytes || !pieces->next(at.inner, out)) return false;
    out.text = out.text.substr(0, bytes - at.passed);
    at.passed += out.text.size();
    return true;
  }
};

}  // namespace compat
}  // namespace prompt
}  // namespace v0
}  // namespace lagom
