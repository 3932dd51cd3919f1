// SPDX-License-Identifier: MIT
/// @file kernel/certified_refinement.hpp
/// Reads rows of the full head in order of interest, and bounds what is left.
#pragma once

#include "certified_bounds.hpp"
#include "certified_stats.hpp"
#include "certified_workspace.hpp"
#include "head_products.hpp"
#include "lanes.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// e^x for any x; at most e^709.
LAGOM_LEAF constexpr double exp_any(double x) noexcept {
  return x > 0 ? 1 / exp_nonpositive(x < 709 ? -x : -709.0) : exp_nonpositive(x);
}

/// Rows whose upper bound is at or above a cut have been read ("known"), the others ("tail") have not. The cut only falls.
template <backend B, scalar H, class Head>
class certified_refinement {
 public:
  using Acc = accumulator_t<H>;
  static constexpr index_t tile = certified_workspace::tile;

  LAGOM_HD certified_refinement(const B& b, vec_view<const H> hidden, const Head& to,
                                const prepared_rows& rows, const certified_bounds& bounds,
                                const certified_workspace& work) noexcept
      : products_(b, hidden, to), rows_(rows), bounds_(bounds), upper_(work.upper.data()) {
    largest_ = upper_[0];
    for (index_t r = 1; r < rows.rows; ++r) largest_ = upper_[r] > largest_ ? upper_[r] : largest_;
    cut_ = largest_ + (largest_ < 0 ? -largest_ : largest_) * 1e-6f + 1;
  }

  /// Largest upper bound of all rows.
  [[nodiscard]] LAGOM_LEAF float largest() const noexcept { return largest_; }
  /// Rows read so far.
  [[nodiscard]] LAGOM_LEAF index_t known() const noexcept { return known_; }
  [[nodiscard]] LAGOM_LEAF index_t best() const noexcept { return best_; }
  /// What the best known row certainly has. Precondition: known() > 0.
  [[nodiscard]] LAGOM_LEAF double floor() const noexcept { return best_low_; }
  [[nodiscard]] LAGOM_LEAF float cut() const noexcept { return cut_; }

  /// Reads the rows whose upper bound is at least `cut`, but not more than `most` rows in all: false when they are more.
  LAGOM_HD bool sweep(float cut, index_t most) noexcept {
    index_t found[tile];
    index_t n = 0;
    for (index_t first = 0; first < rows_.rows; first += tile) {
      const index_t end = rows_.rows - first < tile ? rows_.rows : first + tile;
      for (index_t r = first; r < end; ++r) {
        found[n] = r;
        n += upper_[r] >= cut && upper_[r] < cut_ ? 1 : 0;
        if (n == tile) {
          if (known_ + n > most) return false;
          read(found, n);
          n = 0;
        }
      }
    }
    if (known_ + n > most) return false;
    read(found, n);
    cut_ = cut;
    return true;
  }

  /// Have all rows been read?
  [[nodiscard]] LAGOM_LEAF bool complete() const noexcept { return known_ == rows_.rows; }
  /// A cut `step` below the tail's largest bound.
  [[nodiscard]] LAGOM_HD float below(float step) const noexcept {
    float largest = -3.0e38f;
    for (index_t r = 0; r < rows_.rows; ++r) {
      const float u = upper_[r];
      largest = u < cut_ && u > largest ? u : largest;
    }
    const float far = (largest < 0 ? -largest : largest) * 1e-5f;
    return largest - (far > step ? far : step);
  }

  /// Is the best known row the best of all, whatever the rest is?
  [[nodiscard]] LAGOM_HD bool settled() const noexcept {
    return known_ > 0 && best_low_ >= static_cast<double>(cut_) && best_high_ - best_low_ <= 100 &&
           (known_ < 2 || best_low_ > others_high_);
  }
  /// Are two known rows as good as equal? Reading more rows cannot part them.
  [[nodiscard]] LAGOM_HD bool tied() const noexcept {
    return known_ > 0 && (best_high_ - best_low_ > 100 || (known_ > 1 && others_high_ >= best_low_));
  }

  /// The distributions that enclose the full head's. Precondition: settled().
  LAGOM_HD void enclose(token_id first_token, softmax_stats<Acc>& low,
                        softmax_stats<Acc>& high) const noexcept {
    const tail_sums t = tail();
    const auto at_cut = static_cast<double>(cut_);
    const double up = exp_any(reference_ - best_low_), down = exp_any(reference_ - best_high_);
    const double own_high = exp_any(best_high_ - reference_), own_low = exp_any(best_low_ - reference_);
    double sum_high = (known_high_ - own_high) * up + t.high * exp_any(at_cut - best_low_);
    double sum_low = (known_low_ - own_low) * down + t.low * exp_any(at_cut - best_high_);
    sum_high = (1 + (sum_high > 0 ? sum_high : 0.0) + 1e-12) * (1 + slack);
    sum_low = (1 + (sum_low > 0 ? sum_low : 0.0)) * (1 - slack);
    low.max = high.max = static_cast<Acc>(best_logit_);
    low.sum = static_cast<Acc>(sum_high);
    high.sum = static_cast<Acc>(sum_low);
    low.top = high.top = static_cast<token_id>(first_token + best_);
    low.count = high.count = rows_.rows;
    if (rows_.rows > 1) {
      double second_high = others_high_, second_low = others_low_;
      if (known_ < 2 || (t.any && static_cast<double>(t.largest) > second_high))
        second_high = static_cast<double>(t.largest);
      if (known_ < 2 || (t.any && static_cast<double>(t.floor) > second_low))
        second_low = static_cast<double>(t.floor);
      low.second = second(second_high - best_low_, 1);
      high.second = second(second_low - best_high_, -1);
    }
  }

