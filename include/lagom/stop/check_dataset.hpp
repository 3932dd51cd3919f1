// SPDX-License-Identifier: MIT
/// @file stop/check_dataset.hpp
/// What every fit refuses before it begins.
#pragma once

#include <string_view>

#include "../core/backend.hpp"
#include "../core/math.hpp"
#include "../core/result.hpp"
#include "dataset.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Calls `use(at)` with `at(i)` = element i, unchecked; adjacent elements get a text of their own, which vectorises.
template <class T, class Use>
LAGOM_INLINE auto with_elements(vec_view<const T> x, const Use& use) noexcept {
  const T* LAGOM_RESTRICT const data = x.data();
  if (x.contiguous()) return use([data](index_t i) { return data[i]; });
  return use([data, stride = x.stride()](index_t i) { return data[i * stride]; });
}

/// Is every element finite?
template <backend B>
bool all_finite(vec_view<const float> x) noexcept {
  return with_elements<float>(x, [n = x.size()](const auto& at) {
    std::uint32_t largest = 0;
    for (index_t i = 0; i < n; ++i) {
      const std::uint32_t bits = bit_cast<std::uint32_t>(at(i)) & float_bits<float>::magnitude_mask;
      largest = bits > largest ? bits : largest;
    }
    return largest < float_bits<float>::infinity;
  });
}

/// Rows labelled +1, or -1 where a label is neither +1 nor -1.
template <backend B>
index_t count_positives(vec_view<const signed char> labels) noexcept {
  return with_elements<signed char>(labels, [n = labels.size()](const auto& at) {
    index_t positives = 0;
    for (index_t first = 0; first < n; first += 1 << 20) {  // 32 bits count a stretch: narrow sums are quick
      const index_t end = n - first < 1 << 20 ? n : first + (1 << 20);
      std::int32_t count = 0, other = 0;
      for (index_t i = first; i < end; ++i) {
        count += at(i) == 1;
        other += at(i) != 1 && at(i) != -1;
      }
      if (other > 0) return index_t{-1};
      positives += count;
    }
    return positives;
  });
}

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

/// The first row that no fit takes, and why.
template <backend B>
result<done> find_bad_row(const dataset_view& data) {
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
  }
  return done{};
}

/// What the rows of a data set count for.
struct row_counts {
  index_t rows = 0, positives = 0;  ///< of weight above 0
};

/// What every fit refuses: shapes that disagree, no rows, labels other than +1 and -1 or all the same, and numbers
/// that are NaN, infinite or (weights) negative. Rows of weight 0 count as not there.
template <backend B>
result<row_counts> check_dataset(const dataset_view& data, std::size_t width) {
  if (auto ok = check_shape<B>(data, width); !ok) return ok.error();
  row_counts n{data.rows(), count_positives<B>(data.labels)};
  bool sound = n.positives >= 0 && (data.weights.empty() || all_finite<B>(data.weights));
  for (index_t f = 0; f < data.width(); ++f) sound = sound && all_finite<B>(data.features.row(f));
  if (sound && !data.weights.empty()) {
    n = {};
    for (index_t i = 0; i < data.rows(); ++i) {
      sound = sound && !(data.weights[i] < 0);
      n.rows += data.weights[i] > 0;
      n.positives += data.weights[i] > 0 && data.labels[i] > 0;
    }
  }
  if (!sound) {
    if (auto ok = find_bad_row<B>(data); !ok) return ok.error();
  }
  if (n.positives == 0 || n.positives == n.rows) return failure{.code = errc::one_class, .key = "label"};
  return n;
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

}  // namespace detail
}  // namespace v0
}  // namespace lagom
