// SPDX-License-Identifier: MIT
/// @file prompt/losses.hpp
/// What went in, what came out, and why the rest did not.
#pragma once

#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// An enum whose values 0, 1, ... have names: a function `names_of(Reason)` beside it gives a `std::array` of them.
/// ```cpp
/// enum class pair_loss : std::uint8_t { no_question, no_answer };
/// constexpr std::array<std::string_view, 2> names_of(pair_loss) { return {"no_question", "no_answer"}; }
/// ```
template <class Reason>
concept named_enum = std::is_enum_v<Reason> && requires {
  { names_of(Reason{})[0] } -> std::convertible_to<std::string_view>;
  names_of(Reason{}).size();
};

/// The name of a value of such an enum; empty for a value that it does not have.
template <named_enum Reason>
[[nodiscard]] constexpr std::string_view name_of(Reason reason) noexcept {
  const auto names = names_of(Reason{});
  const auto i = static_cast<std::size_t>(reason);
  return i < names.size() ? std::string_view(names[i]) : std::string_view();
}

/// Counts of what went in, came out and was lost, by reason. A mergeable value; the default is the identity.
///
/// An enum of results that begins with `ok` serves too: `count` then keeps what is `ok`, and drops the rest.
/// Invariant of a complete account: `in == out + lost()`, which `balanced` checks. What reads may call `took`
/// and what writes may call `gave`, so that the two sides check each other.
template <named_enum Reason>
struct losses {
  static constexpr std::size_t reasons = names_of(Reason{}).size();

  std::uint64_t in = 0, out = 0;
  std::array<std::uint64_t, reasons> by_reason{};

  constexpr void took(std::uint64_t n = 1) noexcept { in += n; }
  constexpr void gave(std::uint64_t n = 1) noexcept { out += n; }
  /// Counts a reason for something that went in already. Precondition: `reason` is a value of the enum.
  constexpr void lose(Reason reason, std::uint64_t n = 1) noexcept {
    LAGOM_ASSERT(static_cast<std::size_t>(reason) < reasons);
    by_reason[static_cast<std::size_t>(reason)] += n;
  }
  /// In and out.
  constexpr void keep(std::uint64_t n = 1) noexcept {
    took(n);
    gave(n);
  }
  /// In, and lost.
  constexpr void drop(Reason reason, std::uint64_t n = 1) noexcept {
    took(n);
    lose(reason, n);
  }
  /// Keeps what is `ok`, drops the rest.
  constexpr void count(Reason verdict, std::uint64_t n = 1) noexcept
    requires requires { Reason::ok; }
  {
    if (verdict == Reason::ok) {
      keep(n);
    } else {
      drop(verdict, n);
    }
  }

  [[nodiscard]] constexpr std::uint64_t operator[](Reason reason) const noexcept {
    LAGOM_ASSERT(static_cast<std::size_t>(reason) < reasons);
    return by_reason[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] constexpr std::uint64_t lost() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : by_reason) sum += n;
    return sum;
  }
  [[nodiscard]] constexpr bool balanced() const noexcept { return in == out + lost(); }

  constexpr void merge(const losses& other) noexcept {
    in += other.in;
    out += other.out;
    for (std::size_t i = 0; i < reasons; ++i) by_reason[i] += other.by_reason[i];
  }

  /// Calls `visit(name, count)` for every reason that occurred, in the order of the enum.
  template <std::invocable<std::string_view, std::uint64_t> Visit>
  constexpr void for_each(Visit&& visit) const {
    const auto names = names_of(Reason{});
    for (std::size_t i = 0; i < reasons; ++i) {
      if (by_reason[i] > 0) visit(std::string_view(names[i]), by_reason[i]);
    }
  }

  friend constexpr bool operator==(const losses&, const losses&) = default;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
