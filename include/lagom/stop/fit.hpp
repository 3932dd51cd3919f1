// SPDX-License-Identifier: MIT
/// @file stop/fit.hpp
/// What all fits share: their result, their checks, their standardisation.
#pragma once

#include <initializer_list>
#include <string_view>

#include "../core/backend.hpp"
#include "../core/math.hpp"
#include "../core/random.hpp"
#include "../core/result.hpp"
#include "dataset.hpp"
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

/// Shapes that belong together: one label and one weight a row, sequences in order that end with the rows.
template <backend B>
result<done> check_shape(const dataset_view& data, std::size_t width) {
  if (data.rows() == 0) return failure{.code = errc::empty, .key = "training rows"};
  const auto same = [](errc code, std::string_view key, index_t expected, index_t found) -> result<done> {
    if (expected == found) return done{};
    return failure{.code = code,
                   .key = key,
                   .expected = static_cast<std::uint64_t>(expected),
                   .found = static_cast<std::uint64_t>(found)};
  };
  if (auto ok = same(errc::wrong_width, "features", static_cast<index_t>(width), data.width()); !ok)
    return ok;
  if (auto ok = same(errc::wrong_shape, "features", data.rows(), data.features.cols()); !ok) return ok;
  if (!data.weights.empty()) {
    if (auto ok = same(errc::wrong_shape, "weights", data.rows(), data.weights.size()); !ok) return ok;
  }
  if (data.sequences.empty()) return done{};
  index_t before = 0;
  for (index_t s = 0; s < data.sequences.size(); ++s) {
    if (data.sequences[s] < before || (s == 0 && data.sequences[s] != 0)) {
      return failure{.code = errc::bad_value, .key = "sequences", .row = static_cast<std::uint64_t>(s)};
    }
    before = data.sequences[s];
  }
  return same(errc::wrong_shape, "sequences", data.rows(), before);
}

/// What every fit refuses: shapes that disagree, no rows, labels other than +1 and -1 or all the same, and numbers
/// that are NaN, infinite or (weights) negative. Rows of weight 0 count as not there.
template <backend B>
result<done> check_dataset(const dataset_view& data, std::size_t width) {
  if (auto ok = check_shape<B>(data, width); !ok) return ok;
  index_t positives = 0, negatives = 0;
  for (index_t i = 0; i < data.rows(); ++i) {
    const auto fail = [i](errc code, std::string_view key) {
      return failure{.code = code, .key = key, .row = static_cast<std::uint64_t>(i)};
    };
    if (data.labels[i] != 1 && data.labels[i] != -1) return fail(errc::bad_value, "label");
    const float weight = data.weight(i);
    if (!is_finite(&weight)) return fail(errc::not_finite, "weight");
    if (weight < 0) return fail(errc::bad_value, "weight");
    for (index_t f = 0; f < data.width(); ++f) {
      if (!is_finite(&data.features(f, i))) return fail(errc::not_finite, "feature");
    }
    if (weight > 0) ++(data.labels[i] > 0 ? positives : negatives);
  }
  if (positives == 0 || negatives == 0) return failure{.code = errc::one_class, .key = "label"};
  return done{};
}

/// A setting that must be positive and finite.
template <backend B>
result<done> check_positive(const double& value, std::string_view key) {
  if (is_finite(&value) && value > 0) return done{};
  return failure{.code = errc::bad_value, .key = key};
}
template <backend B, class Config>
result<done> check_costs(const Config& config) {
  if (auto ok = check_positive<B>(config.C, "C"); !ok) return ok;
  if (auto ok = check_positive<B>(config.positive_weight, "positive_weight"); !ok) return ok;
  return check_positive<B>(config.negative_weight, "negative_weight");
}

/// Rows labelled +1.
template <backend B>
index_t count_positives(const dataset_view& data) noexcept {
  index_t n = 0;
  for (index_t i = 0; i < data.rows(); ++i) n += data.labels[i] > 0;
  return n;
}

/// C of the rows labelled +1 and of the others.
struct class_costs {
  double positive, negative;
};

