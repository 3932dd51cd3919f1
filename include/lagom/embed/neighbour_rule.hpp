// SPDX-License-Identifier: MIT
/// @file embed/neighbour_rule.hpp
/// Rows as weighted sums of the source rows whose auxiliary vectors are near.
#pragma once

#include "back_off.hpp"
#include "product_tiles.hpp"
#include "random.hpp"
#include "unit_rows.hpp"
#include "weighting.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Source rows that may be combined: the direction of an auxiliary vector each, and the row's id.
struct neighbour_keys {
  explicit neighbour_keys(index_t width) : directions(width) {}
  unit_rows directions;
  std::vector<source_id> ids{};

  /// Adds a key unless its vector has no direction or its row is `excluded` (which is sorted).
  void push(source_id id, vec_view<const float> vector, std::span<const source_id> excluded) {
    if (!std::binary_search(excluded.begin(), excluded.end(), id) && directions.push(vector))
      ids.push_back(id);
  }
};

namespace detail {

[[nodiscard]] inline std::vector<source_id> sorted(std::vector<source_id> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace detail

/// The overlap: target tokens t that are the source tokens `same[t]` too and have an auxiliary vector, by
/// rising t. Two vectors in one space, that of the target tokens, are compared.
[[nodiscard]] inline neighbour_keys overlap_keys(const vocab::expansion& e, std::span<const source_id> same,
                                                 std::vector<source_id> excluded = {}) {
  excluded = detail::sorted(std::move(excluded));
  neighbour_keys out(e.target_vectors.width());
  const auto usable = [&](std::size_t t) { return same[t] != source_id::none && e.target_vectors.has(t); };
  std::size_t most = 0;
  for (std::size_t t = 0; t < same.size(); ++t) most += usable(t) ? 1u : 0u;
  out.directions.reserve(most);
  for (std::size_t t = 0; t < same.size(); ++t) {
    if (usable(t)) out.push(same[t], e.target_vectors[t], excluded);
  }
  return out;
}

/// All source tokens that have an auxiliary vector, by rising id.
[[nodiscard]] inline neighbour_keys source_keys(const vocab::expansion& e,
                                                std::vector<source_id> excluded = {}) {
  excluded = detail::sorted(std::move(excluded));
  neighbour_keys out(e.source_vectors.width());
  const auto n = static_cast<std::size_t>((std::min)(e.source_vectors.size(), e.source_size));
  out.directions.reserve(n);
  for (std::size_t s = 0; s < n; ++s) {
    if (e.source_vectors.has(s)) {
      out.push(static_cast<source_id>(static_cast<token_id>(s)), e.source_vectors[s], excluded);
    }
  }
  return out;
}

/// Row r = sum_o w_o (source row o), w = `Weighting` of cos(vector of r, key o). A `row_rule`: chain it as you
/// like. Reasons: `no_vector`, `no_neighbours`.
///
/// It makes the rows of tokens that are no source tokens, or those that `make_only` lists, a batch at a time
/// (1,024, or `Weighting::batch`) when the first of them is asked for; asking in order, from one thread,
/// costs each once. `e` must outlive the rule. Precondition: only rows that it makes are asked for.
template <backend B, executor Run, weighting Weighting>
class neighbour_rule {
 public:
  method made_by;

  neighbour_rule(method made, const vocab::expansion& e, neighbour_keys keys, Weighting weigh, const B& b,
                 const Run& run)
      : made_by(made), e_(e), keys_(std::move(keys)), weigh_(std::move(weigh)), b_(b), run_(run) {
    for (std::size_t r = 0; r < e.rows(); ++r) {
      if (same_token(e, r) == source_id::none) rows_.push_back(r);
    }
  }

  /// Makes these rows and no others. Precondition: they rise.
  void make_only(std::vector<std::size_t> rows) {
    rows_ = std::move(rows);
    made_.clear();
  }

  reason operator()(std::size_t r, plan_builder& out) const {
    const auto place = std::lower_bound(rows_.begin(), rows_.end(), r);
    LAGOM_ASSERT(place != rows_.end() && *place == r);
    const auto at = static_cast<std::size_t>(place - rows_.begin());
    if (at < first_ || at - first_ >= made_.size()) make(at);
    const row& made = made_[at - first_];
    if (made.why != reason::none) return made.why;
    for (const scored& s : made.weights.of) out.add(keys_.ids[s.id], s.value);
    if (made.weights.nan) out.set({rescale::rule::nan});
    return reason::none;
  }

 private:
  static constexpr std::size_t batch = [] {
    if constexpr (requires { Weighting::batch; }) {
      return Weighting::batch;
    } else {
      return std::size_t{1024};
    }
  }();
  struct row {
    row_weights weights{};
    reason why = reason::no_vector;
  };

  void make(std::size_t first) const {
    first_ = first;
    made_.assign((std::min)(batch, rows_.size() - first), {});
    unit_rows queries(keys_.directions.width());
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < made_.size(); ++i) {
      const std::size_t token = row_of(e_.wanted[rows_[first + i]]);
      if (e_.target_vectors.has(token) && queries.push(e_.target_vectors[token])) places.push_back(i);
    }
    for_each_product(
        b_, run_, queries.matrix(), keys_.directions.matrix(), [&] { return weigh_.start(); },
        [&](std::size_t i, auto& state) {
          row& made = made_[places[i]];
          made.weights = weigh_(state);
          const bool none = made.weights.of.empty() && !made.weights.nan;
          made.why = none ? reason::no_neighbours : reason::none;
        });
  }

  const vocab::expansion& e_;
  neighbour_keys keys_;
  Weighting weigh_;
  B b_;
  Run run_;
  std::vector<std::size_t> rows_;
  mutable std::size_t first_ = 0;  // of rows_, like made_
  mutable std::vector<row> made_;
};

/// Do both sides have vectors, of one width? Fails with `empty` or `wrong_shape`.
[[nodiscard]] inline result<done> one_space(const vocab::expansion& e) {
  if (e.source_vectors.empty()) return failure{.code = errc::empty, .key = "source_vectors"};
  if (e.target_vectors.empty()) return failure{.code = errc::empty, .key = "target_vectors"};
  if (e.source_vectors.width() == e.target_vectors.width()) return done{};
  return failure{.code = errc::wrong_shape,
                 .key = "target_vectors",
                 .expected = static_cast<std::uint64_t>(e.source_vectors.width()),
                 .found = static_cast<std::uint64_t>(e.target_vectors.width())};
}

/// Which tokens that are source tokens too are copied, and not made.
enum class copies : std::uint8_t {
  all,
  added,  ///< those without bytes: special and other added tokens
};

/// A plan by a neighbour rule; what it cannot make is drawn from `rest`. Copied rows are tagged `copy`.
template <class Rule>
[[nodiscard]] plan neighbour_plan(const vocab::expansion& e, Rule rule, const gaussian& rest,
                                  copies which = copies::all) {
  const random::rule noise{rest};
  if (which == copies::all) return back_off(e, std::move(rule), noise);
  const auto copied = [&](std::size_t r) {
    return same_token(e, r) != source_id::none && (r >= e.bytes.size() || e.bytes[r].empty());
  };
  std::vector<std::size_t> rows;
  for (std::size_t r = 0; r < e.rows(); ++r) {
    if (!copied(r)) rows.push_back(r);
  }
  rule.make_only(std::move(rows));
  plan_builder out(e.source_size);
  for (std::size_t r = 0; r < e.rows(); ++r) {
    tag how{method::copy, reason::none};
    if (copied(r)) {
      out.add(same_token(e, r), 1);
    } else if (how.why = rule(r, out); how.why == reason::none) {
      how.made_by = rule.made_by;
    } else {
      how.made_by = noise.made_by;
      static_cast<void>(noise(r, out));
    }
    out.end_row(e.wanted[r], how);
  }
  return std::move(out).build();
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
