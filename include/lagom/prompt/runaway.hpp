// SPDX-License-Identifier: MIT
/// @file prompt/runaway.hpp
/// Output that has begun to repeat itself for ever, found while it is generated.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// When a text counts as running away: its last `max(min_repeats * p, min_length)` symbols have a period p of at
/// most `max_period`, that is, each of them but the first p equals the one p before it.
///
/// Symbols are bytes; with `fold_digits`, a run of ASCII digits is one symbol, so that a list that counts on
/// without end repeats. Zeros count as 1, fewer than 2 repeats as 2.
struct runaway_rule {
  std::size_t max_period = 512;  ///< symbols
  std::size_t min_repeats = 3;
  std::size_t min_length = 512;  ///< symbols
  bool fold_digits = true;

  /// The symbols that have to repeat with period p. Precondition: p > 0.
  [[nodiscard]] constexpr std::size_t length_for(std::size_t p) const noexcept {
    const std::size_t most = (std::numeric_limits<std::size_t>::max)() / p;  // which no text reaches
    return (std::max)((std::min)((std::max)(min_repeats, std::size_t{2}), most) * p, min_length);
  }
};

/// Fires at exactly the byte where the rule first holds, however the text is cut into pushes.
///
/// ```cpp
/// runaway loop{runaway_rule{}};
/// while (next_piece(text)) if (loop.push(text)) return stop_after(loop.at());
/// ```
/// A run that fulfils the rule with a period in [2^k, 2^(k+1)) has a whole block of S(k) symbols that repeat, S(k)
/// being half of what the shortest such run repeats. So periods are looked for at ends of blocks only, all but few are
/// refuted by the block's last 8 symbols, and those that are found are followed. A multiple of a period that
/// already holds for as long is not: it holds no longer than that one.
/// Cost: O(log max_period) comparisons a symbol for text without long repeats; at most O(max_period / 8). Memory
/// is allocated once: about 4 max_period + 4 S bytes, and 16 a period.
class runaway {
 public:
  explicit runaway(const runaway_rule& rule) : rule_(rule) {
    rule_.max_period = (std::max)(rule.max_period, std::size_t{1});
    const std::size_t widest = std::bit_ceil((std::max)(rule_.max_period, std::size_t{64}));
    for (std::size_t low = 1; low <= rule_.max_period; low *= 2) {
      level l{low, (std::min)(2 * low - 1, rule_.max_period), widest};
      for (std::size_t p = l.low; p <= l.high; ++p)
        l.block = (std::min)(l.block, std::bit_floor((repeats_for(p) + 1) / 2));
      levels_[level_count_++] = l;
    }
    std::size_t block = levels_[level_count_ - 1].block;
    kept_ = 2 * block + rule_.max_period;
    for (std::size_t i = level_count_; i-- > 0;) {  // short periods are looked for as often as long ones
      block = levels_[i].block = (std::min)(levels_[i].block, block);
    }
    step_ = block;
    symbols_.resize(2 * kept_ + step_);
    followed_.reserve(rule_.max_period);
  }

  /// The next bytes of the text. Returns `fired()`; after that nothing is looked at.
  bool push(std::string_view bytes) {
    while (!bytes.empty() && !fired()) {
      const std::size_t room = step_ - static_cast<std::size_t>(count_ % step_);
      if (end_ + room > symbols_.size()) {
        std::memmove(symbols_.data(), symbols_.data() + end_ - kept_, kept_);
        end_ = kept_;
      }
      const bool digit_before = in_digits_;
      std::size_t used = 0;
      const std::size_t added = take(bytes, room, used);
      if (const std::size_t at = follow(added); at > 0) {
        if (rule_.fold_digits) {  // find the byte of that symbol
          in_digits_ = digit_before;
          take(bytes, at, used);
        } else {
          used = at;
        }
        at_ = bytes_ + used;
        return true;
      }
      end_ += added;
      count_ += added;
      bytes_ += used;
      bytes.remove_prefix(used);
      if (added == room) find();
    }
    return fired();
  }

