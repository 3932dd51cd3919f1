// SPDX-License-Identifier: MIT
/// @file embed/plan_builder.hpp
/// Makes plans, row by row.
#pragma once

#include "../core/result.hpp"
#include "plan.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Collects the terms of a row in any order, any number of times, in double; `end_row` brings them into
/// canonical form: sorted, equal ids added up, rounded to float once.
/// ```cpp
/// lagom::embed::plan_builder out(expansion.source_size);
/// for (std::size_t r = 0; r < expansion.rows(); ++r) {
///   for (const auto id : expansion.pieces[r]) out.add(id, 1.0 / expansion.pieces[r].size());
///   out.end_row(expansion.wanted[r], {.made_by = lagom::embed::method::mean});
/// }
/// auto plan = std::move(out).build();
/// ```
class plan_builder {
 public:
  explicit plan_builder(index_t source_size) { plan_.source_size_ = source_size; }

  /// Names a group of source rows (in any order; doubles count once) and gives its id; the same rows have the
  /// same id.
  std::uint32_t add_group(std::span<const source_id> members) {
    std::vector<source_id> sorted(members.begin(), members.end());
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    for (std::size_t g = 0; g < plan_.groups_.size(); ++g) {
      const auto other = plan_.groups_[g];
      if (std::equal(other.begin(), other.end(), sorted.begin(), sorted.end())) {
        return static_cast<std::uint32_t>(g + 1);
      }
    }
    plan_.groups_.push_back(sorted);
    return static_cast<std::uint32_t>(plan_.groups_.size());
  }

  /// Adds weight * (source row id) to the row that is being made.
  void add(source_id id, double weight) { row_.push_back({id, weight}); }

  /// Adds statistics and noise to the row that is being made.
  void add(const gaussian& g) { noise_.push_back(g); }

  /// What becomes of the row that is being made.
  void set(const rescale& r) noexcept { rescale_ = r; }

  /// Takes the deviations out of the row that is being made; the means stay.
  void silence() {
    for (gaussian& g : noise_) g.deviation = 0;
    noise_.erase(std::remove_if(noise_.begin(), noise_.end(), [](const gaussian& g) { return g.mean == 0; }),
                 noise_.end());
  }

  /// Takes out what was added with a weight smaller than `least` in magnitude.
  void drop_weights_below(double least) {
    row_.erase(std::remove_if(row_.begin(), row_.end(),
                              [least](const wide& t) { return t.weight < least && -t.weight < least; }),
               row_.end());
  }

  /// Has nothing been added since the last row's end?
  [[nodiscard]] bool row_is_empty() const noexcept { return row_.empty() && noise_.empty(); }

  /// Forgets what was added since the last row's end.
  void drop_row() noexcept {
    row_.clear();
    noise_.clear();
    rescale_ = {};
  }

  /// Ends the row of a token. The order in which terms came does not matter, to the bit.
  void end_row(target_id token, const tag& t = {}) {
    std::sort(row_.begin(), row_.end(), [](const wide& a, const wide& b) {
      return a.id != b.id ? a.id < b.id : bits_of(&a.weight) < bits_of(&b.weight);  // NaN too has a place
    });
    terms_.clear();
    for (std::size_t i = 0; i < row_.size();) {
      const source_id id = row_[i].id;
      double sum = 0;
      for (; i < row_.size() && row_[i].id == id; ++i) sum += row_[i].weight;
      terms_.push_back({id, static_cast<float>(sum)});
    }
    for (gaussian& g : noise_) {
      if (g.stream == target_id::none) g.stream = token;
    }
    plan_.targets_.push_back(token);
    plan_.terms_.push_back(terms_);
    plan_.gaussians_.push_back(noise_);
    plan_.rescales_.push_back(rescale_);
    plan_.tags_.push_back(t);
    drop_row();
  }

  /// The plan, as it was put in. Precondition: what `checked` looks at holds.
  [[nodiscard]] plan build() && {
    LAGOM_ASSERT(row_is_empty());
    return std::move(plan_);
  }

  /// The plan, if its parts fit together: for plans that come from a file or from foreign code. Fails (`row`
  /// says which) with `out_of_range` (a token or a source row that is none, an unknown group, a quantile
  /// outside 0 ... 1), `duplicate_key` (targets do not rise) or `not_finite` (a weight).
  [[nodiscard]] result<plan> checked() && {
    const auto last_of = [this](std::span<const source_id> ids) {
      for (const source_id id : ids) {
        if (!is_row(id)) return false;
      }
      return true;
    };
    for (std::size_t g = 0; g < plan_.groups_.size(); ++g) {
      if (!last_of(plan_.groups_[g]))
        return failure{.code = errc::out_of_range, .key = "group", .row = g + 1};
    }
    for (std::size_t r = 0; r < plan_.rows(); ++r) {
      const token_id token = static_cast<token_id>(plan_.targets_[r]);
      if (token < 0) return failure{.code = errc::out_of_range, .key = "target", .row = r};
      if (r > 0 && plan_.targets_[r] <= plan_.targets_[r - 1]) {
        return failure{.code = errc::duplicate_key, .key = "target", .row = r};
      }
      for (const term& t : plan_.row(r)) {
        if (!is_row(t.id)) return failure{.code = errc::out_of_range, .key = "source row", .row = r};
        if (!is_finite(&t.weight)) return failure{.code = errc::not_finite, .key = "weight", .row = r};
      }
      for (const gaussian& g : plan_.gaussians(r)) {
        if (g.group != gaussian::standard && g.group >= plan_.groups()) {
          return failure{.code = errc::out_of_range, .key = "group", .row = r, .found = g.group};
        }
        if (!is_finite(&g.mean) || !is_finite(&g.deviation)) {
          return failure{.code = errc::not_finite, .key = "weight", .row = r};
        }
      }
      const rescale& s = plan_.rescales_[r];
      if (s.to != rescale::rule::none && s.to != rescale::rule::nan) {
        if (s.to > rescale::rule::nan || s.group >= plan_.groups()) {
          return failure{.code = errc::out_of_range, .key = "group", .row = r, .found = s.group};
        }
        if (!is_finite(&s.value)) return failure{.code = errc::not_finite, .key = "norm", .row = r};
        if (s.value < 0 || (s.to == rescale::rule::quantile && s.value > 1)) {
          return failure{.code = errc::out_of_range, .key = "norm", .row = r};
        }
      }
    }
    return std::move(*this).build();
  }

 private:
  struct wide {
    source_id id;
    double weight;
  };
  [[nodiscard]] bool is_row(source_id id) const noexcept {
    return static_cast<token_id>(id) >= 0 && static_cast<index_t>(id) < plan_.source_size_;
  }

  plan plan_;
  std::vector<wide> row_;
  std::vector<term> terms_;
  std::vector<gaussian> noise_;
  rescale rescale_;
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
