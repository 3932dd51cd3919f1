// SPDX-License-Identifier: MIT
/// @file embed/tag.hpp
/// How a row of a plan came about, and why not otherwise.
#pragma once

#include <string_view>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// What made a row.
enum class method : std::uint8_t {
  other,  ///< a rule of the user's own
  copy,   ///< the token is a source token too
  zero,
  random,
  source_mean,
  script_gaussian,
  mean,
  subword,
  merge,
  align,
  focus,
  wechsel,
  clp,
  clp_plus,
  ofa,
  padding,
  fase,
  omp,
  knn,
};

/// Why the methods before the one that made the row could not: a set.
enum class reason : std::uint16_t {
  none = 0,
  not_aligned = 1u << 0,    ///< no corpus was aligned
  unseen = 1u << 1,         ///< the token does not occur in the aligned corpus
  never_covered = 1u << 2,  ///< it occurs, and the alignment's policy never found source tokens for it
  no_rule = 1u << 3,        ///< no merge makes it from tokens that have rows
  no_pieces = 1u << 4,      ///< the source tokenizer has nothing for its bytes, or it has no bytes
  no_script = 1u << 5,      ///< its bytes are of no script, or the source tokens' bytes are not known
  few_members = 1u << 6,    ///< under two source tokens are of its kind
  no_vector = 1u << 7,      ///< it has no auxiliary vector, or that is zero
  no_neighbours = 1u << 8,  ///< no source token is near enough, or their weights add up to nothing
};

[[nodiscard]] constexpr reason operator|(reason a, reason b) noexcept {
  return static_cast<reason>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr reason operator&(reason a, reason b) noexcept {
  return static_cast<reason>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}

/// What a plan knows of a row besides its numbers.
struct tag {
  method made_by = method::other;
  reason why = reason::none;  ///< why the methods asked for first did not make it
  friend bool operator==(const tag&, const tag&) = default;
};

/// One past the last of each, for loops and readers of files.
inline constexpr unsigned method_count = static_cast<unsigned>(method::knn) + 1, reason_bits = 9;

/// The name of a method: "align".
[[nodiscard]] constexpr std::string_view name(method m) noexcept {
  constexpr std::string_view names[] = {"other",           "copy",    "zero",    "random",   "source_mean",
                                        "script_gaussian", "mean",    "subword", "merge",    "align",
                                        "focus",           "wechsel", "clp",     "clp_plus", "ofa",
                                        "padding",         "fase",    "omp",     "knn"};
  static_assert(sizeof names / sizeof names[0] == method_count);
  return static_cast<unsigned>(m) < method_count ? names[static_cast<unsigned>(m)] : "unknown";
}

/// The name of the first reason of a set: "unseen"; "none" for the empty set.
[[nodiscard]] constexpr std::string_view name(reason r) noexcept {
  constexpr std::string_view names[] = {"not_aligned", "unseen",    "never_covered",
                                        "no_rule",     "no_pieces", "no_script",
                                        "few_members", "no_vector", "no_neighbours"};
  static_assert(sizeof names / sizeof names[0] == reason_bits);
  for (unsigned bit = 0; bit < reason_bits; ++bit) {
    if ((static_cast<unsigned>(r) >> bit & 1u) != 0) return names[bit];
  }
  return "none";
}

/// Calls `visit(one)` for every single reason of a set, in the order of the enumeration.
template <class Visit>
constexpr void for_each_reason(reason set, Visit visit) {
  for (unsigned bit = 0; bit < reason_bits; ++bit) {
    if ((static_cast<unsigned>(set) >> bit & 1u) != 0) visit(static_cast<reason>(1u << bit));
  }
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
