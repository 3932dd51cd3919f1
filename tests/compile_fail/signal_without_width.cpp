// expect: signal: needs `static constexpr std::size_t width`
// SPDX-License-Identifier: MIT
#include <lagom/signal/features.hpp>

struct widthless {
  static constexpr std::string_view name = "widthless";
#ifdef WITHOUT_FAULT
  static constexpr std::size_t width = 1;
#endif
  static constexpr lagom::need needs = lagom::need::none;
  void operator()(const auto&, const auto&, float* out) const noexcept { out[0] = 0; }
};
static_assert(lagom::check_signal<widthless>::value);
