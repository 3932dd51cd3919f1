// SPDX-License-Identifier: MIT
/// @file kernel/certified_refinement.hpp
/// Reads rows of the full head in order of interest, and bounds what is left.
#pragma once

#include "certified_bounds.hpp"
#include "certified_stats.hpp"
#include "certified_tail.hpp"
#include "head_products.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// e^x for any x; at most e^709.
LAGOM_LEAF constexpr double exp_any(double x) noexcept {
  return x > 0 ? 1 / exp_nonpositive(x < 709 ? -x : -709.0) : exp_nonpositive(x);
}

/// Rows whose upper bound is at or above a cut have been read ("known"), the others ("tail") have not. The cut only
/// falls. Rows are read, and the tail is summed, by tasks of the executor; what they give is put together in the
/// order of the rows.
template <backend B, scalar H, class Head, executor E>
class certified_refinement {
 public:
  using Acc = accumulator_t<H>;
  static constexpr index_t tile = certified_workspace::tile;

  LAGOM_HD certified_refinement(const B& b, vec_view<const H> hidden, const Head& to,
                                const prepared_rows& rows, const certified_bounds& bounds,
                                certified_workspace& work, const E& run) noexcept
      : b_(b),
        hidden_(hidden),
        to_(to),
        rows_(rows),
        bounds_(bounds),
        work_(work),
        run_(run),
        upper_(work.upper.data()) {
    const float largest = largest_below<B>(upper_, rows.rows, 3.2e38f);
    cut_ = largest + (largest < 0 ? -largest : largest) * 1e-6f + 1;
  }

  /// Rows read so far.
  [[nodiscard]] LAGOM_LEAF index_t known() const noexcept { return known_; }
  /// What the best known row certainly has. Precondition: known() > 0.
  [[nodiscard]] LAGOM_LEAF double floor() const noexcept { return best_low_; }
  [[nodiscard]] LAGOM_LEAF float cut() const noexcept { return cut_; }

  /// Reads the rows whose upper bound is at least `cut`, but not more than `most` rows in all: false if they are more.
  LAGOM_HD bool sweep(float cut, index_t most) noexcept {
    index_t* const found = work_.found.data();
    index_t n = 0;
    for (index_t first = 0; first < rows_.rows; first += tile) {
      const index_t end = rows_.rows - first < tile ? rows_.rows : first + tile;
      if (n + tile > certified_workspace::batch) {
        if (known_ + n > most) return false;
        read(n);
        n = 0;
      }
      if (count_from<B>(upper_ + first, end - first, cut) == 0) continue;
      for (index_t r = first; r < end; ++r) {
        found[n] = r;
        n += upper_[r] >= cut && upper_[r] < cut_ ? 1 : 0;
      }
    }
    if (known_ + n > most) return false;
    read(n);
    cut_ = cut;
    return true;
  }

  /// Have all rows been read?
  [[nodiscard]] LAGOM_LEAF bool complete() const noexcept { return known_ == rows_.rows; }
  /// The share of all rows whose upper bound is at or above a cut.
  [[nodiscard]] LAGOM_HD double share_from(float cut) const noexcept {
    return static_cast<double>(count_from<B>(upper_, rows_.rows, cut)) / static_cast<double>(rows_.rows);
  }
  /// A cut `step` below the tail's largest bound.
  [[nodiscard]] LAGOM_HD float below(float step) const noexcept {
    const float largest = largest_below<B>(upper_, rows_.rows, cut_);
    const float far = (largest < 0 ? -largest : largest) * 1e-5f;
    return largest - (far > step ? far : step);
  }

  /// Is the best known row, or one that rounding does not part from it, the best of all?
  [[nodiscard]] LAGOM_LEAF bool leads() const noexcept {
    return known_ > 0 && best_low_ >= static_cast<double>(cut_);
  }
  /// Is rounding so coarse that more rows do not help?
  [[nodiscard]] LAGOM_LEAF bool hopeless() const noexcept {
    return known_ > 0 && best_high_ - best_low_ > 100;
  }
  /// Are two known rows as good as equal? Precondition: leads(); reading more rows cannot part them.
  [[nodiscard]] LAGOM_LEAF bool tied() const noexcept { return known_ > 1 && others_high_ >= best_low_; }

  /// Does enclose() know more where it is told to average?
  [[nodiscard]] LAGOM_LEAF bool averages() const noexcept { return bounds_.deviations > 0; }
  /// The distributions that enclose the full head's. Precondition: leads(), not tied(), not hopeless().
  LAGOM_HD void enclose(token_id first_token, bool average, softmax_stats<Acc>& low,
                        softmax_stats<Acc>& high) const noexcept {
    enclose(first_token, average, cut_, guess{}, low, high);
  }
  /// What enclose() would roughly give after a sweep of `share` of all rows. Precondition: as above.
  LAGOM_HD void foresee(token_id first_token, double share, softmax_stats<Acc>& low,
                        softmax_stats<Acc>& high) const noexcept {
    const auto wanted = static_cast<index_t>(share * static_cast<double>(rows_.rows));
    float least = cut_ - 256, most = cut_;
    for (int i = 0; i < 16; ++i) {
      const float middle = least + (most - least) / 2;
      (count_from<B>(upper_, rows_.rows, middle) > wanted ? least : most) = middle;
    }
    guess g;
    for (index_t r = 0; r < rows_.rows; ++r) {
      if (!(upper_[r] >= most && upper_[r] < cut_)) continue;
      const float z = upper_[r] - bounds_.error * rows_.error[r] - bounds_.norm * rows_.norm[r];
      if (!work_.exact.empty()) work_.exact[static_cast<std::size_t>(r)] = z;
      g.sum += exp_any(static_cast<double>(z) - best_logit_);
      g.largest = static_cast<double>(z) > g.largest ? static_cast<double>(z) : g.largest;
    }
    enclose(first_token, averages(), most, g, low, high);
  }

