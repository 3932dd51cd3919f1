// SPDX-License-Identifier: MIT
/// @file embed/fase.hpp
/// FASE: tokens that are each other's nearest, then FOCUS.
#pragma once

#include "neighbour_rule.hpp"
#include "noise.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// UniBridge's initializer (Pham et al., arXiv 2406.09717, section 3.2): shared tokens are copied; of the rest,
/// token t takes the row of source token s when s is the nearest of all source tokens to t by cosine, and t the
/// nearest of the rest to s; what still remains is combined as in FOCUS, over shared and matched tokens.
/// `source_vectors` and `target_vectors` lie in one space. Matched rows are tagged `fase`, combined ones
/// `focus`; a token without a vector is drawn from `rest`.
/// Fails as `wechsel` does. Cost: twice rows x source tokens x width, and that of `focus`, where rows are those
/// that are not copied.
struct fase {
  gaussian rest{};
  std::vector<source_id> excluded{};  ///< source rows that are neither matched nor combined
  bool loses_first = false;  ///< compat: target token 0 never counts as shared, and is made like the rest

  template <backend B = portable, executor Run = seq>
  [[nodiscard]] result<plan> operator()(const vocab::expansion& e, const B& b = {},
                                        const Run& run = {}) const {
    if (auto ok = one_space(e); !ok) return ok.error();
    const std::vector<source_id> shared = shared_tokens(e);
    const std::vector<source_id> matched = matches(e, shared, b, run);
    const auto shared_as = [&](std::size_t r) {
      const std::size_t token = row_of(e.wanted[r]);
      return token < shared.size() ? shared[token] : source_id::none;
    };
    auto keys = overlap_keys(e, shared, excluded);
    std::vector<std::size_t> rest_of_rows;
    for (std::size_t r = 0; r < matched.size(); ++r) {
      if (matched[r] != source_id::none) {
        keys.push(matched[r], e.target_vectors[row_of(e.wanted[r])], {});
      } else if (shared_as(r) == source_id::none) {
        rest_of_rows.push_back(r);
      }
    }
    neighbour_rule combine(method::focus, e, std::move(keys), sparse_weights<>{}, b, run);
    combine.make_only(std::move(rest_of_rows));
    const random::rule noise{rest};
    plan_builder out(e.source_size);
    for (std::size_t r = 0; r < e.rows(); ++r) {
      tag how{};
      if (const source_id same = shared_as(r); same != source_id::none) {
        out.add(same, 1);
        how.made_by = method::copy;
      } else if (matched[r] != source_id::none) {
        out.add(matched[r], 1);
        how.made_by = method::fase;
      } else if (how.why = combine(r, out); how.why == reason::none) {
        how.made_by = combine.made_by;
      } else {
        how.made_by = noise.made_by;
        static_cast<void>(noise(r, out));
      }
      out.end_row(e.wanted[r], how);
    }
    return std::move(out).build();
  }

 private:
  [[nodiscard]] std::vector<source_id> shared_tokens(const vocab::expansion& e) const {
    auto out = e.same;
    if (loses_first && !out.empty()) out[0] = source_id::none;
    return out;
  }

  // By row: the source token that is its mutual nearest, or `none`.
  template <class B, class Run>
  [[nodiscard]] std::vector<source_id> matches(const vocab::expansion& e,
                                               const std::vector<source_id>& shared, const B& b,
                                               const Run& run) const {
    std::vector<source_id> out(e.rows(), source_id::none);
    unit_rows targets(e.target_vectors.width());
    std::vector<std::size_t> rows;  // of e, by query
    for (std::size_t r = 0; r < e.rows(); ++r) {
      const std::size_t token = row_of(e.wanted[r]);
      if (token < shared.size() && shared[token] != source_id::none) continue;
      if (e.target_vectors.has(token) && targets.push(e.target_vectors[token])) rows.push_back(r);
    }
    const neighbour_keys sources = source_keys(e, excluded);
    const auto closest = [&](const unit_rows& queries, const unit_rows& keys) {
      std::vector<std::uint32_t> best(static_cast<std::size_t>(queries.size()), ~std::uint32_t{0});
      for_each_product(
          b, run, queries.matrix(), keys.matrix(), [] { return nearest(1); },
          [&](std::size_t i, nearest& state) {
            const auto one = state.take();
            if (!one.empty()) best[i] = one.front().id;
          });
      return best;
    };
    const auto forth = closest(targets, sources.directions);
    std::vector<std::uint32_t> asked;  // sources that are some target's nearest, once each
    for (const std::uint32_t s : forth) {
      if (s != ~std::uint32_t{0}) asked.push_back(s);
    }
    std::sort(asked.begin(), asked.end());
    asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
    unit_rows questions(e.source_vectors.width());
    for (const std::uint32_t s : asked) questions.push(sources.directions.matrix().row(index_t{s}));
    const auto back = closest(questions, targets);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const std::uint32_t t = back[i];
      if (t != ~std::uint32_t{0} && forth[t] == asked[i]) out[rows[t]] = sources.ids[asked[i]];
    }
    return out;
  }
};

/// Compat: vectors whose components add up to exactly 0 are replaced by standard normal ones, as where a sum is
/// taken for a norm. (1, -1) loses its direction; a zero vector gets one.
[[nodiscard]] inline vocab::token_vectors with_zero_sums_replaced(const vocab::token_vectors& vectors,
                                                                  std::uint64_t seed = 42) {
  vocab::token_vectors out(vectors.size(), vectors.width());
  for (std::size_t t = 0; t < static_cast<std::size_t>(vectors.size()); ++t) {
    if (!vectors.has(t)) continue;
    const auto from = vectors[t];
    const auto to = out.set(t);
    float sum = 0;
    for (index_t j = 0; j < from.size(); ++j) sum += to[j] = from[j];
    if (sum != 0) continue;
    for (index_t j = 0; j < to.size(); ++j) {
      const auto pair =
          standard_normal(seed, target_id{static_cast<token_id>(t)}, static_cast<std::uint64_t>(j / 2));
      to[j] = static_cast<float>(j % 2 == 0 ? pair.even : pair.odd);
    }
  }
  return out;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
