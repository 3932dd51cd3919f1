// SPDX-License-Identifier: MIT
/// @file embed/knn.hpp
/// Transplanted tokens: a donor's row from the nearest shared rows.
#pragma once

#include "neighbour_rule.hpp"
#include "pursuit.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// What is near: the least |d_t - d_o|, or the greatest cosine.
enum class knn_metric : std::uint8_t { euclidean, cosine };

/// How near rows are weighed.
enum class knn_weights : std::uint8_t {
  proximity,      ///< w_o ~ 1 / max(|d_t - d_o|, 1e-6), or the cosine where that is positive; their sum is 1
  barycentric,    ///< the w of sum 1 that bring sum_o w_o d_o nearest to d_t; signed
  least_squares,  ///< the same for any sum
};

/// k nearest neighbours, as the transplanting of tokenizers uses them (mergekit's tokenizer surgeon): with d
/// the rows of a donor model that has the target's tokenizer (`target_vectors`), E_t = sum_o w_o E_o over the
/// shared tokens o whose donor rows are the `neighbours` nearest to d_t. Shared tokens are copied.
///
/// Among equals the smaller target id is nearer. Where rows depend linearly on nearer ones, as more of them
/// than there are dimensions do, they get no weight. A token without a donor row, or with a zero one, is
/// drawn from `rest` (`no_vector`); so is one without neighbours, or with none of a positive cosine
/// (`no_neighbours`).
/// Fails with `empty` without target vectors. Cost: rows x overlap x width, and rows x neighbours^2 x width for
/// weights by least squares.
struct knn {
  std::size_t neighbours = 64;
  knn_metric metric = knn_metric::euclidean;
  knn_weights weights = knn_weights::proximity;
  gaussian rest{};
  std::vector<source_id> excluded{};

  template <backend B = portable, executor Run = seq>
  [[nodiscard]] result<plan> operator()(const vocab::expansion& e, const B& b = {},
                                        const Run& run = {}) const {
    if (e.target_vectors.empty()) return failure{.code = errc::empty, .key = "target_vectors"};
    const key_rows keys = keys_of(e);
    const random::rule noise{rest};
    plan_builder out(e.source_size);
    std::vector<found> batch;
    std::size_t first = 0;
    for (std::size_t r = 0; r < e.rows(); ++r) {
      if (r >= first + batch.size()) {
        first = r;
        batch = nearest_of(e, keys, r, b, run);
      }
      tag how{method::copy, reason::none};
      const found& one = batch[r - first];
      if (const source_id same = same_token(e, r); same != source_id::none) {
        out.add(same, 1);
      } else if (one.asked && weigh(e, keys, row_of(e.wanted[r]), one.near, out)) {
        how.made_by = method::knn;
      } else {
        how = {noise.made_by, one.asked ? reason::no_neighbours : reason::no_vector};
        static_cast<void>(noise(r, out));
      }
      out.end_row(e.wanted[r], how);
    }
    return std::move(out).build();
  }

 private:
  static constexpr std::size_t batch_rows = 1024;

  struct key_rows {
    std::vector<float> elements{};
    std::vector<source_id> ids{};
    std::vector<std::size_t> tokens{};  // of the target
  };
  struct found {
    bool asked = false;
    std::vector<scored> near{};
  };

  // A row as it is compared: products of queries and keys rise as rows come nearer. By cosine both are
  // directions; else the query is (x, 1) and the key (2 o, -|o|^2): |x|^2 - |x - o|^2.
  [[nodiscard]] bool push(const vocab::expansion& e, std::size_t token, bool key,
                          std::vector<float>& to) const {
    if (!e.target_vectors.has(token)) return false;
    const auto x = e.target_vectors[token];
    unit_rows direction(x.size());
    if (!direction.push(x)) return false;
    const auto unit = direction.matrix().row(0);
    const bool raw = metric == knn_metric::euclidean;
    const double length = direction.length(0);
    for (index_t j = 0; j < x.size(); ++j) to.push_back(!raw ? unit[j] : key ? 2 * x[j] : x[j]);
    if (raw) to.push_back(key ? static_cast<float>(-length * length) : 1.0f);
    return true;
  }

