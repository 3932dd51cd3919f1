// SPDX-License-Identifier: MIT
/// @file stop/any_of.hpp
#pragma once

#include "combine.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
struct any_fold {
  static constexpr bool start = false;
  static constexpr float first = -3.0e38f;
  LAGOM_LEAF static constexpr float score(float a, float b) noexcept { return b > a ? b : a; }
  LAGOM_LEAF static constexpr bool answer(bool a, bool b) noexcept { return a || b; }
};
}  // namespace detail

/// Rules: stops when one of them would (the largest score). Schedules: probes where one of them would.
template <class... Parts>
class any_of : public detail::combination<detail::any_fold, Parts...> {
 public:
  using detail::combination<detail::any_fold, Parts...>::combination;
};

template <class... Parts>
any_of(const Parts&...) -> any_of<Parts...>;

}  // namespace v0
}  // namespace lagom
