// SPDX-License-Identifier: MIT
/// @file embed/omp.hpp
/// Transplanted tokens: a donor's row rebuilt from few shared tokens, by orthogonal matching pursuit.
#pragma once

#include "neighbour_rule.hpp"
#include "pursuit.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

namespace detail {

/// Of all products the largest in magnitude, the first among equals; `taken` (sorted) is left out.
struct strongest {
  const std::vector<std::uint32_t>* taken = nullptr;
  std::uint32_t id = ~std::uint32_t{0};
  float magnitude = 0;

  void push(std::uint32_t first, std::span<const float> products) {
    for (std::size_t i = 0; i < products.size(); ++i) {
      const float m = products[i] < 0 ? -products[i] : products[i];
      if (!(m > magnitude) || !is_finite(&products[i])) continue;
      const auto candidate = first + static_cast<std::uint32_t>(i);
      if (std::binary_search(taken->begin(), taken->end(), candidate)) continue;
      id = candidate;
      magnitude = m;
    }
  }
};

}  // namespace detail

/// Orthogonal matching pursuit (Pati et al., 1993), as the transplanting of tokenizers uses it
/// (arXiv 2506.06607): with d the rows of a donor model that has the target's tokenizer (`target_vectors`), d_t
/// is approximated by `atoms` rows d_o of shared tokens, each time the one that correlates most with what is
/// left, and coefficients are refitted by least squares; E_t = sum_o c_o E_o. Shared tokens are copied.
///
/// Atoms compare by |cos|; `raw` compares |<residual, d_o>| as a widely used tool does, where long rows win.
/// Among equals the smaller target id wins. The pursuit ends early when 1e-6 of the norm is left. Coefficients
/// are signed. A token without a donor row, or with a zero one, is drawn from `rest`.
/// Fails with `empty` without target vectors. Cost: rows x atoms x overlap x width. Memory: 64 tokens at a time,
/// 8 width x atoms bytes each.
struct omp {
  std::size_t atoms = 64;
  gaussian rest{};
  std::vector<source_id> excluded{};
  bool raw = false;  ///< compat: correlations with rows as long as they are

  template <backend B = portable, executor Run = seq>
  [[nodiscard]] result<plan> operator()(const vocab::expansion& e, const B& b = {},
                                        const Run& run = {}) const {
    if (e.target_vectors.empty()) return failure{.code = errc::empty, .key = "target_vectors"};
    const auto keys = overlap_keys(e, e.same, excluded);
    const auto units = keys.directions.matrix();
    std::vector<float> whole;
    for (index_t o = 0; raw && o < units.rows(); ++o) {
      const double length = keys.directions.length(static_cast<std::size_t>(o));
      for (index_t j = 0; j < units.cols(); ++j) {
        whole.push_back(static_cast<float>(static_cast<double>(units(o, j)) * length));
      }
    }
    const auto dictionary = raw ? mat_view<const float>(whole.data(), units.rows(), units.cols()) : units;
    const random::rule noise{rest};
    plan_builder out(e.source_size);
    std::vector<std::vector<scored>> made;
    std::size_t first = 0;
    for (std::size_t r = 0; r < e.rows(); ++r) {
      if (r >= first + made.size()) {
        first = r;
        made = solved(e, first, dictionary, b, run);
      }
      tag how{method::copy, reason::none};
      if (const source_id same = same_token(e, r); same != source_id::none) {
        out.add(same, 1);
      } else if (!made[r - first].empty()) {
        for (const scored& s : made[r - first]) {
          out.add(keys.ids[s.id], raw ? s.value : s.value / keys.directions.length(s.id));
        }
        how.made_by = method::omp;
      } else {
        const std::size_t token = row_of(e.wanted[r]);
        unit_rows direction(e.target_vectors.width());
        const bool vector = e.target_vectors.has(token) && direction.push(e.target_vectors[token]);
        how = {noise.made_by, vector ? reason::no_neighbours : reason::no_vector};
        static_cast<void>(noise(r, out));
      }
      out.end_row(e.wanted[r], how);
    }
    return std::move(out).build();
  }

 private:
  // The coefficients of the rows from `first` on, one task's worth; none where there is nothing to rebuild.
  template <class B, class Run>
  [[nodiscard]] std::vector<std::vector<scored>> solved(const vocab::expansion& e, std::size_t first,
                                                        mat_view<const float> dictionary, const B& b,
                                                        const Run& run) const {
    const std::size_t n = (std::min)(static_cast<std::size_t>(product_rows), e.rows() - first);
    std::vector<detail::pursuit> all;
    std::vector<std::size_t> place;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t token = row_of(e.wanted[first + i]);
      unit_rows direction(e.target_vectors.width());
      if (same_token(e, first + i) != source_id::none || !e.target_vectors.has(token)) continue;
      if (!direction.push(e.target_vectors[token])) continue;
      all.emplace_back(e.target_vectors[token]);
      place.push_back(i);
    }
    std::vector<float> residuals;
    std::vector<std::size_t> open;
    for (std::size_t step = 0; step < atoms; ++step) {
      residuals.clear();
      open.clear();
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].done()) continue;
        open.push_back(i);
        for (const double x : all[i].residual()) residuals.push_back(static_cast<float>(x));
      }
      if (open.empty()) break;
      std::size_t next = 0;  // states are made in the order of the rows: at most one task of them
      const mat_view<const float> queries(residuals.data(), open.size(), dictionary.cols());
      for_each_product(
          b, run, queries, dictionary, [&] { return detail::strongest{&all[open[next++]].taken()}; },
          [&](std::size_t i, const detail::strongest& best) {
            detail::pursuit& p = all[open[i]];
            if (best.id == ~std::uint32_t{0}) {
              p.stop();
            } else {
              p.take(best.id, dictionary.row(index_t{best.id}));
            }
          });
    }
    std::vector<std::vector<scored>> out(n);
    for (std::size_t i = 0; i < all.size(); ++i) out[place[i]] = all[i].coefficients();
    return out;
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
