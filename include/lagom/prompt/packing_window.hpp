// SPDX-License-Identifier: MIT
/// @file prompt/packing_window.hpp
/// Packing of a stream of samples, with a few bins open at a time.
#pragma once

#include <algorithm>

#include "packed.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What may be cut.
enum class split : std::uint8_t {
  none,      ///< nothing: a sample over the capacity is a loss
  too_long,  ///< samples over the capacity, into pieces of the capacity and a rest
  anywhere   ///< any sample, so that every bin but the last is full: constant blocks over a running text
};

/// Best fit over a window of open bins: a sample goes into the open bin with the least space that it fits into (the
/// oldest of equals). Where none has room, a bin is opened; if the window is full, the fullest bin (the oldest of
/// equals) is given away before. A bin that is full is given away at once.
///
/// ```cpp
/// packing_window window{4096, 32};
/// const auto write = [&](std::span<const packed_piece> bin) { ... };
/// while (next(sample, length)) window.push(sample, length, write);
/// window.finish(write);
/// ```
/// O(window) a sample. Memory: the open bins, whose room is used again.
class packing_window {
 public:
  /// Precondition: capacity > 0. A window of 0 counts as 1.
  explicit packing_window(std::uint32_t capacity, std::size_t window = 32, split policy = split::none)
      : capacity_(capacity), window_(policy == split::anywhere || window == 0 ? 1 : window), split_(policy) {
    LAGOM_ASSERT(capacity > 0);
    open_.reserve(window_);
  }

  /// Puts a sample into a bin, and calls `give(bin)` for the bins that are given away for it.
  template <std::invocable<std::span<const packed_piece>> Give>
  void push(std::uint32_t sample, std::uint32_t length, Give&& give) {
    if (length == 0) return account_.drop(pack_loss::empty);
    if (length > capacity_ && split_ == split::none) return account_.drop(pack_loss::too_long);
    account_.keep();
    for (std::uint32_t begin = 0; begin < length;) {
      std::uint32_t most = capacity_;
      if (split_ == split::anywhere && !open_.empty()) most = open_.front().space;
      const std::uint32_t size = (std::min)(most, length - begin);
      place({sample, begin, size}, give);
      begin += size;
    }
  }

  /// Gives away the open bins, the oldest first.
  template <std::invocable<std::span<const packed_piece>> Give>
  void finish(Give&& give) {
    while (!open_.empty()) close(0, give);
  }

  /// Of samples.
  [[nodiscard]] const losses<pack_loss>& account() const noexcept { return account_; }

 private:
  struct bin {
    std::uint32_t space = 0;
    std::vector<packed_piece> pieces{};
  };

  template <class Give>
  void place(packed_piece piece, Give& give) {
    std::size_t best = open_.size(), fullest = 0;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const std::uint32_t space = open_[i].space;
      if (space >= piece.size && (best == open_.size() || space < open_[best].space)) best = i;
      if (space < open_[fullest].space) fullest = i;
    }
    if (best == open_.size()) {
      if (open_.size() == window_) close(fullest, give);
      best = open_.size();
      if (spare_.empty()) spare_.emplace_back();
      open_.push_back(std::move(spare_.back()));
      spare_.pop_back();
      open_[best].space = capacity_;
      open_[best].pieces.clear();
    }
    open_[best].pieces.push_back(piece);
    open_[best].space -= piece.size;
    if (open_[best].space == 0) close(best, give);
  }

  template <class Give>
  void close(std::size_t i, Give& give) {
    give(std::span<const packed_piece>(open_[i].pieces));
    spare_.push_back(std::move(open_[i]));
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  std::uint32_t capacity_;
  std::size_t window_;
  split split_;
  std::vector<bin> open_, spare_;  // by age
  losses<pack_loss> account_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
