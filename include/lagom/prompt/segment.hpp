// SPDX-License-Identifier: MIT
/// @file prompt/segment.hpp
/// A prompt is a range of segments: views of text, each with its role, section, language and whether it is trained.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Who speaks.
enum class role : std::uint8_t { none, system, user, assistant };

/// Where the text of a segment comes from: a `literal` is the template's, a `content` the user's. Only literals may
/// hold control tokens; text that users gave is tokenised as plain text.
enum class origin : std::uint8_t { literal, content };

/// One piece of a prompt. Sees its text, does not own it.
struct segment {
  std::string_view text;
  prompt::role role = role::none;
  std::string_view section{};   ///< the field that it belongs to ("y_t"); empty for what is between fields
  std::string_view language{};  ///< BCP 47 tag ("sw"); empty where it has none
  bool trained = false;         ///< whether its bytes carry loss
  prompt::origin origin = origin::literal;

  friend constexpr bool operator==(const segment&, const segment&) = default;
};

/// What yields segments: a type `cursor`, whose default value stands before the first segment, and
/// `next(cursor&, segment&) const`, which writes the next segment and moves on, or gives false at the end.
/// No segment is empty. Nothing is allocated, so a prompt may be walked as often as one likes.
template <class P>
concept prompt_pieces = requires(const P& p, typename P::cursor at, segment& out) {
  requires std::default_initializable<typename P::cursor>;
  { p.next(at, out) } -> std::same_as<bool>;
};

/// Calls `visit(segment)` for every segment, in order.
template <prompt_pieces P, class Visit>
constexpr void for_each_segment(const P& pieces, Visit&& visit) {
  segment s;
  for (typename P::cursor at{}; pieces.next(at, s);) visit(static_cast<const segment&>(s));
}

/// The segments of a prompt as a lazy forward range. Sees `pieces`, which has to outlive it.
template <prompt_pieces P>
class segments {
 public:
  class iterator {
   public:
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::input_iterator_tag;  // segments are given by value
    using value_type = segment;
    using difference_type = std::ptrdiff_t;
    using pointer = const segment*;
    using reference = segment;

    constexpr iterator() = default;
    constexpr explicit iterator(const P& pieces) : pieces_(&pieces) { ++*this; }

    [[nodiscard]] constexpr segment operator*() const noexcept { return now_; }
    [[nodiscard]] constexpr const segment* operator->() const noexcept { return &now_; }
    constexpr iterator& operator++() {
      more_ = pieces_->next(at_, now_);
      ++count_;
      return *this;
    }
    constexpr iterator operator++(int) {
      iterator before = *this;
      ++*this;
      return before;
    }
    /// Iterators of one range are equal when they stand at the same segment.
    friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
      return a.more_ == b.more_ && (!a.more_ || a.count_ == b.count_);
    }
    friend constexpr bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.more_; }

   private:
    const P* pieces_ = nullptr;
    typename P::cursor at_{};
    segment now_{};
    std::size_t count_ = 0;
    bool more_ = false;
  };

  constexpr explicit segments(const P& pieces) noexcept : pieces_(&pieces) {}
  segments(const P&& temporary) = delete;
  [[nodiscard]] constexpr iterator begin() const { return iterator(*pieces_); }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

 private:
  const P* pieces_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
