// SPDX-License-Identifier: MIT
/// @file signal/loop_watch.hpp
/// Notices text that goes round in circles.
#pragma once

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {

/// How often the last few tokens stand there in a row, for every length up to P: one counter a length p says for how long
/// each token has been the one p before it. A token costs P comparisons; nothing is allocated; trivially copyable.
/// ```cpp
/// lagom::loop_watch<16> loops;
/// loops.push(token);
/// if (loops.times() >= 4) stop();                      // "very very very very", or four equal lines of up to 16 tokens
/// ```
template <int P>
class loop_watch {
  static_assert(P > 0);

 public:
  static constexpr int longest = P;

  LAGOM_LEAF constexpr void push(token_id token) noexcept {
    for (int p = 1; p <= P; ++p) {
      const bool same = p <= seen_ && last_[(at_ - p + P) % P] == token;
      matched_[p - 1] = same ? matched_[p - 1] + (matched_[p - 1] < most ? 1 : 0) : 0;
    }
    last_[at_] = token;
    at_ = (at_ + 1) % P;
    seen_ = seen_ < P ? seen_ + 1 : P;
  }

  /// The most often that a phrase of 1 ... P tokens stands at the end, one after another: 1 without a repetition, 0 without a
  /// token.
  [[nodiscard]] LAGOM_LEAF constexpr int times() const noexcept { return seen_ == 0 ? 0 : best().times; }
  /// The length of that phrase, the shortest of equals: its period.
  [[nodiscard]] LAGOM_LEAF constexpr int length() const noexcept { return seen_ == 0 ? 0 : best().length; }

 private:
  static constexpr int most = 1 << 20;  // counters stay where sums of them do not overflow
  struct loop {
    int times = 1, length = 1;
  };

  LAGOM_LEAF constexpr loop best() const noexcept {
    loop b;
    for (int p = 1; p <= P; ++p) {
      const int times = matched_[p - 1] / p + 1;
      if (times > b.times) b = {times, p};
    }
    return b;
  }

  token_id last_[static_cast<std::size_t>(P)] = {};
  int matched_[static_cast<std::size_t>(P)] = {};  // tokens in a row that are the one p before them
  int at_ = 0, seen_ = 0;
};

}  // namespace v0
}  // namespace lagom
