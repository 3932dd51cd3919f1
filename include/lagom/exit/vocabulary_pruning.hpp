// SPDX-License-Identifier: MIT
/// @file exit/vocabulary_pruning.hpp
/// Fewer rows of the head with every layer: how many, and which.
#pragma once

#include "../core/math.hpp"
#include "../core/vec_view.hpp"

namespace lagom {
inline namespace v0 {

/// Vocabulary pruning (Velja et al. 2024, "Confidently exiting"): the head is read whole once, after layer j; the tokens that
/// are likely there are kept (`keep_best`), and later layers probe their rows alone (`unembed_rows`). How many: a fixed
/// number, or one that falls from `first` = k1 to `last` = k*: at probe i after layer j (`pruned_after`) of L,
///   max(k*, k1 / (1 + (k1 - k*) / k* (j + i) / L)).
///
/// ```cpp
/// lagom::falling_rows rule{.first = 5000, .last = 50, .pruned_after = 5, .n_layers = 24};
/// auto n = lagom::keep_best(rows, logits, lagom::index_t(std::ceil(rule(0))));   // after layer 5
/// auto stats = lagom::unembed_rows(backend, hidden, head, rows.slice(0, n));     // after the next
/// ```
/// The number is real; how the source rounds it is not known.
struct falling_rows {
  double first = 5000;
  double last = 50;  ///< > 0
  int pruned_after = 0;
  int n_layers = 1;

  LAGOM_LEAF constexpr double operator()(int i) const noexcept {
    LAGOM_ASSERT(last > 0 && n_layers > 0);
    const double k = first / (1 + (first - last) / last * static_cast<double>(pruned_after + i) /
                                      static_cast<double>(n_layers));
    return k > last ? k : last;
  }
};

/// The same by how sure the layer is: V (1 - share c) of V rows at confidence c. A confidence that is not in 0 ... 1 keeps all.
struct rows_by_confidence {
  double share = 0.9;  ///< of the rows that full confidence drops, in 0 ... 1

  LAGOM_LEAF constexpr double operator()(double vocab, double confidence) const noexcept {
    return confidence >= 0 && confidence <= 1 ? vocab * (1 - share * confidence) : vocab;
  }
};

namespace detail {
/// An integer that rises with x: equal for both zeros, 0 for a NaN. Holds under `-ffast-math` too.
template <std::floating_point T>
LAGOM_LEAF auto rising_key(const T* x) noexcept {
  using bits_type = typename float_bits<T>::type;
  constexpr bits_type sign = static_cast<bits_type>(~float_bits<T>::magnitude_mask);
  const bits_type b = bits_of(x), magnitude = b & float_bits<T>::magnitude_mask;
  if (magnitude > float_bits<T>::infinity) return bits_type{0};
  if (magnitude == 0) return sign;
  return static_cast<bits_type>((b & sign) != 0 ? ~b : b | sign);
}
}  // namespace detail

/// Brings the `keep` tokens with the highest logits to the front of the list, by falling logit, and their logits along; equal
/// logits by rising token, NaN below all. Returns how many these are: min(keep, size). What is behind them has lost its
/// order. In place, by a heap: O(size log keep). Precondition: lists of equal size.
template <std::floating_point T>
LAGOM_LEAF index_t keep_best(vec_view<token_id> tokens, vec_view<T> logits, index_t keep) noexcept {
  LAGOM_ASSERT(tokens.size() == logits.size());
  const index_t n = tokens.size(), k = keep < 0 ? 0 : keep < n ? keep : n;
  const auto better = [&](index_t a, index_t b) {
    const auto x = detail::rising_key(&logits[a]), y = detail::rising_key(&logits[b]);
    return x != y ? x > y : tokens[a] < tokens[b];
  };
  const auto swap = [&](index_t a, index_t b) {
    const token_id token = tokens[a];
    const T logit = logits[a];
    tokens[a] = tokens[b];
    logits[a] = logits[b];
    tokens[b] = token;
    logits[b] = logit;
  };
  // A heap of `size`, the worst on top, that is right but for its root `at`.
  const auto sink = [&](index_t at, index_t size) {
    for (index_t child = 2 * at + 1; child < size; at = child, child = 2 * at + 1) {
      if (child + 1 < size && better(child, child + 1)) ++child;
      if (better(child, at)) return;
      swap(child, at);
    }
  };
  for (index_t at = k / 2; at-- > 0;) sink(at, k);
  for (index_t i = k; i < n && k > 0; ++i) {
    if (!better(i, 0)) continue;
    swap(i, 0);
    sink(0, k);
  }
  for (index_t size = k; size-- > 1;) {
    swap(0, size);
    sink(0, size);
  }
  return k;
}

}  // namespace v0
}  // namespace lagom
