// SPDX-License-Identifier: MIT
/// @file embed/compat.hpp
/// Known defects of reference releases, by name: to reproduce what they made, never the default.
#pragma once

#include <iterator>
#include <string>
#include <unordered_map>

#include "algebra.hpp"
#include "apply.hpp"
#include "subword.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {
namespace compat {

/// Mean as lowres-cve (mean_init.py) computes it: the source tokenizer is given the token's *entry in the
/// vocabulary file*, normaliser and all, instead of the bytes that it stands for. Markers and letters of the
/// byte alphabet are then text: the token of a Bengali letter becomes six tokens of Latin accents. An entry
/// that gives no token at all leaves a row of NaN.
///
/// `raw_ids(target_id)` returns the source tokens of the raw entry, as a range of `source_id`.
template <class RawIds>
struct mean_raw_string {
  RawIds raw_ids;

  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    plan_builder out(e.source_size);
    for (std::size_t r = 0; r < e.rows(); ++r) {
      const auto& ids = raw_ids(e.wanted[r]);
      const auto n = static_cast<double>(std::size(ids));
      for (const source_id id : ids) out.add(id, 1 / n);
      if (std::empty(ids)) out.set({.to = rescale::rule::nan});
      out.end_row(e.wanted[r], {method::mean, std::empty(ids) ? reason::no_pieces : reason::none});
    }
    return std::move(out).build();
  }
};
template <class RawIds>
mean_raw_string(RawIds) -> mean_raw_string<RawIds>;

/// The overlap of OFA and UniBridge, for `expansion.same`: tokens that both vocabularies have, and of the
/// rest those that are source tokens but for case.
/// ```cpp
/// e.same = lagom::embed::compat::lower_case_overlap(e, lagom::io::lower_case);
/// ```
/// `lower(bytes)` is the text in lower case. Of source tokens that it makes alike, the one whose bytes come
/// last is taken ("the", not "The"), of those with the same bytes the largest id; never source token 0, which
/// the releases take for none. Tokens without bytes stay as they are. Needs `expansion.source_bytes`.
/// Cost: every source token and every wanted one in lower case, once.
template <class Lower>
[[nodiscard]] std::vector<source_id> lower_case_overlap(const vocab::expansion& e, Lower lower) {
  const auto source_bytes = [&](std::size_t id) {
    return std::string_view(e.source_bytes[id].data(), e.source_bytes[id].size());
  };
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t id = 0; id < e.source_bytes.size(); ++id) {
    if (source_bytes(id).empty()) continue;
    const auto [at, added] = known.emplace(lower(source_bytes(id)), id);
    if (!added && source_bytes(at->second) <= source_bytes(id)) at->second = id;
  }
  auto out = e.same;
  out.resize(static_cast<std::size_t>(e.target_size), source_id::none);
  for (std::size_t r = 0; r < e.rows() && r < e.bytes.size(); ++r) {
    source_id& same = out[row_of(e.wanted[r])];
    if (same != source_id::none || e.bytes[r].empty()) continue;
    const auto at = known.find(std::string(lower(e.bytes_of(r))));
    if (at != known.end() && at->second != 0)
      same = static_cast<source_id>(static_cast<token_id>(at->second));
  }
  return out;
}

/// Applies a plan to a head as lowres-cve (merge_init.py) does: its recursion reads the input embedding for
/// every list it meets, so that all rows made by `merge` are means of *input* rows. Other rows are of the
/// head.
/// Memory: the merge rows once more.
template <tensor<2> Input, tensor<2> Head, tensor<2> Out>
void merge_head_from_input(const plan& p, const Input& input, const Head& head, Out&& out) {
  const auto to = mat_view(out);
  using T = typename decltype(to)::value_type;
  apply(p, head, to);
  const plan merged = select(p, [&](std::size_t r) { return p.made_by(r) == method::merge; });
  const auto rows = static_cast<index_t>(merged.rows());
  std::vector<T> made(static_cast<std::size_t>(rows * to.cols()));
  const mat_view<T> from(made.data(), rows, to.cols());
  apply(merged, input, from);
  for (index_t i = 0; i < rows; ++i) {
    const auto row = to.row(static_cast<index_t>(p.find(merged.target(static_cast<std::size_t>(i)))));
    for (index_t j = 0; j < to.cols(); ++j) row[j] = from(i, j);
  }
}

/// mergekit's tokenizer surgeon gives each matrix the weights meant for the other.
inline constexpr piece_weights first_last_input = subword::first_last_head;
inline constexpr piece_weights first_last_head = subword::first_last_input;
inline constexpr piece_weights weighted_mean_input = subword::weighted_mean_head;
inline constexpr piece_weights weighted_mean_head = subword::weighted_mean_input;

}  // namespace compat
}  // namespace embed
}  // namespace v0
}  // namespace lagom