 private:
  /// The documented error of log(sum), and of what is computed from it here.
  static constexpr double slack = 4e-6;

  /// Rows that are not known taken for it: the sum of their exponentials relative to the best, the largest.
  struct guess {
    double sum = 0, largest = -3.0e38;
    static constexpr double off = 0.01;  // errors that average out, roughly
  };

  LAGOM_HD void enclose(token_id first_token, bool average, float cut, const guess& more,
                        softmax_stats<Acc>& low, softmax_stats<Acc>& high) const noexcept {
    const certified_tail<B> t = certified_tail_of(b_, rows_, bounds_, work_, cut, best_logit_, average, run_);
    const double up = exp_any(reference_ - best_low_), down = exp_any(reference_ - best_high_);
    const double own_high = exp_any(best_high_ - reference_), own_low = exp_any(best_low_ - reference_);
    double sum_high =
        (known_high_ - own_high) * up + t.high * exp_any(t.level - best_low_) + more.sum * (1 + guess::off);
    double sum_low =
        (known_low_ - own_low) * down + t.low * exp_any(t.level - best_high_) + more.sum * (1 - guess::off);
    sum_high = (1 + (sum_high > 0 ? sum_high : 0.0) + 1e-12) * (1 + slack);
    sum_low = (1 + (sum_low > 0 ? sum_low : 0.0)) * (1 - slack);
    low.max = high.max = static_cast<Acc>(best_logit_);
    low.sum = static_cast<Acc>(sum_high);
    high.sum = static_cast<Acc>(sum_low);
    low.top = high.top = static_cast<token_id>(first_token + best_);
    low.count = high.count = rows_.rows;
    if (rows_.rows > 1) {
      const double rest_high = static_cast<double>(t.largest), rest_low = static_cast<double>(t.floor);
      const double others_high = rest_high > more.largest ? rest_high : more.largest;
      const double others_low = rest_low > more.largest ? rest_low : more.largest;
      const bool any = known_ < rows_.rows;
      const double second_high =
          known_ < 2 || (any && others_high > others_high_) ? others_high : others_high_;
      const double second_low = known_ < 2 || (any && others_low > others_low_) ? others_low : others_low_;
      low.second = second(second_high - best_low_, 1);
      high.second = second(second_low - best_high_, -1);
    }
  }

  /// The first n rows of `work.found`.
  LAGOM_HD void read(index_t n) noexcept {
    constexpr index_t task_rows = certified_workspace::reading;
    const index_t* const found = work_.found.data();
    double* const logits = work_.logits.data();
    const auto some = [=, this](index_t task) {
      const index_t first = task * task_rows;
      const index_t m = n - first < task_rows ? n - first : task_rows;
      head_products<B, H, Head> products(b_, hidden_, to_);
      Acc z[task_rows];
      products([=](index_t i) { return found[first + i]; }, m, z);
      for (index_t i = 0; i < m; ++i) logits[first + i] = static_cast<double>(z[i]);
    };
    const index_t tasks = (n + task_rows - 1) / task_rows;
    if (tasks < 4) {  // not worth waking threads
      seq{}(tasks, some);
    } else {
      run_(tasks, some);
    }
    for (index_t i = 0; i < n; ++i) push(found[i], logits[i]);
  }

  LAGOM_HD void push(index_t row, double z) noexcept {
    if (!work_.exact.empty()) work_.exact[static_cast<std::size_t>(row)] = static_cast<float>(z);
    const auto radius = static_cast<double>(bounds_.rounding) * static_cast<double>(rows_.norm[row]);
    const double high = z + radius, low = z - radius;
    if (known_ == 0 || z > reference_) {  // what is far below the best does not matter, what is near is kept
      const double scale = known_ == 0 ? 0 : exp_nonpositive(reference_ - z);
      known_high_ *= scale;
      known_low_ *= scale;
      reference_ = z;
    }
    known_high_ += exp_any(high - reference_);
    known_low_ += exp_any(low - reference_);
    if (known_ == 0 || z > best_logit_ || (z == best_logit_ && row < best_)) {
      if (known_ > 0) push_other(best_high_, best_low_, known_ == 1);
      best_logit_ = z;
      best_high_ = high;
      best_low_ = low;
      best_ = row;
    } else {
      push_other(high, low, known_ == 1);
    }
    ++known_;
  }
  LAGOM_LEAF void push_other(double high, double low, bool first) noexcept {
    others_high_ = first || high > others_high_ ? high : others_high_;
    others_low_ = first || low > others_low_ ? low : others_low_;
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

  const B& b_;
  vec_view<const H> hidden_;
  const Head& to_;
  const prepared_rows& rows_;
  const certified_bounds& bounds_;
  certified_workspace& work_;
  const E& run_;
  const float* upper_;
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
