// SPDX-License-Identifier: MIT
/// @file stop/fit.hpp
/// What all fits share: their result, their checks, their standardisation.
#pragma once

#include "../core/backend.hpp"
#include "../core/math.hpp"
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

/// What every fit refuses: no rows, another width, one label only, NaN or infinity.
template <backend B>
result<done> check_dataset(const dataset_view& data, std::size_t width) {
  if (data.rows() == 0) return failure{.code = errc::empty, .key = "training rows"};
  if (data.width() != static_cast<index_t>(width)) {
    return failure{.code = errc::wrong_width,
                   .key = "features",
                   .expected = width,
                   .found = static_cast<std::uint64_t>(data.width())};
  }
  index_t positives = 0;
  for (index_t i = 0; i < data.rows(); ++i) {
    if (data.labels[i] != 1 && data.labels[i] != -1) {
      return failure{.code = errc::bad_value, .key = "label", .row = static_cast<std::uint64_t>(i)};
    }
    positives += data.labels[i] > 0;
    for (index_t f = 0; f < data.width(); ++f) {
      if (!is_finite(&data.features(f, i))) {
        return failure{.code = errc::not_finite, .key = "feature", .row = static_cast<std::uint64_t>(i)};
      }
    }
  }
  if (positives == 0 || positives == data.rows()) return failure{.code = errc::one_class, .key = "label"};
  return done{};
}

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
    if (deviation > 1e-7 * (1 + (mean < 0 ? -mean : mean))) {
      s.inverse_deviation[f] = static_cast<float>(1 / deviation);
    }
  }
  return s;
}

/// The features of a data set after scaling, feature by feature, in float: what the classifier will see.
template <std::size_t N, backend B>
std::vector<float> scaled_features(const dataset_view& data, const scaler<N>& s) {
  std::vector<float> x(N * static_cast<std::size_t>(data.rows()));
  for (std::size_t f = 0; f < N; ++f) {
    float* LAGOM_RESTRICT to = x.data() + f * static_cast<std::size_t>(data.rows());
    const auto from = data.features.row(static_cast<index_t>(f));
    for (index_t i = 0; i < data.rows(); ++i) to[i] = (from[i] - s.mean[f]) * s.inverse_deviation[f];
  }
  return x;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
