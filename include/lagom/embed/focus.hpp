// SPDX-License-Identifier: MIT
/// @file embed/focus.hpp
/// FOCUS: sparse combinations of overlapping tokens with similar auxiliary vectors.
#pragma once

#include "neighbour_rule.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// FOCUS (Dobler and de Melo, arXiv 2305.14481, section 3.2): for a token t that is no source token,
/// E_t = sum_o p_o E_o with p = sparsemax(cos(f_t, f_o)) over the overlap, that is, the tokens o that both
/// vocabularies have and that have a vector; f are vectors of *target* tokens (`target_vectors`), trained on
/// text in the target language that the target tokenizer has cut. Overlapping tokens are copied. A token
/// without a vector, or with a zero one, is drawn from `rare` (reason `no_vector`); without an overlap every
/// row is (`no_neighbours`).
/// ```cpp
/// auto plan = lagom::embed::focus{}(expansion, lagom::xtensor_blas{});
/// ```
/// Fails with `empty` when there are no target vectors.
/// Cost: rows x overlap x width multiply-adds in tiles of 1 MiB; weights of some 60 to 120 rows a token
/// remain.
struct focus {
  gaussian rare{};                    ///< what a token without a vector gets
  std::vector<source_id> excluded{};  ///< source rows that are no neighbours, as `undertrained` lists them
  bool loses_first =
      false;  ///< compat: source token 0 is never a neighbour, as where a lookup takes 0 for none

  template <backend B = portable, executor Run = seq>
  [[nodiscard]] result<plan> operator()(const vocab::expansion& e, const B& b = {},
                                        const Run& run = {}) const {
    if (e.target_vectors.empty()) return failure{.code = errc::empty, .key = "target_vectors"};
    auto without = excluded;
    if (loses_first) without.push_back(source_id{0});
    return neighbour_plan(e,
                          neighbour_rule(method::focus, e, overlap_keys(e, e.same, std::move(without)),
                                         sparse_weights<>{}, b, run),
                          rare);
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
