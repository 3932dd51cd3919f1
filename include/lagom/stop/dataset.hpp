// SPDX-License-Identifier: MIT
/// @file stop/dataset.hpp
/// Labelled feature vectors, as the fits read them.
#pragma once

#include <vector>

#include "../core/mat_view.hpp"

namespace lagom {
inline namespace v0 {

/// View of `rows()` labelled feature vectors, feature by feature (structure of arrays), grouped into sequences.
///
/// A row is one step: "at this layer of this instance the features were x, and stopping was right (+1) or
/// wrong (-1)". Rows of one instance are adjacent and in order; `sequences` says where each instance begins.
struct dataset_view {
  mat_view<const float> features{};      ///< features x rows; each feature contiguous
  vec_view<const signed char> labels{};  ///< +1 or -1
  vec_view<const index_t> sequences{};   ///< first row of every sequence, then rows(); may be empty
  vec_view<const float> weights{};       ///< weight of every row; empty means 1

  [[nodiscard]] LAGOM_INLINE constexpr index_t rows() const noexcept { return labels.size(); }
  [[nodiscard]] LAGOM_INLINE constexpr index_t width() const noexcept { return features.rows(); }
  [[nodiscard]] LAGOM_INLINE constexpr float weight(index_t row) const noexcept {
    return weights.empty() ? 1.0f : weights[row];
  }
  /// Number of sequences; the whole set is one when no boundaries are given.
  [[nodiscard]] LAGOM_INLINE constexpr index_t sequence_count() const noexcept {
    return sequences.empty() ? (rows() > 0 ? 1 : 0) : sequences.size() - 1;
  }
  [[nodiscard]] LAGOM_INLINE constexpr index_t sequence_begin(index_t s) const noexcept {
    return sequences.empty() ? 0 : sequences[s];
  }
  [[nodiscard]] LAGOM_INLINE constexpr index_t sequence_end(index_t s) const noexcept {
    return sequences.empty() ? rows() : sequences[s + 1];
  }
};

/// Owns a data set that grows row by row.
/// ```cpp
/// lagom::dataset data(2);
/// data.begin_sequence();
/// data.add_row(std::array{gap, top_prob}, right_answer);
/// auto svm = lagom::fit<2>(lagom::linear_svm_config{}, data.view());
/// ```
class dataset {
 public:
  LAGOM_INLINE explicit dataset(std::size_t width) : columns_(width) {}

  /// The rows that follow belong to a new sequence.
  LAGOM_INLINE void begin_sequence() {
    if (starts_.empty() || starts_.back() != rows()) starts_.push_back(rows());
  }

  /// Adds a row. Precondition: `features` is width() long.
  LAGOM_INLINE void add_row(vec_view<const float> features, bool positive, float weight = 1) {
    LAGOM_ASSERT(features.size() == static_cast<index_t>(columns_.size()));
    if (starts_.empty()) starts_.push_back(0);
    for (std::size_t f = 0; f < columns_.size(); ++f)
      columns_[f].push_back(features[static_cast<index_t>(f)]);
    labels_.push_back(positive ? 1 : -1);
    weights_.push_back(weight);
  }

  [[nodiscard]] LAGOM_INLINE index_t rows() const noexcept { return static_cast<index_t>(labels_.size()); }
  [[nodiscard]] LAGOM_INLINE std::size_t width() const noexcept { return columns_.size(); }

  /// The view that the fits take; valid until the data set changes.
  [[nodiscard]] LAGOM_INLINE dataset_view view() {
    flat_.clear();
    flat_.reserve(columns_.size() * labels_.size());
    for (const auto& column : columns_) flat_.insert(flat_.end(), column.begin(), column.end());
    bounds_ = starts_;
    bounds_.push_back(rows());
    return {.features = {flat_.data(), columns_.size(), labels_.size()},
            .labels = labels_,
            .sequences = bounds_,
            .weights = weights_};
  }

 private:
  std::vector<std::vector<float>> columns_;
  std::vector<signed char> labels_;
  std::vector<float> weights_;
  std::vector<index_t> starts_;
  std::vector<float> flat_;
  std::vector<index_t> bounds_;
};

}  // namespace v0
}  // namespace lagom
