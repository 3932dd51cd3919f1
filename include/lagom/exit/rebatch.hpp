// SPDX-License-Identifier: MIT
/// @file exit/rebatch.hpp
/// Full batches behind every exit: rows that stay wait for others that stay.
#pragma once

#include <vector>

#include "../core/layer.hpp"
#include "../core/math.hpp"
#include "../core/result.hpp"
#include "batch_rule.hpp"
#include "each_row.hpp"

namespace lagom {
inline namespace v0 {

/// How rows are brought together again.
struct rebatch_config {
  int batch = 8;       ///< rows of a run at most, > 0
  int enough = 8;      ///< rows that wait at an exit and are worth a run, in 1 ... batch
  int most_wait = 64;  ///< runs that a row waits before its batch goes as it is, >= 0
};

/// One run: the rows of `rebatch::rows` through blocks first ... last.
struct rebatch_run {
  layer_index first{}, last{};
  bool to_the_end = false;  ///< all rows answer after it
};

/// Dynamic rebatching (DREX, arXiv 2512.15705) as an index algorithm: which rows run which layers next. A batch is split at every
/// exit: rows that want to stop leave, the others are laid aside until `enough` of them wait there, and go on as a new batch.
///
/// ```cpp
/// auto sequences = lagom::rebatch<>::make({.batch = 8, .enough = 6}, exits, n_layers, capacity);
/// while (...) {
///   for (each sequence with a new token) sequences->add(row);
///   if (!sequences->next()) break;                               // nothing is under way
///   const auto run = sequences->run();                           // rows() have their states after layer run.first - 1
///   for (int l = run.first.value; l <= run.last.value; ++l) engine_layer(l, states_of(sequences->rows()));
///   sequences->settle(scores);                                   // one a row, >= 0 wants to stop; at the end not read
///   for (auto row : sequences->left()) deliver(row);             // left at run.last
/// }
/// ```
/// - No row leaves without wanting to, but at the last layer; every row that was added leaves once.
/// - Rows go on in the order in which they came to an exit.
/// - A row that waits at an exit while `most_wait` runs are made is overdue; overdue rows run before all else. There are never
///   more than 2 (exits + 1) further runs before its own.
/// - Batches behind exits go before new rows, the deepest first: what is under way ends, and there is room for new rows.
/// - `Leave` may keep a batch whole where splitting does not pay (`where_it_pays`): its rows then go on at once, together, and
///   those that wanted to stop are asked again. What it says of rows that want to stay is not heeded.
///
/// Rows are numbers below `capacity`; states, keys and values are the engine's. Without new rows, whatever waits is run, so that
/// `next()` gives nothing only when nothing is under way. Cost: O(batch + exits) a run. Allocates when it is made, and never
/// after that.
template <batch_rule Leave = each_row>
class rebatch {
 public:
  /// Exits are layers after which rows are asked, ascending, before the last layer. Fails with `out_of_range`.
  [[nodiscard]] LAGOM_INLINE static result<rebatch> make(const rebatch_config& config,
                                                         vec_view<const layer_index> exits, int n_layers,
                                                         index_t capacity, Leave leave = {}) {
    const auto bad = [](const char* key) { return failure{.code = errc::out_of_range, .key = key}; };
    if (config.batch < 1) return bad("batch");
    if (config.enough < 1 || config.enough > config.batch) return bad("enough");
    if (config.most_wait < 0) return bad("most_wait");
    if (n_layers < 1) return bad("n_layers");
    if (capacity < 1) return bad("capacity");
    layer_index last{-1};
    for (index_t i = 0; i < exits.size(); ++i) {
      if (exits[i] <= last || exits[i].value + 1 >= n_layers) return bad("exits");
      last = exits[i];
    }
    return rebatch(config, exits, n_layers, capacity, leave);
  }

  /// A row begins its way through the layers. Precondition: below capacity, not under way.
  LAGOM_INLINE void add(index_t row) noexcept {
    LAGOM_ASSERT(0 <= row && row < capacity_ && waits_at_[static_cast<std::size_t>(row)] < 0);
    ++under_way_;
    push(0, row);
  }

  /// Chooses the next run; false: nothing is under way. Precondition: the one before is settled.
  LAGOM_INLINE bool next() noexcept {
    LAGOM_ASSERT(!running_);
    if (under_way_ == 0) return false;
    if (!whole_) {
      part_ = choose();
      const index_t n = waiting(part_) < config_.batch ? waiting(part_) : config_.batch;
      rows_.clear();
      for (index_t i = 0; i < n; ++i) rows_.push_back(pop(part_));
    }
    whole_ = false;
    running_ = true;
    ++runs_;
    return true;
  }

  /// The layers of the run.
  [[nodiscard]] LAGOM_INLINE rebatch_run run() const noexcept {
    return {part_ == 0 ? layer_index(0) : layer_index(ends_[static_cast<std::size_t>(part_) - 1].value + 1),
            ends_[static_cast<std::size_t>(part_)], part_ + 1 == parts()};
  }
  /// Its rows, in the order in which they came.
  [[nodiscard]] LAGOM_INLINE const std::vector<index_t>& rows() const noexcept { return rows_; }

  /// Tells what the rows of the run want: one score a row, at least 0 to stop; a NaN does not. After the last layer scores are not
  /// read and all rows leave.
  LAGOM_INLINE void settle(vec_view<const float> scores) noexcept {
    LAGOM_ASSERT(running_);
    running_ = false;
    left_.clear();
    const bool end = part_ + 1 == parts();
    if (!end) {
      LAGOM_ASSERT(scores.size() == static_cast<index_t>(rows_.size()));
      const int layers_left = ends_.back().value - ends_[static_cast<std::size_t>(part_)].value;
      if (leave_(batch_moment{scores, layers_left}) == leaving::none) {
        ++part_;  // as it is, at once
        whole_ = true;
        return;
      }
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const index_t row = rows_[i];
      const bool wants =
          end || (is_finite(&scores[static_cast<index_t>(i)]) && scores[static_cast<index_t>(i)] >= 0);
      if (wants) {
        left_.push_back(row);
        --under_way_;
      } else {
        push(part_ + 1, row);
      }
    }
  }
  /// The rows that left at the run that was settled last, in order. They may be added again, for their next token.
  [[nodiscard]] LAGOM_INLINE const std::vector<index_t>& left() const noexcept { return left_; }

  [[nodiscard]] LAGOM_INLINE index_t under_way() const noexcept { return under_way_; }
  /// Parts of the model: exits + 1.
  [[nodiscard]] LAGOM_INLINE int parts() const noexcept { return static_cast<int>(ends_.size()); }
  /// Rows that wait before a part.
  [[nodiscard]] LAGOM_INLINE index_t waiting(int part) const noexcept {
    return queues_[static_cast<std::size_t>(part)].size;
  }
  /// Runs that were made so far.
  [[nodiscard]] LAGOM_INLINE std::int64_t runs() const noexcept { return runs_; }

 private:
  /// A ring of rows in `order_`.
  struct queue {
    index_t first = 0, size = 0;
  };

  LAGOM_INLINE rebatch(const rebatch_config& config, vec_view<const layer_index> exits, int n_layers,
                       index_t capacity, Leave leave)
      : config_(config), leave_(leave), capacity_(capacity) {
    for (index_t i = 0; i < exits.size(); ++i) ends_.push_back(exits[i]);
    ends_.push_back(n_layers - 1);
    queues_.resize(ends_.size());
    order_.resize(ends_.size() * static_cast<std::size_t>(capacity));
    waits_at_.resize(static_cast<std::size_t>(capacity), -1);
    since_.resize(static_cast<std::size_t>(capacity));
    rows_.reserve(static_cast<std::size_t>(config.batch));
    left_.reserve(static_cast<std::size_t>(config.batch));
  }

  /// What is overdue, then the deepest part with enough rows, then new rows, then the deepest part with any.
  LAGOM_INLINE int choose() const noexcept {
    int overdue = -1, full = -1, any = -1;
    std::int64_t oldest = 0;
    for (int p = 1; p < parts(); ++p) {
      if (waiting(p) == 0) continue;
      const std::int64_t since = since_[static_cast<std::size_t>(front(p))];
      if (runs_ - since >= config_.most_wait && (overdue < 0 || since < oldest)) {
        overdue = p;
        oldest = since;
      }
      if (waiting(p) >= config_.enough) full = p;
      any = p;
    }
    if (overdue >= 0) return overdue;
    if (full >= 0) return full;
    return waiting(0) > 0 ? 0 : any;
  }

  LAGOM_INLINE index_t front(int part) const noexcept {
    return order_[static_cast<std::size_t>(part * capacity_ + queues_[static_cast<std::size_t>(part)].first)];
  }
  LAGOM_INLINE void push(int part, index_t row) noexcept {
    queue& q = queues_[static_cast<std::size_t>(part)];
    const index_t at = q.first + q.size < capacity_ ? q.first + q.size : q.first + q.size - capacity_;
    order_[static_cast<std::size_t>(part * capacity_ + at)] = row;
    ++q.size;
    waits_at_[static_cast<std::size_t>(row)] = part;
    since_[static_cast<std::size_t>(row)] = runs_;
  }
  LAGOM_INLINE index_t pop(int part) noexcept {
    queue& q = queues_[static_cast<std::size_t>(part)];
    const index_t row = front(part);
    q.first = q.first + 1 < capacity_ ? q.first + 1 : 0;
    --q.size;
    waits_at_[static_cast<std::size_t>(row)] = -1;
    return row;
  }

  rebatch_config config_;
  Leave leave_;
  index_t capacity_;
  std::vector<layer_index> ends_;    // last layer of every part
  std::vector<queue> queues_;        // one a part
  std::vector<index_t> order_;       // capacity_ places a part
  std::vector<int> waits_at_;        // of every row: the part, -1 = does not wait
  std::vector<std::int64_t> since_;  // of every row: runs made when it came
  std::vector<index_t> rows_, left_;
  std::int64_t runs_ = 0;
  index_t under_way_ = 0;
  int part_ = 0;  // of the run
  bool running_ = false, whole_ = false;
};

}  // namespace v0
}  // namespace lagom
