// SPDX-License-Identifier: MIT
/// @file exit/trace.hpp
/// Everything the signals of a model said at every layer, recorded once.
#pragma once

#include <vector>

#include "../core/fixed_text.hpp"
#include "../signal/features.hpp"

namespace lagom {
inline namespace v0 {

/// How the recorded tokens came about: decides whether a replay is exact.
enum class trace_kind : std::uint8_t {
  per_instance,    ///< one answer an instance: nothing follows that an earlier stop could change
  teacher_forced,  ///< many tokens a sequence, each fed from a reference
  free_running,    ///< each token fed from the model's own answer: a replay diverges at the first changed one
};

/// Is a signal computed from the softmax statistics and the layer alone? Such signals are recomputed in a replay
/// from recorded statistics; the others (cosines, a user's own) are recorded as columns.
template <exit_signal S>
inline constexpr bool from_stats = contains(need::stats | need::last_stats, S::needs);

/// Columns of `rows() x layers()`: softmax statistics of every layer, one column a number for every signal that
/// needs more than statistics, and for every row the expected token, its group (task) and its length in tokens.
///
/// Recorders of several threads each fill their own trace and `append` them in order.
template <trace_kind Kind = trace_kind::per_instance>
class trace {
 public:
  static constexpr trace_kind kind = Kind;
  using name_type = fixed_text<63>;

  /// One recorded number of a signal, for all rows and layers.
  struct column {
    name_type name;  ///< of the signal; a signal of width 2 has two columns of one name
    std::vector<float> values;
  };

  LAGOM_INLINE explicit trace(int layers) : layers_(layers) { LAGOM_ASSERT(layers > 0); }

  /// A trace that also records what `recorded` computes beyond statistics.
  template <class... Ss>
  LAGOM_INLINE trace(int layers, const features<Ss...>& recorded) : trace(layers) {
    recorded.for_each([&]<class S>(const S&, std::size_t) {
      if constexpr (!from_stats<S>) {
        for (std::size_t k = 0; k < S::width; ++k) columns_.push_back({name_type(S::name), {}});
      }
    });
  }

  /// Opens a row. `expected` is the right answer (or `no_token`), `group` any number, `length` the tokens read.
  LAGOM_INLINE void begin_row(token_id expected, int group, int length) {
    expected_.push_back(expected);
    group_.push_back(group);
    length_.push_back(length);
    const auto cells = expected_.size() * static_cast<std::size_t>(layers_);
    stats_.resize(cells);
    for (auto& c : columns_) c.values.resize(cells);
  }

  /// Records one layer of the row that was opened last, of float, bf16 or f16 states; `obs.stats` must be filled in. Precondition: `recorded` is
  /// the pack that the trace was made with.
  template <backend B, scalar T, class... Ss>
    requires std::same_as<accumulator_t<T>, float>
  void record(const B& b, const basic_layer_obs<T>& obs, const features<Ss...>& recorded) {
    const std::size_t at = cell(rows() - 1, obs.layer);
    stats_[at] = obs.stats;
    std::size_t next = 0;
    recorded.for_each([&]<class S>(const S& signal, std::size_t) {
      if constexpr (!from_stats<S>) {
        float x[S::width];
        signal(obs, b, x);
        for (const float value : x) {
          LAGOM_ASSERT(next < columns_.size() && columns_[next].name.view() == S::name);
          columns_[next++].values[at] = value;
        }
      }
    });
    LAGOM_ASSERT(next == columns_.size());
  }

  /// Adds the rows of another trace. Precondition: of the same model and the same columns.
  LAGOM_INLINE void append(const trace& other) {
    LAGOM_ASSERT(layers_ == other.layers_ && columns_.size() == other.columns_.size());
    for (std::size_t c = 0; c < columns_.size(); ++c)
      LAGOM_ASSERT(columns_[c].name.view() == other.columns_[c].name.view());
    const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    add(stats_, other.stats_);
    for (std::size_t c = 0; c < columns_.size(); ++c) add(columns_[c].values, other.columns_[c].values);
    add(expected_, other.expected_);
    add(group_, other.group_);
    add(length_, other.length_);
  }

  [[nodiscard]] LAGOM_INLINE int layers() const noexcept { return layers_; }
  [[nodiscard]] LAGOM_INLINE index_t rows() const noexcept { return static_cast<index_t>(expected_.size()); }
  [[nodiscard]] LAGOM_INLINE const softmax_stats<float>& stats(index_t row, layer_index l) const noexcept {
    return stats_[cell(row, l)];
  }
  [[nodiscard]] LAGOM_INLINE token_id expected(index_t row) const noexcept {
    return expected_[static_cast<std::size_t>(row)];
  }
  [[nodiscard]] LAGOM_INLINE int group(index_t row) const noexcept {
    return group_[static_cast<std::size_t>(row)];
  }
  [[nodiscard]] LAGOM_INLINE int length(index_t row) const noexcept {
    return length_[static_cast<std::size_t>(row)];
  }
  /// What the full model answers.
  [[nodiscard]] LAGOM_INLINE token_id final_token(index_t row) const noexcept {
    return stats(row, layers_ - 1).top;
  }

  [[nodiscard]] LAGOM_INLINE const std::vector<column>& columns() const noexcept { return columns_; }
  /// The first column of a signal, the `skip` columns of that name before it left out (two signals may share a
  /// name); -1 when it was not recorded.
  [[nodiscard]] LAGOM_INLINE index_t find_column(std::string_view name, std::size_t skip = 0) const noexcept {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].name.view() == name && skip-- == 0) return static_cast<index_t>(c);
    }
    return -1;
  }
  /// Recorded number of column `c`.
  [[nodiscard]] LAGOM_INLINE float value(index_t c, index_t row, layer_index l) const noexcept {
    return columns_[static_cast<std::size_t>(c)].values[cell(row, l)];
  }

  /// Adds a column, of zeros where there are rows.
  LAGOM_INLINE void add_column(std::string_view name) {
    columns_.push_back({name_type(name), std::vector<float>(stats_.size())});
  }
  /// For loaders: sets a cell of the last row.
  LAGOM_INLINE void set(layer_index l, const softmax_stats<float>& s) noexcept {
    stats_[cell(rows() - 1, l)] = s;
  }
  LAGOM_INLINE void set(index_t c, layer_index l, float v) noexcept { set(c, rows() - 1, l, v); }
  /// Sets a cell of any row: what was learnt after the recording.
  LAGOM_INLINE void set(index_t row, layer_index l, const softmax_stats<float>& s) noexcept {
    stats_[cell(row, l)] = s;
  }
  LAGOM_INLINE void set(index_t c, index_t row, layer_index l, float v) noexcept {
    columns_[static_cast<std::size_t>(c)].values[cell(row, l)] = v;
  }

 private:
  [[nodiscard]] LAGOM_INLINE std::size_t cell(index_t row, layer_index l) const noexcept {
    LAGOM_ASSERT(0 <= row && row < rows() && 0 <= l.value && l.value < layers_);
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(layers_) +
           static_cast<std::size_t>(l.value);
  }

  int layers_;
  std::vector<softmax_stats<float>> stats_;
  std::vector<column> columns_;
  std::vector<token_id> expected_;
  std::vector<int> group_;
  std::vector<int> length_;
};

}  // namespace v0
}  // namespace lagom
