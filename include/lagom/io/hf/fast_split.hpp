// SPDX-License-Identifier: MIT
/// @file io/hf/fast_split.hpp
/// Steps of a pre-tokenizer that only cut, run one inside the other without lists of pieces.
#pragma once

#include <vector>

#include "known_pattern.hpp"
#include "splitter.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// What a pre-tokenizer does, where each of its steps cuts a text into parts and drops some of them at most:
/// every part goes through the next step as soon as it is found. Steps after ByteLevel look at bytes as the
/// letters they would be.
class hf_fast_split {
 public:
  /// Whether all steps so far can run this way.
  [[nodiscard]] bool works() const noexcept { return works_; }

  /// Whether there is no step that cuts.
  [[nodiscard]] bool empty() const noexcept { return stages_.empty(); }

  /// A space goes in front of a text that has none there.
  [[nodiscard]] bool prefix_space() const noexcept { return prefix_space_; }

  void refuse() noexcept { works_ = false; }

  /// Step number `step` is a ByteLevel.
  void add_byte_level(bool prefix_space, bool splits) {
    if (prefix_space && !stages_.empty()) refuse();
    prefix_space_ = prefix_space;
    if (splits) stages_.push_back({.kind = cut_kind::known, .known = *hf_known_pattern::of(gpt2_pattern)});
    letters_ = true;
  }

  /// Characters of some sets stand apart from others: each by itself, or up to `most` in a part (0: any
  /// number).
  void add_sets(unsigned sets, unsigned most) {
    stages_.push_back(
        {.kind = letters_ ? cut_kind::letter_sets : cut_kind::sets, .sets = sets, .most = most});
  }

  /// Step number `step` is a splitter for this expression (empty where it is none of a file).
  void add_splitter(std::size_t step, std::string_view expression, hf_split behavior, bool invert) {
    const bool isolated = behavior == hf_split::isolated;
    constexpr std::string_view digits = "[0-9]";
    std::string_view rest = expression;
    unsigned digit_count = 0;
    for (; rest.substr(0, digits.size()) == digits; rest.remove_prefix(digits.size())) ++digit_count;
    if (isolated && digit_count > 0 && rest.empty()) {
      stages_.push_back({.kind = cut_kind::digits, .most = digit_count});
    } else if (letters_ || !(isolated || behavior == hf_split::removed)) {
      refuse();
    } else if (isolated &&
               (expression == R"(\p{N})" || expression == R"(\p{N}+)" || expression == R"(\p{N}{1,3})")) {
      add_sets(char_bit::number, expression == R"(\p{N})" ? 1 : expression == R"(\p{N}+)" ? 0 : 3);
    } else if (const auto known = hf_known_pattern::of(expression); known && isolated) {
      stages_.push_back({.kind = cut_kind::known, .known = *known});
    } else {
      stages_.push_back(
          {.kind = isolated ? cut_kind::isolated : cut_kind::removed, .invert = invert, .step = step});
    }
  }

  /// Calls `part(begin, end)` for every part of a text, which is valid UTF-8. `match(step, text, found)` calls
  /// `found(begin, end)` for every match of a splitter's pattern.
  template <class Match, class Part>
  void operator()(std::string_view text, Match&& match, Part&& part) const {
    const char* const p = text.data();
    if (text.empty()) return;
    if (stages_.size() == 1 && stages_[0].kind == cut_kind::known) {
      stages_[0].known.cut(p, p + text.size(), part);
    } else {
      run(0, p, p + text.size(), match, part);
    }
  }

 private:
  enum class cut_kind : std::uint8_t { known, sets, letter_sets, digits, isolated, removed };
  struct stage {
    cut_kind kind = cut_kind::known;
    bool invert = false;
    unsigned sets = 0, most = 0;
    std::size_t step = 0;
    hf_known_pattern known{};
  };

  template <class Match, class Part>
  void run(std::size_t i, const char* p, const char* end, Match& match, Part& part) const {
    if (i == stages_.size()) return part(p, end);
    const stage& s = stages_[i];
    const auto next = [&](const char* b, const char* e) { run(i + 1, b, e, match, part); };
    switch (s.kind) {
      case cut_kind::known:
        return s.known.cut(p, end, next);
      case cut_kind::sets:
        return cut_sets(hf_text_scan{}, s, p, end, next);
      case cut_kind::letter_sets:
        return cut_sets(hf_letter_scan{}, s, p, end, next);
      case cut_kind::digits:
        return cut_digits(s.most, p, end, next);
      default:
        break;
    }
    const char* done = p;
    const auto add = [&](const char* b, const char* e, bool matched) {
      if (b != e && (s.kind == cut_kind::isolated || matched == s.invert)) next(b, e);
    };
    match(s.step, std::string_view(p, static_cast<std::size_t>(end - p)), [&](std::size_t b, std::size_t e) {
      add(done, p + b, false);
      add(p + b, p + e, true);
      done = p + e;
    });
    add(done, end, false);
  }

  template <class Scan, class Next>
  static void cut_sets(const Scan& scan, const stage& s, const char* p, const char* end, const Next& next) {
    while (p < end) {
      const char* to = scan.until(p, end, s.sets);
      if (to == p && s.most == 0) to = scan.past(p, end, s.sets);
      if (to == p) {
        for (unsigned n = 0; n < s.most && to < end && (scan.at(to).bits & s.sets) != 0; ++n) {
          to += scan.at(to).length;
        }
      }
      next(p, to);
      p = to;
    }
  }

  /// Every `n` ASCII digits in a row are a part.
  template <class Next>
  static void cut_digits(unsigned n, const char* p, const char* end, const Next& next) {
    const char* done = p;
    unsigned run = 0;
    for (const char* at = p; at < end; ++at) {
      run = *at >= '0' && *at <= '9' ? run + 1 : 0;
      if (run != n) continue;
      const char* const from = at + 1 - n;
      if (done < from) next(done, from);
      next(from, at + 1);
      done = at + 1;
      run = 0;
    }
    if (done < end) next(done, end);
  }

  std::vector<stage> stages_;
  bool works_ = true, prefix_space_ = false, letters_ = false;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