  [[nodiscard]] bool fired() const noexcept { return period_ > 0; }
  /// Bytes up to the one where it fired, that one included; 0 before.
  [[nodiscard]] std::uint64_t at() const noexcept { return at_; }
  /// The shortest period that fulfils the rule there, in symbols; 0 before.
  [[nodiscard]] std::size_t period() const noexcept { return period_; }
  [[nodiscard]] const runaway_rule& rule() const noexcept { return rule_; }

  /// Starts with a new text.
  void reset() noexcept {
    count_ = bytes_ = at_ = 0;
    end_ = period_ = 0;
    in_digits_ = false;
    followed_.clear();
  }

 private:
  struct level {
    std::size_t low = 1, high = 1, block = 1;  // periods; symbols, a power of two
  };
  struct candidate {
    std::size_t period, repeats;  // the last `repeats` symbols equal those one period before
  };

  [[nodiscard]] std::size_t repeats_for(std::size_t p) const noexcept { return rule_.length_for(p) - p; }

  // Writes up to `room` symbols to the end, and says of how many bytes.
  std::size_t take(std::string_view bytes, std::size_t room, std::size_t& used) noexcept {
    char* const to = symbols_.data() + end_;
    if (!rule_.fold_digits) {
      used = (std::min)(room, bytes.size());
      std::memcpy(to, bytes.data(), used);
      return used;
    }
    std::size_t n = 0, i = 0;
    bool before = in_digits_;
    for (; i < bytes.size() && n < room; ++i) {
      const char c = bytes[i];
      const bool digit = c >= '0' && c <= '9';
      to[n] = digit ? '0' : c;
      n += digit && before ? 0 : 1;
      before = digit;
    }
    in_digits_ = before;
    used = i;
    return n;
  }

  // Follows the candidates over `added` new symbols. The first of these at which the rule holds, from 1; or 0.
  std::size_t follow(std::size_t added) noexcept {
    const char* const from = symbols_.data() + end_;
    std::size_t first = 0, kept = 0;
    for (const candidate& c : followed_) {
      std::size_t n = 0;
      while (n < added && from[n] == (from - c.period)[n]) ++n;
      const std::size_t missing = repeats_for(c.period) - c.repeats;
      if (n >= missing && (first == 0 || missing < first || (missing == first && c.period < period_))) {
        first = missing;
        period_ = c.period;
      }
      if (n == added) followed_[kept++] = {c.period, c.repeats + n};
    }
    followed_.resize(kept);
    return first;
  }

  // Looks for periods at the end of a block.
  void find() {
    for (std::size_t i = 0; i < level_count_ && !fired(); ++i) {
      const level& l = levels_[i];
      if (count_ % l.block != 0 || count_ < l.block + l.low) continue;
      const std::size_t high = static_cast<std::size_t>((std::min)(std::uint64_t{l.high}, count_ - l.block));
      const char* const end = symbols_.data() + end_;
      if (l.block < 8) {
        for (std::size_t p = l.low; p <= high; ++p) try_period(p, l.block);
        continue;
      }
      const std::uint64_t last = eight(end - 8);
      for (std::size_t p = l.low; p <= high; ++p) {
        if (eight(end - 8 - p) == last) try_period(p, l.block);
      }
    }
  }

  void try_period(std::size_t p, std::size_t block) {
    const char* const end = symbols_.data() + end_;
    for (const candidate& c : followed_) {
      if (c.period == p || (c.repeats + c.period >= p && p % c.period == 0)) return;
    }
    if (std::memcmp(end - block, end - block - p, block) != 0) return;
    const std::size_t needed = repeats_for(p);
    const std::size_t most = (std::min)(needed, end_ - p);
    std::size_t n = block;
    while (n < most && *(end - n - 1) == *(end - n - 1 - p)) ++n;
    if (n >= needed && !fired()) {
      period_ = p;
      at_ = bytes_;
    }
    followed_.push_back({p, n});
  }

  [[nodiscard]] static std::uint64_t eight(const char* at) noexcept {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    return word;
  }

  runaway_rule rule_;
  std::array<level, 64> levels_{};
  std::size_t level_count_ = 0, step_ = 1, kept_ = 0;
  std::vector<char> symbols_;  // the last ones, at least `kept_` of them
  std::vector<candidate> followed_;
  std::uint64_t count_ = 0, bytes_ = 0, at_ = 0;
  std::size_t end_ = 0, period_ = 0;
  bool in_digits_ = false;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