/// C times the class weight, times rows / (2 rows of the class) where classes are balanced (what scikit-learn's
/// class_weight="balanced" does).
template <class Config>
LAGOM_INLINE class_costs costs_of(const Config& config, const fit_report& r) noexcept {
  const auto half = static_cast<double>(r.rows) / 2, positives = static_cast<double>(r.positives);
  return {config.C * config.positive_weight * (config.balanced ? half / positives : 1),
          config.C * config.negative_weight * (config.balanced ? half / (2 * half - positives) : 1)};
}

/// Mean and population deviation of every feature (a constant feature keeps its size), or the identity.
template <std::size_t N, backend B>
scaler<N> fit_scaler(const dataset_view& data, bool standardize) {
  scaler<N> s;
  for (std::size_t f = 0; f < N; ++f) {
    s.inverse_deviation[f] = 1;
    if (!standardize) continue;
    const auto column = data.features.row(static_cast<index_t>(f));
    double mean = 0;
    for (index_t i = 0; i < column.size(); ++i) mean += static_cast<double>(column[i]);
    mean /= static_cast<double>(column.size());
    double variance = 0;
    for (index_t i = 0; i < column.size(); ++i) {
      const double d = static_cast<double>(column[i]) - mean;
      variance += d * d;
    }
    variance /= static_cast<double>(column.size());
    s.mean[f] = static_cast<float>(mean);
    const double deviation = sqrt(variance);
    const float inverse = static_cast<float>(1 / deviation);
    if (deviation > 1e-7 * (mean < 0 ? -mean : mean) && is_finite(&inverse)) s.inverse_deviation[f] = inverse;
  }
  return s;
}

/// What every fit starts from: checked rows, and their features after scaling.
template <std::size_t N>
struct training_rows {
  dataset kept{N};  ///< owns the rows when some were left out
  dataset_view data{};
  fit_report report{};
  scaler<N> scale{};
  std::vector<float> x{};  ///< N x rows, feature by feature, in float: what the classifier will see
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

/// Checks and scales. Rows of weight 0 are left out; of more than `max_rows` > 0, one is drawn from each of
/// `max_rows` equal stretches (even distances would meet the same layer of every instance).
template <std::size_t N, backend B>
result<training_rows<N>> prepare(const dataset_view& all, bool standardize, index_t max_rows = 0) {
  if (auto ok = check_dataset<B>(all, N); !ok) return ok.error();
  training_rows<N> t;
  t.data = all;
  std::vector<index_t> counted;
  for (index_t i = 0; i < all.rows(); ++i) {
    if (all.weight(i) > 0) counted.push_back(i);
  }
  const auto rows = static_cast<index_t>(counted.size());
  const auto source = [&counted](index_t k) { return counted[static_cast<std::size_t>(k)]; };
  if (max_rows > 0 && max_rows < rows) {
    const philox random{0};
    t.kept = selected<B>(all, max_rows, [&](index_t k) {
      const index_t first = k * rows / max_rows, end = (k + 1) * rows / max_rows;
      const auto drawn =
          random.below(static_cast<std::uint64_t>(end - first), 0, static_cast<std::uint64_t>(k));
      return source(first + static_cast<index_t>(drawn));
    });
    t.data = t.kept.view();
    if (auto ok = check_dataset<B>(t.data, N); !ok) return ok.error();
  } else if (rows < all.rows()) {
    t.kept = selected<B>(all, rows, source);
    t.data = t.kept.view();
  }
  t.report = {.rows = t.data.rows(), .positives = count_positives<B>(t.data)};
  t.scale = fit_scaler<N, B>(t.data, standardize);
  t.x.resize(N * static_cast<std::size_t>(t.data.rows()));
  for (std::size_t f = 0; f < N; ++f) {
    const auto from = t.data.features.row(static_cast<index_t>(f));
    for (index_t i = 0; i < t.data.rows(); ++i) {
      float& to = t.x[f * static_cast<std::size_t>(t.data.rows()) + static_cast<std::size_t>(i)];
      to = (from[i] - t.scale.mean[f]) * t.scale.inverse_deviation[f];
      if (!is_finite(&to)) {
        return failure{
            .code = errc::not_finite, .key = "scaled feature", .row = static_cast<std::uint64_t>(i)};
      }
    }
  }
  return t;
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
