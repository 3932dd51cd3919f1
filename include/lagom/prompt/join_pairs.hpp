// SPDX-License-Identifier: MIT
/// @file prompt/join_pairs.hpp
/// Quads from two files of halves: pairs of the pivot and of the target language that carry the same id.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "losses.hpp"
#include "quad.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Why halves make no quad.
enum class join_loss : std::uint8_t {
  missing_pivot,   ///< a half in the target language has no half in the pivot language
  missing_target,  ///< the other way round
  duplicate_id,    ///< an earlier half of the same language has the id: the first one counts
  empty_field,     ///< both halves are there and a text of theirs is empty; or a half has no id
};
[[nodiscard]] constexpr std::array<std::string_view, 4> names_of(join_loss) noexcept {
  return {"missing_pivot", "missing_target", "duplicate_id", "empty_field"};
}

/// A half that was lost: row `row` of the pivot's list or of the target's.
struct join_fault {
  join_loss reason{};
  bool in_target = false;
  std::size_t row = 0;

  friend constexpr bool operator==(const join_fault&, const join_fault&) = default;
};

namespace detail {

// Rows by id, those of one id in their order.
inline std::vector<std::size_t> rows_by_id(std::span<const pair> rows) {
  std::vector<std::size_t> order(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [rows](std::size_t a, std::size_t b) {
    const int c = rows[a].id.compare(rows[b].id);
    return c != 0 ? c < 0 : a < b;
  });
  return order;
}

}  // namespace detail

/// Joins halves by id. Calls `sink(quad)` in the order of the pivot's rows; calls `lost(join_fault)` for those rows of
/// the pivot that are lost, in their order, then for those of the target. What is counted in is one for every id that
/// either list has, one for every repetition of it, and one for every half without an id; a quad with an empty text is
/// told once, at the half that has it (the pivot's where both have one). Quads see the texts of the halves.
/// O((p + t) log(p + t)) comparisons of ids; two words a half.
template <class Sink, class Lost>
losses<join_loss> join_pairs(std::span<const pair> pivot, std::span<const pair> target, Sink&& sink,
                             Lost&& lost) {
  // What becomes of a row: a row of the other list, or one of these.
  constexpr std::size_t alone = ~std::size_t{0}, repeated = alone - 1, nameless = alone - 2;
  std::vector<std::size_t> partner(pivot.size(), alone), found(target.size(), alone);
  {
    const auto p = detail::rows_by_id(pivot), t = detail::rows_by_id(target);
    const auto mark = [](std::span<const pair> rows, const std::vector<std::size_t>& order,
                         std::vector<std::size_t>& fate) {
      for (std::size_t i = 0; i < order.size(); ++i) {
        if (rows[order[i]].id.empty()) {
          fate[order[i]] = nameless;
        } else if (i > 0 && rows[order[i]].id == rows[order[i - 1]].id) {
          fate[order[i]] = repeated;
        }
      }
    };
    mark(pivot, p, partner);
    mark(target, t, found);
    for (std::size_t i = 0, j = 0; i < p.size() && j < t.size();) {
      const int c = pivot[p[i]].id.compare(target[t[j]].id);
      if (c == 0 && partner[p[i]] == alone && found[t[j]] == alone) {
        partner[p[i]] = t[j];
        found[t[j]] = p[i];
      }
      if (c <= 0) ++i;
      if (c >= 0) ++j;
    }
  }
  losses<join_loss> out;
  const auto drop = [&](join_loss reason, bool in_target, std::size_t row) {
    out.drop(reason);
    lost(join_fault{reason, in_target, row});
  };
  const auto is_whole = [](const pair& half) { return !half.x.empty() && !half.y.empty(); };
  std::vector<std::size_t> thin;  // rows of the target that spoil their quads
  for (std::size_t i = 0; i < pivot.size(); ++i) {
    const std::size_t j = partner[i];
    if (j == alone || j == repeated) {
      drop(j == alone ? join_loss::missing_target : join_loss::duplicate_id, false, i);
    } else if (j == nameless || !is_whole(pivot[i])) {
      drop(join_loss::empty_field, false, i);
    } else if (!is_whole(target[j])) {
      thin.push_back(j);
    } else {
      out.keep();
      sink(quad{pivot[i].id, pivot[i].x, pivot[i].y, target[j].x, target[j].y});
    }
  }
  for (const std::size_t j : thin) found[j] = nameless;
  for (std::size_t j = 0; j < target.size(); ++j) {
    if (found[j] == alone || found[j] == repeated) {
      drop(found[j] == alone ? join_loss::missing_pivot : join_loss::duplicate_id, true, j);
    } else if (found[j] == nameless) {
      drop(join_loss::empty_field, true, j);
    }
  }
  return out;
}
template <class Sink>
losses<join_loss> join_pairs(std::span<const pair> pivot, std::span<const pair> target, Sink&& sink) {
  return join_pairs(pivot, target, sink, [](const join_fault&) {});
}

namespace compat {

/// CrossIn's join (arXiv 2404.11932, Lingy12/CrossIn): row i with row i, ids and empty texts unlooked at; ends with the
/// shorter list. The id is the pivot's. Gives the number of quads.
template <class Sink>
constexpr std::size_t by_index(std::span<const pair> pivot, std::span<const pair> target, Sink&& sink) {
  const std::size_t n = pivot.size() < target.size() ? pivot.size() : target.size();
  for (std::size_t i = 0; i < n; ++i)
    sink(quad{pivot[i].id, pivot[i].x, pivot[i].y, target[i].x, target[i].y});
  return n;
}

}  // namespace compat
}  // namespace prompt
}  // namespace v0
}  // namespace lagom
