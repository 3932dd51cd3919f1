// SPDX-License-Identifier: MIT
/// @file embed/clp.hpp
/// CLP and CLP+: combinations of overlapping tokens by the embeddings of a helper model.
#pragma once

#include "neighbour_rule.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// CLP-Transfer (Ostendorff and Rehm, arXiv 2301.09626, section 3): with h the embeddings of a smaller helper
/// model that has the target's tokenizer (`target_vectors`), E_t = sum_o w_o E_o with
/// w_o = cos(h_t, h_o) / sum_o cos(h_t, h_o) over *all* overlapping tokens. Those are copied themselves.
///
/// Weights are signed, and where the sum of the cosines is near 0 they have no bound: such a row (see
/// `linear_weights::least`) is drawn from `rest` with the reason `no_neighbours`. Set `least` to 0 for the
/// published rule as it stands. Helper rows that are missing or zero give `no_vector`.
/// The plan is dense: 8 bytes for every new token and overlapping token.
/// For a head take the helper's head rows as `target_vectors` where it has its own.
/// Fails with `empty` when there are no target vectors.
struct clp {
  double least = linear_weights{}.least;
  gaussian rest{};
  std::vector<source_id> excluded{};

  template <backend B = portable, executor Run = seq>
  [[nodiscard]] result<plan> operator()(const vocab::expansion& e, const B& b = {},
                                        const Run& run = {}) const {
    if (e.target_vectors.empty()) return failure{.code = errc::empty, .key = "target_vectors"};
    return neighbour_plan(
        e, neighbour_rule(method::clp, e, overlap_keys(e, e.same, excluded), linear_weights{least}, b, run),
        rest);
  }
};

/// CLP+ (Yamaguchi et al., arXiv 2402.10712, section 2): the same with w = sparsemax of the cosines: weights are
/// not negative, sum to 1, and most are 0.
struct clp_plus {
  gaussian rest{};
  std::vector<source_id> excluded{};

  template <backend B = portable, executor Run = seq>
  [[nodiscard]] result<plan> operator()(const vocab::expansion& e, const B& b = {},
                                        const Run& run = {}) const {
    if (e.target_vectors.empty()) return failure{.code = errc::empty, .key = "target_vectors"};
    return neighbour_plan(
        e, neighbour_rule(method::clp_plus, e, overlap_keys(e, e.same, excluded), sparse_weights<>{}, b, run),
        rest);
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
