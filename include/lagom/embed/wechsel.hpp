// SPDX-License-Identifier: MIT
/// @file embed/wechsel.hpp
/// WECHSEL: the nearest source tokens in a space of words that two languages share.
#pragma once

#include "neighbour_rule.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// WECHSEL (Minixhofer et al., arXiv 2112.06598, section 3): E_t = sum_s w_s E_s over the 10 source tokens s
/// whose vectors are nearest to that of t by cosine, w = softmax(cos / 0.1). `source_vectors` and
/// `target_vectors` lie in one space: two monolingual ones are brought together by `procrustes` and `rotated`
/// first; `vectors_by_ngrams` and `vectors_by_words` make token vectors from word vectors.
///
/// Added tokens (no bytes) that both vocabularies have are copied; other shared tokens are made like the rest,
/// unless `copy` says otherwise. A token without a vector, or with a zero one, is drawn from `rest`
/// (`no_vector`). Source tokens without a vector are no neighbours.
/// Fails with `empty` when a side has no vectors, `wrong_shape` when their widths differ, `bad_value` for a
/// temperature that is not positive.
/// Cost: rows x source tokens x width multiply-adds in tiles of 1 MiB.
struct wechsel {
  std::size_t neighbours = 10;
  double temperature = 0.1;
  copies copy = copies::added;
  gaussian rest{};
  std::vector<source_id> excluded{};
  bool shift = true;  ///< compat where false: softmax without taking out the largest, NaN when it overflows

  template <backend B = portable, executor Run = seq>
  [[nodiscard]] result<plan> operator()(const vocab::expansion& e, const B& b = {},
                                        const Run& run = {}) const {
    return made(method::wechsel, e, b, run);
  }

 protected:
  template <class B, class Run>
  [[nodiscard]] result<plan> made(method by, const vocab::expansion& e, const B& b, const Run& run) const {
    if (auto ok = one_space(e); !ok) return ok.error();
    if (!is_finite(&temperature) || !(temperature > 0)) {
      return failure{.code = errc::bad_value, .key = "temperature"};
    }
    return neighbour_plan(e,
                          neighbour_rule(by, e, source_keys(e, excluded),
                                         softmax_weights{neighbours, temperature, shift}, b, run),
                          rest, copy);
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