  [[nodiscard]] key_rows keys_of(const vocab::expansion& e) const {
    const auto left_out = detail::sorted(excluded);
    key_rows out;
    for (std::size_t t = 0; t < e.same.size(); ++t) {
      if (e.same[t] == source_id::none || std::binary_search(left_out.begin(), left_out.end(), e.same[t]) ||
          !push(e, t, true, out.elements)) {
        continue;
      }
      out.ids.push_back(e.same[t]);
      out.tokens.push_back(t);
    }
    return out;
  }

  template <class B, class Run>
  [[nodiscard]] std::vector<found> nearest_of(const vocab::expansion& e, const key_rows& keys,
                                              std::size_t first, const B& b, const Run& run) const {
    std::vector<found> out((std::min)(batch_rows, e.rows() - first));
    std::vector<float> queries;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (same_token(e, first + i) != source_id::none) continue;
      out[i].asked = push(e, row_of(e.wanted[first + i]), false, queries);
      if (out[i].asked) places.push_back(i);
    }
    const index_t width = e.target_vectors.width() + (metric == knn_metric::euclidean ? 1 : 0);
    for_each_product(
        b, run, mat_view<const float>(queries.data(), static_cast<index_t>(places.size()), width),
        mat_view<const float>(keys.elements.data(), static_cast<index_t>(keys.ids.size()), width),
        [&] { return nearest(neighbours); },
        [&](std::size_t i, nearest& state) { out[places[i]].near = state.take(); });
    return out;
  }

  // Adds the weighted rows; false where there are none.
  [[nodiscard]] bool weigh(const vocab::expansion& e, const key_rows& keys, std::size_t token,
                           std::vector<scored> near, plan_builder& out) const {
    const auto x = e.target_vectors[token];
    const auto row = [&](const scored& s) { return e.target_vectors[keys.tokens[s.id]]; };
    if (weights == knn_weights::proximity) {
      double sum = 0;
      for (scored& s : near) {
        if (metric == knn_metric::euclidean) {
          const double d = distance(x, row(s));
          s.value = 1 / (d < 1e-6 ? 1e-6 : d);
        } else if (s.value < 0) {
          s.value = 0;
        }
        sum += s.value;
      }
      if (!(sum > 0)) return false;
      for (const scored& s : near) {
        if (s.value > 0) out.add(keys.ids[s.id], s.value / sum);
      }
      return true;
    }
    if (near.empty()) return false;
    // Weights of sum 1 are free weights of the differences from the nearest row, which gets the rest.
    const bool sum_is_one = weights == knn_weights::barycentric;
    const std::vector<double> none(static_cast<std::size_t>(x.size()), 0);
    const auto from = sum_is_one ? difference(row(near[0]), none) : none;
    detail::pursuit fit{vec_view<const double>(difference(x, from))};
    for (std::size_t i = sum_is_one ? 1 : 0; i < near.size(); ++i) {
      fit.take(near[i].id, vec_view<const double>(difference(row(near[i]), from)));
    }
    double rest_of_sum = 1;
    for (const scored& s : fit.coefficients()) {
      out.add(keys.ids[s.id], s.value);
      rest_of_sum -= s.value;
    }
    if (sum_is_one) out.add(keys.ids[near[0].id], rest_of_sum);
    return true;
  }

  static double distance(vec_view<const float> x, vec_view<const float> y) {
    double sum = 0;
    for (index_t j = 0; j < x.size(); ++j) {
      const double d = static_cast<double>(x[j]) - static_cast<double>(y[j]);
      sum += d * d;
    }
    return lagom::detail::sqrt(sum);
  }
  static std::vector<double> difference(vec_view<const float> x, const std::vector<double>& from) {
    std::vector<double> out(from.size());
    for (std::size_t j = 0; j < out.size(); ++j) {
      out[j] = static_cast<double>(x[static_cast<index_t>(j)]) - from[j];
    }
    return out;
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
