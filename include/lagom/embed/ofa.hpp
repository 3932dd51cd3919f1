// SPDX-License-Identifier: MIT
/// @file embed/ofa.hpp
/// OFA: new tokens in the coordinates of a factorised matrix.
#pragma once

#include "low_rank.hpp"
#include "wechsel.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// OFA (Liu et al., arXiv 2311.08849, section 3): the source matrix is factorised, E = F G (`factorise`), and
/// the coordinates of a token t are F_t = sum_s w_s F_s over the 10 source tokens nearest in a space of words
/// that many languages share, w = softmax(cos / 0.1). Tokens that both vocabularies have are copied in
/// coordinate space. A token without a vector is drawn from N(mean F, std F).
///
/// The plan is for F, the rows that new tokens get are `product(b, F', G)`; applied to E itself it gives the
/// same rows without the loss of rank, but for the noise.
/// ```cpp
/// auto factors = lagom::embed::factorise(blas, source_rows, 100);
/// auto plan = lagom::embed::ofa{}(expansion, blas);
/// lagom::embed::apply(*plan, factors->coordinates(), new_coordinates);
/// ```
/// Failures and cost are those of `wechsel`.
struct ofa : wechsel {
  ofa() { copy = copies::all; }

  template <backend B = portable, executor Run = seq>
  [[nodiscard]] result<plan> operator()(const vocab::expansion& e, const B& b = {},
                                        const Run& run = {}) const {
    return made(method::ofa, e, b, run);
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
