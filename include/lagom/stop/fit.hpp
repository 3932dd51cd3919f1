// SPDX-License-Identifier: MIT
/// @file stop/fit.hpp
/// What all fits share: their result, their rows, their standardisation.
#pragma once

#include <initializer_list>

#include "../core/random.hpp"
#include "../kernel/lanes.hpp"
#include "check_dataset.hpp"
#include "standardized.hpp"

namespace lagom {
inline namespace v0 {

/// How a fit went.
struct fit_report {
  double objective = 0;  ///< the minimised function, as the config's documentation defines it
  int iterations = 0;
  bool converged = false;
  index_t rows = 0;
  index_t positives = 0;
};

/// A classifier and how it was found. Fits are deterministic: the same data gives the same bits.
template <class Model>
struct fitted {
  Model model{};
  fit_report report{};
};

namespace detail {

/// C of the rows labelled +1 and of the others.
struct class_costs {
  double positive, negative;
};

/// C of a row.
LAGOM_INLINE double cost_of(const dataset_view& data, class_costs costs, index_t i) noexcept {
  return (data.labels[i] > 0 ? costs.positive : costs.negative) * static_cast<double>(data.weight(i));
}

/// C times the class weight, times rows / (2 rows of the class) where classes are balanced (what scikit-learn's
/// class_weight="balanced" does).
template <class Config>
LAGOM_INLINE class_costs costs_of(const Config& config, const fit_report& r) noexcept {
  const auto half = static_cast<double>(r.rows) / 2, positives = static_cast<double>(r.positives);
  return {config.C * config.positive_weight * (config.balanced ? half / positives : 1),
          config.C * config.negative_weight * (config.balanced ? half / (2 * half - positives) : 1)};
}

/// at(0) + ... + at(n - 1), in lanes.
template <class At>
LAGOM_INLINE double sum_of(const At& at, index_t n) noexcept {
  using sums = lanes<double>;
  sums sum;
  index_t i = 0;
  for (; i + sums::width <= n; i += sums::width) {
    for (index_t j = 0; j < sums::width; ++j) sum.value[j] += at(i + j);
  }
  for (index_t j = 0; i < n; ++i, ++j) sum.value[j] += at(i);
  return sum.total();
}

/// Mean and population deviation of every feature (a constant feature keeps its size), or the identity.
template <std::size_t N, backend B>
scaler<N> fit_scaler(const dataset_view& data, bool standardize) {
  scaler<N> s;
  const auto rows = static_cast<double>(data.rows());
  for (std::size_t f = 0; f < N; ++f) {
    s.inverse_deviation[f] = 1;
    if (!standardize) continue;
    with_elements<float>(data.features.row(static_cast<index_t>(f)), [&](const auto& at) {
      const double mean = sum_of([&at](index_t i) { return static_cast<double>(at(i)); }, data.rows()) / rows;
      const auto square = [&at, mean](index_t i) {
        const double d = static_cast<double>(at(i)) - mean;
        return d * d;
      };
      const double deviation = sqrt(sum_of(square, data.rows()) / rows);
      s.mean[f] = static_cast<float>(mean);
      const float inverse = static_cast<float>(1 / deviation);
      if (deviation > 1e-7 * (mean < 0 ? -mean : mean) && is_finite(&inverse))
        s.inverse_deviation[f] = inverse;
    });
  }
  return s;
}

/// What every fit starts from: checked rows, and how their features are scaled.
template <std::size_t N>
struct training_rows {
  dataset kept{N};  ///< owns the rows when some were left out
  dataset_view data{};
  fit_report report{};
  scaler<N> scale{};
};

/// The rows `row(0) ... row(count - 1)` of a data set, as one sequence.
template <backend B, class Row>
dataset selected(const dataset_view& data, index_t count, const Row& row) {
  dataset few(static_cast<std::size_t>(data.width()));
  std::vector<float> x(static_cast<std::size_t>(data.width()));
  for (index_t k = 0; k < count; ++k) {
    const index_t i = row(k);
    for (index_t f = 0; f < data.width(); ++f) x[static_cast<std::size_t>(f)] = data.features(f, i);
    few.add_row(x, data.labels[i] > 0, data.weight(i));
  }
  return few;
}

/// The rows that count: those of weight above 0; of more than `max_rows` > 0, one drawn from each of `max_rows` equal
/// stretches (even distances would meet the same layer of every instance).
template <std::size_t N, backend B>
void select_rows(training_rows<N>& t, const dataset_view& all, index_t rows, index_t max_rows) {
  t.data = all;
  const bool thinned = max_rows > 0 && max_rows < rows;
  if (!thinned && rows == all.rows()) return;
  std::vector<index_t> counted;
  for (index_t i = 0; i < all.rows(); ++i) {
    if (all.weight(i) > 0) counted.push_back(i);
  }
  const auto source = [&counted](index_t k) { return counted[static_cast<std::size_t>(k)]; };
  const philox random{0};
  const auto drawn = [&](index_t k) {
    const index_t first = k * rows / max_rows, end = (k + 1) * rows / max_rows;
    const auto one = random.below(static_cast<std::uint64_t>(end - first), 0, static_cast<std::uint64_t>(k));
    return source(first + static_cast<index_t>(one));
  };
  t.kept = thinned ? selected<B>(all, max_rows, drawn) : selected<B>(all, rows, source);
  t.data = t.kept.view();
}

/// Is every feature finite after scaling? Fails with the first that is not.
template <std::size_t N, backend B>
result<done> check_scaled(const training_rows<N>& t) {
  for (std::size_t f = 0; f < N; ++f) {
    const auto column = t.data.features.row(static_cast<index_t>(f));
    const auto scaled = [&](float x) { return (x - t.scale.mean[f]) * t.scale.inverse_deviation[f]; };
    float low = column[0], high = column[0];
    with_elements<float>(column, [&, n = column.size()](const auto& at) {
      lanes<float> lowest, highest;
      for (float& v : lowest.value) v = low;
      for (float& v : highest.value) v = high;
      constexpr index_t width = lanes<float>::width;
      for (index_t i = 0; i < n; i += width) {
        const index_t m = n - i < width ? n - i : width;
        for (index_t j = 0; j < m; ++j) {
          lowest.value[j] = at(i + j) < lowest.value[j] ? at(i + j) : lowest.value[j];
          highest.value[j] = at(i + j) > highest.value[j] ? at(i + j) : highest.value[j];
        }
      }
      for (const float v : lowest.value) low = v < low ? v : low;
      for (const float v : highest.value) high = v > high ? v : high;
    });
    const float ends[2] = {scaled(low), scaled(high)};  // scaling is monotone: between them all is finite
    if (is_finite(&ends[0]) && is_finite(&ends[1])) continue;
    for (index_t i = 0; i < column.size(); ++i) {
      const float x = scaled(column[i]);
      if (!is_finite(&x)) {
        return failure{
            .code = errc::not_finite, .key = "scaled feature", .row = static_cast<std::uint64_t>(i)};
      }
    }
  }
  return done{};
}

/// Checks, selects and scales.
template <std::size_t N, backend B>
result<training_rows<N>> prepare(const dataset_view& all, bool standardize, index_t max_rows = 0) {
  auto counts = check_dataset<B>(all, N);
  if (!counts) return counts.error();
  training_rows<N> t;
  select_rows<N, B>(t, all, counts->rows, max_rows);
  if (t.data.rows() != all.rows()) {
    counts = check_dataset<B>(t.data, N);
    if (!counts) return counts.error();
  }
  t.report = {.rows = counts->rows, .positives = counts->positives};
  t.scale = fit_scaler<N, B>(t.data, standardize);
  if (standardize) {
    if (auto ok = check_scaled<N, B>(t); !ok) return ok.error();
  }
  return t;
}

/// The features after scaling, N x rows, feature by feature, in float: what the classifier will see.
template <std::size_t N, backend B>
std::vector<float> scaled_features(const training_rows<N>& t) {
  const auto rows = static_cast<std::size_t>(t.data.rows());
  std::vector<float> x(N * rows);
  for (std::size_t f = 0; f < N; ++f) {
    const float mean = t.scale.mean[f], inverse = t.scale.inverse_deviation[f];
    float* LAGOM_RESTRICT const to = x.data() + f * rows;
    with_elements<float>(t.data.features.row(static_cast<index_t>(f)), [=, &t](const auto& at) {
      for (index_t i = 0; i < t.data.rows(); ++i) to[i] = (at(i) - mean) * inverse;
    });
  }
  return x;
}

/// The model, unless the solver lost it: a number that is not finite is no classifier.
template <backend B, class Model>
result<fitted<Model>> finished(fitted<Model>&& out, std::initializer_list<vec_view<const float>> numbers) {
  bool sound = is_finite(&out.report.objective);
  for (const auto& part : numbers) {
    for (index_t i = 0; i < part.size(); ++i) sound = sound && is_finite(&part[i]);
  }
  if (!sound) return failure{.code = errc::not_converged, .key = "fit"};
  return std::move(out);
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