 private:
  /// The documented error of log(sum), and of what is computed from it here.
  static constexpr double slack = 4e-6;

  struct tail_sums {
    double high = 0, low = 0;  ///< sums of e^(bound - cut)
    float largest = 0, floor = 0;
    bool any = false;
  };

  LAGOM_HD void read(const index_t* found, index_t n) noexcept {
    Acc logits[tile];
    products_([=](index_t i) { return found[i]; }, n, logits);
    for (index_t i = 0; i < n; ++i) {
      const auto z = static_cast<double>(logits[i]);
      const auto radius = static_cast<double>(bounds_.rounding) * static_cast<double>(rows_.norm[found[i]]);
      const double high = z + radius, low = z - radius;
      if (known_ == 0 ||
          z > reference_) {  // the best: what is far below it does not matter, what is near is kept
        const double scale = known_ == 0 ? 0 : exp_nonpositive(reference_ - z);
        known_high_ *= scale;
        known_low_ *= scale;
        reference_ = z;
      }
      known_high_ += exp_any(high - reference_);
      known_low_ += exp_any(low - reference_);
      if (known_ == 0 || z > best_logit_ || (z == best_logit_ && found[i] < best_)) {
        if (known_ > 0) push_other(best_high_, best_low_, known_ == 1);
        best_logit_ = z;
        best_high_ = high;
        best_low_ = low;
        best_ = found[i];
      } else {
        push_other(high, low, known_ == 1);
      }
      ++known_;
    }
  }
  LAGOM_LEAF void push_other(double high, double low, bool first) noexcept {
    others_high_ = first || high > others_high_ ? high : others_high_;
    others_low_ = first || low > others_low_ ? low : others_low_;
  }

  /// One pass over the bounds. Sums a tile in float, in lanes; tiles in double.
  LAGOM_HD tail_sums tail() const noexcept {
    tail_sums t;
    constexpr auto width = lanes<float>::width;
    const float cut = cut_;
    float largest = -3.0e38f, floor = -3.0e38f;
    for (index_t first = 0; first < rows_.rows; first += tile) {
      const index_t n = rows_.rows - first < tile ? rows_.rows - first : tile;
      const float* LAGOM_RESTRICT upper = upper_ + first;
      const float* LAGOM_RESTRICT error = rows_.error.data() + first;
      const float* LAGOM_RESTRICT norm = rows_.norm.data() + first;
      float high_at[tile], low_at[tile];
      for (index_t r = 0; r < n; ++r) {
        const bool in_tail = upper[r] < cut;
        const float lower = upper[r] - 2 * (bounds_.error * error[r] + bounds_.norm * norm[r]);
        high_at[r] = in_tail ? upper[r] : -3.0e38f;
        low_at[r] = in_tail ? lower : -3.0e38f;
      }
      for (index_t r = n; r % width != 0; ++r) high_at[r] = low_at[r] = -3.0e38f;
      lanes<float> high, low, most, least;
      for (index_t j = 0; j < width; ++j) most.value[j] = least.value[j] = -3.0e38f;
      for (index_t r = 0; r < n; r += width) {
        for (index_t j = 0; j < width; ++j) {
          const float h = high_at[r + j], l = low_at[r + j];
          most.value[j] = h > most.value[j] ? h : most.value[j];
          least.value[j] = l > least.value[j] ? l : least.value[j];
          high.value[j] += exp_nonpositive(h - cut);
          low.value[j] += exp_nonpositive(l - cut);
        }
      }
      for (index_t j = 0; j < width; ++j) {
        largest = most.value[j] > largest ? most.value[j] : largest;
        floor = least.value[j] > floor ? least.value[j] : floor;
      }
      t.high += static_cast<double>(high.total());
      t.low += static_cast<double>(low.total());
    }
    t.any = known_ < rows_.rows;
    t.largest = largest;
    t.floor = floor;
    t.high += static_cast<double>(rows_.rows) * 1e-38;  // what was too small to add
    return t;
  }

  /// A second logit that makes the gap at most (towards 1) or at least (towards -1) that of a difference to the best.
  LAGOM_HD Acc second(double difference, double towards) const noexcept {
    const double far =
        (difference < 0 ? -difference : difference) + (best_logit_ < 0 ? -best_logit_ : best_logit_);
    const double d = difference + towards * (1e-6 + far * 0x1p-21);
    const auto max = static_cast<Acc>(best_logit_);
    const auto z = static_cast<Acc>(best_logit_ + (d < -1e30 ? -1e30 : d));
    return z < max ? z : max;
  }

  head_products<B, H, Head> products_;
  const prepared_rows& rows_;
  const certified_bounds& bounds_;
  const float* upper_;
  float largest_ = 0;
  float cut_ = 0;
  double reference_ = 0;
  double known_high_ = 0, known_low_ = 0;  // sums of e^(logit +- rounding - reference)
  double best_logit_ = 0, best_high_ = 0, best_low_ = 0, others_high_ = 0, others_low_ = 0;
  index_t best_ = -1;
  index_t known_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
