// SPDX-License-Identifier: MIT
/// @file stop/all_of.hpp
#pragma once

#include "combine.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
struct all_fold {
  static constexpr bool start = true;
  static constexpr float first = 3.0e38f;
  LAGOM_LEAF static constexpr float score(float a, float b) noexcept { return b < a ? b : a; }
  LAGOM_LEAF static constexpr bool answer(bool a, bool b) noexcept { return a && b; }
};
}  // namespace detail

/// Rules: stops when all of them would (the smallest score). Schedules: probes where all of them would.
/// ```cpp
/// lagom::all_of{lagom::threshold{0.8f}, lagom::patience{2, 1}}      // confident and settled
/// lagom::all_of{lagom::not_before{4}, lagom::every_nth{2}}          // layers 4, 6, 8, ...
/// ```
template <class... Parts>
class all_of : public detail::combination<detail::all_fold, Parts...> {
 public:
  using detail::combination<detail::all_fold, Parts...>::combination;
};

template <class... Parts>
all_of(const Parts&...) -> all_of<Parts...>;

}  // namespace v0
}  // namespace lagom
