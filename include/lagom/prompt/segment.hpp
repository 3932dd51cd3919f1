// SPDX-License-Identifier: MIT
/// @file prompt/segment.hpp
/// A prompt is a range of segments: views of text, each with its role, section, language and whether it is trained.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "lazy_iterator.hpp"

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
  struct step {
    using value_type = segment;
    const P* pieces = nullptr;
    typename P::cursor at{};
    constexpr bool next(segment& out) { return pieces->next(at, out); }
  };
  using iterator = lazy_iterator<step>;

  constexpr explicit segments(const P& pieces) noexcept : pieces_(&pieces) {}
  segments(const P&& temporary) = delete;
  [[nodiscard]] constexpr iterator begin() const { return iterator(step{pieces_, {}}); }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

 private:
  const P* pieces_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
